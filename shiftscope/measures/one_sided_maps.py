"""The cheap harmonizers in their one-sided form: a site maps itself to a fixed public reference, without other sites.

They serve diagnosis only, on the luminance: what is left of a difference in features after both sites are mapped is
what that harmonizer cannot remove. Training maps to the federation's own average instead.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from shiftscope.measures.appearance.intensity import LEVELS, quantiles

if TYPE_CHECKING:
    import torch

__all__ = ["PUBLIC", "REACH_SD", "mean_quantiles", "recoloured", "standardized"]

PUBLIC = np.clip(0.4 + 0.2 * special.ndtri(LEVELS), 0, 1)
"""(33,) the public quantile function at `LEVELS`."""

REACH_SD = 3.0
"""Standard deviations either side of the mean that 0..1 covers, as in training (`harmonizers`)."""

_STEPS = np.linspace(0, 1, 1024)


def standardized(grey: "torch.Tensor", sizes: Sequence[int]) -> "torch.Tensor":
    """Each case to mean 0.5, and 1 / (2 `REACH_SD`) a deviation, over its foreground: all that is not exactly 0.

    Args:
        grey: (b, s, s) in 0..1, the canvases of several cases one after the other.
        sizes: canvases of each case, adding up to b.

    Returns:
        (b, s, s) in 0..1; a case without variation becomes 0.5.
    """
    import torch

    case = torch.repeat_interleave(torch.arange(len(sizes)), torch.as_tensor(sizes)).to(grey.device)

    def per_canvas(values: "torch.Tensor") -> "torch.Tensor":
        """Sums over each case, (b, s, s) -> (b, 1, 1), in double precision: a squared sum loses digits."""
        total = values.new_zeros(len(sizes), dtype=torch.float64)
        return total.index_add_(0, case, values.sum(dim=(1, 2), dtype=torch.float64))[case][:, None, None]

    inside = grey.sign()
    count = per_canvas(inside).clamp(min=1)
    centred = (grey - (per_canvas(grey) / count).float()).mul_(inside)
    spread = (per_canvas(centred.square()) / count).sqrt()
    centred.div_((2 * REACH_SD * spread.clamp(min=1e-6)).float()).mul_(spread > 1e-6)
    return centred.add_(0.5).clamp_(0, 1).mul_(inside)


def mean_quantiles(batches: "Sequence[torch.Tensor]", *, foreground: bool = False) -> np.ndarray:
    """The mean quantile function of a site at `LEVELS`: (33,).

    Args:
        batches: canvases (b, s, s) in 0..1.
        foreground: count only what is not exactly 0, and pass over canvases with hardly any; with none left the public
            function itself is returned, whose map changes nothing.
    """
    curves = [quantiles(grey, grey != 0 if foreground else None).cpu().numpy() for grey in batches]
    whole = [row for rows in curves for row in rows if np.isfinite(row).all()]
    return np.asarray(np.mean(whole, axis=0, dtype=np.float64)) if whole else PUBLIC.copy()


def recoloured(grey: "torch.Tensor", values: np.ndarray) -> "torch.Tensor":
    """The monotone map that sends a site's quantile function to the public one: (b, s, s) in 0..1 -> the same.

    Beyond the published levels the map goes on straight to the ends of the scale.

    Args:
        grey: in 0..1.
        values: (33,) the site's `mean_quantiles`.
    """
    import torch

    knots = np.maximum.accumulate(values + np.arange(len(values)) * 1e-9)
    x = np.concatenate([[min(0.0, knots[0] - 1e-6)], knots, [max(1.0, knots[-1] + 1e-6)]])
    y = np.concatenate([[0.0], PUBLIC, [1.0]])
    table = torch.as_tensor(np.interp(_STEPS, x, y), dtype=torch.float32, device=grey.device)
    position = grey.clamp(0, 1).mul_(len(_STEPS) - 1)
    low = position.int().clamp_(max=len(_STEPS) - 2)
    start, rise = (part.index_select(0, low.flatten()).view_as(grey) for part in (table, table.diff()))
    return position.sub_(low.to(grey.dtype)).mul_(rise).add_(start)
