"""Every case stretched between two of its own percentiles: nothing is shared."""

import numpy as np

from shiftscope.harmonizers.harmonizer import Statistics

__all__ = ["ENDS", "stretch"]

ENDS = (1.0, 99.0)
"""Percentiles of the foreground that become 0 and 1."""


def stretch(case: np.ndarray, _own: Statistics, _reference: Statistics) -> np.ndarray:
    """`(v - p1) / (p99 - p1)`, clipped to [0, 1]; percentiles per channel over the foreground.

    Foreground is every pixel that is not exactly zero in all channels, so padding neither counts nor changes.
    A channel without variation becomes 0.5, as in `zscore`.

    Args:
        case: (z, c, y, x) float32 in [0, 1]; one volume is one case.
    """
    result = np.zeros(case.shape, dtype=np.float32)
    inside = (case != 0).any(axis=1)
    if not inside.any():
        return result
    for channel in range(case.shape[1]):
        values = case[:, channel][inside].astype(np.float64)
        low, high = np.percentile(values, ENDS)
        scaled = (values - low) / (high - low) if high - low > 1e-6 else np.full_like(values, 0.5)
        result[:, channel][inside] = np.clip(scaled, 0, 1)
    return result
