"""Adjust: what is held equal before a difference counts, in which order, for all axes.

The means of two classes lie 2 apart, and patients of one class have a standard deviation of 1 around theirs, at both
sites. The first site has 60 of each, the second 100 and 20. The sites' means then lie 2 (60/120 - 20/120) = .67 apart,
an effect of .2. At equal prevalence they lie 0 apart: all of it was explained by prevalence.

Class prevalence is compared first; where it may differ it is held equal on every axis. The boundary comes next: where
it surely differs, lesions' size and shape are compared as if all contours lay on the edge. Every axis that does not
hold the lesion's area itself is compared at equal area, unless the classes, which go with it, were held equal already.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shiftscope.measures import AXES
from shiftscope.shifts.adjustments.contour_habits import without_habit
from shiftscope.shifts.adjustments.lesion_areas import WithArea
from shiftscope.shifts.adjustments.prevalence import Classes, at_equal_prevalence
from shiftscope.shifts.axis_differences import LABELS, AxisDifferences
from shiftscope.shifts.differences import MomentTable
from shiftscope.shifts.effect_distributions import EffectDistribution
from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.shifts.units import unit_at_width

__all__ = ["NEGATIVE", "adjusted_axes"]

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
    prevalence = AxisDifferences.of_labels(sites, pairs)
    suspected = np.zeros(len(pairs[0]), dtype=bool)
    suspected[prevalence.rows[prevalence.distributions.p < _SUSPECTED]] = True
    axes = {LABELS: prevalence}
    for axis in sorted(AXES, key=lambda axis: axis != "boundary"):
        if axis.startswith(NEGATIVE):
            axes[axis] = _turned(axis, sites, pairs, suspected, within)
        else:
            axes[axis] = _adjusted(axis, sites, pairs, suspected, axes.get("boundary"), within)
    return {axis: axes[axis] for axis in (LABELS, *AXES)}


def _adjusted(
    axis: str,
    sites: Sequence[SiteStatistics],
    pairs: Pairs,
    suspected: np.ndarray,
    boundary: AxisDifferences | None,
    within: Sequence[SiteStatistics],
) -> AxisDifferences:
    """One axis, of `suspected` pairs (m,) at equal prevalence."""
    table, unit_at = MomentTable.of([site.plain.get(axis) for site in sites]), unit_at_width(axis, within)
    found = AxisDifferences.of(axis, table, pairs, unit_at)
    if not len(found.rows):
        return found
    i, j = (places[found.rows] for places in pairs)
    asked = np.flatnonzero(suspected[found.rows])
    at_area = np.ones(len(found.rows), dtype=bool)
    if len(asked):
        classes = Classes.of(
            [{label: known[axis] for label, known in site.classes.items() if axis in known} for site in sites]
        )
        labels = [site.labels for site in sites]
        done, left = at_equal_prevalence(table, classes, labels, (i[asked], j[asked]), unit_at)
        found = found.holding(asked[done], left, "prevalence")
        at_area[asked[done]] = False
    if not AXES[axis].holds_area:
        beside = WithArea.of(axis, sites, table)
        asked = np.flatnonzero(at_area & beside.known(i, j))
        if len(asked):
            found = found.holding(asked, beside.held_equal(i[asked], j[asked]), "lesion area")
    elif boundary is not None and len(boundary.rows):
        drawn = boundary.rows[boundary.distributions.p < _SURE]
        asked = np.flatnonzero(np.isin(found.rows, drawn))
        if len(asked):
            left = without_habit(axis, found.differences.at(asked), sites, i[asked], j[asked])
            found = found.holding(asked, left, "contour habit")
    return found


def _turned(
    axis: str,
    sites: Sequence[SiteStatistics],
    pairs: Pairs,
    suspected: np.ndarray,
    within: Sequence[SiteStatistics],
) -> AxisDifferences:
    """Negatives after their quantile map against upright images after theirs. Either site may be the inverted one: of
    the two directions to turn them the one that leaves less counts."""
    (i, j), count, asked = pairs, len(sites), len(pairs[0])
    upright = _UPRIGHT + axis.removeprefix(NEGATIVE)
    both, units = ([*given, *(_renamed(upright, axis, site) for site in given)] for given in (sites, within))
    either = (np.concatenate([i, i + count]), np.concatenate([j + count, j]))
    found = _adjusted(upright, both, either, np.tile(suspected, 2), None, units)
    of_pair = found.rows % max(asked, 1)
    order = np.lexsort((np.asarray(found.distributions.value), of_pair))
    rows, first = np.unique(of_pair[order], return_index=True)
    best = order[first]
    return AxisDifferences(
        axis=axis,
        n=found.n[:count],
        rows=rows,
        differences=found.differences.at(best),
        in_unit=found.in_unit,
        distributions=EffectDistribution(*(np.asarray(field)[best] for field in found.distributions)),
        held=found.held[best],
        explained=found.explained[best],
    )


def _renamed(name: str, axis: str, site: SiteStatistics) -> SiteStatistics:
    """A site that has nothing but one axis, under another name."""
    return replace(
        site,
        plain={name: site.plain[axis]} if axis in site.plain else {},
        joint={name: site.joint[axis]} if axis in site.joint else {},
        classes={label: {name: axes[axis]} for label, axes in site.classes.items() if axis in axes},
    )
