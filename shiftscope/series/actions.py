"""What to do about a change: one line each."""

from shiftscope.measures.question_names import CONCEPT

__all__ = ["ACTIONS"]

ACTIONS: dict[str, tuple[str, str]] = {
    "appearance": (
        "refit_harmonizer",
        "the acquisition changed: refit this site's harmonizer only; the model and all other sites stay as they are",
    ),
    "structure": (
        "personalize_again",
        "other patients, lesions or framing: personalize this site's model again; no harmonizer mends it",
    ),
    "label": (
        "recalibrate",
        "classes are more or less common: recalibrate this site's outputs; images and model stay as they are",
    ),
    "annotation": (
        "review_annotation",
        "masks are drawn otherwise: review the annotators' protocol before anything is trained on them",
    ),
    CONCEPT: (
        "review_labels",
        "labels mean something else: review who labels and by what rule before anything is trained on them; a rehearsal"
        " says whether a head of its own pays",
    ),
}
"""Question -> what to do as a keyword, and in a sentence."""
