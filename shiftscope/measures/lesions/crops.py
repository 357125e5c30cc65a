"""Crops around the lesion, all brought to one size: what whole images are too large to show."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["crops"]

_MARGIN = 1.6  # side of the crop over the longer side of the mask's box
_LEAST = 0.06  # of the canvas: a smaller box is widened, so that single pixels are not blown up


def crops(grey: "torch.Tensor", masks: "torch.Tensor", pixels: int | None = None) -> "torch.Tensor":
    """A square around each mask, resampled to the size of the canvas; black beyond the image.

    Args:
        grey: (b, s, s) in 0..1.
        masks: (b, s, s) bool.
        pixels: of a side of the result, a divisor of s: means of the resampled squares; s where None.

    Returns:
        (b, pixels, pixels) float64, so that what is even stays so; NaN where the mask is empty.
    """
    import torch

    size = grey.shape[-1]
    drawn = masks.view(torch.uint8)
    lines = [drawn.amax(dim=axis) for axis in (2, 1)]  # of rows, of columns
    first = [line.argmax(dim=1) for line in lines]
    last = [size - 1 - line.flip(1).argmax(dim=1) for line in lines]
    longer = torch.maximum(*(end - start + 1 for start, end in zip(first, last, strict=True)))
    width = (longer.double() * _MARGIN).clamp(min=_LEAST * size)
    down, right = (
        _lines((start + end + 1).double() / 2, width, size, pixels or size)
        for start, end in zip(first, last, strict=True)
    )
    cut = down @ (grey.double() @ right.transpose(1, 2))
    return cut.masked_fill(lines[0].amax(dim=1)[:, None, None] == 0, torch.nan)


def _lines(middle: "torch.Tensor", width: "torch.Tensor", size: int, pixels: int) -> "torch.Tensor":
    """Share of each line of a canvas in each line of the crop, by linear interpolation: (b, pixels, size).

    An upright crop takes its rows and its columns one after the other, as two products: a third of the time of sampling
    its pixels one by one.

    Args:
        middle: (b,) of the crop, from the canvas' first edge.
        width: (b,) of the crop, in pixels of the canvas.
        size: lines of the canvas, and lines that are sampled.
        pixels: lines of the crop, means of neighbours of those.
    """
    import torch

    at = torch.arange(size, device=width.device, dtype=width.dtype)
    places = middle[:, None] + width[:, None] * ((at + 0.5) / size - 0.5) - 0.5
    shares = (places[:, :, None] - at).abs_().neg_().add_(1).clamp_(min=0)
    return shares.view(len(width), pixels, size // pixels, size).mean(dim=2)
