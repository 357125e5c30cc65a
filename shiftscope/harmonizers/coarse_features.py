"""Simple features of a case, from which the leakage gate asks how well classes can be told apart."""

import numpy as np

from shiftscope.images import canvas

__all__ = ["case_features"]

_COARSE = 8
_LEVELS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_BANDS = 4


def case_features(pixels: np.ndarray) -> np.ndarray:
    """A case at a glance: a coarse picture, grey levels, and how rough it is at four scales.

    Args:
        pixels: (z, c, y, x) float in [0, 1], at least 16 pixels a side.

    Returns:
        (64 + 7 c + 8,) float64: the mean slice at 8 x 8; quantiles of each channel; per octave of detail the log of its
        deviation and its skewness.
    """
    values = pixels.astype(np.float32)
    grey = values.mean(axis=(0, 1))
    coarse = canvas(grey[None], _COARSE).ravel()
    levels = np.quantile(np.moveaxis(values, 1, 0).reshape(values.shape[1], -1), _LEVELS, axis=1)
    texture = []
    for _ in range(_BANDS):
        grey = grey[: len(grey) // 2 * 2, : grey.shape[1] // 2 * 2]
        smaller = (grey[::2, ::2] + grey[1::2, ::2] + grey[::2, 1::2] + grey[1::2, 1::2]) / 4
        detail = grey - smaller.repeat(2, axis=0).repeat(2, axis=1)
        spread = float(detail.std()) + 1e-4
        texture += [np.log(spread), float((np.abs(detail / spread) ** 3).mean())]
        grey = smaller
    return np.concatenate([coarse, levels.T.ravel(), texture]).astype(np.float64)
