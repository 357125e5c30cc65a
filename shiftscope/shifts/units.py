"""Whose patients make the unit of an axis, and how much each site's count: no site outweighs the others.

The unit of a federation is shared, so one site's patients change the effects between two others. Their number is only
claimed; it counts up to a limit that the other sites set.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments

__all__ = ["MOST", "UnitAtWidth", "capped", "leave_one_out", "unit_at_width"]

UnitAtWidth = Callable[[int], WithinSiteCovariance]
"""Width -> the unit of an axis."""

MOST = 5.0  # times the median number of patients that a site can count for
_ENOUGH = 3  # sites from which on there is a median that no single one sets


def capped(sites: Sequence[SiteStatistics]) -> list[SiteStatistics]:
    """Sites as they count in a unit: on every axis that three or more have, no site for more than `MOST` times the
    median number of patients."""
    axes = dict.fromkeys(axis for site in sites for axis in site.plain)
    n = {axis: [site.plain[axis].n for site in sites if axis in site.plain] for axis in axes}
    most = {axis: int(MOST * np.median(found)) for axis, found in n.items() if len(found) >= _ENOUGH}
    return [
        replace(
            site,
            plain={
                axis: replace(moments, n=min(moments.n, most.get(axis, moments.n)))
                for axis, moments in site.plain.items()
            },
        )
        for site in sites
    ]


def unit_at_width(axis: str, sites: Sequence[SiteStatistics]) -> UnitAtWidth:
    """Width -> the unit of an axis. What a harmonizer leaves of the features is measured in the unit of the features
    as they were, so that the two can be compared."""

    @cache
    def at(d: int) -> WithinSiteCovariance:
        found = _moments(axis, sites, d)
        return WithinSiteCovariance.of(list(found.values()) or [Moments(2, np.zeros(d), np.eye(d))])

    return at


def leave_one_out(axis: str, sites: Sequence[SiteStatistics], d: int) -> dict[int, WithinSiteCovariance]:
    """Place of a site -> the unit of all others at width `d`, for sites that have two others at the least."""
    found = _moments(axis, sites, d)
    if len(found) < _ENOUGH:
        return {}
    return dict(zip(found, WithinSiteCovariance.leave_one_out(list(found.values())), strict=True))


def _moments(axis: str, sites: Sequence[SiteStatistics], d: int) -> Mapping[int, Moments]:
    """Place of a site -> its moments, of those that make the unit, in the order of their names; none where nothing
    varies."""
    _, _, layer = axis.rpartition("_")
    ordered = sorted(range(len(sites)), key=lambda place: sites[place].site)
    for name in (f"features_{layer}", axis):
        found = {place: sites[place].plain[name].leading(d) for place in ordered if name in sites[place].plain}
        found = {place: moments for place, moments in found.items() if len(moments.mean) == d}
        if sum(float(np.trace(moments.cov)) for moments in found.values()) > 0:
            return found
    return {}
