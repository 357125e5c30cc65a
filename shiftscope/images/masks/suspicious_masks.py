"""What makes a mask unlike an annotation: empty, full, drawn in reverse, an outline."""

import numpy as np

__all__ = ["suspicions_of"]

_FULL, _AROUND = 0.95, 0.8
_LEAST = 64
"""Pixels of foreground below which an outline cannot be distinguished from a small lesion."""
_INSIDE, _HOLLOW = 0.02, 3


def suspicions_of(labels: np.ndarray) -> tuple[str, ...]:
    """Keys of `ODDITIES` for a label map (z, y, x); the slice with most foreground is looked at."""
    if 0 in labels.shape:
        return ()
    area = [int(np.count_nonzero(plane)) for plane in labels]
    if not any(area):
        return ("mask_empty",)
    if sum(area) >= _FULL * labels.size:
        return ("mask_full",)
    z = area.index(max(area))
    plane = labels[z] != 0
    border = np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])
    if 2 * area[z] > plane.size and border.mean() > _AROUND and area[z] < plane.size:
        return ("mask_reversed",)
    return ("mask_outline",) if area[z] >= _LEAST and _is_outline(plane, area[z]) else ()


def _is_outline(plane: np.ndarray, area: int) -> bool:
    """Whether a mask is thin everywhere and surrounds much more than it covers."""
    rows = np.flatnonzero(plane.any(axis=1))
    plane = plane[rows[0] : rows[-1] + 1]
    inside = plane[1:-1, 1:-1] & plane[:-2, 1:-1]
    for beside in (plane[2:, 1:-1], plane[1:-1, :-2], plane[1:-1, 2:]):
        inside &= beside
    if np.count_nonzero(inside) > _INSIDE * area:
        return False
    from scipy.ndimage import binary_fill_holes

    return bool(np.count_nonzero(binary_fill_holes(plane)) >= _HOLLOW * area)
