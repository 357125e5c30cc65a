"""Measures that moved, in words and units that a person knows."""

from collections.abc import Sequence

import numpy as np

from shiftscope.diagnosis.causes.measure_differences import Move
from shiftscope.diagnosis.texts.phrases import counted, number, others, span
from shiftscope.measures import MEASURES

__all__ = ["of_moves"]

_SIZES = ((0.474, "large"), (0.33, "medium"), (0.147, "small"), (0.0, "negligible"))
"""Least Cliff's delta of each word, from Romano et al. 2006 (Annual meeting of the Florida Association of Institutional
Research)."""


def of_moves(moves: Sequence[Move], deltas: Sequence[float], also: Sequence[Sequence[Move]], of: int) -> str:
    """How one measure differs at a site from one other or several, and what moves with it.

    Args:
        moves: of one measure in one direction, the odd site always second.
        deltas: Cliff's delta of the weakest of them, and of the strongest.
        also: the same for every other measure of the cause.
        of: how many other sites there are.
    """
    patients = counted((sum(move.n[0] for move in moves), moves[0].n[1]))
    told = _against_one(moves) if len(moves) == 1 else _against_several(moves, of)
    said = f"{told}, 95 % {_interval(moves)}, {patients}, {_size(deltas)}{_reading(moves[0])}"
    return f"{said}; with it {', '.join(_change(item) for item in also)}" if also else said


def _against_one(moves: Sequence[Move]) -> str:
    other, site = moves[0].sites
    noun = _noun(moves[0].measure)
    if _is_log(moves[0]):
        return f"{noun} at '{site}' is {_amount(moves)} that at '{other}'"
    return f"{noun} is {_amount(moves)} at '{site}' than at '{other}'{_means(moves)}"


def _against_several(moves: Sequence[Move], of: int) -> str:
    whom = others([move.sites[0] for move in moves], of)
    amount = f"{_amount(moves)} theirs" if _is_log(moves[0]) else f"{_amount(moves)}{_means(moves)}"
    return f"'{moves[0].sites[1]}' against {whom}: {_noun(moves[0].measure)} is {amount}"


def _size(deltas: Sequence[float]) -> str:
    """Cliff's deltas, without their sign, and the word for the smallest of them."""
    sizes = [abs(delta) for delta in deltas]
    word = next(word for least, word in _SIZES if min(sizes) >= least)
    return f"Cliff's delta {span(sizes)} ({word})"


def _is_log(move: Move) -> bool:
    return MEASURES[move.measure].unit.startswith("log")


def _noun(measure: str) -> str:
    name = measure.removeprefix("log_").removesuffix("_3d")
    for suffix, words in (("_outside", " away from the mask"), ("_mm2", " in mm2"), ("_mm3", " in mm3")):
        if name.endswith(suffix):
            name = name.removesuffix(suffix) + words
    return name.replace("_", " ")


def _amount(moves: Sequence[Move]) -> str:
    if _is_log(moves[0]):
        return f"{span([float(np.exp(move.gap)) for move in moves])} times"
    unit = MEASURES[moves[0].measure].unit
    way = "higher" if moves[0].up else "lower"
    return f"{span([abs(move.gap) for move in moves])}{'' if unit == '1' else f' {unit}'} {way}"


def _means(moves: Sequence[Move]) -> str:
    """The means behind a difference."""
    return f" ({number(moves[0].means[1])} against {span([move.means[0] for move in moves])})"


def _interval(moves: Sequence[Move]) -> str:
    """From the lowest end to the highest, told in the direction of the difference."""
    low, high = min(move.low for move in moves), max(move.high for move in moves)
    if _is_log(moves[0]):
        low, high = float(np.exp(low)), float(np.exp(high))
    elif not moves[0].up:
        low, high = -high, -low
    return f"[{number(low)}, {number(high)}]"


def _reading(move: Move) -> str:
    """What the measure's own words say of this direction: "higher: masks drawn inside the edge"."""
    way = "higher:" if move.up else "lower:"
    for part in MEASURES[move.measure].direction.split(";"):
        if part.strip().startswith(way):
            return f": {part.strip().removeprefix(way).strip()}"
    return ""


def _change(moves: Sequence[Move]) -> str:
    if _is_log(moves[0]):
        return f"{_noun(moves[0].measure)} ({_amount(moves)})"
    gap = float(np.mean([move.gap for move in moves]))
    return f"{_noun(moves[0].measure)} ({'+' if gap > 0 else '-'}{number(abs(gap))})"
