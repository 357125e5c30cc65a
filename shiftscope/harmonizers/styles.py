"""Styles of other sites, mixed into training images: an augmentation, which aligns nothing by itself.

MixStyle (Zhou et al. 2021, arXiv:2104.02008) mixes means and deviations of feature maps within a batch; here it mixes
those of pixels, and the other style is that of another site, which sent no more than its averages.
"""

from collections.abc import Sequence

import numpy as np

from shiftscope.harmonizers.averages import over_patients
from shiftscope.harmonizers.harmonizer import NOTHING, Patients, Statistics

__all__ = ["ALPHA", "mean_style", "mix_styles", "sites_styles", "unchanged"]

ALPHA = 0.1
"""Of the Beta distribution of the mixing weight: mostly near 0 or 1."""


def mean_style(patients: Patients, _own: Statistics = NOTHING, _reference: Statistics = NOTHING) -> Statistics:
    """Mean and standard deviation per channel over the foreground: over a patient's cases first, then patients.

    Foreground is every pixel that is not exactly zero in all channels.

    Returns:
        "mean" and "sd": (c,) each; nothing without a foreground.
    """
    found = over_patients(patients, _style)
    return {} if found is None else {"mean": found[0], "sd": found[1]}


def sites_styles(shares: Sequence[Statistics], _reference: Statistics = NOTHING) -> Statistics:
    """Every sharing site's style, one row each: "mean" and "sd" (sites, c). Each site sees the others' rows."""
    return {name: np.stack([share[name] for share in shares]) for name in ("mean", "sd")}


def unchanged(case: np.ndarray, _own: Statistics, _reference: Statistics) -> np.ndarray:
    """The case as it is: what is judged is never mixed."""
    return case


def mix_styles(batch: np.ndarray, own: Statistics, reference: Statistics, generator: np.random.Generator) -> np.ndarray:
    """Each image in a style between its own and that of another site, drawn anew.

    With weight w from Beta(0.1, 0.1), mean and deviation over the image's foreground become w times its own plus
    1 - w times those of the other site; the result is clipped to [0, 1], and exact-zero padding stays.

    Args:
        batch: (n, c, y, x) float32 in [0, 1].
        own: the site's `mean_style`: its row is not drawn.
        reference: of `sites_styles`; without another site the batch stays as it is.
        generator: where styles and weights are drawn from.
    """
    if not reference:
        return batch
    rows = np.hstack([reference["mean"], reference["sd"]])
    mine = np.concatenate([own["mean"], own["sd"]]) if own else np.full(rows.shape[1], np.nan)
    others = np.flatnonzero(~np.isclose(rows, mine).all(axis=1))
    if not others.size:
        return batch
    drawn = others[generator.integers(len(others), size=len(batch))]
    weight = generator.beta(ALPHA, ALPHA, size=(len(batch), 1))
    inside = (batch != 0).any(axis=1, keepdims=True)
    count = np.maximum(inside.sum(axis=(2, 3)), 1)
    mean = batch.sum(axis=(2, 3), dtype=np.float64) / count
    centred = np.where(inside, batch - mean[:, :, None, None], 0)
    spread = np.sqrt(np.square(centred).sum(axis=(2, 3)) / count)
    new_mean = weight * mean + (1 - weight) * reference["mean"][drawn]
    new_spread = weight * spread + (1 - weight) * reference["sd"][drawn]
    gain = np.where(spread > 1e-6, new_spread / np.maximum(spread, 1e-6), 1.0)
    mixed = centred * gain[:, :, None, None] + new_mean[:, :, None, None]
    return np.where(inside, np.clip(mixed, 0, 1), 0).astype(np.float32)


def _style(case: np.ndarray) -> np.ndarray:
    """(z, c, y, x) -> (2, c): mean and standard deviation over the foreground."""
    values = np.moveaxis(case, 1, 0)[:, (case != 0).any(axis=1)].astype(np.float64)
    return np.stack([values.mean(axis=1), values.std(axis=1)])
