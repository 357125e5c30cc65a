"""Where things are, whatever the scanner: features of layout that hardly move with appearance.

An image is smoothed and thinned until noise, blur and resolution no longer matter, and each place is divided by the
contrast around it, which takes off gain, window, transfer curve and slow unevenness (local normalisation: Jarrett et
al. 2009, doi:10.1109/ICCV.2009.5459469). What is kept has no sign, so a negative gives the same numbers: directions of
edges (Dalal and Triggs 2005, doi:10.1109/CVPR.2005.177) and energy by place, and the spectrum of coarse detail.
Anatomy, field of view and zoom move it. Measured in docs/measures.md.
"""

import math
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.measures.features.edge_directions import PLACES, edge_strengths

if TYPE_CHECKING:
    import torch

__all__ = ["GRID", "SIZE", "vector"]

SIZE = 120
"""Numbers of one image: 4 x 4 places with six directions and an energy each, and eight rings."""

GRID = 32
"""Pixels a side: finer detail is texture, not layout."""

_BLUR = 0.75  # of them, sigma
_AROUND = 3.0  # of them, sigma of the neighbourhood that sets the contrast
_FLAT = 0.03  # share of the image's own contrast that is added: what is flat stays flat
_RINGS = 8
_FLOOR = 0.1  # of a typical cell: an empty place is not minus infinity


def vector(grey: "torch.Tensor") -> "torch.Tensor":
    """Layout features of canvases: (b, s, s) in 0..1, s a multiple of 32 -> (b, 120)."""
    import torch
    from torch.nn import functional

    # in double precision, and from one pixel's level: where the image is even, little is divided by little
    thin = functional.avg_pool2d(grey[:, None], grey.shape[-1] // GRID)[:, 0].double()
    coarse = _smooth(thin - thin[:, :1, :1], _BLUR)
    detail = coarse - _smooth(coarse, _AROUND)
    around = _smooth(detail.square(), _AROUND).clamp(min=0).sqrt()
    typical = detail.flatten(1).std(dim=1)[:, None, None]
    even = detail / (around + _FLAT * typical + 1e-4)
    edges = edge_strengths(even)
    edges = edges / edges.mean(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)
    energy = functional.adaptive_avg_pool2d(even.square(), PLACES).flatten(1)
    energy = energy / energy.mean(dim=1, keepdim=True).clamp(min=1e-6)
    parts = [torch.log(edges.flatten(1) + _FLOOR), torch.log(energy + _FLOOR), _rings(even)]
    return torch.cat(parts, dim=1)


def _smooth(images: "torch.Tensor", sigma: float) -> "torch.Tensor":
    """Gaussian blur with mirrored borders: (b, s, s) float64 -> (b, s, s).

    As two products with a matrix: a fifth of the time of convolutions in double precision.
    """
    blur = _blur(images.shape[-1], sigma, images.device)
    return blur @ (images @ blur.T)


@lru_cache(maxsize=8)
def _blur(size: int, sigma: float, device: "torch.device") -> "torch.Tensor":
    """(size, size) float64: the share of each pixel along a line in each blurred one."""
    import torch

    radius = min(math.ceil(3 * sigma), size - 1)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    mirrored = np.pad(np.eye(size), ((radius, radius), (0, 0)), mode="reflect")
    lines = [kernel @ mirrored[start : start + len(kernel)] / kernel.sum() for start in range(size)]
    return torch.as_tensor(np.stack(lines), device=device)


@cache
def _ring_of(size: int) -> np.ndarray:
    """Ring of every half-plane frequency (size, size // 2 + 1), `_RINGS` where it belongs to none."""
    fy, fx = np.fft.fftfreq(size)[:, None] * size, np.fft.rfftfreq(size)[None, :] * size
    radius = np.hypot(fy, fx)
    ring = np.searchsorted(np.geomspace(1.0, size / 2, _RINGS + 1), radius, side="right") - 1
    return np.where((radius < 1) | (radius > size / 2), _RINGS, np.clip(ring, 0, _RINGS - 1))


def _rings(image: "torch.Tensor") -> "torch.Tensor":
    """Log share of the power in each ring of frequencies, Hann window: (b, s, s) -> (b, 8)."""
    import torch

    size = image.shape[-1]
    window = torch.hann_window(size, periodic=False, device=image.device, dtype=image.dtype)
    centred = image - image.mean(dim=(1, 2), keepdim=True)
    power = torch.fft.rfft2(centred * window[:, None] * window).abs().square()
    index = torch.as_tensor(_ring_of(size), device=image.device).flatten()
    total = power.new_zeros(len(image), _RINGS + 1).index_add_(1, index, power.flatten(1))[:, :_RINGS]
    return torch.log(total / total.sum(dim=1, keepdim=True).clamp(min=1e-9) + 1e-4)
