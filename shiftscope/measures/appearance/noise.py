"""How noisy at which brightness: the curve by which a scanner is known, nearly whatever it looks at; and how noisy in
all, against the signal.

Noise depends on the signal in a way that belongs to the device (Foi et al. 2008, doi:10.1109/TIP.2008.2001399; Rice
noise in MR, speckle in ultrasound, quanta in X-ray), and a change of field of view hardly moves it.
"""

from itertools import pairwise
from typing import TYPE_CHECKING

from shiftscope.measures.appearance.small_filters import immerkaer, mean_of_nine
from shiftscope.measures.measure import Measure
from shiftscope.measures.order_statistics import at_least, lower_median

if TYPE_CHECKING:
    import torch

__all__ = ["BANDS", "MEASURES", "residual", "scalars", "vector"]

MEASURES: dict[str, Measure] = {
    "snr": Measure(
        name="snr",
        unit="1",
        sentence="Signal to noise: mean of what is not black over the deviation of its noise.",
        formula="mean / max(1.4826 * median|second difference of Immerkaer| / 6, 1 / (255 * sqrt(12))), both over the"
        " pixels brighter than 5 of 255",
        range=(0.0, 400.0),
        direction="higher is a cleaner image",
        undefined="never; where less than a tenth is brighter than 5 of 255, all pixels count",
        reference="signal over noise of one image: Dietrich et al. 2007, doi:10.1002/jmri.20969; its noise: Immerkaer"
        " 1996, doi:10.1006/cviu.1996.0060, with a median in place of the mean",
    ),
}

BANDS = (0.02, 0.08, 0.18, 0.30, 0.45, 0.65, 1.01)
"""Edges of the bands of brightness; black is left out."""

_LEAST = 0.01  # share of the image a band must hold to say something
_FLOOR = 1e-3  # a quarter of a grey level
_SILENT = -6.0
_ROUNDED = 1 / (255 * 12**0.5)  # what rounding to 8 bits adds: no image of 8 bits has less noise


def residual(grey: "torch.Tensor") -> "torch.Tensor":
    """Size of Immerkaer's second difference (1996, doi:10.1006/cviu.1996.0060), in units of the noise that makes it:
    (b, s, s) -> (b, s - 2, s - 2)."""
    return immerkaer(grey).abs_().div_(6)


def vector(grey: "torch.Tensor", fine: "torch.Tensor") -> "torch.Tensor":
    """Mean log of the fine residual in each band of brightness, a 3 x 3 mean: (b, s, s) in 0..1 -> (b, 6).

    A band with too few pixels takes the mean of the others.

    Args:
        grey: (b, s, s) in 0..1.
        fine: (b, s - 2, s - 2) its `residual`.
    """
    import torch

    logs = (fine + _FLOOR).log_().flatten(1)
    level = mean_of_nine(grey).flatten(1)
    brighter = (at_least(level, edge).view(torch.uint8).to(grey.dtype) for edge in BANDS)
    curve = []
    for low, high in pairwise(brighter):
        inside = low.sub_(high)
        share = inside.mean(dim=1)
        typical = (logs * inside).mean(dim=1) / share.clamp(min=1e-9)
        curve.append(typical.masked_fill(share < _LEAST, torch.nan))
    out = torch.stack(curve, dim=1)
    mean = out.nanmean(dim=1, keepdim=True).nan_to_num(_SILENT)
    return torch.where(out.isnan(), mean, out)


def scalars(grey: "torch.Tensor", foreground: "torch.Tensor", fine: "torch.Tensor") -> "dict[str, torch.Tensor]":
    """`snr` of each image, its noise from every second row: half of the time, and still 8000 differences.

    Args:
        grey: (b, s, s) in 0..1.
        foreground: (b, s, s) bool.
        fine: (b, s - 2, s - 2) its `residual`.

    Returns:
        (b,).
    """
    import torch

    weight = foreground.view(torch.uint8).to(grey.dtype)
    signal = (grey * weight).flatten(1).sum(dim=1) / weight.flatten(1).sum(dim=1)
    middle = lower_median(fine[:, ::2].flatten(1), foreground[:, 1:-1:2, 1:-1].flatten(1))
    noise = 1.4826 * middle.nan_to_num(0.0)
    return {"snr": signal / noise.clamp(min=_ROUNDED)}
