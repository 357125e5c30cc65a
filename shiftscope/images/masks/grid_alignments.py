"""How the grid of a mask is aligned with that of its image: the same voxels in another orientation, a part of them, or
another place."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from shiftscope.errors import Unreadable

__all__ = ["GridAlignment", "align_grids", "default_orientation", "misplaced", "paste_frame", "reoriented"]

_SHIFTED, _BETWEEN, _ELSEWHERE = 0.1, 0.25, 0.51
"""Voxels between where a mask and its image put a corner: beyond the first it is noted, beyond the last refused. Half a
voxel is the difference between software that counts from a voxel's edge and from its middle. Single frames have no such
excuse, and are refused beyond the second: they lie between slices."""
_SAME_STEP = 1e-3


@dataclass(frozen=True, slots=True)
class GridAlignment:
    """How the voxels of a mask correspond to those of its image.

    Attributes:
        shape: (z, y, x) voxels of the mask, once reoriented.
        axes: of the mask, in the order of the image's.
        flipped: of these, 1 where they run the other way, else 0.
        start: the image's voxel that the first one becomes.
        apart: how far a corner lies from the voxel that it becomes, at most, in voxels.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    flipped: tuple[int, ...]
    start: tuple[int, ...]
    apart: float

    @property
    def odd(self) -> tuple[str, ...]:
        """Keys of `ODDITIES`."""
        return ("mask_shifted",) if self.apart > _SHIFTED else ()

    def within(self, shape: Sequence[int], most: float = _ELSEWHERE) -> tuple[slice, ...] | None:
        """The part of an image of (z, y, x, ...) voxels that the mask covers; None where it lies elsewhere."""
        ends = [first + length for first, length in zip(self.start, self.shape, strict=True)]
        if self.apart > most or min(self.start) < 0 or any(e > s for e, s in zip(ends, shape, strict=False)):
            return None
        return tuple(slice(first, end) for first, end in zip(self.start, ends, strict=True))


def align_grids(affine: np.ndarray, shape: Sequence[int], image: np.ndarray) -> GridAlignment | None:
    """Align a grid with that of an image; None where its axes are not those of the image.

    Args:
        affine: (4, 4) of the mask, index -> millimetres.
        shape: its voxels.
        image: (4, 4) of the image.
    """
    units = [matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0) for matrix in (image, affine)]
    turn = np.rint(np.linalg.solve(*units))
    if not (np.abs(turn).sum(axis=0) == 1).all() or not (np.abs(turn).sum(axis=1) == 1).all():
        return None
    axes = np.abs(turn).argmax(axis=1)
    flipped = turn.sum(axis=1) < 0
    aligned = np.array(shape)[axes]
    back = np.zeros((4, 4))  # index of the turned mask -> its own index
    back[axes, np.arange(3)] = np.where(flipped, -1, 1)
    back[axes, 3] = np.where(flipped, aligned - 1, 0)
    back[3, 3] = 1
    transform = np.linalg.solve(image, affine @ back)
    start = np.where(np.abs(transform[:3, 3]) <= _ELSEWHERE, 0, np.rint(transform[:3, 3]))
    corners = np.array([(*corner, 1) for corner in product(*[(0, length - 1) for length in aligned])], np.float64)
    apart = np.abs(corners @ transform.T - corners - np.append(start, 0)).max()
    return GridAlignment(_whole(aligned), _whole(axes), _whole(flipped), _whole(start), float(apart))


def reoriented(values: np.ndarray, alignment: GridAlignment) -> np.ndarray:
    """The voxels of a mask in the order of its image's; a view."""
    out = values.transpose(alignment.axes)
    return out[tuple(slice(None, None, -1) if flip else slice(None) for flip in alignment.flipped)]


def paste_frame(
    values: np.ndarray, affine: np.ndarray, into: np.ndarray, image: np.ndarray, path: Path
) -> tuple[str, ...]:
    """Put a frame where it belongs, the larger label where there is one already.

    Args:
        values: (1, rows, columns) labels.
        affine: (4, 4) where they lie.
        into: (z, y, x) labels on the image's grid; changed.
        image: (4, 4) where the image lies.
        path: for messages.

    Returns:
        Keys of `ODDITIES`.

    Raises:
        Unreadable: "mask_geometry": they do not lie on voxels of the image.
    """
    alignment = align_grids(affine, values.shape, image)
    where = None if alignment is None else alignment.within(into.shape, _BETWEEN)
    if alignment is None or where is None:
        raise misplaced(affine, values.shape, image, into.shape, path)
    drawn, part = reoriented(values, alignment), into[where]
    odd = ("mask_overlap",) if ((part != drawn) & (part != 0) & (drawn != 0)).any() else ()
    np.maximum(part, drawn, out=part)
    return (*odd, *alignment.odd)


def default_orientation(affine: np.ndarray | None, like: np.ndarray | None) -> bool:
    """Whether a header that places its voxels does so by a tool's default only: no turn, the first voxel at 0, 0, 0.

    Args:
        affine: (4, 4) stored index -> millimetres, None where the header says nothing.
        like: that of the image, None likewise.

    Returns:
        True too where steps are 1 mm or those of the image: what is lost is turn and origin, not a place of its own.
    """
    if affine is None:
        return True
    steps = np.diag(affine)[:3]
    straight = np.count_nonzero(affine[:3, :3]) == 3 and bool((steps != 0).all())
    default = steps[2] > 0 and steps[0] * steps[1] > 0
    if not straight or not default or affine[:3, 3].any():
        return False
    sizes = [np.ones(3)] if like is None else [np.ones(3), np.linalg.norm(like[:3, :3], axis=0)]
    return any(np.allclose(np.abs(steps), size, rtol=_SAME_STEP) for size in sizes)


def _whole(values: np.ndarray) -> tuple[int, ...]:
    return tuple(map(int, values))


def misplaced(
    affine: np.ndarray, shape: Sequence[int], image: np.ndarray, image_shape: Sequence[int], path: Path
) -> Unreadable:
    """The refusal of a mask that lies elsewhere: how far corners are apart, and how large voxels are."""
    boxes = []
    for matrix, lengths in ((affine, shape), (image, image_shape[:3])):
        corners = np.array([(*corner, 1) for corner in product(*[(0, length - 1) for length in lengths])], np.float64)
        boxes.append((corners @ matrix.T)[:, :3])
    ends = [np.concatenate([box.min(axis=0), box.max(axis=0)]) for box in boxes]
    far = float(np.abs(ends[0] - ends[1]).max())
    spacing = []
    for matrix in (affine, image):
        steps = np.linalg.norm(matrix[:3, :3], axis=0)
        order = np.argsort(np.abs(matrix[:3, :3] / steps).argmax(axis=0), kind="stable")  # left, back, head
        spacing.append(" x ".join(f"{step:.4g}" for step in steps[order]))
    return Unreadable(
        path,
        "mask_geometry",
        f"the mask lies up to {far:.4g} mm from its image (voxels of {spacing[0]} mm, the image's {spacing[1]});"
        " resample it onto the image's grid, or copy the image's geometry into it where only that was lost",
    )
