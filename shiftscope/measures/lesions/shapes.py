"""Geometry of one region of a mask, in the plane or in space, on grids whose sides differ."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations, product

import numpy as np

__all__ = ["axis_ratios", "bounding_box", "hull_size", "moments", "roundness", "surface"]

ACROSS = 48  # pixels along the longest side of a region when the length of its border is taken


def bounding_box(region: np.ndarray) -> tuple[slice, ...]:
    """Slices of the smallest box around the true pixels of a boolean array that has at least one."""
    box = []
    for axis in range(region.ndim):
        line = np.asarray(region.any(axis=tuple(other for other in range(region.ndim) if other != axis)))
        box.append(slice(int(line.argmax()), line.size - int(line[::-1].argmax())))
    return tuple(box)


def moments(region: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and covariance (d, d) of the pixel indices of a boolean array with at least one true pixel.

    From sums over planes, so that a large region costs no list of its pixels.
    """
    axes = range(region.ndim)
    lines = [region.sum(axis=tuple(other for other in axes if other != axis)) for axis in axes]
    count = float(lines[0].sum())
    mean = np.array([line @ np.arange(line.size) / count for line in lines])
    places = [np.arange(line.size) - middle for line, middle in zip(lines, mean, strict=True)]
    covariance = np.diag([line @ place**2 / count for line, place in zip(lines, places, strict=True)])
    for i, j in combinations(axes, 2):
        plane = region.sum(axis=tuple(other for other in axes if other not in (i, j)))
        covariance[i, j] = covariance[j, i] = places[i] @ plane @ places[j] / count
    return mean, covariance


def axis_ratios(covariance: np.ndarray, spacing: Sequence[float]) -> tuple[float, float]:
    """Second and last eigenvalue over the first, of the spread of a region whose pixels are small boxes.

    Args:
        covariance: (d, d) of the pixel indices, d 2 or 3.
        spacing: d sides of a pixel, in any unit.
    """
    lengths = np.asarray(spacing)
    values = np.linalg.eigvalsh((covariance + np.eye(len(lengths)) / 12) * np.outer(lengths, lengths))
    return min(1.0, float(values[-2] / values[-1])), min(1.0, float(values[0] / values[-1]))


def hull_size(region: np.ndarray) -> float:
    """Area or volume, in pixels, of the convex hull of the midpoints of all pixel faces of a boolean array.

    Midpoints, not corners: the border of a smooth shape runs through them, so a disk keeps a solidity near 1.
    Only the first and the last pixel of each row along x can touch the hull. No spacing: ratios to it need none.
    """
    from scipy.spatial import ConvexHull

    rows = np.argwhere(region.any(axis=-1))
    first = region.argmax(axis=-1)[tuple(rows.T)]
    last = region.shape[-1] - 1 - region[..., ::-1].argmax(axis=-1)[tuple(rows.T)]
    ends = np.concatenate([np.column_stack([rows, first]), np.column_stack([rows, last])]).astype(np.float64)
    halves = np.eye(region.ndim) / 2
    return float(ConvexHull(np.concatenate([ends + length for length in (*halves, *-halves)])).volume)


def roundness(region: np.ndarray, spacing: tuple[float, ...]) -> float:
    """4 pi A / P^2 of an area, (36 pi V^2)^(1/3) / S of a volume: 1 for a disk and a ball, never more.

    The length of a ragged border grows with the resolution, so a region that is finer than `ACROSS` pixels along its
    longest side is sampled there. The bound bites only on regions a few pixels wide, whose border no grid resolves.
    """
    pixel = max(n * length for n, length in zip(region.shape, spacing, strict=True)) / ACROSS
    counts = [max(1, min(n, round(n * length / pixel))) for n, length in zip(region.shape, spacing, strict=True)]
    places = [(np.arange(k) + 0.5) * n // k for k, n in zip(counts, region.shape, strict=True)]
    sampled = region[np.ix_(*(place.astype(np.intp) for place in places))]
    if sampled.any():
        spacing = tuple(n * length / k for n, length, k in zip(region.shape, spacing, counts, strict=True))
        region = sampled
    size = int(np.count_nonzero(region)) * math.prod(spacing)
    border = surface(region, spacing)
    return min(
        1.0, 4 * math.pi * size / border**2 if region.ndim == 2 else (36 * math.pi * size**2) ** (1 / 3) / border
    )


def surface(region: np.ndarray, spacing: tuple[float, ...]) -> float:
    """Perimeter of a (y, x) or surface of a (z, y, x) boolean array by Crofton's formula, in the unit of `spacing`.

    Lines along direction k, as dense as the grid allows, cross the border n_k times: the sum over k of
    c * w_k * n_k * pixel / length_k, with c = pi / 2 in the plane and 2 in space. Unlike a count of pixel edges it
    hardly depends on how the region lies on the grid, and pixels need not be square. The canvas edge counts as border.

    Reference: Legland, Kieu & Devaux 2007, doi:10.5566/ias.v26.p83-92.
    """
    constant = math.pi / 2 if region.ndim == 2 else 2.0
    padded = np.pad(region, 2)
    total = 0.0
    for direction, weight in _directions(spacing):
        length = math.hypot(*(d * length for d, length in zip(direction, spacing, strict=True)))
        ahead = tuple(slice(max(d, 0), n + min(d, 0)) for d, n in zip(direction, padded.shape, strict=True))
        behind = tuple(slice(max(-d, 0), n - max(d, 0)) for d, n in zip(direction, padded.shape, strict=True))
        total += weight * int(np.count_nonzero(padded[ahead] != padded[behind])) / length
    return float(constant * math.prod(spacing) * total)


@lru_cache(maxsize=64)
def _directions(spacing: tuple[float, ...]) -> list[tuple[tuple[int, ...], float]]:
    """Directions of the grid, one of each opposite pair, with its share of all directions (shares sum to 1)."""
    if len(spacing) == 2:
        steps = [(0, 1), (1, 2), (1, 1), (2, 1), (1, 0), (2, -1), (1, -1), (1, -2)]
        angles = np.array([math.atan2(y * spacing[0], x * spacing[1]) for y, x in steps])
        gaps = np.diff(angles, append=angles[0] + math.pi)
        return [(step, float(w)) for step, w in zip(steps, (gaps + np.roll(gaps, 1)) / (2 * math.pi), strict=True)]
    from scipy.spatial import SphericalVoronoi

    cube = [step for step in product((-1, 0, 1), repeat=3) if any(step)]  # step i and step 25 - i are opposite
    points = np.array(cube) * np.array(spacing)
    shares = SphericalVoronoi(points / np.linalg.norm(points, axis=1, keepdims=True)).calculate_areas() / (2 * math.pi)
    return [(step, float(share)) for step, share in zip(cube[:13], shares[:13], strict=True)]
