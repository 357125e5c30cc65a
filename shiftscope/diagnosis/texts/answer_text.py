"""Answers to whole questions in sentences: classes, axes, and what can be ruled out."""

from collections.abc import Sequence

from shiftscope.diagnosis.texts.phrases import counted, number, span
from shiftscope.diagnosis.verdicts import AxisVerdict
from shiftscope.measures.plain_names import plain_name
from shiftscope.measures.question_names import CONCEPT, SUBJECTS
from shiftscope.profiles import Profile

__all__ = ["axis_differs", "classes_differ", "effects_text", "no_shift", "unanswerable", "where"]

_NEEDS = {
    "appearance": "images of enough patients",
    "structure": "masks or features of enough patients",
    "label": "two classes or more",
    "annotation": "masks of enough patients",
    CONCEPT: "two classes in common, each of enough patients",
}
"""Question -> what two sites must have for it to be asked."""

_MOST_SHARES = 3


def classes_differ(sites: Sequence[Profile], answers: Sequence[AxisVerdict], n: tuple[int, int]) -> str:
    """Shares of the classes at a site, which comes first, against those at others."""
    shown = [f"{_shares(profile)} at '{profile.site}'" for profile in sites[: 1 + _MOST_SHARES]]
    more = len(sites) - len(shown)
    rest = f" and {more} sites more" if more > 0 else ""
    return f"class prevalence differs: {' against '.join(shown)}{rest}, {effects_text(answers, n)}"


def axis_differs(axis: str, site: str, whom: str, answers: Sequence[AxisVerdict], n: tuple[int, int]) -> str:
    """An axis that differs between a site and others, who are named in `whom`."""
    numbers = effects_text(answers, n)
    return f"'{site}' differs from {whom} in {plain_name(axis)}: {numbers}; no single measure stands for it"


def no_shift(
    question: str,
    least_certain: tuple[str, str],
    answer: AxisVerdict,
    n: tuple[int, int],
    detectable: float | None,
    pairs: tuple[int, int],
) -> str:
    """How large a shift is left possible where none was called.

    Args:
        question: which.
        least_certain: the pair whose interval reaches highest.
        answer: of that pair.
        n: patients of that pair.
        detectable: the largest of the smallest effects that would have been detected.
        pairs: how many were asked, and how many could not be.
    """
    asked, unasked = pairs
    place = where(least_certain, asked, asked)
    numbers = effects_text([answer], n)
    says = f"no shift in {SUBJECTS[question]} that counts {place}: {numbers}"
    if answer.disputed:
        says = (
            f"whether there is a shift in {SUBJECTS[question]} cannot be decided {place}: {numbers}, which the other"
            " shifts between them can explain"
        )
    elif detectable is not None:
        says += f"; a shift of {number(detectable)} or more would have been detected (80 % power)"
    return f"{says}; {unasked} more pairs could not be asked" if unasked else says


def unanswerable(question: str) -> str:
    """What is missing where a question could be asked of no pair."""
    return f"nothing can be said of {SUBJECTS[question]}: no two sites have {_NEEDS[question]}"


def where(least_certain: tuple[str, str], pairs: int, of: int) -> str:
    """Of how many pairs something is said, and which of them is the least certain."""
    one, other = least_certain
    place = f"between '{one}' and '{other}'"
    if of == 1:
        return place
    return f"in any of {of} pairs, least certain {place}" if pairs == of else f"in {pairs} of {of} pairs, one {place}"


def effects_text(answers: Sequence[AxisVerdict], n: tuple[int, int]) -> str:
    """Effects with the ends of their intervals, and of how many patients."""
    low, high = min(answer.low or 0.0 for answer in answers), max(answer.high or 0.0 for answer in answers)
    effect = span([answer.effect or 0.0 for answer in answers])
    return f"effect {effect}, 95 % [{number(low)}, {number(high)}], {counted(n)}"


def _shares(profile: Profile) -> str:
    shares = ", ".join(
        f"{label} {count / profile.labelled:.0%}" if isinstance(count, int) else f"{label} {count}"
        for label, count in profile.labels.items()
    )
    return f"{shares} of {profile.labelled}"
