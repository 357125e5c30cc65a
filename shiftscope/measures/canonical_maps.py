"""A site's maps to what is public, fitted before its cases can be harmonized.

The strongest maps to the public reference appearance: what it leaves of a difference is what harmonization cannot
remove. Its chain was fixed beforehand, for all sites: the quantile map, the slow drift of brightness taken off, one
public resolution with the public slope of the spectrum, and the quantile map again. The resolution is what noisy and
coarse images have in common with good ones; nothing above it is kept. `benchmarks/removal.py` measures what each
harmonizer is worth.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from shiftscope.measures.appearance.texture import RADII, amplitude, slow_drift
from shiftscope.measures.one_sided_maps import mean_quantiles, recoloured, standardized

if TYPE_CHECKING:
    import torch

__all__ = ["Canonical"]

_SLOPE = -1.0  # amplitude of natural and medical images falls as 1 / frequency (Field 1987, doi:10.1364/JOSAA.4.002379)
_CUTOFF = 16.0  # cycles per side at which the public resolution has taken amplitude down to 1 / e
_STRONGEST = 8.0  # a ring is never lifted by more: noise is not blown up where the image holds nothing


@dataclass(frozen=True, slots=True)
class Canonical:
    """The maps of one site.

    Attributes:
        upright: (33,) mean quantile function of the foreground at `intensity.LEVELS`.
        negative: (33,) the same of the negatives.
        whole: (33,) of all pixels.
        gain: (24,) factor for each ring of the radial spectrum, after the map of all pixels.
        filtered: (33,) mean quantile function after that.
    """

    upright: np.ndarray
    negative: np.ndarray
    whole: np.ndarray
    gain: np.ndarray
    filtered: np.ndarray

    @classmethod
    def fit(cls, batches: "Sequence[torch.Tensor]") -> Self:
        """Fit on a sample of a site's canvases, each batch (b, s, s) in 0..1."""
        whole = mean_quantiles(batches)
        even = [_evened(recoloured(grey, whole)) for grey in batches]
        gain = _gain(even)
        return cls(
            upright=mean_quantiles(batches, foreground=True),
            negative=mean_quantiles([1 - grey for grey in batches], foreground=True),
            whole=whole,
            gain=gain,
            filtered=mean_quantiles([_filtered(grey, gain) for grey in even]),
        )

    def apply(self, grey: "torch.Tensor") -> "torch.Tensor":
        """The canvases mapped to the public reference: (b, s, s) -> (b, s, s) in 0..1."""
        even = _evened(recoloured(grey, self.whole))
        return recoloured(_filtered(even, self.gain), self.filtered)

    def variants(self, grey: "torch.Tensor", sizes: Sequence[int]) -> "dict[str, Callable[[], torch.Tensor]]":
        """Canvases after each harmonizer, made one at a time: name -> () -> (b, s, s) in 0..1.

        Args:
            grey: (b, s, s) in 0..1.
            sizes: canvases of each case, adding up to b.
        """
        return {
            "zscore": lambda: standardized(grey, sizes),
            "quantile_map": lambda: _foreground_map(grey, self.upright),
            "polarity": lambda: _foreground_map(1 - grey, self.negative),
            "canonical": lambda: self.apply(grey),
        }


def _foreground_map(grey: "torch.Tensor", values: np.ndarray) -> "torch.Tensor":
    """The quantile map as in training: exact zeros stay."""
    return recoloured(grey, values).mul_(grey.sign())


def _evened(grey: "torch.Tensor") -> "torch.Tensor":
    """Without its slow drift of brightness, a polynomial of second degree (Vovk et al. 2007,
    doi:10.1109/TMI.2006.891486); the mean stays.

    In float64: how a product or a transform of float32 is rounded depends on the size of the batch, and ranks and
    patterns would make another order of pixels of it. So a case gives the same numbers in any part of a site."""
    flat = grey.flatten(1).double()
    slow = slow_drift(grey.shape[-1], grey.device).double()
    return (flat - (flat @ slow) @ slow.T).float().clamp_(0, 1).view_as(grey)


def _gain(batches: "Sequence[torch.Tensor]") -> np.ndarray:
    """What each ring's mean amplitude must be multiplied with to be public: (24,)."""
    rings = np.geomspace(1.0, batches[0].shape[-1] / 2, RADII)
    observed = np.concatenate([amplitude(grey).cpu().numpy() for grey in batches]).mean(axis=0, dtype=np.float64)
    gain = rings**_SLOPE * np.exp(-np.square(rings / _CUTOFF)) / np.maximum(observed, 1e-9)
    return np.asarray(np.minimum(gain / np.median(gain[rings <= _CUTOFF]), _STRONGEST))


def _filtered(grey: "torch.Tensor", gain: np.ndarray) -> "torch.Tensor":
    """Every ring of the radial spectrum times its gain; the mean stays. In float64, as `_evened`."""
    import torch

    size = grey.shape[-1]
    fy, fx = np.fft.fftfreq(size)[:, None] * size, np.fft.rfftfreq(size)[None, :] * size
    position = np.log(np.maximum(np.hypot(fy, fx), 1.0)) / np.log(size / 2) * (RADII - 1)
    factor = np.interp(position, np.arange(RADII), gain)
    factor[0, 0] = 1.0
    spectrum = torch.fft.rfft2(grey.double()) * torch.as_tensor(factor, device=grey.device)
    filtered: torch.Tensor = torch.fft.irfft2(spectrum, s=(size, size)).float()
    return filtered.clamp_(0, 1)
