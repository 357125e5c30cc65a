"""The four questions: what a person calls their subject, and what the literature calls the shift they ask about.

Castro, Walker and Glocker (2020, doi:10.1038/s41467-020-17478-w) name a shift after the step at which sites differ,
from the patient to the label. Acquisition shift: another scanner or protocol. Population shift: other patients.
Manifestation shift: the same disease shows in another way. Prevalence shift: other shares of the classes. Annotation
shift: other annotators or rules.
"""

__all__ = ["LITERATURE", "QUESTIONS", "SUBJECTS"]

QUESTIONS = ("appearance", "structure", "label", "annotation")
"""The questions, in the order of every answer; keys of documents."""

SUBJECTS: dict[str, str] = {
    "appearance": "appearance",
    "structure": "structure",
    "label": "class prevalence",
    "annotation": "the way masks are drawn",
}
"""Question -> what it is about, in a sentence: "no shift in class prevalence"."""

LITERATURE: dict[str, str] = {
    "appearance": "acquisition shift",
    "structure": "population or manifestation shift",
    "label": "prevalence shift",
    "annotation": "annotation shift",
}
"""Question -> its name in Castro, Walker and Glocker (2020)."""
