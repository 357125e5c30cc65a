"""How bright: quantile functions of what a model sees."""

from typing import TYPE_CHECKING

import numpy as np

from shiftscope.measures.measure import Measure
from shiftscope.measures.order_statistics import above

if TYPE_CHECKING:
    import torch

__all__ = [
    "LEVELS",
    "MEASURES",
    "OUTSIDE_MARGIN",
    "brightness",
    "foreground",
    "quantiles",
    "scalars",
    "surroundings",
    "variance",
]

LEVELS = np.linspace(0.005, 0.995, 33)
"""The quantile function is published at these levels: no minimum, no maximum."""

OUTSIDE_MARGIN = 0.06
"""Pixels nearer to a mask than this share of the canvas side count as neither inside nor outside."""

_CELLS = 4096  # of the histogram behind quantiles: 1/16 of a grey level

_RANGE = "the 8-bit scale a model sees: 0 is black, 255 is white"

MEASURES: dict[str, Measure] = {
    "brightness": Measure(
        name="brightness",
        unit="grey levels",
        sentence="Mean grey level of the image, as a model would see it.",
        formula="255 * mean(pixels)",
        range=(0.0, 255.0),
        direction=f"higher is brighter; {_RANGE}",
        undefined="never",
        reference="Gonzalez and Woods, Digital Image Processing, 4th ed., section 3.3",
    ),
    "contrast": Measure(
        name="contrast",
        unit="grey levels",
        sentence="Spread of the grey levels of the image.",
        formula="255 * standard deviation(pixels)",
        range=(0.0, 128.0),
        direction="higher is more contrast",
        undefined="never",
        reference="RMS contrast: Peli 1990, doi:10.1364/JOSAA.7.002032",
    ),
    "brightness_outside": Measure(
        name="brightness_outside",
        unit="grey levels",
        sentence="Mean grey level away from the mask, so that a larger lesion does not count as a darker image.",
        formula=f"255 * mean(pixels farther than {OUTSIDE_MARGIN:.0%} of the side from the mask)",
        range=(0.0, 255.0),
        direction="higher is brighter",
        undefined="no mask, or a mask that leaves less than a tenth of the image",
        reference="this project, docs/measures.md",
    ),
}


def quantiles(grey: "torch.Tensor", keep: "torch.Tensor | None" = None) -> "torch.Tensor":
    """Quantile function of each image at `LEVELS`, from a histogram of 4096 cells: exact to 1/4096.

    Args:
        grey: (b, h, w) float32 in 0..1.
        keep: (b, h, w) bool, the pixels that count; all where None.

    Returns:
        (b, 33) float32; NaN for an image of which less than a tenth is kept.
    """
    import torch

    flat = grey.flatten(1)
    rows = torch.arange(len(flat), device=flat.device, dtype=torch.int32)[:, None] * _CELLS
    cell = (flat * _CELLS).int().clamp_(0, _CELLS - 1)
    if keep is not None:
        cell.mul_(keep.flatten(1).view(torch.uint8))  # what does not count goes to the first cell, and is taken off
    counts = torch.bincount(cell.add_(rows).flatten(), minlength=_CELLS * len(flat)).view(-1, _CELLS)
    if keep is not None:
        counts[:, 0] -= flat.shape[1] - keep.flatten(1).sum(dim=1)
    upto = counts.cumsum(dim=1).float()
    total = upto[:, -1:]
    levels = torch.as_tensor(LEVELS, dtype=torch.float32, device=flat.device)
    rank = levels * (total - 1).clamp(min=0) + 0.5  # the middle of the pixel that holds the level
    found = torch.searchsorted(upto, rank).clamp(max=_CELLS - 1)
    inside = counts.gather(1, found).float().clamp(min=1)
    share = (rank - (upto.gather(1, found) - inside)) / inside
    out = (found + share.clamp(0, 1)) / _CELLS
    return out.masked_fill(total < _ENOUGH * flat.shape[1], torch.nan)


_BLACK = 5 / 255  # what is darker is padding, air or a frame
_ENOUGH = 0.1  # share of the image below which its foreground does not stand for it


def foreground(grey: "torch.Tensor", within: "torch.Tensor | None" = None) -> "torch.Tensor":
    """Pixels that are not black, of those `within`; all of those where less than a tenth of the image is not black.

    How much of the frame is black is a matter of framing, not of how the scanner renders tissue.

    Args:
        grey: (b, h, w) in 0..1.
        within: (b, h, w) bool, everything where None.

    Returns:
        (b, h, w) bool.
    """
    visible = above(grey, _BLACK)
    if within is not None:
        visible &= within
    dark = (_share(visible) < _ENOUGH)[:, None, None]
    visible |= dark if within is None else within & dark
    return visible


def surroundings(mask: "torch.Tensor") -> "torch.Tensor":
    """Pixels clear of the mask: (b, h, w) bool -> (b, h, w) bool."""
    from torch.nn import functional

    margin = max(1, round(OUTSIDE_MARGIN * mask.shape[-1]))
    padded = functional.pad(mask, (margin,) * 4)
    return ~_any_of(_any_of(padded, 2 * margin + 1, 1), 2 * margin + 1, 2)


def _any_of(mask: "torch.Tensor", length: int, axis: int) -> "torch.Tensor":
    """Whether any of `length` pixels from each one on is set, along an axis that becomes shorter by `length` - 1.

    Windows of 1, 2, 4, ... pixels, each of two of the windows before.
    """
    held = 1
    while held < length:
        step = min(held, length - held)
        rest = mask.shape[axis] - step
        mask = mask.narrow(axis, 0, rest) | mask.narrow(axis, step, rest)
        held += step
    return mask


def _share(mask: "torch.Tensor") -> "torch.Tensor":
    """Share of the image that is set: (b, h, w) bool -> (b,)."""
    return mask.flatten(1).sum(dim=1) / mask[0].numel()


def brightness(grey: "torch.Tensor", keep: "torch.Tensor") -> "torch.Tensor":
    """Mean grey level of the pixels kept: (b, h, w), (b, h, w) bool -> (b,); NaN where less than a tenth is."""
    import torch

    share = _share(keep)
    mean = (grey * keep.view(torch.uint8).to(grey.dtype)).flatten(1).mean(dim=1) / share
    return (255 * mean).masked_fill(share < _ENOUGH, torch.nan)


def scalars(grey: "torch.Tensor") -> dict[str, "torch.Tensor"]:
    """`brightness` and `contrast` of each image: (b, h, w) -> (b,) each, in grey levels."""
    return {"brightness": 255 * grey.flatten(1).mean(dim=1), "contrast": 255 * variance(grey).sqrt()}


def variance(images: "torch.Tensor") -> "torch.Tensor":
    """Mean squared deviation from each image's mean: (b, h, w) -> (b,). In two passes, a tenth of the time of `var`."""
    flat = images.flatten(1)
    return (flat - flat.mean(dim=1, keepdim=True)).square_().mean(dim=1)
