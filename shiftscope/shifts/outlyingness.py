"""Deletion diagnostics of a federation: how far each site lies from all others, and what it does to their effects.

The unit of an axis is shared, so a site whose patients vary much more, or much less, than all others' changes every
effect: it has influence in the sense of Cook (1977, doi:10.2307/1268249) and of Belsley, Kuh and Welsch (1980,
doi:10.1002/0471725153). As there, everything is measured with the site in question left out, so that it cannot hide
itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.shifts.differences import Differences
from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.shifts.squared_distances import UnitUncertainty, effects_of
from shiftscope.shifts.units import capped, leave_one_out, unit_at_width
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance

__all__ = [
    "UNLIKE",
    "Influence",
    "Outlyingness",
    "changes",
    "covariances",
    "deleted_effects",
    "outlyingness",
    "spreads",
    "unit_without",
]

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
    among = deleted_effects(differences, unit_at_width(axis, within))
    without, change = np.full((2, len(sites), len(i)), np.nan)
    spread = np.ones(len(sites))
    units = {d: leave_one_out(axis, within, d) for d in np.unique(differences.width).tolist()}
    for d, known in units.items():  # rising: the spread that stays is over the most coordinates
        covs = covariances(axis, sites, known, d)
        units[d] = {place: known[place] for place in covs}
        if covs:
            spread[[*covs]] = spreads(covs, known)
    for place in dict.fromkeys(place for known in units.values() for place in known):
        found = deleted_effects(differences, unit_without(place, units))
        without[place], change[place] = found[0], changes(among, found)
    alike = np.abs(np.log(spread)) <= np.log(UNLIKE)
    for place, site in enumerate(sites):
        there, of_site = ~np.isnan(without[place]), (i == place) | (j == place)
        own, others = np.flatnonzero(there & of_site), np.flatnonzero(there & ~of_site & alike[i] & alike[j])
        if not len(own):
            continue
        influence = None
        if len(others):
            most = others[np.argmax(change[place, others])]
            pair, factor = (sites[i[most]].site, sites[j[most]].site), float(np.exp(change[place, most]))
            influence = Influence(pair, float(among[0, most]), float(without[place, most]), factor)
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


def deleted_effects(differences: Differences, unit_at: Callable[[int], WithinSiteCovariance | None]) -> np.ndarray:
    """(2, m) the effects of differences in a unit, and the least that each must be to count: what chance alone adds;
    not a number where there is no unit.

    Args:
        differences: of m pairs.
        unit_at: width -> the unit at that width.
    """
    out = np.full((2, len(differences.width)), np.nan)
    for d, rows in differences.by_width():
        unit = unit_at(d)
        if unit is None:
            continue
        parts = differences.parts[:, rows, :d, :d].reshape(2, -1, d * d)
        uncertain = UnitUncertainty(unit.cost, max(unit.freedom, 1.0), float(np.trace(unit.within)), 0.0)
        metric = unit.root.T @ unit.root
        found, noise = effects_of(differences.delta[rows, :d], parts, differences.freedom[:, rows], metric, uncertain)
        out[:, rows] = found, np.maximum(noise, _LEAST)
    return out


def unit_without(
    place: int, units: Mapping[int, Mapping[int, WithinSiteCovariance]]
) -> Callable[[int], WithinSiteCovariance | None]:
    """Width -> the unit of all but one site, of `units` by width and place; None where it is not known."""
    return lambda d: units.get(d, {}).get(place)


def changes(among: np.ndarray, without: np.ndarray) -> np.ndarray:
    """(m,) how many times, as a logarithm, the larger of two `deleted_effects` (2, m) is the smaller."""
    return np.asarray(np.abs(np.log(without.max(axis=0) / among.max(axis=0))))


def covariances(axis: str, sites: Sequence[SiteStatistics], places: Iterable[int], d: int) -> dict[int, np.ndarray]:
    """Place -> covariance (d, d) of those of some sites that have as many coordinates; none of a single one."""
    having = {place: sites[place].plain[axis].cov for place in places if axis in sites[place].plain}
    covs = {place: cov[:d, :d] for place, cov in having.items() if len(cov) >= d}
    return covs if len(covs) > 1 else {}


def spreads(covs: Mapping[int, np.ndarray], units: Mapping[int, WithinSiteCovariance]) -> np.ndarray:
    """Of each site the variance of its patients over that of the other site whose is nearest to it, in the unit of all
    but this one; `covs` (d, d) and `units` by place."""
    metrics = np.array([units[place].root.T @ units[place].root for place in covs]).reshape(len(covs), -1)
    variances = np.maximum(metrics @ np.array([*covs.values()]).reshape(len(covs), -1).T, _NOTHING)
    own = np.diag(variances).copy()
    apart = np.abs(np.log(own[:, None] / variances))
    np.fill_diagonal(apart, np.inf)
    return np.asarray(own / variances[np.arange(len(covs)), np.argmin(apart, axis=1)])
