"""The strongest case for one question in each of many comparisons, as arrays, and what it proves among all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from shiftscope.diagnosis.axis_verdicts import AxisVerdict, Limits
from shiftscope.diagnosis.calibration import Calibration, ShiftProbabilities, name_of, probability_table, signal_table
from shiftscope.shifts.effect_distributions import LEVEL, POWER, EffectDistribution, joined
from shiftscope.shifts.many_sites.axis_effects import AxisEffects
from shiftscope.stats import holm

__all__ = ["JudgedEffects", "StrongestEffects", "judged_together", "strongest_effects"]


@dataclass(frozen=True, slots=True)
class StrongestEffects:
    """The strongest case for one question, of k comparisons that could be asked.

    Attributes:
        rows: (k,) which comparisons, rising.
        axis: (k,) the axis with the most evidence.
        distributions: fields (k,), of the effect on it.
        values: (k,) that effect.
        n: (k, 2) patients at either site.
        held: (k,) what was held equal.
        probability: (k,) of the shift.
        contested: (k,) whether other shifts can explain some of the evidence.
        choices: (k,) how many effects it was chosen from.
    """

    rows: np.ndarray
    axis: np.ndarray
    distributions: EffectDistribution
    values: np.ndarray
    n: np.ndarray
    held: np.ndarray
    probability: np.ndarray
    contested: np.ndarray
    choices: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Self], starts: Sequence[int]) -> Self:
        """Of several blocks of comparisons, whose rows begin at `starts`."""
        return cls(
            np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=True)]),
            np.concatenate([part.axis for part in parts]),
            joined([part.distributions for part in parts]),
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("values", "n", "held", "probability", "contested", "choices")
            ),
        )


@dataclass(frozen=True)
class JudgedEffects:
    """The strongest cases for one question, judged together with all others.

    Attributes:
        found: the cases, k.
        there: (k,) whether the effect is larger than its margin, family-wise.
        p: (k,) of no difference, corrected likewise.
        probable: probability from which a shift can be called.
    """

    found: StrongestEffects
    there: np.ndarray
    p: np.ndarray
    probable: float

    @cached_property
    def called(self) -> np.ndarray:
        """(k,) whether it counts as a shift."""
        return np.asarray(self.there & (self.found.probability >= self.probable))

    @cached_property
    def disputed(self) -> np.ndarray:
        """(k,) whether the effect is there, and other shifts between the same sites can explain it."""
        return np.asarray(self.there & ~self.called & self.found.contested)

    def verdicts(self, places: np.ndarray) -> list[AxisVerdict]:
        """What is said of some of them, by their places (r,); only these take intervals and power."""
        found = self.found
        distributions = found.distributions.at_rows(places)
        low, high = distributions.interval()
        values = found.values[places]
        columns = (
            (found.probability[places], values, np.minimum(low, values), np.maximum(high, values), self.p[places]),
            (distributions.detectable(0.0, 1 - LEVEL, POWER), found.axis[places], found.held[places]),
            (self.called[places], self.disputed[places]),
        )
        names = ("probability", "effect", "low", "high", "p", "detectable", "axis", "held", "called", "disputed")
        rows = zip(*(column.tolist() for part in columns for column in part), strict=True)
        return [AxisVerdict(**dict(zip(names, row, strict=True))) for row in rows]


def strongest_effects(
    axes: Sequence[AxisEffects], count: int, limits: Limits, calibration: Calibration, near: bool = False
) -> dict[str, StrongestEffects]:
    """Question -> the strongest cases in `count` comparisons.

    Args:
        axes: the effects, axis by axis; of axes with equal evidence and effect the first counts.
        count: of comparisons.
        limits: patients below which an effect does not count.
        calibration: the models.
        near: as `signal_table` takes it.
    """
    answers = probability_table(signal_table(axes, count, near), calibration, count)
    return {question: _strongest(axes, count, answer, limits) for question, answer in answers.items()}


def _strongest(axes: Sequence[AxisEffects], count: int, answer: ShiftProbabilities, limits: Limits) -> StrongestEffects:
    """The effect with the most evidence, the largest of equals, of those measured on enough patients.

    The lesion itself is no part of what a scanner makes of an image: where the brightness is known away from masks,
    that counts.
    """
    known = []
    for place, one in enumerate(axes):
        evidence = answer.evidence.get(name_of(one.axis))
        if evidence is not None:
            enough = (one.n.min(axis=1) >= limits.enough) & ~np.isnan(evidence[one.rows])
            known.append((place, one, evidence[one.rows], enough))
    outside = np.zeros(count, dtype=bool)
    for _, one, _, enough in known:
        if one.axis == "intensity_outside":
            outside[one.rows[enough]] = True
    most, largest = np.full(count, -np.inf), np.full(count, -np.inf)
    chosen, choices = np.full((2, count), -1), np.zeros(count, dtype=int)
    for place, one, evidence, enough in known:
        counts = enough & ~outside[one.rows] if one.axis == "intensity" else enough
        choices[one.rows[counts]] += 1
        before, size = most[one.rows], largest[one.rows]
        better = np.flatnonzero(counts & ((evidence > before) | ((evidence == before) & (one.values > size))))
        rows = one.rows[better]
        most[rows], largest[rows] = evidence[better], one.values[better]
        chosen[:, rows] = np.full(len(rows), place), better
    rows = np.flatnonzero(choices)
    axis, held = np.empty((2, len(rows)), dtype=object)
    fields, n = np.zeros((len(EffectDistribution._fields), len(rows))), np.zeros((len(rows), 2), dtype=int)
    for place, one, _, _ in known:
        here = np.flatnonzero(chosen[0, rows] == place)
        sources = chosen[1, rows[here]]
        axis[here], held[here], n[here] = one.axis, one.held[sources], one.n[sources]
        fields[:, here] = np.array(one.distributions.at_rows(sources))
    return StrongestEffects(
        rows=rows,
        axis=axis,
        distributions=EffectDistribution(*fields),
        values=largest[rows],
        n=n,
        held=held,
        probability=answer.probability[rows],
        contested=answer.disputed[rows] > 0,
        choices=choices[rows],
    )


def judged_together(found: Mapping[str, StrongestEffects], limits: Limits) -> dict[str, JudgedEffects]:
    """Question -> its cases, family-wise over all questions and comparisons.

    "The effect exceeds its margin" holds at the level `limits.alpha`: Holm's procedure on one minus the confidence,
    times the number of axes that the strongest was chosen from. The p of no difference is corrected in the same way.
    """
    margins = [1 - one.distributions.exceeds(limits.margin[question]) for question, one in found.items()]
    choices = np.concatenate([np.zeros(0), *(one.choices for one in found.values())])
    there = holm(np.minimum(np.concatenate([np.zeros(0), *margins]) * choices, 1.0)) < limits.alpha
    p = np.concatenate([np.zeros(0), *(one.distributions.p for one in found.values())])
    tests = holm(np.minimum(p * choices, 1.0))
    ends = np.cumsum([0, *(len(one.rows) for one in found.values())])
    return {
        question: JudgedEffects(one, there[start:end], tests[start:end], limits.probable)
        for (question, one), start, end in zip(found.items(), ends[:-1], ends[1:], strict=True)
    }
