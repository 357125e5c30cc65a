"""A site's training cases as an endless stream of full batches."""

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice

import numpy as np
import torch

from shiftscope.plans import Plan
from shiftscope.training.data.augmentation import augment
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.data.patches import draw_patch, margins
from shiftscope.training.own_code.own_augmentations import Augmentation, own_augmentation

__all__ = ["Batch", "Mix", "draw"]

Batch = tuple[torch.Tensor, torch.Tensor]
"""Images (n, c, y, x) float32 in channels-last memory; masks (n, 1, y, x) or classes (n,) as integers.

With `plan.patch` images are (n, c, z, y, x) and masks (n, 1, z, y, x).
"""

Mix = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""What a harmonizer does to a batch while training: (n, c, y, x) float32 in [0, 1] -> the same."""


def draw(samples: Sequence[Sample], plan: Plan, rng: np.random.Generator, mix: Mix | None = None) -> Iterator[Batch]:
    """Batches of `plan.batch_size`, augmented, by the operator's own function where the plan names one.

    A batch is always full: cases come in a shuffled order that starts anew when it is through, so a site of three
    cases takes as many steps of the same size as one of three hundred. With `plan.balance` the classes take turns
    (class-balanced batches; FedMedICL, arXiv:2407.08822). A volume gives one slice, drawn at random, or one block of
    `plan.patch`.
    """
    give = _blocks if plan.patch else _slices
    own = own_augmentation(plan) if plan.augment else None
    order = _by_turns(samples, rng) if plan.balance else _shuffled(len(samples), rng)
    while True:
        chosen = [samples[index] for index in islice(order, plan.batch_size)]
        images, masks = give(chosen, plan, rng, mix, own)
        if plan.task == "segmentation":
            yield images, masks
        else:
            yield images, torch.tensor([int(sample.target) for sample in chosen])


def _shuffled(count: int, rng: np.random.Generator) -> Iterator[int]:
    """Numbers below `count` in a shuffled order that starts anew when it is through."""
    while True:
        yield from rng.permutation(count).tolist()


def _by_turns(samples: Sequence[Sample], rng: np.random.Generator) -> Iterator[int]:
    """Numbers of cases, class by class in turn, so that any stretch holds the classes as evenly as its length allows.

    Each class has a shuffled order of its own. A site with one class is trained plainly.
    """
    members: dict[int, list[int]] = {}
    for index, sample in enumerate(samples):
        members.setdefault(int(sample.target), []).append(index)
    if len(members) < 2:
        yield from _shuffled(len(samples), rng)
    orders = {label: _shuffled(len(indices), rng) for label, indices in members.items()}
    for label in cycle(rng.permutation(sorted(members)).tolist()):
        yield members[label][next(orders[label])]


def _slices(
    chosen: Sequence[Sample], plan: Plan, rng: np.random.Generator, mix: Mix | None, own: Augmentation | None
) -> Batch:
    """A slice of each case, with its mask (empty for classification)."""
    slices = [int(rng.integers(len(sample.pixels))) for sample in chosen]
    images = np.stack([sample.pixels[z] for sample, z in zip(chosen, slices, strict=True)]).astype(np.float32)
    if mix is not None:
        images = mix(images, rng)
    masks = None
    if plan.task == "segmentation":
        drawn = np.stack([np.asarray(sample.target)[z] for sample, z in zip(chosen, slices, strict=True)])
        masks = torch.from_numpy(drawn.astype(np.int64))[:, None]
    if own is None:
        return augment(torch.from_numpy(images), masks, rng)
    turned, moved = own(torch.from_numpy(images), masks, rng)
    return turned.contiguous(memory_format=torch.channels_last), torch.empty(0) if moved is None else moved


def _blocks(
    chosen: Sequence[Sample], plan: Plan, rng: np.random.Generator, mix: Mix | None, own: Augmentation | None
) -> Batch:
    """A block of each case, every second one around foreground, all its slices augmented alike.

    Small lesions would hardly be met otherwise; the share is that of MONAI's `RandCropByPosNegLabel`.
    """
    pairs = [draw_patch(sample, plan, rng, lesion=index % 2 == 0) for index, sample in enumerate(chosen)]
    images = np.stack([pixels for pixels, _ in pairs])
    n, c, z, y, x = images.shape
    if mix is not None:  # a block has one style, as a slice has: its slices are laid out as one tall image
        images = mix(images.reshape(n, c, z * y, x), rng)
    drawn = [torch.from_numpy(mask.astype(np.int64)) for _, mask in pairs if mask is not None]
    masks = torch.stack(drawn)[:, None] if drawn else None
    if own is None:
        flat = torch.from_numpy(images.reshape(n, c * z, y, x))
        alike, labels = augment(flat, None if masks is None else masks[:, 0], rng)
        turned, moved = alike.reshape(n, c, z, y, x), None if masks is None else labels[:, None]
    else:
        turned, moved = own(torch.from_numpy(images.reshape(n, c, z, y, x)), masks, rng)
    down, across = margins(plan)
    inside = (..., slice(down, y - down), slice(across, x - across))
    return (
        turned[inside].contiguous(memory_format=torch.channels_last_3d),
        torch.empty(0) if moved is None else moved[inside].contiguous(),
    )
