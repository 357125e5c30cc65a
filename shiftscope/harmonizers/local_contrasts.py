"""Contrast limited adaptive histogram equalization of every slice: nothing is shared."""

import numpy as np

from shiftscope.harmonizers.harmonizer import Statistics

__all__ = ["equalize"]


def equalize(case: np.ndarray, _own: Statistics, _reference: Statistics) -> np.ndarray:
    """scikit-image's `equalize_adapthist` (Zuiderveld 1994) of the brightest channel; the others follow in proportion.

    So hue and saturation stay, and no channel leaves the range. Windows are an eighth of each side, the clip limit is
    0.01. A slice without variation stays as it is, and so does exact-zero padding, though windows see it.

    Args:
        case: (z, c, y, x) float32 in [0, 1].
    """
    from skimage.exposure import equalize_adapthist

    result = case.copy()
    for slice_ in result:
        value = slice_.max(axis=0).astype(np.float64)
        if np.ptp(value) > 1e-6:
            even = equalize_adapthist(value)
            slice_ *= np.where(value > 0, even / np.maximum(value, 1e-9), 0)
    return np.asarray(np.clip(result, 0, 1))
