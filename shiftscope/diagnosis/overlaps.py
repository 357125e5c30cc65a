"""How far two sites' published values lie apart, patient by patient."""

import numpy as np
from scipy import special

from shiftscope.profiles.profile import Summary
from shiftscope.stats import cliffs_delta

__all__ = ["dominance"]

_DEVIATIONS = np.linspace(-4.0, 4.0, 33)
_EVEN = 1e-6  # of the shape within a cell: where the normal has nothing, patients lie evenly


def dominance(here: Summary, there: Summary) -> float:
    """Cliff's delta: P(here > there) - P(here < there) for a patient of either, -1 to 1.

    Published cells hold ten patients or more, so those of a small site are few, and the outer ones reach to the ends of
    the measure's range: were values to lie evenly in them, two sites of 40 that do not overlap at all would be told as
    .23 apart. The cells say how many patients lie where; within a cell they are spread as a normal distribution of the
    site's mean and deviation would be.
    """
    spreads = [max(side.sd, 1e-9 * (side.edges[-1] - side.edges[0])) for side in (here, there)]
    inner = [side.mean + spread * _DEVIATIONS for side, spread in zip((here, there), spreads, strict=True)]
    low, high = min(here.edges[0], there.edges[0]), max(here.edges[-1], there.edges[-1])
    grid = np.unique(np.clip(np.concatenate([here.edges, there.edges, *inner]), low, high))
    counts = [_on(grid, side, spread) for side, spread in zip((here, there), spreads, strict=True)]
    return cliffs_delta(counts[0], grid, counts[1], grid)


def _on(grid: np.ndarray, side: Summary, spread: float) -> np.ndarray:
    """A site's patients in the cells of a finer grid that holds all its edges: (k,) -> (k - 1,)."""
    edges = np.asarray(side.edges)
    reach = edges[-1] - edges[0]

    def shape(x: np.ndarray) -> np.ndarray:
        return np.asarray(special.ndtr((x - side.mean) / spread) + _EVEN * (x - edges[0]) / reach)

    known = np.concatenate([[0.0], np.cumsum(side.counts)])
    return np.diff(np.interp(shape(grid), shape(edges), known))
