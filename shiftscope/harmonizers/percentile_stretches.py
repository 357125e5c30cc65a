"""Every case stretched between two of its own percentiles: nothing is shared."""

import numpy as np

from shiftscope.harmonizers.foregrounds import map_foreground
from shiftscope.harmonizers.harmonizer import Statistics

__all__ = ["ENDS", "stretch"]

ENDS = (1.0, 99.0)
"""Percentiles of the foreground that become 0 and 1."""


def stretch(case: np.ndarray, _own: Statistics, _reference: Statistics) -> np.ndarray:
    """`(v - p1) / (p99 - p1)`, clipped to [0, 1]; percentiles per channel over the foreground.

    A channel without variation becomes 0.5, as in `zscore`; `map_foreground` has the rest.

    Args:
        case: (z, c, y, x) float32 in [0, 1]; one volume is one case.
    """
    return map_foreground(case, _stretched)


def _stretched(values: np.ndarray, _channel: int) -> np.ndarray:
    low, high = np.percentile(values, ENDS)
    return np.asarray((values - low) / (high - low)) if high - low > 1e-6 else np.full_like(values, 0.5)
