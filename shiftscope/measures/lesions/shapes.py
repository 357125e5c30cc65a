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
    pairs = [*combinations(range(region.ndim), 2)]
    planes = [_summed(region, pair) for pair in pairs]
    lines = [
        planes[0] @ np.ones(len(planes[0].T)),
        *(np.ones(len(region)) @ plane for plane in planes[: region.ndim - 1]),
    ]
    count = float(lines[0].sum())
    indices = [np.arange(line.size, dtype=np.float64) for line in lines]
    mean = np.array([line @ index / count for line, index in zip(lines, indices, strict=True)])
    places = [index - middle for index, middle in zip(indices, mean, strict=True)]
    covariance = np.empty((region.ndim, region.ndim))
    for axis, (line, place) in enumerate(zip(lines, places, strict=True)):
        covariance[axis, axis] = line @ place**2 / count
    for (i, j), plane in zip(pairs, planes, strict=True):
        covariance[i, j] = covariance[j, i] = places[i] @ plane @ places[j] / count
    return mean, covariance


def _summed(region: np.ndarray, kept: tuple[int, int]) -> np.ndarray:
    """How many pixels there are along all but two axes: (h, w) float64."""
    others = tuple(axis for axis in range(region.ndim) if axis not in kept)
    return region.sum(axis=others, dtype=np.float64) if others else region.astype(np.float64)


def axis_ratios(covariance: np.ndarray, spacing: Sequence[float]) -> tuple[float, float]:
    """Second and last eigenvalue over the first, of the spread of a region whose pixels are small boxes.

    Args:
        covariance: (d, d) of the pixel indices, d 2 or 3.
        spacing: d sides of a pixel, in any unit.
    """
    lengths = np.asarray(spacing)
    spread = (covariance + np.eye(len(lengths)) / 12) * (lengths[:, None] * lengths)
    if len(lengths) == 2:
        (first, both), (_, second) = spread.tolist()
        middle, half = (first + second) / 2, math.hypot((first - second) / 2, both)
        ratio = (middle - half) / (middle + half)
        return ratio, ratio
    values = np.linalg.eigvalsh(spread)
    return min(1.0, float(values[-2] / values[-1])), min(1.0, float(values[0] / values[-1]))


def hull_size(region: np.ndarray) -> float:
    """Area or volume, in pixels, of the convex hull of the midpoints of all pixel faces of a boolean array.

    Midpoints, not corners: the border of a smooth shape runs through them, so a disk keeps a solidity near 1.
    Only the first and the last pixel of each row along x can touch the hull. No spacing: ratios to it need none.
    """
    if region.ndim == 2:
        return _hull_area(region)
    from scipy.spatial import ConvexHull

    rows = np.argwhere(region.any(axis=-1))
    first = region.argmax(axis=-1)[tuple(rows.T)]
    last = region.shape[-1] - 1 - region[..., ::-1].argmax(axis=-1)[tuple(rows.T)]
    ends = np.concatenate([np.column_stack([rows, first]), np.column_stack([rows, last])]).astype(np.float64)
    halves = np.eye(region.ndim) / 2
    return float(ConvexHull(np.concatenate([ends + length for length in (*halves, *-halves)])).volume)


def _hull_area(region: np.ndarray) -> float:
    """The hull's sides from row to row are straightest lines: running sums of slopes that never fall, nearest to those
    of the region's own sides (greatest convex minorant; Barlow et al. 1972). A third of the time of a general hull."""
    from scipy.optimize import isotonic_regression

    rows = np.flatnonzero(region.any(axis=1))
    filled = region[rows]
    beside = np.full((2, rows[-1] - rows[0] + 3), np.inf)  # the left and the right, mirrored, ends of rows
    beside[:, rows - rows[0] + 1] = filled.argmax(axis=1), filled[:, ::-1].argmax(axis=1) + 1 - region.shape[1]
    lines = np.empty(
        (2, 2 * beside.shape[1] - 3)
    )  # at the upper edge of the first row, its middle, its lower edge, ...
    lines[:, 0::2], lines[:, 1::2] = np.minimum(beside[:, 1:], beside[:, :-1]), beside[:, 1:-1] - 0.5
    known = np.flatnonzero(lines[0] < np.inf)  # rows without a pixel cannot touch the hull
    area = 0.0
    for line in lines:
        if len(known) < len(line):
            line[:] = np.interp(np.arange(len(line)), known, line[known])
        line[1:] = line[0] + isotonic_regression(line[1:] - line[:-1]).x.cumsum()
        area -= float(line.sum() - (line[0] + line[-1]) / 2) / 2
    return area


def roundness(region: np.ndarray, spacing: tuple[float, ...]) -> float:
    """4 pi A / P^2 of an area, (36 pi V^2)^(1/3) / S of a volume: 1 for a disk and a ball, never more.

    The length of a ragged border grows with the resolution, so a region that is finer than `ACROSS` pixels along its
    longest side is sampled there. The bound bites only on regions a few pixels wide, whose border no grid resolves.
    """
    pixel = max(n * length for n, length in zip(region.shape, spacing, strict=True)) / ACROSS
    counts = [max(1, min(n, round(n * length / pixel))) for n, length in zip(region.shape, spacing, strict=True)]
    sampled = region
    for axis, (k, n) in enumerate(zip(counts, region.shape, strict=True)):
        sampled = sampled.take((2 * np.arange(k) + 1) * n // (2 * k), axis=axis)
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
    padded = np.zeros([n + 4 for n in region.shape], dtype=bool)
    padded[(slice(2, -2),) * region.ndim] = region
    steps = [stride // padded.itemsize for stride in padded.strides]
    row = (
        padded.ravel()
    )  # in one row each direction is a fixed step, and what lies beyond an edge is as empty as before
    total = 0.0
    for direction, share in _directions(spacing):
        step = abs(sum(d * n for d, n in zip(direction, steps, strict=True)))
        total += share * int(np.count_nonzero(row[step:] != row[:-step]))
    return float(constant * math.prod(spacing) * total)


@lru_cache(maxsize=64)
def _directions(spacing: tuple[float, ...]) -> list[tuple[tuple[int, ...], float]]:
    """Directions of the grid, one of each opposite pair, with its share of all directions (shares sum to 1) over the
    distance of two pixels along it."""
    if len(spacing) == 2:
        steps: list[tuple[int, ...]] = [(0, 1), (1, 2), (1, 1), (2, 1), (1, 0), (2, -1), (1, -1), (1, -2)]
        angles = np.array([math.atan2(y * spacing[0], x * spacing[1]) for y, x in steps])
        gaps = np.diff(angles, append=angles[0] + math.pi)
        shares = (gaps + np.roll(gaps, 1)) / (2 * math.pi)
    else:
        from scipy.spatial import SphericalVoronoi

        cube = [step for step in product((-1, 0, 1), repeat=3) if any(step)]  # step i and step 25 - i are opposite
        points = np.array(cube) * np.array(spacing)
        areas = SphericalVoronoi(points / np.linalg.norm(points, axis=1, keepdims=True)).calculate_areas()
        steps, shares = cube[:13], areas[:13] / (2 * math.pi)
    return [
        (step, float(share) / math.hypot(*(d * length for d, length in zip(step, spacing, strict=True))))
        for step, share in zip(steps, shares, strict=True)
    ]
