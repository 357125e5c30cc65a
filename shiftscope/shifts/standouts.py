"""Sites that stand out from all others: by their patients' spread, by what it does to others, by how far away they lie.

Everything is told in the unit of all sites but the one that is asked about, so that it cannot hide itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.shifts.differences import Differences, UnitUncertainty, stretches
from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.shifts.units import believed, leave_one_out, yardsticks
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance

__all__ = ["UNLIKE", "Pull", "Standing", "standings"]

UNLIKE = 10.0  # times that patients of one site vary as much as those of any other, or as little

_NOTHING = 1e-9  # deviations that are none
_LEAST = 0.1  # smaller effects count as this much: what does not matter cannot double


@dataclass(frozen=True, slots=True)
class Pull:
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
class Standing:
    """One site among the others, on one axis.

    Attributes:
        axis: a key of `AXES`.
        n: patients it says it has.
        counted: for how many of them it counts in the unit.
        spread: mean variance of its patients over the coordinates, as a multiple of that at the site most like it.
        pull: on the two others whose effect it changes most, whose own spread is not unlike all; None without such.
        nearest: the site it is nearest to.
        distance: the effect between these two, in the unit of all but this one.
    """

    axis: str
    n: int
    counted: int
    spread: float
    pull: Pull | None
    nearest: str
    distance: float


def standings(
    axis: str, differences: Differences, i: np.ndarray, j: np.ndarray, sides: Sequence[SiteStatistics]
) -> Iterator[tuple[int, Standing]]:
    """The standing of every site that has two others to be held against.

    Args:
        axis: a key of `AXES`.
        differences: of m pairs, what must be held equal held equal.
        i: places of the first sites in `sides`, (m,).
        j: of the second.
        sides: of different names, N.
    """
    within = believed(sides)
    unit = yardsticks(axis, within)
    among, least = np.zeros(len(i)), np.zeros(len(i))
    without, least_without = np.full((2, len(sides), len(i)), np.nan)
    spread = np.ones(len(sides))
    for d in np.unique(differences.width).tolist():  # rising: the spread that stays is over the most coordinates
        rows = np.flatnonzero(differences.width == d)
        delta, parts = differences.delta[rows, :d], differences.parts[:, rows, :d, :d].reshape(2, len(rows), d * d)
        these = delta, parts, differences.freedom[:, rows]
        among[rows], least[rows] = _effects(*these, unit(d))
        units = leave_one_out(axis, within, d)
        covs = {site: sides[site].plain[axis].cov[:d, :d] for site in units}
        for site, others in units.items():
            without[site, rows], least_without[site, rows] = _effects(*these, others)
            spread[site] = _spread(site, covs, others)
    change = np.abs(np.log(np.maximum(without, least_without) / np.maximum(among, least)))
    alike = np.abs(np.log(spread)) <= np.log(UNLIKE)
    for site, side in enumerate(sides):
        known, own = ~np.isnan(without[site]), (i == site) | (j == site)
        mine, theirs = np.flatnonzero(known & own), np.flatnonzero(known & ~own & alike[i] & alike[j])
        if not len(mine):
            continue
        pull = None
        if len(theirs):
            most = theirs[np.argmax(change[site, theirs])]
            pair = sides[i[most]].site, sides[j[most]].site
            pull = Pull(pair, float(among[most]), float(without[site, most]), float(np.exp(change[site, most])))
        near = mine[np.argmin(without[site, mine])]
        yield (
            site,
            Standing(
                axis=axis,
                n=side.plain[axis].n,
                counted=within[site].plain[axis].n,
                spread=float(spread[site]),
                pull=pull,
                nearest=sides[j[near] if i[near] == site else i[near]].site,
                distance=float(without[site, near]),
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
    reach = UnitUncertainty(unit.cost, max(unit.freedom, 1.0), float(np.trace(unit.within)), 0.0)
    stretch, of_noise = stretches(noise, traces, freedom, reach)
    length = np.sum((delta @ metric) * delta, axis=1)
    return np.maximum(length - noise / (1 - of_noise), 0.0) * (1 - stretch), np.maximum(noise, _LEAST)


def _spread(site: int, covs: Mapping[int, np.ndarray], unit: WithinSiteCovariance) -> float:
    """Variance of a site's patients over that of the other site whose is nearest to it; `covs` by place, (d, d)."""
    metric = unit.root.T @ unit.root
    variances = {place: max(float(np.sum(metric * cov)), _NOTHING) for place, cov in covs.items()}
    own = variances.pop(site)
    return own / min(variances.values(), key=lambda other: abs(np.log(own / other)))
