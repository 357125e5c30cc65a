"""Smooth random fields, coordinates and soft edges: what every anatomy is drawn with.

Coordinates are shares of the canvas, 0 at the first and 1 at the last edge, so an anatomy is drawn alike at any size.
Everything is float32: twice as fast as float64 and far finer than the 8 bits that are kept.
"""

from functools import lru_cache

import numpy as np

__all__ = ["bump", "grid", "smooth_noise", "soft_step", "to_pixels"]

_SPLINE_STD = 0.692  # standard deviation of a cubic B-spline sum of unit normals, per axis, averaged over positions


@lru_cache(maxsize=64)
def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres as (y, x) of shapes (size, 1) and (1, size), in 0..1. Read-only: they are shared."""
    centres = ((np.arange(size) + 0.5) / size).astype(np.float32)
    centres.flags.writeable = False
    return centres[:, None], centres[None, :]


@lru_cache(maxsize=256)
def _spline(size: int, cells: int) -> np.ndarray:
    """Cubic B-spline weights, (size, cells + 3): row i blends the four knots around position i."""
    position = np.linspace(0, cells, size) if size > 1 else np.array([cells / 2])
    left = np.minimum(position.astype(int), cells - 1)
    t = position - left
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    matrix = np.zeros((size, cells + 3))
    for knot in range(4):
        matrix[np.arange(size), left + knot] += weights[:, knot]
    matrix = matrix.astype(np.float32)
    matrix.flags.writeable = False
    return matrix


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], cells: tuple[int, ...]) -> np.ndarray:
    """A smooth random field of about unit variance: normals on a coarse lattice, blended by cubic B-splines.

    Args:
        rng: source of the normals; as many are drawn whatever `shape` is.
        shape: shape of the field.
        cells: lattice cells along each axis; more cells, finer detail.

    Returns:
        float32 of `shape`.
    """
    field = rng.standard_normal(tuple(count + 3 for count in cells), dtype=np.float32)
    for size, count in zip(shape, cells, strict=True):
        # contracting the first axis and appending the result rotates the axes once round
        field = np.tensordot(field, _spline(size, count), axes=(0, 1))
    return field / np.float32(_SPLINE_STD ** len(shape))


def soft_step(distance: np.ndarray, width: float) -> np.ndarray:
    """0 far below zero, 1 far above, a cubic ramp of `width` around it."""
    t = np.clip(distance / width + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def bump(distance: np.ndarray, width: float) -> np.ndarray:
    """1 at zero, falling to 0 like a Gaussian of standard deviation `width`."""
    scaled = distance / width
    return np.exp(-0.5 * scaled * scaled)


def to_pixels(signal: np.ndarray) -> np.ndarray:
    """`signal` clipped to 0..1 as float32."""
    return np.asarray(np.clip(signal, 0, 1), dtype=np.float32)
