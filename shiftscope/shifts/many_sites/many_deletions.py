"""Deletion diagnostics of many sites: what each does to all others, without leaving each out of all pairs.

To leave N sites out of N pairs each is work for their cube. A site's share in the unit changes every squared distance
by no more than it changes the longest and the shortest direction, and from these two follows how much it can change the
effect between any two others. Only where that could count is the site left out of all pairs; of the nearest other site
only a few candidates are compared, unless all of them lie far away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shiftscope.measures import AXES
from shiftscope.shifts.adjustments.adjusted_axes import NEGATIVE, AdjustedAxes, Pairs
from shiftscope.shifts.differences import Differences
from shiftscope.shifts.many_sites.pair_blocks import pair_blocks
from shiftscope.shifts.outlyingness import (
    UNLIKE,
    Influence,
    Outlyingness,
    changes,
    covariances,
    deleted_effects,
    spreads,
    unit_without,
)
from shiftscope.shifts.squared_distances import UnitUncertainty, effects_of
from shiftscope.shifts.units import UnitAtWidth, leave_one_out, unit_at_width
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance

__all__ = ["outlyingness_of_many"]

_RAW = "features_"
_NEAREST = 2  # candidates for the nearest other site
_MOST_INFLATED = 0.75  # of what chance adds to a distance (`squared_distances`)


def outlyingness_of_many(compared: AdjustedAxes, changed: float, distant: float) -> dict[str, tuple[Outlyingness, ...]]:
    """Site -> how far it lies from all others and how it influences the effects between them, axis by axis.

    Args:
        compared: three sites or more; `within` are they as they count in the unit.
        changed: influences by a smaller factor are left out: None.
        distant: where the nearest of some other sites is no farther, it stands for the nearest of all.
    """
    found: dict[str, list[Outlyingness]] = {site.site: [] for site in compared.sites}
    for axis, known in AXES.items():
        if axis.startswith(NEGATIVE):
            continue
        harmonized = known.question == "features" and not axis.startswith(_RAW)
        deletions = _Deletions(axis, compared, distant)
        if not deletions.places.size:
            continue
        influences = {} if harmonized else deletions.influences(changed)
        for place, (nearest, distance) in deletions.nearest().items():
            site, counted = compared.sites[place], compared.within[place]
            found[site.site].append(
                Outlyingness(
                    axis=axis,
                    n=site.plain[axis].n,
                    counted=counted.plain[axis].n,
                    spread=float(deletions.spread[place]),
                    influence=influences.get(place),
                    nearest=compared.sites[nearest].site,
                    distance=distance,
                )
            )
    return {site: tuple(items) for site, items in found.items()}


@dataclass(frozen=True)
class _Deletions:
    """Each site left out of one axis in turn."""

    axis: str
    compared: AdjustedAxes
    distant: float

    @cached_property
    def width(self) -> np.ndarray:
        """(N,) coordinates of each site, 0 without the axis."""
        plain = [site.plain.get(self.axis) for site in self.compared.sites]
        return np.array([0 if moments is None else len(moments.mean) for moments in plain])

    @cached_property
    def units(self) -> Mapping[int, Mapping[int, WithinSiteCovariance]]:
        """Width of some pair -> place -> the unit of all others."""
        widths = np.sort(self.width[self.width > 0])[:-1]
        return {d: leave_one_out(self.axis, self.compared.within, d) for d in np.unique(widths).tolist()}

    @cached_property
    def places(self) -> np.ndarray:
        """Sites that have the axis, and two others with whom to make a unit."""
        known = {place for units in self.units.values() for place in units}
        return np.array([place for place in np.flatnonzero(self.width) if place in known], dtype=int)

    @cached_property
    def spread(self) -> np.ndarray:
        """(N,) as `Outlyingness.spread`, over the most coordinates that a site has with another; 1 where unknown."""
        out = np.ones(len(self.width))
        for d, units in self.units.items():  # rising: the spread that stays is over the most coordinates
            covs = covariances(self.axis, self.compared.sites, units, d)
            if covs:
                out[[*covs]] = spreads(covs, units)
        return out

    def influences(self, changed: float) -> dict[int, Influence]:
        """Place -> the influence of the site, where it is by a factor of `changed` or more."""
        most: dict[int, Influence] = {}
        large = [
            (d, place)
            for d, units in self.units.items()
            for place, factor in zip(units, _factors(self._unit_at(d), [*units.values()]), strict=True)
            if factor >= changed
        ]
        if not large:
            return most
        least, suspected = min(d for d, _ in large), sorted({place for _, place in large})
        alike = np.abs(np.log(self.spread)) <= np.log(UNLIKE)
        for _, (i, j) in pair_blocks(len(self.width)):
            wide = np.minimum(self.width[i], self.width[j]) >= least  # the unit of narrower pairs hardly changes
            kept = np.flatnonzero(alike[i] & alike[j] & wide)
            if len(kept):
                self._update(most, suspected, (i[kept], j[kept]))
        return {place: influence for place, influence in most.items() if influence.factor >= changed}

    def _update(self, most: dict[int, Influence], suspected: Sequence[int], pairs: Pairs) -> None:
        """Keep the largest influence of each on some pairs, where it is larger than what was kept."""
        found = self.compared.of_pairs(pairs, [self.axis])[self.axis]
        i, j = (places[found.rows] for places in pairs)
        among = deleted_effects(found.differences, self._unit_at)
        for place in suspected:
            without = deleted_effects(found.differences, unit_without(place, self.units))
            change = np.where((i == place) | (j == place), np.nan, changes(among, without))
            if np.all(np.isnan(change)):
                continue
            row = int(np.nanargmax(change))
            factor = float(np.exp(change[row]))
            if place not in most or factor > most[place].factor:
                pair = self.compared.sites[int(i[row])].site, self.compared.sites[int(j[row])].site
                most[place] = Influence(pair, float(among[0, row]), float(without[0, row]), factor)

    @cached_property
    def _unit_at(self) -> UnitAtWidth:
        return unit_at_width(self.axis, self.compared.within)

    def nearest(self) -> dict[int, tuple[int, float]]:
        """Place -> the nearest other site, and the effect between the two in the unit of all but this one."""
        having, candidates = np.flatnonzero(self.width), self._candidates()
        out = self._nearest_of({place: candidates[place] for place in self.places.tolist()})
        far = [place for place in self.places.tolist() if place not in out or out[place][1] > self.distant]
        return {**out, **self._nearest_of({place: having[having != place] for place in far})}

    def _candidates(self) -> dict[int, np.ndarray]:
        """Place -> the sites nearest to it in the unit of all, nothing held equal, over the coordinates all have."""
        having = np.flatnonzero(self.width)
        d = int(self.width[having].min())
        root = self._unit_at(d).root
        means = np.array([self.compared.sites[place].plain[self.axis].mean[:d] for place in having.tolist()]) @ root.T
        squares = np.sum(means**2, axis=1)
        distance = squares[:, None] + squares - 2 * means @ means.T
        np.fill_diagonal(distance, np.inf)
        count = min(_NEAREST, len(having) - 1)
        order = np.argpartition(distance, count - 1, axis=1)[:, :count]
        return {int(place): np.sort(having[row]) for place, row in zip(having, order, strict=True)}

    def _nearest_of(self, asked: Mapping[int, np.ndarray]) -> dict[int, tuple[int, float]]:
        out: dict[int, tuple[int, float]] = {}
        if not asked:
            return out
        place = np.concatenate([np.full(len(others), own) for own, others in asked.items()])
        other = np.concatenate([*asked.values()])
        for start in range(0, len(place), 2000):
            rows = slice(start, start + 2000)
            pairs = np.minimum(place[rows], other[rows]), np.maximum(place[rows], other[rows])
            found = self.compared.of_pairs(pairs, [self.axis])[self.axis]
            own, beside = place[rows][found.rows], other[rows][found.rows]
            without = self._effects_without(own, found.differences)
            order = np.lexsort((without, own))
            order = order[~np.isnan(without[order])]
            first = order[np.flatnonzero(np.diff(own[order], prepend=-1))]
            for one, near, effect in zip(
                own[first].tolist(), beside[first].tolist(), without[first].tolist(), strict=True
            ):
                if one not in out or effect < out[one][1]:
                    out[one] = near, effect
        return out

    def _effects_without(self, own: np.ndarray, differences: Differences) -> np.ndarray:
        """(m,) the effects of differences, each in the unit of all but its `own` site (m,); not a number where there is
        no such unit."""
        out = np.full(len(own), np.nan)
        for d, among in differences.by_width():
            rows = np.arange(len(own))[among]
            units = self.units.get(d, {})
            rows = rows[[place in units for place in own[rows].tolist()]]
            if not len(rows):
                continue
            places, of_place = np.unique(own[rows], return_inverse=True)
            without = [units[place] for place in places.tolist()]
            metric = np.array([unit.root.T @ unit.root for unit in without])
            numbers = [(unit.cost, max(unit.freedom, 1.0), float(np.trace(unit.within))) for unit in without]
            cost, freedom, within = np.array(numbers)[of_place].T
            uncertain = UnitUncertainty(cost, freedom, within, 0.0)
            parts = differences.parts[:, rows, :d, :d].reshape(2, -1, d * d)
            found, _ = effects_of(
                differences.delta[rows, :d], parts, differences.freedom[:, rows], metric[of_place], uncertain
            )
            out[rows] = found
        return out


def _factors(unit: WithinSiteCovariance, others: Sequence[WithinSiteCovariance]) -> list[float]:
    """How many times an effect in a unit can at the most be that in each of others, or the reverse, where one that does
    not matter, or is no larger than chance makes it, counts as much as that.

    With squared lengths, and so what chance adds, between `low` and `high` times as large in the other unit, an effect
    of E there is at most high E, and what is taken off for chance is wrong by no more than its own change.
    """
    if not others:
        return []
    turned = np.array([other.root for other in others]) @ np.linalg.inv(unit.root)
    ends = np.linalg.svd(turned, compute_uv=False)[:, [-1, 0]] ** 2
    here = _inflation(unit)
    out = []
    for (low, high), other in zip(ends.tolist(), others, strict=True):
        if low <= 0:
            out.append(np.inf)
            continue
        there = _inflation(other)
        out.append(max(_growth(low, high, here, there), _growth(1 / high, 1 / low, there, here), high, 1 / low))
    return out


def _inflation(unit: WithinSiteCovariance) -> tuple[float, float]:
    """By what share distances come out too long in a unit, and the trace of a typical covariance in it."""
    return min(unit.cost / max(unit.freedom, 1.0), _MOST_INFLATED), float(np.trace(unit.within))


def _growth(low: float, high: float, here: tuple[float, float], there: tuple[float, float]) -> float:
    """The most that an effect grows from one unit to another; of either what `_inflation` says.

    What chance adds is divided by one less a share that differs from pair to pair, the same share times `less` in the
    other unit. The difference that makes is largest where the share is at its limit.
    """
    (inflation, within), (inflation_there, within_there) = here, there
    less = low**2 / high * within / max(within_there, 1e-12) * inflation_there / max(inflation, 1e-12)
    wrong = high / (1 - _MOST_INFLATED) - low / (1 - _MOST_INFLATED * min(less, 1.0))
    return (1 - inflation_there) * (high / (1 - inflation) + max(wrong, 0.0))
