"""How strong edges are, by direction and place, whichever side is brighter (Dalal and Triggs 2005,
doi:10.1109/CVPR.2005.177)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["DIRECTIONS", "PLACES", "edge_strengths"]

PLACES = 4
DIRECTIONS = 6


def edge_strengths(images: "torch.Tensor") -> "torch.Tensor":
    """Mean edge strength in each of six directions and 4 x 4 places, shared between the two nearest directions.

    Args:
        images: (b, s, s) float32 or float64, s at least 6.

    Returns:
        (b, 6, 4, 4), the dtype of `images`.
    """
    import torch
    from torch.nn import functional

    dy = images[:, 2:, 1:-1] - images[:, :-2, 1:-1]
    dx = images[:, 1:-1, 2:] - images[:, 1:-1, :-2]
    strength = (dx * dx).addcmul_(dy, dy).sqrt_()
    turn = torch.atan2(dy, dx)
    turn.sub_(turn.sign().clamp_(max=0), alpha=torch.pi).mul_(DIRECTIONS / torch.pi)  # 0..6, opposite ways are one
    bins = torch.arange(DIRECTIONS, device=images.device, dtype=images.dtype).view(1, -1, 1, 1)
    gap = (turn[:, None] - bins).abs_()
    gap[:, 0] = torch.minimum(gap[:, 0], DIRECTIONS - gap[:, 0])  # a full turn is none
    votes = gap.neg_().add_(1).clamp_(min=0).mul_(strength[:, None])
    return functional.adaptive_avg_pool2d(votes, PLACES)
