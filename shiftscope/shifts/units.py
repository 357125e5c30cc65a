"""Whose patients make the unit of an axis, and how much each site's count: no site outweighs the others.

The unit of a federation is shared, so one site's patients change what two others are told. Their number is only
claimed; it is believed up to a limit that the other sites set.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments

__all__ = ["MOST", "believed", "leave_one_out", "yardsticks"]

MOST = 5.0  # times the median number of patients that a site can count for
_ENOUGH = 3  # sites from which on there is a median that no single one sets


def believed(sides: Sequence[SiteStatistics]) -> list[SiteStatistics]:
    """Sides as they count in a unit: on every axis that three or more have, no site for more than `MOST` times the
    median number of patients."""
    axes = dict.fromkeys(axis for side in sides for axis in side.plain)
    n = {axis: [side.plain[axis].n for side in sides if axis in side.plain] for axis in axes}
    most = {axis: int(MOST * np.median(found)) for axis, found in n.items() if len(found) >= _ENOUGH}
    return [
        replace(
            side,
            plain={
                axis: replace(moments, n=min(moments.n, most.get(axis, moments.n)))
                for axis, moments in side.plain.items()
            },
        )
        for side in sides
    ]


def yardsticks(axis: str, sides: Sequence[SiteStatistics]) -> Callable[[int], WithinSiteCovariance]:
    """Width -> yardstick of an axis. What a harmonizer leaves of the features is told in the yardstick of the
    features as they were, so that the two can be set against each other."""

    @cache
    def at(d: int) -> WithinSiteCovariance:
        found = _moments(axis, sides, d)
        return WithinSiteCovariance.of(list(found.values()) or [Moments(2, np.zeros(d), np.eye(d))])

    return at


def leave_one_out(axis: str, sides: Sequence[SiteStatistics], d: int) -> dict[int, WithinSiteCovariance]:
    """Place of a side -> the yardstick of all others at width `d`, for sides that have two others at the least."""
    found = _moments(axis, sides, d)
    if len(found) < _ENOUGH:
        return {}
    return dict(zip(found, WithinSiteCovariance.leave_one_out(list(found.values())), strict=True))


def _moments(axis: str, sides: Sequence[SiteStatistics], d: int) -> Mapping[int, Moments]:
    """Place of a side -> its moments, of those that make the unit, in the order of their names; none where nothing
    varies."""
    _, _, layer = axis.rpartition("_")
    ordered = sorted(range(len(sides)), key=lambda place: sides[place].site)
    for name in (f"features_{layer}", axis):
        found = {place: sides[place].plain[name].leading(d) for place in ordered if name in sides[place].plain}
        found = {place: moments for place, moments in found.items() if len(moments.mean) == d}
        if sum(float(np.trace(moments.cov)) for moments in found.values()) > 0:
            return found
    return {}
