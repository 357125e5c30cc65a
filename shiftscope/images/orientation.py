"""One orientation for every volume, whatever the format: slices look as a radiologist sees them.

Axes are turned to the nearest anatomical ones. The through-plane axis z is the axis of a single slice, or the one whose
spacing is at least twice that of both others (thick sagittal or coronal slices), or else head-to-foot. Then

    axial     z foot -> head       y front -> back      x right -> left
    sagittal  z right -> left      y head -> foot       x front -> back
    coronal   z front -> back      y head -> foot       x right -> left

so that a scan read from DICOM and from the NIfTI made of it gives the same array.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

__all__ = ["THICK", "canonical", "canonical_affine"]

THICK = 2.0  # how many times the other spacings make slices thick
_LEFT, _BACK, _HEAD = 0, 1, 2
_PLANES = {_HEAD: (_HEAD, _BACK, _LEFT), _LEFT: (_LEFT, _HEAD, _BACK), _BACK: (_BACK, _HEAD, _LEFT)}
"""Through-plane axis -> the anatomical axes of (z, y, x)."""


def canonical(values: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, tuple[float, float, float]]:
    """Turn a volume to the orientation above; only transposes and flips, no value changes.

    Args:
        values: (i, j, k) or (i, j, k, 3).
        directions: (3, 3): column n is the step in millimetres, in DICOM's patient axes (to the left, to the back, to
            the head), from one voxel to the next along axis n.

    Returns:
        (z, y, x[, 3]), a view of `values`, and its spacing in millimetres.
    """
    turns = _turns(np.asarray(directions, np.float64).tobytes())
    turned = apply_orientation(values, turns)
    lengths = np.linalg.norm(directions, axis=0)
    spacing = [float(f"{lengths[np.flatnonzero(turns[:, 0] == axis)[0]]:.6g}") for axis in range(3)]
    planes = _PLANES[_through(turned.shape[:3], spacing)]
    out = turned.transpose(*planes, *range(3, turned.ndim))
    if planes[1] == _HEAD:
        out = out[:, ::-1]
    z, y, x = (spacing[axis] for axis in planes)
    return out, (z, y, x)


def canonical_affine(affine: np.ndarray, shape: Sequence[int]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Where the voxels of a volume lie once `canonical` has turned it.

    Args:
        affine: (4, 4) stored index -> position in millimetres, in DICOM's patient axes.
        shape: (i, j, k) voxels along the stored axes.

    Returns:
        (4, 4) for indices (z, y, x), and how many voxels lie along them.
    """
    turns = _turns(np.asarray(affine[:3, :3], np.float64).tobytes())
    turned = affine @ inv_ornt_aff(turns, shape)
    axes = [int(np.flatnonzero(turns[:, 0] == axis)[0]) for axis in range(3)]
    lengths_in_voxels = [shape[axis] for axis in axes]
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    planes = _PLANES[_through(tuple(lengths_in_voxels), [float(f"{lengths[axis]:.6g}") for axis in axes])]
    found = np.eye(4)
    found[:3, :3], found[:3, 3] = turned[:3, list(planes)], turned[:3, 3]
    if planes[1] == _HEAD:
        found[:3, 3] += found[:3, 1] * (lengths_in_voxels[_HEAD] - 1)
        found[:3, 1] *= -1
    return found, tuple(lengths_in_voxels[axis] for axis in planes)


@lru_cache(maxsize=64)
def _turns(directions: bytes) -> np.ndarray:
    """Nearest anatomical axis of each stored one, and its sign: (3, 2). The volumes of a site often lie alike."""
    affine = np.eye(4)
    affine[:3, :3] = np.frombuffer(directions).reshape(3, 3)
    found: np.ndarray = io_orientation(affine)
    return found


def _through(shape: tuple[int, ...], spacing: list[float]) -> int:
    """The anatomical axis that slices are stacked along."""
    for axis in (_HEAD, _LEFT, _BACK):
        if shape[axis] == 1:
            return axis
    rounded = [float(f"{step:.3g}") for step in spacing]  # an image and its mask may differ in the last digits
    thickest = int(np.argmax(rounded))
    others = [step for axis, step in enumerate(rounded) if axis != thickest]
    return thickest if rounded[thickest] >= THICK * max(others) else _HEAD
