"""Annotation plants: another reader of the same images. Pixels stay as they are."""
# ruff: noqa: ARG001 - every plant has the same signature, with or without chance in it

from collections.abc import Callable

import numpy as np
from scipy.ndimage import center_of_mass, distance_transform_edt, find_objects, label, maximum
from skimage.draw import polygon
from skimage.measure import find_contours

from shiftscope.phantoms.fields import smooth_noise
from shiftscope.phantoms.phantom import Phantom

__all__ = ["coarse_masks", "dilated_masks", "jagged_masks", "polygonal_masks"]

_WAVES = 14  # lattice cells of a jagged outline, over the width


def dilated_masks(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """A generous annotator: the outline 3 % of the width x severity further out, or in where negative."""
    mask = phantom.mask > 0
    if not mask.any():
        return phantom
    step = 0.03 * severity * mask.shape[-1]
    if step >= 0:
        return phantom.with_mask(distance_transform_edt(~mask) <= step)
    inside = distance_transform_edt(mask)
    # a thin part must not vanish: every component keeps at least its core
    parts, count = label(mask)
    core = np.concatenate([[0.0], maximum(inside, parts, np.arange(1, count + 1))]) - 0.5
    return phantom.with_mask(mask & (inside > np.minimum(-step, core)[parts]))


def jagged_masks(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """A hasty annotator: the outline wanders by 2.5 % of the width x severity (one standard deviation)."""
    mask = phantom.mask > 0
    if not mask.any():
        return phantom
    width = mask.shape[-1]
    inside, outside = distance_transform_edt(mask), distance_transform_edt(~mask)
    wander = smooth_noise(rng, mask.shape, tuple(max(round(_WAVES * length / width), 1) for length in mask.shape))
    moved = inside - outside + 0.025 * abs(severity) * width * wander > 0
    moved &= outside <= 0.06 * width
    return phantom.with_mask(moved if moved.any() else inside > min(2.0, inside.max() - 0.5))


def polygonal_masks(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """A few clicks round each lesion: a polygon of 4 x severity ** -0.6 corners, so 8 at 0.3, 5 at 0.6 and 4 at 1.

    The corners lie evenly along the outline from a random one on, and the polygon is scaled to the outline's area:
    annotators cut corners inside as much as outside. Holes become polygons too.
    """
    if severity == 0:
        return phantom
    corners = max(round(4 * abs(severity) ** -0.6), 3)
    return _in_slices(phantom, lambda mask: _polygonal(mask, corners, rng))


def coarse_masks(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """An annotation on a coarser raster: cells of 5 % of the width x severity, each in or out by its majority."""
    return _in_slices(phantom, lambda mask: _coarse(mask, 0.05 * abs(severity) * mask.shape[1]))


def _in_slices(phantom: Phantom, redraw: Callable[[np.ndarray], np.ndarray]) -> Phantom:
    """Each slice's mask redrawn, around its lesions only."""
    drawn = phantom.mask > 0
    for mask in drawn if drawn.ndim == 3 else drawn[None]:
        if mask.any():
            mask[...] = redraw(mask)
    return phantom.with_mask(drawn)


def _polygonal(mask: np.ndarray, corners: int, rng: np.random.Generator) -> np.ndarray:
    box = find_objects(mask.astype(np.uint8))[0]
    outlines = find_contours(np.pad(mask[box], 1).astype(np.float32), 0.5, fully_connected="high")
    drawn, holes = np.zeros_like(mask), np.zeros_like(mask)
    for outline in outlines:
        clicks = _clicks(outline, corners, rng.uniform())
        kept = _area(clicks) / _area(outline)
        if kept < 0.2:  # too thin for so few corners
            clicks, kept = outline, 1.0
        middle = clicks[:-1].mean(axis=0)
        y, x = ((middle + (clicks - middle) / np.sqrt(kept)) - 1).T
        where = polygon(y + box[0].start, x + box[1].start, shape=mask.shape)
        (drawn if _area(outline) > 0 else holes)[where] = True
    return np.asarray(drawn & ~holes)


def _clicks(outline: np.ndarray, count: int, first: float) -> np.ndarray:
    """`count` points evenly along a closed (n, 2) outline from a share `first` of a side on; the first comes again."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(outline, axis=0), axis=1))])
    at = (np.arange(count + 1) % count + first) / count * length[-1]
    return np.stack([np.interp(at, length, axis) for axis in outline.T], axis=1)


def _area(outline: np.ndarray) -> float:
    """Signed area of a closed (n, 2) outline; its sign distinguishes holes from lesions."""
    y, x = outline.T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def _coarse(mask: np.ndarray, cell_size: float) -> np.ndarray:
    if cell_size <= 1:
        return mask
    cell_of = [(np.arange(length) / cell_size).astype(np.intp) for length in mask.shape]
    firsts = [np.flatnonzero(np.diff(cells, prepend=-1)) for cells in cell_of]
    total = np.add.reduceat(np.add.reduceat(mask.astype(np.int32), firsts[0], axis=0), firsts[1], axis=1)
    sizes = [np.diff(first, append=length) for first, length in zip(firsts, mask.shape, strict=True)]
    coarse = 2 * total > np.outer(*sizes)
    # a lesion smaller than half a cell is still marked, by the cell its middle lies in
    parts, count = label(mask)
    kept_parts = np.unique(parts[coarse[np.ix_(*cell_of)]])
    lost = np.setdiff1d(np.arange(1, count + 1), kept_parts)
    for middle in center_of_mass(mask, parts, lost):
        row, column = (cells[round(at)] for cells, at in zip(cell_of, middle, strict=True))
        coarse[row, column] = True
    return np.asarray(coarse[np.ix_(*cell_of)])
