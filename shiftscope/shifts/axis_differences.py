"""Estimate: how far the means of sites lie apart on one axis, in the axis's unit.

Two hospitals measure two numbers of 50 patients each. Within either hospital the first number has a standard deviation
of 2, the second of 1. The means are (2, 0) and (0, 0), so the difference is (2, 0): one within-site standard deviation
along the first number, a squared distance of 1. Chance alone makes 1/50 + 1/50 a number, .08 for both. With what is
taken off for having estimated the unit from the same patients, an effect of .9 is left.

    >>> from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
    >>> from shiftscope.stats import Moments
    >>> east, west = (Moments(50, np.array(mean), np.diag([4.0, 1.0])) for mean in ((2.0, 0.0), (0.0, 0.0)))
    >>> unit = WithinSiteCovariance.of([east, west])
    >>> pair = np.array([0]), np.array([1])
    >>> found = AxisDifferences.of("intensity", MomentTable.of([east, west]), pair, lambda width: unit)
    >>> found.differences.delta
    array([[2., 0.]])
    >>> [round(float(number), 2) for number in (found.distributions.distance[0], found.distributions.noise[0])]
    [1.0, 0.08]
    >>> round(float(found.distributions.value[0]), 1)
    0.9
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, Self

import numpy as np

from shiftscope.measures import AXES
from shiftscope.shifts.differences import Differences, MomentTable, plain
from shiftscope.shifts.effect_distributions import EffectDistribution
from shiftscope.shifts.label_counts import LabelTable, label_distributions
from shiftscope.shifts.units import UnitAtWidth

__all__ = ["LABELS", "AxisDifferences"]

LABELS = "labels"
"""The axis of class prevalence, which no image has a part in."""


class _Measured(Protocol):
    """Measures differences in the unit of an axis."""

    def distributions(self, differences: Differences) -> EffectDistribution:
        """The distributions of their squared distances."""

    def values(self, differences: Differences) -> np.ndarray:
        """Their effects alone."""


@dataclass(frozen=True, slots=True)
class _InUnit:
    """In the within-site covariance."""

    unit_at: UnitAtWidth

    def distributions(self, differences: Differences) -> EffectDistribution:
        return differences.distributions(self.unit_at)

    def values(self, differences: Differences) -> np.ndarray:
        return differences.values(self.unit_at)


@dataclass(frozen=True, slots=True)
class _InClasses:
    """In the variance of the classes within sites."""

    def distributions(self, differences: Differences) -> EffectDistribution:
        return label_distributions(differences)

    def values(self, differences: Differences) -> np.ndarray:
        return label_distributions(differences).value


@dataclass(frozen=True)
class AxisDifferences:
    """The differences on one axis, of all pairs that have it.

    Attributes:
        axis: a key of `AXES`, or "labels".
        n: (N,) patients of each site.
        rows: (k,) which of the pairs.
        differences: theirs.
        measured: in the axis's unit.
        held: (k,) what was held equal, "" for nothing.
        explained: (k,) how much of the effect that took away.
    """

    axis: str
    n: np.ndarray
    rows: np.ndarray
    differences: Differences
    measured: _Measured
    held: np.ndarray
    explained: np.ndarray

    @classmethod
    def of(
        cls,
        axis: str,
        table: MomentTable,
        pairs: tuple[np.ndarray, np.ndarray],
        unit_at: UnitAtWidth,
    ) -> Self:
        """Nothing held equal; pairs of which a site lacks the axis, or where no patient varies, have no difference.

        Args:
            axis: a key of `AXES`.
            table: moments of N sites.
            pairs: places of the first and of the second sites, (m,) and (m,).
            unit_at: width -> the unit at that width.
        """
        varies = table.variance
        i, j = pairs
        rows = np.flatnonzero((table.width[i] > 0) & (table.width[j] > 0) & (varies[i] + varies[j] > 0))
        return cls._plain(axis, table.n, rows, plain(table, i[rows], j[rows]), _InUnit(unit_at))

    @classmethod
    def of_labels(cls, labels: LabelTable, pairs: tuple[np.ndarray, np.ndarray]) -> Self:
        """Class prevalence, in the variance of the classes within sites."""
        rows, differences = labels.differences(*pairs)
        return cls._plain(LABELS, labels.total.astype(int), rows, differences, _InClasses())

    @classmethod
    def _plain(cls, axis: str, n: np.ndarray, rows: np.ndarray, differences: Differences, measured: _Measured) -> Self:
        held, explained = np.full(len(rows), "", dtype=object), np.zeros(len(rows))
        return cls(axis, n, rows, differences, measured, held, explained)

    @property
    def question(self) -> str:
        """What a difference speaks of."""
        return "label" if self.axis == LABELS else AXES[self.axis].question

    @cached_property
    def distributions(self) -> EffectDistribution:
        """Those of the squared distances of `differences`, fields (k,)."""
        return self.measured.distributions(self.differences)

    @cached_property
    def values(self) -> np.ndarray:
        """(k,) the effects, for less than their distributions take."""
        return self.measured.values(self.differences)

    def holding(self, rows: np.ndarray, differences: Differences, what: str) -> Self:
        """With some differences replaced by what is left of them when something is held equal.

        Args:
            rows: (r,) which of the k differences.
            differences: (r,) what is left, on the same coordinates, or on the leading ones.
            what: is held equal.
        """
        narrower = bool(np.any(differences.width < self.differences.width[rows]))
        whole = (
            self.measured.values(self.differences.at(rows).leading(differences.width))
            if narrower
            else self.values[rows]
        )
        left = self.measured.values(differences)
        explained, held = self.explained.copy(), self.held.copy()
        explained[rows] += np.maximum(whole - left, 0.0)
        before = held[rows]
        held[rows] = np.where(before == "", what, before + f" and {what}")
        return replace(self, differences=self.differences.put(rows, differences), held=held, explained=explained)

    def chosen(self, axis: str, n: np.ndarray, rows: np.ndarray, places: np.ndarray) -> Self:
        """Some of the differences, as those of another axis.

        Args:
            axis: what it is called.
            n: (N,) patients of each site.
            rows: (r,) which of the pairs they are now.
            places: (r,) which of the k differences.
        """
        return replace(
            self,
            axis=axis,
            n=n,
            rows=rows,
            differences=self.differences.at(places),
            held=self.held[places],
            explained=self.explained[places],
        )
