"""Grey levels mapped channel by channel where an image shows something; padding neither counts nor changes."""

from collections.abc import Callable

import numpy as np

__all__ = ["map_foreground"]


def map_foreground(case: np.ndarray, grey_map: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    """A case whose foreground goes through `grey_map`, clipped to [0, 1].

    Foreground is every pixel that is not exactly zero in all channels; the others stay zero.

    Args:
        case: (z, c, y, x) float32 in [0, 1]; one volume is one case.
        grey_map: (foreground values (n,) float64 of a channel, its number) -> their new values (n,).
    """
    result = np.zeros(case.shape, dtype=np.float32)
    inside = (case != 0).any(axis=1)
    if inside.any():
        for channel in range(case.shape[1]):
            values = case[:, channel][inside].astype(np.float64)
            result[:, channel][inside] = np.clip(grey_map(values, channel), 0, 1)
    return result
