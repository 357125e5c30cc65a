"""Cases as features of a frozen extractor, for the linear model."""

import numpy as np
import torch

from shiftscope.measures.features.extractors import load_extractor
from shiftscope.training.data.model_inputs import LUMA, Sample, Samples

__all__ = ["count_features", "with_features"]


def with_features(samples: Samples, device: str) -> Samples:
    """Every case's features, averaged over its slices, in place of its pixels: (1, d, 1, 1)."""
    compute = load_extractor(device=device).compute

    def featured(sample: Sample) -> Sample:
        grey = sample.pixels.astype(np.float32)
        grey = np.einsum("zcyx,c->zyx", grey, LUMA) if grey.shape[1] == 3 else grey[:, 0]
        with torch.no_grad():
            shallow, deep = compute(torch.from_numpy(np.ascontiguousarray(grey[:, None])).to(device))
            values = torch.cat([shallow, deep], dim=1).mean(dim=0).cpu().numpy()
        return sample.with_pixels(values[None, :, None, None])

    train, val, test = ([featured(sample) for sample in part] for part in (samples.train, samples.val, samples.test))
    return Samples(train, val, test, samples.left_out)


def count_features(size: int) -> int:
    """How many features a case of `size` pixels a side has."""
    with torch.no_grad():
        shallow, deep = load_extractor().compute(torch.zeros(1, 1, size, size))
    return int(shallow.shape[1] + deep.shape[1])
