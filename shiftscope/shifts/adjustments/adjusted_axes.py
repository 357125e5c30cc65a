"""Adjust: what is held equal before a difference counts, in which order, for all axes.

The means of two classes lie 2 apart, and patients of one class have a standard deviation of 1 around theirs, at both
sites. The first site has 60 of each, the second 100 and 20. The sites' means then lie 2 (60/120 - 20/120) = .67 apart,
an effect of .2. At equal prevalence they lie 0 apart: all of it was explained by prevalence.

Class prevalence is compared first; where it may differ it is held equal on every axis. The boundary comes next: where
it surely differs, lesions' size and shape are compared as if all contours lay on the edge. Every axis that does not
hold the lesion's area itself is compared at equal area, unless the classes, which go with it, were held equal already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from shiftscope.measures import AXES
from shiftscope.shifts.adjustments.contour_habits import without_habit
from shiftscope.shifts.adjustments.lesion_areas import WithArea
from shiftscope.shifts.adjustments.prevalence import Classes, at_equal_prevalence
from shiftscope.shifts.axis_differences import LABELS, AxisDifferences
from shiftscope.shifts.differences import MomentTable
from shiftscope.shifts.label_counts import LabelTable
from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.shifts.units import UnitAtWidth, unit_at_width

__all__ = ["NEGATIVE", "AdjustedAxes", "Pairs", "adjusted_axes"]

NEGATIVE = "polarity_"
"""Axes on which one site's negatives are compared with the other's upright images."""

_UPRIGHT = "quantile_map_"

_SUSPECTED = 0.05  # a difference of prevalence with a smaller p is held equal before anything else is judged
_SURE = 0.01  # likewise for the contours' habit, whose correction costs structure half its coordinates

Pairs = tuple[np.ndarray, np.ndarray]
"""Places of the first and of the second site of each pair, (m,) and (m,)."""


def adjusted_axes(
    sites: Sequence[SiteStatistics], pairs: Pairs, within: Sequence[SiteStatistics]
) -> dict[str, AxisDifferences]:
    """The differences on every axis, class prevalence first, with those causes held equal that must be.

    Args:
        sites: N.
        pairs: which of them to compare.
        within: whose patients make the units.
    """
    return AdjustedAxes(sites, within).of_pairs(pairs)


@dataclass(frozen=True)
class AdjustedAxes:
    """Sites ready to be compared, whichever pairs of them are: what all pairs share is made once.

    Attributes:
        sites: N.
        within: whose patients make the units.
    """

    sites: Sequence[SiteStatistics]
    within: Sequence[SiteStatistics]

    def of_pairs(self, pairs: Pairs, names: Sequence[str] = tuple(AXES)) -> dict[str, AxisDifferences]:
        """The differences on every axis, class prevalence first, with those causes held equal that must be.

        Args:
            pairs: which of the sites to compare.
            names: of axes, keys of `AXES`; class prevalence always comes with them.
        """
        prevalence = AxisDifferences.of_labels(self._labels, pairs)
        suspected = np.zeros(len(pairs[0]), dtype=bool)
        suspected[prevalence.rows[prevalence.distributions.p < _SUSPECTED]] = True
        needs_boundary = any(AXES[axis].holds_area for axis in names)
        boundary = self._axes["boundary"].adjusted(pairs, suspected) if needs_boundary else None
        axes = {LABELS: prevalence}
        for axis in (axis for axis in AXES if axis in names):
            if axis == "boundary" and boundary is not None:
                axes[axis] = boundary
            elif axis.startswith(NEGATIVE):
                axes[axis] = self._turned(axis, pairs, suspected)
            else:
                axes[axis] = self._axes[axis].adjusted(pairs, suspected, boundary)
        return axes

    @cached_property
    def _labels(self) -> LabelTable:
        return LabelTable.of([site.labels for site in self.sites])

    @cached_property
    def _axes(self) -> Mapping[str, "_AxisSites"]:
        return {axis: _AxisSites(axis, self.sites, self.within) for axis in AXES if not axis.startswith(NEGATIVE)}

    @cached_property
    def _negatives(self) -> Mapping[str, "_AxisSites"]:
        """Upright images of all sites after their quantile map, then negatives after theirs."""
        found = {}
        for axis in (axis for axis in AXES if axis.startswith(NEGATIVE)):
            upright = _UPRIGHT + axis.removeprefix(NEGATIVE)
            sites, within = (
                [*given, *(_renamed(upright, axis, site) for site in given)] for given in (self.sites, self.within)
            )
            found[axis] = _AxisSites(upright, sites, within)
        return found

    def _turned(self, axis: str, pairs: Pairs, suspected: np.ndarray) -> AxisDifferences:
        """Negatives after their quantile map against upright images after theirs. Either site may be the inverted one:
        of the two directions to turn them the one that leaves less counts."""
        (i, j), count, asked = pairs, len(self.sites), len(pairs[0])
        either = (np.concatenate([i, i + count]), np.concatenate([j + count, j]))
        found = self._negatives[axis].adjusted(either, np.tile(suspected, 2))
        of_pair = found.rows % max(asked, 1)
        order = np.lexsort((found.values, of_pair))
        rows, first = np.unique(of_pair[order], return_index=True)
        return found.chosen(axis, found.n[:count], rows, order[first])


@dataclass(frozen=True)
class _AxisSites:
    """One axis of N sites.

    Attributes:
        axis: its name.
        sites: N.
        within: whose patients make the unit.
    """

    axis: str
    sites: Sequence[SiteStatistics]
    within: Sequence[SiteStatistics]

    @cached_property
    def _table(self) -> MomentTable:
        return MomentTable.of([site.plain.get(self.axis) for site in self.sites])

    @cached_property
    def _classes(self) -> Classes:
        return Classes.of(
            [
                {label: known[self.axis] for label, known in site.classes.items() if self.axis in known}
                for site in self.sites
            ]
        )

    @cached_property
    def _with_area(self) -> WithArea:
        return WithArea.of(self.axis, self.sites, self._table)

    @cached_property
    def _unit_at(self) -> UnitAtWidth:
        return unit_at_width(self.axis, self.within)

    def adjusted(self, pairs: Pairs, suspected: np.ndarray, boundary: AxisDifferences | None = None) -> AxisDifferences:
        """The differences, of `suspected` pairs (m,) at equal prevalence."""
        table = self._table
        found = AxisDifferences.of(self.axis, table, pairs, self._unit_at)
        if not len(found.rows):
            return found
        i, j = (places[found.rows] for places in pairs)
        asked = np.flatnonzero(suspected[found.rows])
        at_area = np.ones(len(found.rows), dtype=bool)
        if len(asked):
            labels = [site.labels for site in self.sites]
            done, left = at_equal_prevalence(table, self._classes, labels, (i[asked], j[asked]), self._unit_at)
            found = found.holding(asked[done], left, "prevalence")
            at_area[asked[done]] = False
        if not AXES[self.axis].holds_area:
            asked = np.flatnonzero(at_area & self._with_area.known(i, j))
            if len(asked):
                found = found.holding(asked, self._with_area.held_equal(i[asked], j[asked]), "lesion area")
        elif boundary is not None and len(boundary.rows):
            drawn = boundary.rows[boundary.distributions.p < _SURE]
            asked = np.flatnonzero(np.isin(found.rows, drawn))
            if len(asked):
                left = without_habit(self.axis, found.differences.at(asked), self.sites, i[asked], j[asked])
                found = found.holding(asked, left, "contour habit")
        return found


def _renamed(name: str, axis: str, site: SiteStatistics) -> SiteStatistics:
    """A site that has nothing but one axis, under another name."""
    return replace(
        site,
        plain={name: site.plain[axis]} if axis in site.plain else {},
        joint={name: site.joint[axis]} if axis in site.joint else {},
        classes={label: {name: axes[axis]} for label, axes in site.classes.items() if axis in axes},
    )
