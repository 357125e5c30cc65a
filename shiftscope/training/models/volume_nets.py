"""What a block of a volume asks of a network: how often it can be halved, and which classifiers take it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from monai.networks import nets
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.plans import Plan

__all__ = ["CLASSIFIERS", "fitting_strides", "halvings", "strides_of"]

SMALLEST = 4
"""No side is halved below this (the rule of nnU-Net, doi:10.1038/s41592-020-01008-z): thick slices stay apart."""

CLASSIFIERS: Mapping[str, Callable[[int, int], nn.Module]] = {
    "densenet121": lambda channels, classes: nets.DenseNet121(3, channels, classes),
    **{
        name: partial(
            lambda make, channels, classes: make(spatial_dims=3, n_input_channels=channels, num_classes=classes), make
        )
        for name, make in {
            "resnet10": nets.resnet10,
            "resnet18": nets.resnet18,
            "resnet34": nets.resnet34,
            "resnet50": nets.resnet50,
        }.items()
    },
}
"""MONAI's three-dimensional classifiers, all with BatchNorm: name -> (channels, classes) -> network."""


def halvings(length: int, most: int) -> int:
    """How often a length in voxels is halved on the way down: `most` times, but never below `SMALLEST`."""
    return max(count for count in range(most + 1) if count == 0 or length // 2**count >= SMALLEST)


def strides_of(patch: Sequence[int], most: int) -> tuple[tuple[int, ...], ...]:
    """Of each level on the way down, its stride along z, y, x: (2, 2, 2) as long as every side can be halved."""
    return tuple(tuple(2 if level < halvings(length, most) else 1 for length in patch) for level in range(most))


def fitting_strides(plan: Plan, most: int) -> tuple[tuple[int, ...], ...]:
    """`strides_of` what the plan's network sees: along z, y, x of its block, or y, x of its slice.

    Raises:
        PlanError: a side cannot be halved as often as it should be; names what fits.
    """
    lengths = plan.patch or (plan.image_size, plan.image_size)
    for axis, length in zip("zyx"[-len(lengths) :], lengths, strict=True):
        count = halvings(length, most)
        if length % 2**count:
            key = f"patch: {length} voxels along {axis}" if plan.patch else f"image_size: {length} pixels"
            name = "the U-Net" if plan.model == "unet" else plan.model
            raise PlanError(
                f"{key} do not fit {name}, which halves them {count} times; choose a multiple of {2**count}"
            )
    return strides_of(lengths, most)
