"""A site whose grey scale runs the other way is found, turned back, and mapped to the federation's quantiles.

Upright and inverted cannot be told from one site alone; only that two sites run opposite ways can. The sign is that of
the correlation between the sites' mean low-resolution pictures. On four collections of real images (ultrasound, brain
MRI, chest X-ray, colonoscopy) it parted inverted from upright sites where the asymmetry of the grey levels did not;
`docs/harmonizers.md` has the numbers. The majority is taken to be upright. Where as many clear sites run one way as the
other, the reference says so in "sides" and nobody is turned.
"""

from collections.abc import Sequence

import numpy as np

from shiftscope.harmonizers.averages import over_patients
from shiftscope.harmonizers.harmonizer import NOTHING, Patients, Statistics
from shiftscope.harmonizers.quantile_maps import map_quantiles, mean_quantiles

__all__ = ["CELLS", "CLEAR", "align", "map_turned", "mean_picture", "turned", "turned_quantiles"]

CELLS = 8
"""Cells along each side of the shared picture."""

CLEAR = 0.4
"""Correlations nearer to zero say nothing: such a site neither votes nor is turned."""


def mean_picture(patients: Patients, _own: Statistics = NOTHING, _reference: Statistics = NOTHING) -> Statistics:
    """The site's mean picture: over a patient's cases first, then over patients; inverting a site negates it.

    Each case is standardised over its foreground, all pixels that are not exactly zero in every channel; the rest is
    0 like the mean, so that padding has no sign.

    Returns:
        "picture": (64,) with mean 0 and length 1, or zeros where nothing varies; nothing without a foreground.
    """
    found = over_patients(patients, _picture)
    return {} if found is None else {"picture": _unit((found - found.mean()).ravel())}


def align(shares: Sequence[Statistics], _reference: Statistics = NOTHING) -> Statistics:
    """The picture of the majority, from the sites whose sign is clear.

    Signs come from the first eigenvector of the pictures' correlations, and are checked with each site against the
    others without itself: the eigenvector gives every site a sign, also one that has nothing to do with the others.

    Returns:
        "picture": (64,) the clear sites' mean, upright; zeros in a tie and where no two sites are clearly alike.
        "sides": (3,) how many sites are upright, inverted, unclear; the first two are equal in a tie.
    """
    pictures = np.stack([share["picture"] for share in shares])
    sign = np.where(np.linalg.eigh(pictures @ pictures.T).eigenvectors[:, -1] < 0, -1.0, 1.0)
    signed = pictures * sign[:, None]
    others = signed.sum(axis=0) - signed
    clear = np.array([one @ _unit(rest) for one, rest in zip(signed, others, strict=True)]) >= CLEAR
    majority = np.sign(sign[clear].sum())
    upright, inverted = (int((clear & (sign == polarity)).sum()) for polarity in (majority or 1.0, -(majority or 1.0)))
    return {
        "picture": majority * signed[clear].sum(axis=0) / max(clear.sum(), 1),
        "sides": np.array([upright, inverted, len(shares) - clear.sum()], dtype=np.float64),
    }


def turned_quantiles(patients: Patients, own: Statistics, reference: Statistics) -> Statistics:
    """Whether the site is inverted, and its mean quantile function once it is upright.

    Returns:
        "correlation": (1,) of its picture with the majority's. "turned": (1,) 1 where that is below -`CLEAR`, else 0.
        "quantiles": as `mean_quantiles`, of the turned cases. Nothing without a foreground.
    """
    if "picture" not in own or "picture" not in reference:
        return {}
    correlation = float(own["picture"] @ _unit(reference["picture"]))
    inverted = correlation < -CLEAR
    upright = ([turned(case) for case in cases] for cases in patients) if inverted else patients
    return {
        "correlation": np.array([correlation]),
        "turned": np.array([float(inverted)]),
        **mean_quantiles(upright),
    }


def map_turned(case: np.ndarray, own: Statistics, reference: Statistics) -> np.ndarray:
    """The case turned back if its site is inverted, then mapped as by `quantile_map`; exact-zero padding stays.

    Args:
        case: (z, c, y, x) float32 in [0, 1].
        own: of `turned_quantiles`; without quantiles the case stays as it is.
        reference: of `align`, with the `barycentre` of the upright sites.
    """
    if "quantiles" not in own or "quantiles" not in reference:
        return case
    return map_quantiles(turned(case) if own["turned"][0] else case, own, reference)


def turned(case: np.ndarray) -> np.ndarray:
    """`1 - v` wherever not all channels are exactly zero."""
    return np.where((case != 0).any(axis=1, keepdims=True), 1 - case, 0).astype(np.float32)


def _picture(case: np.ndarray) -> np.ndarray:
    """(z, c, y, x) -> (8, 8): cell means of the standardised brightness, averaged over slices."""
    inside = (case != 0).any(axis=1)
    grey = case.mean(axis=1, dtype=np.float64)
    values = grey[inside]
    spread = values.std()
    if spread <= 1e-6:
        return np.zeros((CELLS, CELLS))
    standard = np.where(inside, (grey - values.mean()) / spread, 0.0).mean(axis=0)
    rows, columns = (_cells(length) for length in standard.shape)
    return np.asarray(rows @ standard @ columns.T)


def _cells(length: int) -> np.ndarray:
    """(8, length) weights of the pixels in each cell, by overlap: any size, also one below 8."""
    cell, pixel = np.arange(CELLS)[:, None] / CELLS, np.arange(length)[None, :] / length
    overlap = np.minimum(cell + 1 / CELLS, pixel + 1 / length) - np.maximum(cell, pixel)
    return np.asarray(np.maximum(overlap, 0) * CELLS)


def _unit(vector: np.ndarray) -> np.ndarray:
    """Length 1, or zeros where there is none."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-9 else np.zeros_like(vector)
