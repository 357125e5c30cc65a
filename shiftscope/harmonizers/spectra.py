"""How strong each fineness of pattern is, and a filter that changes that and nothing else.

The cosine transform is the Fourier transform of the image mirrored at its borders: a border is no edge, and a filter
does not carry one side's brightness over to the other.
"""

from functools import cache

import numpy as np
from scipy import fft

__all__ = ["RINGS", "amplitudes", "refine"]

RINGS = np.geomspace(1.0, 128.0, 24)
"""Cycles per side at which amplitudes are given; in between they are interpolated over log frequency."""

_STRONGEST = 8.0  # no ring is lifted or damped by more: noise is not blown up where the image holds nothing
_ABSENT = 1e-9
_DARKEST = 1e-3  # the filter leaves foreground no darker, or it would pass for padding


def amplitudes(case: np.ndarray) -> np.ndarray:
    """Root mean square amplitude of the patterns around each ring, exact-zero padding filled with the mean.

    Args:
        case: (z, c, y, x) in [0, 1].

    Returns:
        (c, 24) float64 in grey levels, per pixel and so the same for any number of pixels; 0 for rings beyond what
        an image of this size holds.
    """
    filled, _ = _filled(case)
    power = np.square(_cosines(filled)).mean(axis=0).reshape(case.shape[1], -1) / (case.shape[2] * case.shape[3])
    weights = _weights(*case.shape[2:])
    total = weights.sum(axis=1)
    return np.asarray(np.sqrt(power @ weights.T / np.where(total > 0, total, 1)))


def refine(case: np.ndarray, own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Every pattern times wanted / own of its ring; the mean and exact-zero padding stay.

    Rings that one of both lacks go with the nearest that both have.

    Args:
        case: (z, c, y, x) in [0, 1].
        own: (c, 24) the site's mean `amplitudes`.
        wanted: (c, 24).

    Returns:
        (z, c, y, x) float64 in [0, 1].
    """
    filled, inside = _filled(case)
    gain = np.exp([_log_gain(*rings) for rings in zip(own, wanted, strict=True)] @ _weights_at(*case.shape[2:]))
    gain[:, 0] = 1.0
    filtered = fft.idctn(_cosines(filled) * gain.reshape(case.shape[1:]), axes=(2, 3), norm="ortho")
    return np.asarray(np.where(inside, np.clip(filtered, np.minimum(case, _DARKEST), 1), 0))


def _log_gain(own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(24,) within the strongest allowed."""
    found = np.flatnonzero((own > _ABSENT) & (wanted > _ABSENT))
    if not found.size:
        return np.zeros(len(RINGS))
    log = np.interp(np.arange(len(RINGS)), found, np.log(wanted[found] / own[found]))
    return np.asarray(np.clip(log, -np.log(_STRONGEST), np.log(_STRONGEST)))


def _filled(case: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The case with each slice's padding at its foreground's mean, and where the foreground is."""
    inside = (case != 0).any(axis=1, keepdims=True)
    count = np.maximum(inside.sum(axis=(2, 3), keepdims=True), 1)
    return np.where(inside, case, case.sum(axis=(2, 3), keepdims=True, dtype=np.float64) / count), inside


def _cosines(planes: np.ndarray) -> np.ndarray:
    return np.asarray(fft.dctn(planes.astype(np.float64), axes=(2, 3), norm="ortho"))


def _weights(tall: int, wide: int) -> np.ndarray:
    """`_weights_at` without the mean, which is no pattern."""
    weights = _weights_at(tall, wide).copy()
    weights[:, 0] = 0
    return weights


@cache
def _weights_at(tall: int, wide: int) -> np.ndarray:
    """(24, tall * wide): how much each cosine belongs to each ring, adding up to 1; index k is k / 2 cycles."""
    cycles = np.hypot(np.arange(tall)[:, None] / 2, np.arange(wide)[None, :] / 2).ravel()
    ring = np.interp(np.log(np.maximum(cycles, RINGS[0])), np.log(RINGS), np.arange(len(RINGS)))
    return np.asarray(np.maximum(1 - np.abs(np.arange(len(RINGS))[:, None] - ring), 0))
