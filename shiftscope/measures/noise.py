"""How noisy at which brightness: the curve by which a scanner is known, nearly whatever it looks at.

Noise depends on the signal in a way that belongs to the device (Foi et al. 2008, doi:10.1109/TIP.2008.2001399; Rice
noise in MR, speckle in ultrasound, quanta in X-ray), and a change of field of view hardly moves it.
"""

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["BANDS", "vector"]

BANDS = (0.02, 0.08, 0.18, 0.30, 0.45, 0.65, 1.01)
"""Edges of the bands of brightness; black is left out."""

_LEAST = 0.01  # share of the image a band must hold to say something
_FLOOR = 1e-3  # a quarter of a grey level
_SILENT = -6.0


def vector(grey: "torch.Tensor") -> "torch.Tensor":
    """Mean log of the fine residual in each band of brightness: (b, s, s) in 0..1 -> (b, 6).

    The residual is Immerkaer's second difference (1996, doi:10.1006/cviu.1996.0060), the brightness a 3 x 3 mean. A
    band with too few pixels takes the mean of the others.
    """
    import torch
    from torch.nn import functional

    kernel = torch.tensor([[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]], device=grey.device, dtype=grey.dtype)
    residual = torch.log(functional.conv2d(grey[:, None], kernel[None, None])[:, 0].abs() / 6 + _FLOOR).flatten(1)
    level = functional.avg_pool2d(grey[:, None], 3, stride=1)[:, 0].flatten(1)
    curve = []
    for low, high in pairwise(BANDS):
        inside = ((level >= low) & (level < high)).to(grey.dtype)
        share = inside.mean(dim=1)
        typical = (residual * inside).mean(dim=1) / share.clamp(min=1e-9)
        curve.append(typical.masked_fill(share < _LEAST, torch.nan))
    out = torch.stack(curve, dim=1)
    mean = out.nanmean(dim=1, keepdim=True).nan_to_num(_SILENT)
    return torch.where(out.isnan(), mean, out)
