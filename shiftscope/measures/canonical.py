"""One public look for every site: what is left after it is what harmonization cannot remove.

A site fits one map for all its images: its mean quantile function is sent to a fixed public one, and its mean radial
amplitude to a fixed public slope. It serves diagnosis only; training harmonizes to the federation's average instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import special

from shiftscope.measures.intensity import LEVELS, quantiles
from shiftscope.measures.texture import RADII, amplitude

if TYPE_CHECKING:
    import torch

__all__ = ["Canonical"]

_REFERENCE = np.clip(0.4 + 0.2 * special.ndtri(LEVELS), 0, 1)
_SLOPE = -1.0  # amplitude of natural and medical images falls as 1 / frequency (Field 1987, doi:10.1364/JOSAA.4.002379)
_STRONGEST = 8.0  # a ring's gain stays within 1/8 .. 8: noise is not blown up where the image holds nothing


@dataclass(frozen=True, slots=True)
class Canonical:
    """A site's map to the public look.

    Attributes:
        values: (33,) the site's mean quantile function at `LEVELS`.
        gain: (24,) factor for each ring of the radial spectrum, after the quantile map.
    """

    values: np.ndarray
    gain: np.ndarray

    @classmethod
    def fit(cls, batches: "Sequence[torch.Tensor]") -> Self:
        """Fit on a sample of a site's canvases, each batch (b, s, s) in 0..1."""
        values = _mean([quantiles(grey) for grey in batches])
        plain = cls(values, np.ones(RADII))
        seen = _mean([amplitude(plain._recolour(grey)) for grey in batches])
        target = np.geomspace(1.0, batches[0].shape[-1] / 2, RADII) ** _SLOPE
        gain = target / np.maximum(seen, 1e-9)
        return cls(values, np.clip(gain / np.median(gain), 1 / _STRONGEST, _STRONGEST))

    def apply(self, grey: "torch.Tensor") -> "torch.Tensor":
        """The public look of canvases: (b, s, s) -> (b, s, s) in 0..1."""
        import torch

        mapped = self._recolour(grey)
        size = grey.shape[-1]
        fy, fx = np.fft.fftfreq(size)[:, None] * size, np.fft.rfftfreq(size)[None, :] * size
        radius = np.maximum(np.hypot(fy, fx), 1.0)
        position = np.log(radius) / np.log(size / 2) * (RADII - 1)
        gain = np.interp(position, np.arange(RADII), self.gain)
        gain[0, 0] = 1.0
        spectrum = torch.fft.rfft2(mapped) * torch.as_tensor(gain, dtype=torch.float32, device=grey.device)
        looked: torch.Tensor = torch.fft.irfft2(spectrum, s=(size, size))
        return looked.clamp(0, 1)

    def _recolour(self, grey: "torch.Tensor") -> "torch.Tensor":
        """The monotone map that sends `values` to the public quantile function."""
        import torch

        steps = np.linspace(0, 1, 1024)
        knots = np.maximum.accumulate(self.values + np.arange(len(self.values)) * 1e-9)
        # beyond the published levels the map goes on straight to the ends of the scale
        x = np.concatenate([[min(0.0, knots[0] - 1e-6)], knots, [max(1.0, knots[-1] + 1e-6)]])
        y = np.concatenate([[0.0], _REFERENCE, [1.0]])
        table = torch.as_tensor(np.interp(steps, x, y), dtype=torch.float32, device=grey.device)
        position = grey.clamp(0, 1) * (len(steps) - 1)
        low = position.floor().long().clamp(max=len(steps) - 2)
        return table[low] + (table[low + 1] - table[low]) * (position - low)


def _mean(curves: "list[torch.Tensor]") -> np.ndarray:
    """Mean over all rows of several (b, k): (k,) float64."""
    rows = np.concatenate([curve.cpu().numpy() for curve in curves])
    return np.asarray(rows.mean(axis=0, dtype=np.float64))
