"""What a block of a volume asks of a network: how often it can be halved, and which classifiers take it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from monai.networks import nets
from torch import nn

__all__ = ["CLASSIFIERS", "halvings", "strides_of"]

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
