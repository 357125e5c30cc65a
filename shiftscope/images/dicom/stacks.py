"""How slices in order make a volume: the steps between its voxels, its affine, and what is irregular about it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.images.dicom.first_volumes import steps_between
from shiftscope.images.dicom.planes import Plane, directions

__all__ = ["Stack", "gap_of", "stack_of"]

_TILTED = 0.5
"""Degrees between the normal and the way from slice to slice; less is rounding."""
_GAP = 1.5
_UNEVEN = 0.1
"""Steps of so many usual ones miss a slice; steps that differ by this share are uneven."""


@dataclass(frozen=True, slots=True)
class Stack:
    """How the voxels of a volume lie, by (row, column, slice) as stored.

    Attributes:
        steps: (3,) millimetres along row, column and slice; slices along their normal.
        affine: (4, 4) to millimetres in patient axes, sheared where the gantry was tilted; without an origin where
            `placed` is False.
        placed: whether every slice lies where the affine says.
        odd: keys of `ODDITIES`.
    """

    steps: np.ndarray
    affine: np.ndarray
    placed: bool
    odd: tuple[str, ...] = ()


def stack_of(planes: Sequence[Plane], slices: int, step: tuple[float | None, float, float] | None) -> Stack | None:
    """How slices in order make a stack; None where they have no orientation.

    Args:
        planes: of all slices, or of the first alone.
        slices: how many there are.
        step: what `spacing_of` says.
    """
    if not planes or planes[0].across is None:
        return None
    gap = gap_of(planes)
    between, down, across = step or (None, 1.0, 1.0)
    affine = np.eye(4)
    affine[:3, :3] = directions(planes[0], (gap or between or 1.0, down, across))
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    if len(planes) < slices or not all(plane.known for plane in planes):
        return Stack(steps, affine, placed=False)
    affine[:3, 3] = planes[0].position
    if gap is None:
        return Stack(steps, affine, placed=step is not None)
    depths = np.array([plane.depth for plane in planes])
    direction = (planes[-1].position - planes[0].position) / (depths[-1] - depths[0])  # type: ignore[operator]
    affine[:3, 2] = direction * gap
    angle = float(np.degrees(np.arccos(min(1.0, 1 / float(np.linalg.norm(direction))))))
    there = bool(np.abs(depths - depths[0] - gap * np.arange(len(depths))).max() <= gap / 2)
    fan = _fan(planes) > _TILTED
    shifted = ["fanned_slices"] if fan else ["tilted_gantry"] if angle > _TILTED else []
    odd = (*_odd_steps(depths, gap), *shifted)
    return Stack(steps, affine, placed=step is not None and there and not fan, odd=odd)


def _fan(planes: Sequence[Plane]) -> float:
    """The largest angle between the first slice and any other, in degrees: 0 where all are parallel."""
    axes = np.array([(plane.across, plane.down) for plane in planes], np.float64)
    axes /= np.linalg.norm(axes, axis=2, keepdims=True)
    cosines = (axes * axes[0]).sum(axis=2)
    return float(np.degrees(np.arccos(np.clip(cosines.min(), -1, 1))))


def _odd_steps(depths: np.ndarray, gap: float) -> list[str]:
    steps = steps_between(depths)
    if steps.max() >= _GAP * gap:
        return ["missing_slices"]
    return ["uneven_slices"] if steps.max() - steps.min() > _UNEVEN * gap else []


def gap_of(planes: Sequence[Plane]) -> float | None:
    """The median distance of neighbouring slices in millimetres."""
    if len(planes) < 2 or not all(plane.known for plane in planes):
        return None
    normal = planes[0].normal
    depths = [float(np.dot(plane.position, normal)) for plane in planes]  # type: ignore[arg-type]
    return float(np.median(np.diff(depths))) or None
