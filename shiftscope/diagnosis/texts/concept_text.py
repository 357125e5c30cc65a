"""Whether the same labels mean the same, in sentences: they do not, they do, or it cannot be told and why."""

from collections.abc import Sequence

from shiftscope.diagnosis.axis_verdicts import AxisVerdict
from shiftscope.diagnosis.texts.answer_text import effects_text, where
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.measures.plain_names import plain_name
from shiftscope.shifts import ClassContrast

__all__ = ["REHEARSE", "labels_alike", "labels_differ"]

REHEARSE = (
    "`shiftscope rehearse` decides it: where labels differ, a head of its own does better there than a shared one"
)
"""What answers where profiles cannot."""


def labels_differ(site: str, whom: str, answers: Sequence[AxisVerdict], n: tuple[int, int]) -> str:
    """A site whose labels mean something else than at others, who are named in `whom`."""
    classes = {answer.classes for answer in answers}
    which = " and ".join(f"'{label}'" for label in classes.pop()) if len(classes) == 1 else "its classes"
    axis = plain_name(answers[0].axis or "")
    return (
        f"the same labels mean something else at '{site}' than at {whom}: there {which} do not lie apart as they do"
        f" elsewhere ({axis}), by more than other images can explain: {effects_text(answers, n)}"
    )


def labels_alike(
    least_certain: tuple[str, str],
    contrast: ClassContrast,
    answer: AxisVerdict,
    n: tuple[int, int],
    pairs: tuple[int, int],
    unasked: int,
) -> str:
    """What can be ruled out where no pair was called, or why nothing can be.

    Args:
        least_certain: the pair of which least can be said.
        contrast: of its classes.
        answer: of that pair.
        n: its patients, of known class.
        pairs: of how many nothing can be said, and of how many it was asked.
        unasked: pairs of which it could not be asked.
    """
    hidden, asked = pairs
    numbers = f"{effects_text([answer], n)}; {number(answer.detectable or 0.0)} or more would have been detected"
    mixed = f"labels that meant nothing at one of them would make {number(contrast.common)}"
    if answer.hidden:
        place = where(least_certain, hidden, asked)
        differ = contrast.effect.detectable() <= contrast.common
        reason = "images differ too much" if differ else "patients are too few, or classes look too much alike"
        says = f"whether the same labels mean the same cannot be told {place}: {reason}: {numbers}, {mixed}; {REHEARSE}"
    else:
        place = where(least_certain, asked, asked)
        says = f"the same labels mean the same, as far as can be seen, {place}: {numbers} (80 % power), {mixed}"
    return f"{says}; {unasked} more pairs could not be asked" if unasked else says
