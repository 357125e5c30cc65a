"""Local binary patterns (Ojala et al. 2002, doi:10.1109/TPAMI.2002.1017623): which neighbours are as bright as a pixel
or brighter, which no monotone change of the grey scale moves."""

from typing import TYPE_CHECKING

import numpy as np

from shiftscope.measures.order_statistics import at_least

if TYPE_CHECKING:
    import torch

__all__ = ["pattern_shares"]

_RADII = (1, 2)
_AROUND = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
_CODES = 256
_PATTERNS = 10


def _uniform_patterns() -> np.ndarray:
    """(256,) pattern of each code: its number of set bits where they are in one run, 9 elsewhere."""
    bits = (np.arange(_CODES)[:, None] >> np.arange(8)) & 1
    runs = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(runs <= 2, bits.sum(axis=1), 9)


def pattern_shares(images: "torch.Tensor") -> "torch.Tensor":
    """Shares of the ten rotation-invariant uniform patterns at radius 1 and 2: (b, s, s) -> (b, 20)."""
    import torch

    patterns = torch.from_numpy(_uniform_patterns()).to(images.device)
    first = torch.arange(len(images), device=images.device, dtype=torch.int32)[:, None] * _CODES
    parts = []
    for radius in _RADII:
        inner = _codes(images, radius)
        cells = inner.flatten(1).int().add_(first).flatten()
        counts = torch.bincount(cells, minlength=_CODES * len(images)).view(-1, _CODES)
        shares = torch.zeros(len(images), _PATTERNS, device=images.device).index_add_(1, patterns, counts.float())
        parts.append(shares / inner[0].numel())
    return torch.cat(parts, dim=1)


def _codes(images: "torch.Tensor", radius: int) -> "torch.Tensor":
    """The code of each pixel that has all its neighbours: (b, s, s) -> (b, s - 2 radius, s - 2 radius) uint8.

    All images are one long row, in which each neighbour is a fixed way off: comparisons of whole rows are the fastest.
    What is compared across an image's edge is cut off in the end.
    """
    import torch

    size = images.shape[-1]
    row = images.flatten()
    margin = radius * (size + 1)
    last = len(row) - margin
    codes = torch.zeros(len(row), dtype=torch.uint8, device=images.device)
    for bit, (dy, dx) in enumerate(_AROUND):
        way = radius * (dy * size + dx)
        codes[margin:last].add_(at_least(row[margin + way : last + way], row[margin:last]), alpha=1 << bit)
    return codes.view_as(images)[:, radius : size - radius, radius : size - radius]
