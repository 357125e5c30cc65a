"""What ranks show of an image, which no monotone change of the grey scale moves: layout and edge directions.

In: canvases. Out: their ranks on a grid of 64 pixels, and of these a thumbnail and directions by place.
"""

from typing import TYPE_CHECKING

from shiftscope.measures.features.edge_directions import edge_strengths
from shiftscope.measures.order_statistics import sorted_rows

if TYPE_CHECKING:
    import torch

__all__ = ["directions", "ranks", "thumbnail"]

_GRID = 64
_BITS = 12  # of a place on the grid


def ranks(images: "torch.Tensor") -> "torch.Tensor":
    """Each pixel's rank within its image on a 64 px grid, 0..1, the first of equals lowest: (b, s, s) -> (b, 64, 64).

    Args:
        images: float32, none below 0.
    """
    import torch

    # -0 becomes 0, and the bits of floats that are not negative are in the order of their values: with the place behind
    # them they are whole numbers in the order of a stable sort, and numbers are sorted in a fifth of a place's time
    bits = (_thinned(images).flatten(1) + 0.0).view(torch.int32).long()
    keys = (bits << _BITS) + torch.arange(1 << _BITS, device=images.device)
    order = sorted_rows(keys) & ((1 << _BITS) - 1)
    steps = torch.linspace(0, 1, 1 << _BITS, device=images.device).expand_as(order)
    return torch.empty_like(steps).scatter_(1, order, steps).view(-1, _GRID, _GRID)


def _thinned(images: "torch.Tensor") -> "torch.Tensor":
    """Means over the cells of the grid: (b, s, s) -> (b, 64, 64)."""
    from torch.nn import functional

    if images.shape[1] != 2 * _GRID:
        return functional.adaptive_avg_pool2d(images, _GRID)
    # canvases of a profile: a fifth of the time, and added in the order of pooling, so that no rank is another
    cells = images[:, 0::2, 0::2] + images[:, 0::2, 1::2]
    return cells.add_(images[:, 1::2, 0::2]).add_(images[:, 1::2, 1::2]).mul_(0.25)


def thumbnail(ranked: "torch.Tensor") -> "torch.Tensor":
    """Ranks in 8 x 8 places: (b, 64, 64) -> (b, 64)."""
    from torch.nn import functional

    return functional.avg_pool2d(ranked, 8).flatten(1)


def directions(ranked: "torch.Tensor") -> "torch.Tensor":
    """Shares of six edge directions in 4 x 4 places: (b, 64, 64) -> (b, 96)."""
    cells = edge_strengths(ranked)
    return (cells / (cells.sum(dim=1, keepdim=True) + 1e-3)).flatten(1)
