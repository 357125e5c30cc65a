"""Cases as features of a frozen network, for the linear model."""

from collections.abc import Callable

import numpy as np

from shiftscope.training.data.model_inputs import Sample

__all__ = ["featured"]

AT_ONCE = 32
"""Slices of a case that are seen together."""


def featured(sample: Sample, features: Callable[[np.ndarray], np.ndarray]) -> Sample:
    """A case's features, averaged over its slices, in place of its pixels: (1, d, 1, 1).

    Args:
        features: images (n, c, y, x) float32 in [0, 1] -> (n, d).
    """
    pixels = sample.pixels.astype(np.float32)
    parts = [features(pixels[start : start + AT_ONCE]) for start in range(0, len(pixels), AT_ONCE)]
    return sample.with_pixels(np.concatenate(parts).mean(axis=0)[None, :, None, None])
