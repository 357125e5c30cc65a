"""The slow drift of brightness that a site's images have in common: a polynomial surface of second degree.

Polynomials are a usual model of shading (Vovk, Pernus and Likar 2007, doi:10.1109/TMI.2006.891486). It is the site's
mean surface that is mapped, not each case's: what a single patient has on one side is anatomy.
"""

from functools import cache

import numpy as np

__all__ = ["TERMS", "reshade", "surface"]

TERMS = 6
"""Coefficients of 1, x, y, xy, x^2, y^2, with x and y from -1 to 1 across the image."""

_DARKEST = 0.1  # of its mean brightness: below it a fitted surface says nothing of shading
_STRONGEST = 4.0  # no place is brightened or darkened by more


def surface(case: np.ndarray) -> np.ndarray:
    """Coefficients fitted to the case's mean slice, its exact-zero padding filled with the foreground's mean.

    Args:
        case: (z, c, y, x) in [0, 1].

    Returns:
        (c, 6) float64, the same for any number of pixels.
    """
    inside = (case != 0).any(axis=1, keepdims=True)
    mean = case.sum(axis=(0, 2, 3), dtype=np.float64) / max(int(inside.sum()), 1)
    filled = np.where(inside, case, mean[:, None, None]).mean(axis=0)
    return np.asarray(filled.reshape(len(filled), -1) @ _fit(*case.shape[2:]).T)


def reshade(case: np.ndarray, own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The case with its site's surface divided out and another put on; exact-zero padding stays.

    Args:
        case: (z, c, y, x) in [0, 1].
        own: (c, 6) the site's mean surface.
        wanted: (c, 6).

    Returns:
        (z, c, y, x) float64 in [0, 1].
    """
    shape = case.shape[2:]
    factor = np.clip(_bright(wanted, shape) / _bright(own, shape), 1 / _STRONGEST, _STRONGEST)
    return np.asarray(np.clip(case * factor, 0, 1))


def _bright(coefficients: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The surface, (c, y, x), nowhere near zero."""
    fitted = (coefficients @ _terms(*shape).T).reshape(len(coefficients), *shape)
    return np.asarray(np.maximum(fitted, np.maximum(_DARKEST * fitted.mean(axis=(1, 2), keepdims=True), 1e-6)))


@cache
def _terms(tall: int, wide: int) -> np.ndarray:
    """(tall * wide, 6) the polynomials at the pixels' centres."""
    y, x = np.meshgrid(*((2 * np.arange(length) + 1) / length - 1 for length in (tall, wide)), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1).reshape(-1, TERMS)


@cache
def _fit(tall: int, wide: int) -> np.ndarray:
    """(6, tall * wide) least squares."""
    return np.linalg.pinv(_terms(tall, wide))
