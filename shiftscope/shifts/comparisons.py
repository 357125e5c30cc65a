"""Infer: from differences to effects with p values and intervals, of pairs of sites and of one site against all.

Three hospitals of 50 patients measure one number with a standard deviation of 1 within each. The means are 1, 0 and 0.
The effect between the first two is the squared distance of 1 less what chance adds: .95, 95 % [.35, 2], p below .0001.
Between the last two it is 0. The first against both others together, each counted alike, is compared with a mean that
is known better: .96, 95 % [.42, 1.9].
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shiftscope.shifts.adjustments.adjusted_axes import NEGATIVE, Pairs, adjusted_axes
from shiftscope.shifts.axis_differences import LABELS, AxisDifferences
from shiftscope.shifts.contrasts.compared_classes import contrasts_of_pairs, contrasts_of_sites
from shiftscope.shifts.differences import Differences, against_all
from shiftscope.shifts.effect_distributions import EffectDistribution
from shiftscope.shifts.effects import Effect, Shift
from shiftscope.shifts.outlyingness import Outlyingness, outlyingness
from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.shifts.units import capped

__all__ = ["Shifts", "compare_all", "compare_one", "compare_pairs", "compare_two"]

_RAW = "features_"


@dataclass(frozen=True, slots=True)
class Shifts:
    """A federation compared.

    Attributes:
        pairs: (a, b) -> their comparison, for all pairs in the order given.
        by_site: site -> its comparison with all others together, each of them counted alike.
        outlyingness: site -> how far it lies from all others and how it influences the effects between them, axis by
            axis, those of harmonized features too; nothing of a site with fewer than two others.
    """

    pairs: Mapping[tuple[str, str], Shift]
    by_site: Mapping[str, Shift]
    outlyingness: Mapping[str, tuple[Outlyingness, ...]]


def compare_two(a: SiteStatistics, b: SiteStatistics) -> Shift:
    """Two sites as a federation of their own: the unit is theirs alone."""
    return compare_all([a, b]).pairs[a.site, b.site]


def compare_all(sites: Sequence[SiteStatistics]) -> Shifts:
    """Compare all pairs on every axis that both have.

    The unit of an axis is how patients vary within sites, pooled over all sites given, so the effect between two of
    them depends on who else is there, and much where one varies far more; in exchange all effects of an axis are on
    one scale, and the more sites the better that scale is known. From three sites on none counts for more than a
    multiple of the median number of patients (`units.capped`). Classes that two sites know are compared too.

    Args:
        sites: two sites or more, of different names.
    """
    i, j = np.triu_indices(len(sites), k=1)
    axes = adjusted_axes(sites, (i, j), capped(sites))
    effects = [list[Effect]() for _ in sites]
    outlying = [list[Outlyingness]() for _ in sites]
    for axis, found in axes.items():
        if axis.startswith(NEGATIVE):  # whom to turn is a question of two
            continue
        for place, effect in _against_all(found, range(len(sites)), (i, j)):
            effects[place].append(effect)
        if axis != LABELS:  # which have no common unit
            for place, one in outlyingness(axis, found.differences, i[found.rows], j[found.rows], sites):
                harmonized = found.question == "features" and not axis.startswith(_RAW)  # their unit is the raw ones'
                outlying[place].append(replace(one, influence=None) if harmonized else one)
    names = [(sites[a].site, sites[b].site) for a, b in zip(i.tolist(), j.tolist(), strict=True)]
    of_pairs, of_sites = contrasts_of_pairs(sites), contrasts_of_sites(sites)
    return Shifts(
        pairs={
            pair: replace(shift, contrasts=of_pairs.get(pair, ()))
            for pair, shift in zip(names, _of_pairs(axes, (i, j)), strict=True)
        },
        by_site={
            site.site: Shift(tuple(own), of_sites.get(site.site, ())) for site, own in zip(sites, effects, strict=True)
        },
        outlyingness={site.site: tuple(own) for site, own in zip(sites, outlying, strict=True)},
    )


def compare_one(sites: Sequence[SiteStatistics], place: int) -> Shift:
    """One site with all others together, as in `Shifts.by_site`, without comparing the others with each other.

    Args:
        sites: two sites or more, of different names.
        place: of the one.
    """
    others = np.array([other for other in range(len(sites)) if other != place])
    pairs = np.minimum(others, place), np.maximum(others, place)
    axes = adjusted_axes(sites, pairs, capped(sites))
    effects = [
        effect
        for axis, found in axes.items()
        if not axis.startswith(NEGATIVE)
        for _, effect in _against_all(found, [place], pairs)
    ]
    return Shift(tuple(effects), contrasts_of_sites(sites).get(sites[place].site, ()))


def compare_pairs(sites: Sequence[SiteStatistics], pairs: Pairs, within: Sequence[SiteStatistics]) -> tuple[Shift, ...]:
    """Compare some pairs, in the unit of other sites.

    Args:
        sites: may share patients, as long as no two of a pair do.
        pairs: places of the first and of the second site of each pair, (m,) and (m,).
        within: of different names, with no patient in common: those whose spread is the unit.

    Returns:
        The comparison of each pair, in the order given; classes are not compared.
    """
    return _of_pairs(adjusted_axes(sites, pairs, within), pairs)


def _of_pairs(axes: Mapping[str, AxisDifferences], pairs: Pairs) -> tuple[Shift, ...]:
    effects = [list[Effect]() for _ in pairs[0]]
    for found in axes.values():
        for row, effect in _effects(found, pairs):
            effects[row].append(effect)
    return tuple(Shift(tuple(own)) for own in effects)


def _effects(found: AxisDifferences, pairs: Pairs) -> list[tuple[int, Effect]]:
    """The effect of every pair that has one, with the pair's place."""
    n = np.stack([found.n[places[found.rows]] for places in pairs], axis=1).tolist()
    rest = zip(n, found.differences.width.tolist(), found.held, found.explained.tolist(), strict=True)
    return [
        (row, Effect(found.axis, found.question, distribution, (a, b), width, held, explained))
        for row, distribution, ((a, b), width, held, explained) in zip(
            found.rows.tolist(), _one_by_one(found.distributions), rest, strict=True
        )
    ]


def _against_all(found: AxisDifferences, places: Iterable[int], pairs: Pairs) -> list[tuple[int, Effect]]:
    """The effect of some sites against all others, with the site's place."""
    first, second = (places_of[found.rows] for places_of in pairs)
    compared, means = [], []
    for place in places:
        own = np.flatnonzero((first == place) | (second == place))
        if len(own):
            compared.append((place, own))
            means.append(against_all(found.differences.at(own).swapped(second[own] == place)))
    if not means:
        return []
    joined = Differences.joined(means)
    effects = []
    distributions = _one_by_one(found.measured.distributions(joined))
    for (place, own), width, distribution in zip(compared, joined.width.tolist(), distributions, strict=True):
        others = int(np.sum(found.n[first[own]] + found.n[second[own]] - found.n[place]))
        held = ", ".join(sorted({str(item) for item in found.held[own] if item}))
        explained = float(np.mean(found.explained[own]))
        n = int(found.n[place]), others
        effects.append((place, Effect(found.axis, found.question, distribution, n, width, held, explained)))
    return effects


def _one_by_one(distributions: EffectDistribution) -> Iterable[EffectDistribution]:
    """Records of floats from one of arrays (k,)."""
    return map(EffectDistribution._make, zip(*(np.asarray(field).tolist() for field in distributions), strict=True))
