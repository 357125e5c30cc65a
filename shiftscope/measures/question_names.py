"""The five questions: what a person calls their subject, and what the literature calls the shift they ask about.

Castro, Walker and Glocker (2020, doi:10.1038/s41467-020-17478-w) name a shift after the step at which sites differ,
from the patient to the label. Acquisition shift: another scanner or protocol. Population shift: other patients.
Manifestation shift: the same disease shows in another way. Prevalence shift: other shares of the classes. Annotation
shift: other annotators or rules. Concept shift is an older name: images that look alike carry other labels
(Moreno-Torres et al. 2012, doi:10.1016/j.patcog.2011.06.019).
"""

__all__ = ["CONCEPT", "LITERATURE", "QUESTIONS", "SUBJECTS"]

CONCEPT = "concept"
"""The one question that no axis answers by itself: it is asked of how classes lie apart."""

QUESTIONS = ("appearance", "structure", "label", "annotation", CONCEPT)
"""The questions, in the order of every answer; keys of documents."""

SUBJECTS: dict[str, str] = {
    "appearance": "appearance",
    "structure": "structure",
    "label": "class prevalence",
    "annotation": "the way masks are drawn",
    CONCEPT: "what the labels mean",
}
"""Question -> what it is about, in a sentence: "no shift in class prevalence"."""

LITERATURE: dict[str, str] = {
    "appearance": "acquisition shift",
    "structure": "population or manifestation shift",
    "label": "prevalence shift",
    "annotation": "annotation shift",
    CONCEPT: "concept shift",
}
"""Question -> its name in Castro, Walker and Glocker (2020), of the last in Moreno-Torres et al. (2012)."""
