"""Summaries of measures on their public grid, and mean curves that can be means of curves."""

from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.measures import MEASURES
from shiftscope.measures.appearance.intensity import LEVELS
from shiftscope.measures.appearance.texture import RADII
from shiftscope.profiles.consistency.tolerances import ROUNDING, slack
from shiftscope.profiles.summaries import Summary
from shiftscope.profiles.sums.moment_sums import GRID
from shiftscope.profiles.widths import CELL
from shiftscope.records import Misfit

if TYPE_CHECKING:
    from shiftscope.profiles.profile_document import Profile

__all__ = ["require_curves", "require_summaries"]

_LOUDEST = 1e6  # amplitude of a ring; images are in 0..1
_SPANS = 1000  # a mean lies no farther outside the public range of its measure


def require_summaries(profile: "Profile") -> None:
    """Measures that this version knows, on their public grid."""
    for name, item in profile.measures.items():
        key = f"measures.{name}"
        if name not in MEASURES:
            raise Misfit(
                "measures", name, f"measures that this version knows; the file is of version {profile.version}"
            )
        if item.unit != MEASURES[name].unit:
            raise Misfit(f"{key}.unit", item.unit, f"{MEASURES[name].unit!r}")
        fewest = CELL if profile.privacy is None else 1
        if not fewest <= item.n <= profile.patients + slack(profile):
            raise Misfit(f"{key}.n", item.n, f"{fewest} to {profile.patients}, the number of patients")
        if min(item.counts) < fewest:
            raise Misfit(f"{key}.counts", min(item.counts), f"cells of {fewest} patients or more")
        _require_on_grid(key, item, MEASURES[name].range)
        _require_spread(key, item)


def _require_on_grid(key: str, item: Summary, ends: tuple[float, float]) -> None:
    grid = np.linspace(*ends, GRID + 1)
    near = ROUNDING * (ends[1] - ends[0])
    for place, edge in enumerate(item.edges):
        if np.min(np.abs(grid - edge)) > near:
            raise Misfit(f"{key}.edges", edge, f"edges of the {GRID} cells from {ends[0]:g} to {ends[1]:g}")
        if place in (0, len(item.edges) - 1) and abs(edge - ends[place > 0]) > near:
            raise Misfit(f"{key}.edges", edge, f"{ends[place > 0]:g} at this end")
    if not ends[0] - _SPANS * (ends[1] - ends[0]) <= item.mean <= ends[1] + _SPANS * (ends[1] - ends[0]):
        raise Misfit(f"{key}.mean", item.mean, f"a mean near {ends[0]:g} to {ends[1]:g}")


def _require_spread(key: str, item: Summary) -> None:
    """The cells force a distance from the mean on their patients; values beyond the range count in the end cells."""
    lows, highs = np.array(item.edges[:-1]), np.array(item.edges[1:])
    span = highs[-1] - lows[0]
    lows[0], highs[-1] = -np.inf, np.inf
    away = np.maximum(np.maximum(lows - item.mean, item.mean - highs) - ROUNDING * span, 0.0)
    least = sqrt(float(away**2 @ np.array(item.counts)) / max(item.n - 1, 1))
    if item.sd < least * (1 - ROUNDING):
        raise Misfit(f"{key}.sd", item.sd, f"{least:.6g} or more, with this mean and these cells")


def require_curves(profile: "Profile") -> None:
    """Mean quantiles that rise from 0 to 1, and amplitudes."""
    for key, curve, length in (("quantiles", profile.quantiles, len(LEVELS)), ("spectrum", profile.spectrum, RADII)):
        if curve is None:
            continue
        if profile.patients < CELL:
            raise Misfit(key, "numbers", f"null below {CELL} patients")
        if curve.shape != (length,):
            raise Misfit(key, curve.shape, f"{length} numbers")
        low, high = (float(curve.min()), float(curve.max()))
        most = 1.0 if key == "quantiles" else _LOUDEST
        if low < 0 or high > most:
            raise Misfit(key, low if low < 0 else high, f"numbers from 0 to {most:g}")
    if profile.quantiles is not None:
        for before, after in pairwise(profile.quantiles.tolist()):
            if after < before * (1 - ROUNDING):
                raise Misfit("quantiles", [before, after], "quantiles that rise")
