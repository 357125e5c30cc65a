"""A site's training cases as an endless stream of full batches."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from shiftscope.plans import Plan
from shiftscope.training.data.augmentation import augment
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.data.patches import draw_patch, margins

__all__ = ["Batch", "Mix", "draw"]

Batch = tuple[torch.Tensor, torch.Tensor]
"""Images (n, c, y, x) float32 in channels-last memory; masks (n, 1, y, x) or classes (n,) as integers.

With `plan.patch` images are (n, c, z, y, x) and masks (n, 1, z, y, x).
"""

Mix = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""What a harmonizer does to a batch while training: (n, c, y, x) float32 in [0, 1] -> the same."""


def draw(samples: Sequence[Sample], plan: Plan, rng: np.random.Generator, mix: Mix | None = None) -> Iterator[Batch]:
    """Batches of `plan.batch_size`, augmented.

    A batch is always full: cases come in a shuffled order that starts anew when it is through, so a site of three
    cases takes as many steps of the same size as one of three hundred. A volume gives one slice, drawn at random, or
    one block of `plan.patch`.
    """
    give = _blocks if plan.patch else _slices
    queue: list[int] = []
    while True:
        while len(queue) < plan.batch_size:
            queue.extend(rng.permutation(len(samples)).tolist())
        chosen, queue = [samples[index] for index in queue[: plan.batch_size]], queue[plan.batch_size :]
        images, masks = give(chosen, plan, rng, mix)
        if plan.task == "segmentation":
            yield images, masks
        else:
            yield images, torch.tensor([int(sample.target) for sample in chosen])


def _slices(chosen: Sequence[Sample], plan: Plan, rng: np.random.Generator, mix: Mix | None) -> Batch:
    """A slice of each case, with its mask (empty for classification)."""
    slices = [int(rng.integers(len(sample.pixels))) for sample in chosen]
    images = np.stack([sample.pixels[z] for sample, z in zip(chosen, slices, strict=True)]).astype(np.float32)
    if mix is not None:
        images = mix(images, rng)
    if plan.task == "classification":
        return augment(torch.from_numpy(images), None, rng)
    masks = np.stack([np.asarray(sample.target)[z] for sample, z in zip(chosen, slices, strict=True)])
    return augment(torch.from_numpy(images), torch.from_numpy(masks.astype(np.int64))[:, None], rng)


def _blocks(chosen: Sequence[Sample], plan: Plan, rng: np.random.Generator, mix: Mix | None) -> Batch:
    """A block of each case, every second one around foreground, all its slices augmented alike.

    Small lesions would hardly be met otherwise; the share is that of MONAI's `RandCropByPosNegLabel`.
    """
    pairs = [draw_patch(sample, plan, rng, lesion=index % 2 == 0) for index, sample in enumerate(chosen)]
    images = np.stack([pixels for pixels, _ in pairs])
    n, c, z, y, x = images.shape
    if mix is not None:  # a block has one style, as a slice has: its slices are laid out as one tall image
        images = mix(images.reshape(n, c, z * y, x), rng)
    drawn = [torch.from_numpy(labels.astype(np.int64)) for _, labels in pairs if labels is not None]
    turned, masks = augment(
        torch.from_numpy(images.reshape(n, c * z, y, x)), torch.stack(drawn) if drawn else None, rng
    )
    down, across = margins(plan)
    turned = turned.reshape(n, c, z, y, x)[..., down : y - down, across : x - across]
    return (
        turned.contiguous(memory_format=torch.channels_last_3d),
        masks[:, None, :, down : y - down, across : x - across].contiguous() if drawn else masks,
    )
