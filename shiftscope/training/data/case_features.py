"""Cases as features of a frozen network, for the linear model."""

from collections.abc import Callable

import numpy as np

from shiftscope.training.data.model_inputs import Sample, Samples

__all__ = ["with_features"]

AT_ONCE = 32
"""Slices of a case that are seen together."""


def with_features(samples: Samples, features: Callable[[np.ndarray], np.ndarray]) -> Samples:
    """Every case's features, averaged over its slices, in place of its pixels: (1, d, 1, 1).

    Args:
        features: images (n, c, y, x) float32 in [0, 1] -> (n, d).
    """

    def featured(sample: Sample) -> Sample:
        pixels = sample.pixels.astype(np.float32)
        parts = [features(pixels[start : start + AT_ONCE]) for start in range(0, len(pixels), AT_ONCE)]
        return sample.with_pixels(np.concatenate(parts).mean(axis=0)[None, :, None, None])

    train, val, test = ([featured(sample) for sample in part] for part in (samples.train, samples.val, samples.test))
    return Samples(train, val, test, samples.left_out)
