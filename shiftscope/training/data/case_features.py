"""Cases as features of a frozen network, for the linear model."""

from collections.abc import Callable, Sequence

import numpy as np

from shiftscope.training.data.model_inputs import Sample

__all__ = ["featured"]

AT_ONCE = 16
"""Slices that the network sees together, of as many cases as they are: a third faster on a CPU than one by one."""


def featured(samples: Sequence[Sample], features: Callable[[np.ndarray], np.ndarray]) -> list[Sample]:
    """Each case's features, averaged over its slices, in place of its pixels: (1, d, 1, 1).

    Args:
        features: images (n, c, y, x) float32 in [0, 1] -> (n, d).
    """
    slices = [(case, number) for case, sample in enumerate(samples) for number in range(len(sample.pixels))]
    found = [np.empty(0)] * len(slices)
    for start in range(0, len(slices), AT_ONCE):
        chosen = slices[start : start + AT_ONCE]
        images = np.stack([samples[case].pixels[number] for case, number in chosen]).astype(np.float32)
        found[start : start + len(chosen)] = features(images)
    ends = np.cumsum([len(sample.pixels) for sample in samples])
    return [
        sample.with_pixels(np.mean(found[end - len(sample.pixels) : end], axis=0)[None, :, None, None])
        for sample, end in zip(samples, ends, strict=True)
    ]
