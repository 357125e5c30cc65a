"""Crops around the lesion, all brought to one size: what whole images are too large to show."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["crops"]

_MARGIN = 1.6  # side of the crop over the longer side of the mask's box
_LEAST = 0.06  # of the canvas: a smaller box is widened, so that single pixels are not blown up


def crops(grey: "torch.Tensor", masks: "torch.Tensor") -> "torch.Tensor":
    """A square around each mask, resampled to the size of the canvas; black beyond the image.

    Args:
        grey: (b, s, s) in 0..1.
        masks: (b, s, s) bool.

    Returns:
        (b, s, s); NaN where the mask is empty.
    """
    import torch
    from torch.nn import functional

    size = grey.shape[-1]
    middle, half = [], []
    for axis in (2, 1):  # x, then y: the order of grid_sample
        some = masks.any(dim=3 - axis)
        first = some.float().argmax(dim=1)
        last = size - 1 - some.flip(1).float().argmax(dim=1)
        middle.append((first + last + 1) / size - 1)  # in -1..1
        half.append((last - first + 1) / size)
    half_width = (_MARGIN * torch.maximum(*half)).clamp(min=_LEAST)
    frame = torch.zeros(len(grey), 2, 3, device=grey.device, dtype=grey.dtype)
    frame[:, 0, 0] = frame[:, 1, 1] = half_width
    frame[:, 0, 2], frame[:, 1, 2] = middle
    where = functional.affine_grid(frame, [len(grey), 1, size, size], align_corners=False)
    cut = functional.grid_sample(grey[:, None], where, padding_mode="zeros", align_corners=False)[:, 0]
    return cut.masked_fill(~masks.flatten(1).any(dim=1)[:, None, None], torch.nan)
