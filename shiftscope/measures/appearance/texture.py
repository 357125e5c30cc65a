"""How sharp, how noisy, how even: the radial spectrum and four numbers a person can read."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.measures.appearance.intensity import variance
from shiftscope.measures.appearance.small_filters import laplacian
from shiftscope.measures.measure import Measure
from shiftscope.measures.order_statistics import lower_median

if TYPE_CHECKING:
    import torch

__all__ = ["MEASURES", "RADII", "amplitude", "scalars", "slow_drift", "vector"]

RADII = 24
"""Rings of the radial spectrum, equally spaced in log frequency from one cycle per side to the Nyquist frequency."""

MEASURES: dict[str, Measure] = {
    "noise": Measure(
        name="noise",
        unit="grey levels",
        sentence="Standard deviation of the pixel-to-pixel noise.",
        formula="255 * 1.4826 * median|second difference of Immerkaer| / 6",
        range=(0.0, 40.0),
        direction="higher is noisier",
        undefined="never",
        reference="Immerkaer 1996, doi:10.1006/cviu.1996.0060, with a median in place of the mean",
    ),
    "sharpness": Measure(
        name="sharpness",
        unit="1",
        sentence="Share of the image's variation that is fine detail.",
        formula="log10(variance of the Laplacian / variance of the pixels)",
        range=(-5.0, 2.0),
        direction="higher is sharper (or noisier)",
        undefined="a flat image counts as the lowest value",
        reference="Pertuz et al. 2013, doi:10.1016/j.patcog.2012.11.011",
    ),
    "local_contrast": Measure(
        name="local_contrast",
        unit="1",
        sentence="Typical contrast of a small neighbourhood relative to the whole image.",
        formula="median(standard deviation in 9x9 windows) / standard deviation(pixels)",
        range=(0.0, 1.0),
        direction="higher is more local detail",
        undefined="a flat image counts as 0",
        reference="Peli 1990, doi:10.1364/JOSAA.7.002032",
    ),
    "bias_field": Measure(
        name="bias_field",
        unit="1",
        sentence="Share of the image's variation that is a slow drift of brightness across it.",
        formula="variance of a second-degree polynomial fitted to the pixels / variance of the pixels",
        range=(0.0, 1.0),
        direction="higher is more uneven illumination or coil sensitivity (or anatomy that fills one side)",
        undefined="a flat image counts as 0",
        reference="polynomial bias models: Vovk et al. 2007, doi:10.1109/TMI.2006.891486",
    ),
}

_TINY = 1e-8


@cache
def _rings(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Ring index of every half-plane frequency (size, size // 2 + 1), RADII where it belongs to none; ring sizes."""
    fy, fx = np.fft.fftfreq(size)[:, None] * size, np.fft.rfftfreq(size)[None, :] * size
    radius = np.hypot(fy, fx)
    edges = np.geomspace(1.0, size / 2, RADII + 1)
    ring = np.clip(np.searchsorted(edges, radius, side="right") - 1, 0, RADII - 1)
    ring[(radius < 1) | (radius > size / 2)] = RADII
    return ring, np.bincount(ring.ravel(), minlength=RADII + 1)[:RADII]


def amplitude(grey: "torch.Tensor") -> "torch.Tensor":
    """Root mean square amplitude of each ring of frequencies, Hann window: (b, s, s) -> (b, 24).

    Rings too thin to hold a frequency take their lower neighbour's value.
    """
    import torch

    size = grey.shape[-1]
    ring, count = _rings(size)
    window = torch.hann_window(size, periodic=False, device=grey.device)
    centred = grey - grey.mean(dim=(1, 2), keepdim=True)
    power = torch.fft.rfft2(centred.mul_(window[:, None]).mul_(window)).abs().square_().div_(size**2)
    index = torch.as_tensor(ring, device=grey.device).flatten()
    total = torch.zeros(len(grey), RADII + 1, device=grey.device).index_add_(1, index, power.flatten(1))[:, :RADII]
    filled = np.maximum.accumulate(np.where(count > 0, np.arange(RADII), 0))
    mean = total / torch.as_tensor(np.maximum(count, 1), dtype=torch.float32, device=grey.device)
    return mean[:, torch.as_tensor(filled, device=grey.device)].sqrt()


def scalars(grey: "torch.Tensor", fine: "torch.Tensor") -> dict[str, "torch.Tensor"]:
    """`noise`, `sharpness`, `local_contrast`, `bias_field` of each image: (b,) each.

    Args:
        grey: (b, s, s) in 0..1.
        fine: (b, s - 2, s - 2) its `noise.residual`.
    """
    import torch
    from torch.nn import functional

    image = grey[:, None]
    spread = variance(grey)
    noise = lower_median(fine.flatten(1))
    mean = functional.avg_pool2d(image, 9, stride=4)
    local = (functional.avg_pool2d(image.square(), 9, stride=4) - mean.square()).clamp(min=0).sqrt().flatten(1)
    slow = slow_drift(grey.shape[-1], grey.device)
    fitted = (grey.flatten(1) @ slow).square().sum(dim=1) / slow.shape[0]
    flat = spread < _TINY
    spread = spread.clamp(min=_TINY)
    return {
        "noise": 255 * 1.4826 * noise,
        "sharpness": torch.log10((variance(laplacian(grey)) / spread).clamp(min=1e-5)),
        "local_contrast": (lower_median(local) / spread.sqrt()).masked_fill(flat, 0.0),
        "bias_field": (fitted / spread).masked_fill(flat, 0.0),
    }


@lru_cache(maxsize=8)
def slow_drift(size: int, device: "torch.device") -> "torch.Tensor":
    """Orthonormal polynomials of first and second degree on a canvas, without the constant: (size * size, 5)."""
    import torch

    axis = torch.linspace(-1, 1, size, device=device)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    terms = torch.stack([torch.ones_like(x), x, y, x * y, x * x, y * y]).flatten(1)
    slow: torch.Tensor = torch.linalg.qr(terms.T).Q[:, 1:]  # the first column is the mean
    return slow


def vector(rings: "torch.Tensor", numbers: "dict[str, torch.Tensor]") -> "torch.Tensor":
    """What the texture axis compares: (b, 28).

    The log power of the rings relative to the image's total, so that gain does not count as texture, and the four
    scalars with noise on a log scale.

    Args:
        rings: (b, 24) from `amplitude`.
        numbers: from `scalars`.
    """
    import torch

    power = rings.square()
    relative = torch.log10((power / power.sum(dim=1, keepdim=True).clamp(min=_TINY)).clamp(min=1e-7))
    noise = torch.log10(numbers["noise"].clamp(min=0.05))
    rest = [numbers["sharpness"], numbers["local_contrast"], numbers["bias_field"]]
    return torch.cat([relative, torch.stack([noise, *rest], dim=1)], dim=1)
