"""Every case to mean 0 and standard deviation 1: nothing is shared."""

import numpy as np

from shiftscope.harmonizers.foregrounds import map_foreground
from shiftscope.harmonizers.harmonizer import Statistics

__all__ = ["RANGE_SD", "standardize"]

RANGE_SD = 3.0
"""Standard deviations either side of the mean that the output range [0, 1] covers; beyond them it is clipped."""


def standardize(case: np.ndarray, _own: Statistics, _reference: Statistics) -> np.ndarray:
    """`0.5 + (v - mean) / (2 * RANGE_SD * sd)`, clipped to [0, 1]; mean and sd per channel over the foreground.

    A channel without variation becomes 0.5; `map_foreground` has the rest.

    Args:
        case: (z, c, y, x) float32 in [0, 1]; one volume is one case.
    """
    return map_foreground(case, _standardized)


def _standardized(values: np.ndarray, _channel: int) -> np.ndarray:
    spread = values.std()
    return 0.5 + (values - values.mean()) / (2 * RANGE_SD * spread) if spread > 1e-6 else np.full_like(values, 0.5)
