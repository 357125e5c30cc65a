"""Every case to mean 0 and standard deviation 1: nothing is shared."""

import numpy as np

from shiftscope.harmonizers.harmonizer import Statistics

__all__ = ["REACH_SD", "standardize"]

REACH_SD = 3.0
"""Standard deviations either side of the mean that the output range [0, 1] covers; beyond them it is clipped."""


def standardize(case: np.ndarray, _own: Statistics, _reference: Statistics) -> np.ndarray:
    """`0.5 + (v - mean) / (2 * REACH_SD * sd)`, clipped to [0, 1]; mean and sd per channel over the foreground.

    Foreground is every pixel that is not exactly zero in all channels, so padding neither counts nor changes.
    A channel without variation becomes 0.5.

    Args:
        case: (z, c, y, x) float32 in [0, 1]; one volume is one case.
    """
    result = np.zeros(case.shape, dtype=np.float32)
    inside = (case != 0).any(axis=1)
    if not inside.any():
        return result
    for channel in range(case.shape[1]):
        values = case[:, channel][inside].astype(np.float64)
        spread = values.std()
        scaled = (
            0.5 + (values - values.mean()) / (2 * REACH_SD * spread) if spread > 1e-6 else np.full_like(values, 0.5)
        )
        result[:, channel][inside] = np.clip(scaled, 0, 1)
    return result
