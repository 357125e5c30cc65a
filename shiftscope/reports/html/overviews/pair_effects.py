"""The effect of every pair of sites on every question, as arrays: no object is made for a pair."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from shiftscope.diagnosis import LIMITS, PairVerdict
from shiftscope.diagnosis.calibration import load_calibration, name_of
from shiftscope.measures.question_names import CONCEPT
from shiftscope.shifts import SiteStatistics
from shiftscope.shifts.adjustments.adjusted_axes import Pairs, adjusted_axes
from shiftscope.shifts.axis_differences import AxisDifferences
from shiftscope.shifts.units import capped

__all__ = ["PairEffects"]

_BLOCK = 10_000  # pairs that are compared at once: some ten megabytes an axis
_WITH_LESION, _WITHOUT_LESION = "intensity", "intensity_outside"


@dataclass(frozen=True, slots=True)
class PairEffects:
    """How far all pairs of N sites lie apart.

    Attributes:
        sites: their names, in the order given.
        questions: question -> (N, N) squared distances in within-site standard deviations, symmetric, 0 on the
            diagonal, NaN where the question could not be asked: the largest effect on an axis of the question. Only
            questions that could be asked of some pair. Of label meaning, where it is called, those of the pairs of
            which it is, and 0 elsewhere.
        doubt: (N, N) p values of no difference beyond its margin, of any question but label meaning, times the number
            of axes that were looked at; 1 where none was, and on the diagonal.
    """

    sites: tuple[str, ...]
    questions: Mapping[str, np.ndarray]
    doubt: np.ndarray

    @classmethod
    def of(cls, sites: Sequence[SiteStatistics], pairs: Sequence[PairVerdict]) -> Self:
        """Compare all pairs, block by block, in the unit of all sites, as `compare_all` does.

        Args:
            sites: N, of different names.
            pairs: verdicts, of which only those count that call another meaning of labels.
        """
        names = tuple(site.site for site in sites)
        first, second = np.triu_indices(len(sites), k=1)
        within, asked = capped(sites), _names_by_question()
        effects = {question: np.full((len(sites), len(sites)), np.nan) for question in asked}
        doubt = np.ones((len(sites), len(sites)))
        for start in range(0, len(first), _BLOCK):
            i, j = first[start : start + _BLOCK], second[start : start + _BLOCK]
            block = _Block.of(adjusted_axes(sites, (i, j), within), (i, j), asked)
            for question, largest in block.largest.items():
                effects[question][i, j] = effects[question][j, i] = largest
            doubt[i, j] = doubt[j, i] = block.doubt
        known = {question: found for question, found in effects.items() if not np.isnan(found).all()}
        for found in known.values():
            np.fill_diagonal(found, 0.0)
        concept = _called(names, pairs, CONCEPT)
        return cls(names, {**known, CONCEPT: concept} if concept.any() else known, doubt)

    def asked(self, question: str) -> int:
        """Pairs of which a question could be asked; 0 of label meaning, which is not compared here."""
        if question == CONCEPT or question not in self.questions:
            return 0
        return int(np.isfinite(self.questions[question][np.triu_indices(len(self.sites), k=1)]).sum())

    @property
    def together(self) -> np.ndarray:
        """(N, N) the sum over all questions that could be asked of a pair: effects are squared distances and add up;
        NaN where none could be."""
        effects = np.stack([*self.questions.values()])
        return np.where(np.isnan(effects).all(axis=0), np.nan, np.nansum(effects, axis=0))

    @property
    def distance(self) -> np.ndarray:
        """(N, N) the roots of `together`; sites that could not be compared are as far apart as any."""
        together = self.together
        return np.sqrt(np.where(np.isnan(together), np.nanmax(together), together))


@dataclass(frozen=True, slots=True)
class _Block:
    """Of m pairs: question -> the largest effects (m,) on its axes, NaN where there is none; and `doubt` (m,)."""

    largest: Mapping[str, np.ndarray]
    doubt: np.ndarray

    @classmethod
    def of(cls, compared: Mapping[str, AxisDifferences], pairs: Pairs, asked: Mapping[str, Collection[str]]) -> Self:
        """From all axes. The lesion itself is no part of what a scanner makes of an image: where the brightness is
        known away from masks, that counts, as in a verdict."""
        count = len(pairs[0])
        largest = {question: np.full(count, np.nan) for question in asked}
        smallest, axes = np.ones(count), np.zeros(count)
        elsewhere = compared[_WITHOUT_LESION]
        outside = elsewhere.rows[_enough(elsewhere, pairs)]
        for axis, found in compared.items():
            question = next((question for question, names in asked.items() if name_of(axis) in names), None)
            if question is None or not len(found.rows):
                continue
            counts = _enough(found, pairs)
            if axis == _WITH_LESION:
                counts &= ~np.isin(found.rows, outside)
            rows, distributions = found.rows[counts], found.distributions.at_rows(np.flatnonzero(counts))
            largest[question][rows] = np.fmax(largest[question][rows], distributions.value)
            smallest[rows] = np.minimum(smallest[rows], 1 - distributions.exceeds(LIMITS.margin[question]))
            axes[rows] += 1
        return cls(largest, np.minimum(smallest * np.maximum(axes, 1), 1.0))


def _names_by_question() -> dict[str, set[str]]:
    """Question -> what its calibrated models call the axes that they look at."""
    found: dict[str, set[str]] = {}
    for model in load_calibration().answers:
        found.setdefault(model.question, set()).update(term.axis for term in model.terms)
    return found


def _enough(found: AxisDifferences, pairs: Pairs) -> np.ndarray:
    """(k,) whether both sites of a pair measured the axis on as many patients as a verdict asks for."""
    fewest = np.minimum(found.n[pairs[0][found.rows]], found.n[pairs[1][found.rows]])
    return np.asarray(fewest >= LIMITS.enough)


def _called(names: Sequence[str], pairs: Sequence[PairVerdict], question: str) -> np.ndarray:
    """(N, N) effects of the pairs that are called on a question, 0 elsewhere."""
    place = {name: index for index, name in enumerate(names)}
    out = np.zeros((len(names), len(names)))
    for pair in pairs:
        answer = pair.axes[question]
        if answer.called and pair.a in place and pair.b in place:
            out[place[pair.a], place[pair.b]] = out[place[pair.b], place[pair.a]] = answer.effect or 0.0
    return out
