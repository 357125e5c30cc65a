"""The effects of many comparisons on one axis, as arrays: for judging more pairs than there can be objects of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from shiftscope.measures import AXES
from shiftscope.shifts.axis_differences import LABELS, AxisDifferences
from shiftscope.shifts.effect_distributions import EffectDistribution, stack
from shiftscope.shifts.effects import Effect, Shift

__all__ = ["AxisEffects", "effects_by_axis"]


@dataclass(frozen=True, slots=True)
class AxisEffects:
    """Effects on one axis, of those of m comparisons that have it.

    Attributes:
        axis: a key of `AXES`, or "labels".
        question: what a difference speaks of.
        rows: (k,) which of the comparisons, rising.
        distributions: fields (k,).
        values: (k,) the effects.
        n: (k, 2) patients at either site.
        held: (k,) what was held equal, "" for nothing.
        explained: (k,) how much of the effect that took away.
    """

    axis: str
    question: str
    rows: np.ndarray
    distributions: EffectDistribution
    values: np.ndarray
    n: np.ndarray
    held: np.ndarray
    explained: np.ndarray

    @classmethod
    def of_pairs(cls, found: AxisDifferences, pairs: tuple[np.ndarray, np.ndarray]) -> Self:
        """Of pairs of sites, by their places (m,) and (m,)."""
        n = np.stack([found.n[places[found.rows]] for places in pairs], axis=1)
        distributions = found.distributions
        return cls(
            found.axis, found.question, found.rows, distributions, distributions.value, n, found.held, found.explained
        )

    @classmethod
    def of_effects(cls, axis: str, effects: Sequence[tuple[int, Effect]]) -> Self:
        """Of comparisons that were made one by one, one at the least, by their rows."""
        distributions = stack([effect.distribution for _, effect in effects])
        held = np.empty(len(effects), dtype=object)
        held[:] = [effect.held for _, effect in effects]
        return cls(
            axis=axis,
            question=effects[0][1].question,
            rows=np.array([row for row, _ in effects]),
            distributions=distributions,
            values=distributions.value,
            n=np.array([effect.n for _, effect in effects]),
            held=held,
            explained=np.array([effect.explained for _, effect in effects]),
        )


def effects_by_axis(shifts: Sequence[Shift]) -> list[AxisEffects]:
    """The effects of comparisons, axis by axis in the order of every comparison."""
    found: dict[str, list[tuple[int, Effect]]] = {}
    for row, shift in enumerate(shifts):
        for effect in shift.effects:
            found.setdefault(effect.axis, []).append((row, effect))
    known = [axis for axis in (LABELS, *AXES) if axis in found]
    return [AxisEffects.of_effects(axis, found[axis]) for axis in dict.fromkeys([*known, *found])]
