"""Measures that differ, in sentences and in units that a person knows."""

from collections.abc import Sequence

import numpy as np

from shiftscope.diagnosis.causes.measure_differences import MeasureDifference
from shiftscope.diagnosis.texts.phrases import counted, number, others, span
from shiftscope.measures import MEASURES

__all__ = ["describe_difference"]

_SIZES = ((0.474, "large"), (0.33, "medium"), (0.147, "small"), (0.0, "negligible"))
"""Least Cliff's delta of each size, from Romano et al. 2006 (Annual meeting of the Florida Association of Institutional
Research)."""

Contrasts = Sequence[MeasureDifference]
"""Of one measure in one direction, against one other site or several, the site that stands out always last."""


def describe_difference(differences: Contrasts, deltas: Sequence[float], also: Sequence[Contrasts], of: int) -> str:
    """How one measure differs at a site from one other or several, and what differs with it.

    Args:
        differences: of the measure.
        deltas: Cliff's delta of the weakest of them, and of the strongest.
        also: the same for every other measure of the cause.
        of: how many other sites there are.
    """
    patients = counted((sum(one.n[0] for one in differences), differences[0].n[1]))
    amount = _against_one(differences) if len(differences) == 1 else _against_several(differences, of)
    says = f"{amount}, 95 % {_interval(differences)}, {patients}, {_size(deltas)}{_reading(differences[0])}"
    return f"{says}; with it {', '.join(_change(item) for item in also)}" if also else says


def _against_one(differences: Contrasts) -> str:
    other, site = differences[0].sites
    noun = _noun(differences[0].measure)
    if _is_log(differences[0]):
        return f"{noun} at '{site}' is {_amount(differences)} that at '{other}'"
    return f"{noun} is {_amount(differences)} at '{site}' than at '{other}'{_means(differences)}"


def _against_several(differences: Contrasts, of: int) -> str:
    whom, amount = others([one.sites[0] for one in differences], of), _amount(differences)
    amount += " theirs" if _is_log(differences[0]) else _means(differences)
    return f"'{differences[0].sites[1]}' against {whom}: {_noun(differences[0].measure)} is {amount}"


def _size(deltas: Sequence[float]) -> str:
    """Cliff's deltas, without their sign, and what the smallest of them is called."""
    sizes = [abs(delta) for delta in deltas]
    size = next(name for least, name in _SIZES if min(sizes) >= least)
    return f"Cliff's delta {span(sizes)} ({size})"


def _is_log(difference: MeasureDifference) -> bool:
    return MEASURES[difference.measure].unit.startswith("log")


def _noun(measure: str) -> str:
    name = measure.removeprefix("log_").removesuffix("_3d")
    for suffix, text in (("_outside", " away from the mask"), ("_mm2", " in mm2"), ("_mm3", " in mm3")):
        if name.endswith(suffix):
            name = name.removesuffix(suffix) + text
    return name.replace("_", " ")


def _amount(differences: Contrasts) -> str:
    if _is_log(differences[0]):
        return f"{span([float(np.exp(one.gap)) for one in differences])} times"
    unit = MEASURES[differences[0].measure].unit
    direction = "higher" if differences[0].up else "lower"
    return f"{span([abs(one.gap) for one in differences])}{'' if unit == '1' else f' {unit}'} {direction}"


def _means(differences: Contrasts) -> str:
    """The means behind a difference."""
    return f" ({number(differences[0].means[1])} against {span([one.means[0] for one in differences])})"


def _interval(differences: Contrasts) -> str:
    """From the lowest end to the highest, in the direction of the difference."""
    low, high = min(one.low for one in differences), max(one.high for one in differences)
    if _is_log(differences[0]):
        low, high = float(np.exp(low)), float(np.exp(high))
    elif not differences[0].up:
        low, high = -high, -low
    return f"[{number(low)}, {number(high)}]"


def _reading(difference: MeasureDifference) -> str:
    """What the measure itself says of this direction: "higher: masks drawn inside the edge"."""
    direction = "higher:" if difference.up else "lower:"
    for part in MEASURES[difference.measure].direction.split(";"):
        if part.strip().startswith(direction):
            return f": {part.strip().removeprefix(direction).strip()}"
    return ""


def _change(differences: Contrasts) -> str:
    if _is_log(differences[0]):
        return f"{_noun(differences[0].measure)} ({_amount(differences)})"
    gap = float(np.mean([one.gap for one in differences]))
    return f"{_noun(differences[0].measure)} ({'+' if gap > 0 else '-'}{number(abs(gap))})"
