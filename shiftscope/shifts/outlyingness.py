"""Deletion diagnostics of a federation: how far each site lies from all others, and what it does to their effects.

The unit of an axis is shared, so a site whose patients vary much more, or much less, than all others' changes every
effect: it has influence in the sense of Cook (1977, doi:10.2307/1268249) and of Belsley, Kuh and Welsch (1980,
doi:10.1002/0471725153). As there, everything is measured with the site in question left out, so that it cannot hide
itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.shifts.differences import Differences
from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.shifts.squared_distances import UnitUncertainty, inflations
from shiftscope.shifts.units import capped, leave_one_out, unit_at_width
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance

__all__ = ["UNLIKE", "Influence", "Outlyingness", "outlyingness"]

UNLIKE = 10.0  # times that patients of one site vary as much as those of any other, or as little

_NOTHING = 1e-9  # deviations that are none
_LEAST = 0.1  # smaller effects count as this much: what does not matter cannot double


@dataclass(frozen=True, slots=True)
class Influence:
    """What one site's share in the unit does to the effect between two others.

    Attributes:
        pair: the two others.
        among: their effect in the unit of all sites.
        without: their effect in the unit of all but this one.
        factor: how many times the larger of the two is the smaller; an effect that does not matter, or is no larger
            than chance makes it, counts as much as that would.
    """

    pair: tuple[str, str]
    among: float
    without: float
    factor: float


@dataclass(frozen=True, slots=True)
class Outlyingness:
    """One site against the others, on one axis.

    Attributes:
        axis: a key of `AXES`.
        n: patients it says it has.
        counted: for how many of them it counts in the unit.
        spread: mean variance of its patients over the coordinates, as a multiple of that at the site most like it.
        influence: on the two others whose effect it changes most, whose own spread is not unlike all; None without
            such.
        nearest: the site it is nearest to.
        distance: the effect between these two, in the unit of all but this one.
    """

    axis: str
    n: int
    counted: int
    spread: float
    influence: Influence | None
    nearest: str
    distance: float


def outlyingness(
    axis: str, differences: Differences, i: np.ndarray, j: np.ndarray, sites: Sequence[SiteStatistics]
) -> Iterator[tuple[int, Outlyingness]]:
    """The place of every site that has two others to be compared with, and how far it lies from them.

    Args:
        axis: a key of `AXES`.
        differences: of m pairs, what must be held equal held equal.
        i: places of the first sites in `sites`, (m,).
        j: of the second.
        sites: of different names, N.
    """
    within = capped(sites)
    unit = unit_at_width(axis, within)
    among, least = np.zeros(len(i)), np.zeros(len(i))
    without, least_without = np.full((2, len(sites), len(i)), np.nan)
    spread = np.ones(len(sites))
    for d in np.unique(differences.width).tolist():  # rising: the spread that stays is over the most coordinates
        rows = np.flatnonzero(differences.width == d)
        delta, parts = differences.delta[rows, :d], differences.parts[:, rows, :d, :d].reshape(2, len(rows), d * d)
        these = delta, parts, differences.freedom[:, rows]
        among[rows], least[rows] = _effects(*these, unit(d))
        units = leave_one_out(axis, within, d)
        having = {place: site.plain[axis].cov for place, site in enumerate(sites) if axis in site.plain}
        covs = {place: having[place][:d, :d] for place in units if place in having and len(having[place]) >= d}
        for place in covs if len(covs) > 1 else ():
            without[place, rows], least_without[place, rows] = _effects(*these, units[place])
            spread[place] = _spread(place, covs, units[place])
    change = np.abs(np.log(np.maximum(without, least_without) / np.maximum(among, least)))
    alike = np.abs(np.log(spread)) <= np.log(UNLIKE)
    for place, site in enumerate(sites):
        known, of_site = ~np.isnan(without[place]), (i == place) | (j == place)
        own, others = np.flatnonzero(known & of_site), np.flatnonzero(known & ~of_site & alike[i] & alike[j])
        if not len(own):
            continue
        influence = None
        if len(others):
            most = others[np.argmax(change[place, others])]
            pair, factor = (sites[i[most]].site, sites[j[most]].site), float(np.exp(change[place, most]))
            influence = Influence(pair, float(among[most]), float(without[place, most]), factor)
        near = own[np.argmin(without[place, own])]
        yield (
            place,
            Outlyingness(
                axis=axis,
                n=site.plain[axis].n,
                counted=within[place].plain[axis].n,
                spread=float(spread[place]),
                influence=influence,
                nearest=sites[j[near] if i[near] == place else i[near]].site,
                distance=float(without[place, near]),
            ),
        )


def _effects(
    delta: np.ndarray, parts: np.ndarray, freedom: np.ndarray, unit: WithinSiteCovariance
) -> tuple[np.ndarray, np.ndarray]:
    """The effects (m,) of differences (m, d), as `EffectDistribution.value` has them but made for all sites' units in a
    moment, and the least that each must be to count: what chance alone adds.

    Args:
        delta: (m, d).
        parts: (2, m, d d) covariances of either mean.
        freedom: (2, m) of their traces.
        unit: of width d.
    """
    metric = unit.root.T @ unit.root
    traces = parts @ metric.reshape(-1)
    noise = traces.sum(axis=0)
    uncertainty = UnitUncertainty(unit.cost, max(unit.freedom, 1.0), float(np.trace(unit.within)), 0.0)
    inflation, of_noise = inflations(noise, traces, freedom, uncertainty)
    length = np.sum((delta @ metric) * delta, axis=1)
    return np.maximum(length - noise / (1 - of_noise), 0.0) * (1 - inflation), np.maximum(noise, _LEAST)


def _spread(place: int, covs: Mapping[int, np.ndarray], unit: WithinSiteCovariance) -> float:
    """Variance of a site's patients over that of the other site whose is nearest to it; `covs` by place, (d, d)."""
    metric = unit.root.T @ unit.root
    variances = {of: max(float(np.sum(metric * cov)), _NOTHING) for of, cov in covs.items()}
    own = variances.pop(place)
    return own / min(variances.values(), key=lambda other: abs(np.log(own / other)))
