"""A site's training cases as an endless stream of full batches."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from shiftscope.plans import Plan
from shiftscope.train.augment import augment
from shiftscope.train.loading import Sample

__all__ = ["Batch", "Mix", "draw"]

Batch = tuple[torch.Tensor, torch.Tensor]
"""Images (n, c, y, x) float32 in channels-last memory; masks (n, 1, y, x) or classes (n,) as integers."""

Mix = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""What a harmonizer does to a batch while training: (n, c, y, x) float32 in [0, 1] -> the same."""


def draw(samples: Sequence[Sample], plan: Plan, rng: np.random.Generator, mix: Mix | None = None) -> Iterator[Batch]:
    """Batches of `plan.batch_size`, augmented.

    A batch is always full: cases come in a shuffled order that starts anew when it is through, so a site of three
    cases takes as many steps of the same size as one of three hundred. A volume gives one slice, drawn at random.
    """
    queue: list[int] = []
    while True:
        while len(queue) < plan.batch_size:
            queue.extend(rng.permutation(len(samples)).tolist())
        chosen, queue = [samples[index] for index in queue[: plan.batch_size]], queue[plan.batch_size :]
        slices = [int(rng.integers(len(sample.pixels))) for sample in chosen]
        images = np.stack([sample.pixels[z] for sample, z in zip(chosen, slices, strict=True)]).astype(np.float32)
        if mix is not None:
            images = mix(images, rng)
        if plan.task == "segmentation":
            masks = np.stack([np.asarray(sample.target)[z] for sample, z in zip(chosen, slices, strict=True)])
            yield augment(torch.from_numpy(images), torch.from_numpy(masks.astype(np.int64))[:, None], rng)
        else:
            labels = torch.tensor([int(sample.target) for sample in chosen])
            yield augment(torch.from_numpy(images), None, rng)[0], labels
