"""Display ranges: one window for CT, percentiles for images whose scale means nothing."""

import math

import numpy as np

__all__ = ["CT_WINDOW_HU", "DISPLAY_PERCENTILES", "even_sample", "percentile_range"]

CT_WINDOW_HU = (-1000.0, 1000.0)
"""Air to dense bone: one public window for every site, whatever window a technologist stored."""


DISPLAY_PERCENTILES = (0.5, 99.5)
_SAMPLE = 1 << 20  # voxels; the error of a 0.5 % tail at this size is below 0.01 %


def percentile_range(pixels: np.ndarray) -> tuple[float, float]:
    """Percentiles 0.5 and 99.5 of the finite pixels; their range where more than 99 % of them are equal.

    Large volumes are sampled evenly, so every column takes part.

    Args:
        pixels: any shape, float.

    Returns:
        (low, high), low < high unless every pixel is equal.
    """
    sample = even_sample(pixels, _SAMPLE)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return (0.0, 1.0)
    low, high = (float(value) for value in np.percentile(sample, DISPLAY_PERCENTILES))
    if low == high:
        low, high = float(np.nanmin(pixels)), float(np.nanmax(pixels))
    return low, high


def even_sample(pixels: np.ndarray, most: int) -> np.ndarray:
    """About `most` pixels, less than twice as many, at an even stride that shares no factor with the sides: (n,)."""
    stride = max(1, pixels.size // most)
    while stride > 1 and any(math.gcd(stride, length) > 1 for length in pixels.shape):
        stride += 1
    return pixels.reshape(-1)[::stride]
