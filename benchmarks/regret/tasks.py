"""What federations are trained for; scores of one task are never averaged with another's. Nothing is printed."""

from dataclasses import dataclass

__all__ = ["TASKS", "Task"]


@dataclass(frozen=True, slots=True)
class Task:
    """How results of one task are called.

    Attributes:
        metric: in files.
        shown: the metric, for people.
        heading: of its page.
        suffix: of its folder of results, and of its scenario.
        head: weights of a head of one output, the constant included.
    """

    metric: str
    shown: str
    heading: str
    suffix: str
    head: int


TASKS = {
    "classification": Task("auroc", "AUROC", "classes", "", 1281),
    "segmentation": Task("dice", "Dice", "outlines", "-outlines", 497),
}
"""As `Federation.task` names them."""
