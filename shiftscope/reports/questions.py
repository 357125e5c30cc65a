"""The five questions for people who did not write the program, and what the literature calls them.

The names are those of Castro, Walker and Glocker (2020), Causality matters in medical imaging, Nature Communications
11, doi:10.1038/s41467-020-17478-w. Population shift (other patients) and manifestation shift (a disease that shows
itself otherwise) cannot be separated by aggregates of images and masks: both show as structure. Concept shift is named
by Moreno-Torres et al. (2012), Pattern Recognition 45, doi:10.1016/j.patcog.2011.06.019.
"""

from dataclasses import dataclass

from shiftscope.measures.question_names import CONCEPT, LITERATURE

__all__ = ["QUESTIONS", "SOURCE", "Question", "question_heading", "question_name"]

SOURCE = "Castro, Walker and Glocker 2020, doi:10.1038/s41467-020-17478-w"
"""Where the names of the literature stand, but for concept shift."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        name: what it is called in every sheet.
        known_as: the kind of shift that the literature knows: "acquisition shift".
        asks: what it asks.
        helps: what helps where the answer is yes.
    """

    name: str
    known_as: str
    asks: str
    helps: str

    @property
    def title(self) -> str:
        """The name at the head of a section."""
        return f"{self.name[0].upper()}{self.name[1:]}"

    @property
    def literature(self) -> str:
        """The literature's name without the word "shift"."""
        return self.known_as.removesuffix(" shift")


QUESTIONS: dict[str, Question] = {
    "appearance": Question(
        "appearance",
        LITERATURE["appearance"],
        "Would the same patient look different at another site: scanner, protocol, storage?",
        "harmonizing the images",
    ),
    "structure": Question(
        "structure",
        LITERATURE["structure"],
        "Do the sites see other anatomy, framing, or lesions of another size, shape or place?",
        "a model that adapts to each site",
    ),
    "label": Question(
        "class prevalence",
        LITERATURE["label"],
        "Is a diagnosis more common at one site than at another?",
        "metrics that count every class alike",
    ),
    "annotation": Question(
        "annotation",
        LITERATURE["annotation"],
        "Are contours drawn differently: wider, tighter, rougher?",
        "a last layer of its own for each site",
    ),
    CONCEPT: Question(
        "label meaning",
        LITERATURE[CONCEPT],
        "Do the same labels mean the same, or do images that look alike carry other labels at another site?",
        "a last layer of its own for each site; a rehearsal says whether it pays",
    ),
}
"""Key of a question in documents -> its words, in the order of the diagnosis."""


def question_name(key: str) -> str:
    """What a question is called; the key itself where it is none of the five."""
    return QUESTIONS[key].name if key in QUESTIONS else key


def question_heading(key: str) -> str:
    """A question with the literature's name: "class prevalence (prevalence shift)"; or what serves the questions."""
    if key in QUESTIONS:
        return f"{QUESTIONS[key].name} ({QUESTIONS[key].known_as})"
    return "features, which show what each harmonizer would remove" if key == "features" else key
