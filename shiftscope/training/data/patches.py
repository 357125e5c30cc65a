"""Blocks of a volume, as large as a three-dimensional network takes them: drawn to learn from, laid out to judge by."""

from collections.abc import Sequence

import numpy as np

from shiftscope.plans import Plan
from shiftscope.training.data.model_inputs import Sample

__all__ = ["OVERLAP", "draw_patch", "margins", "padded", "tiles"]

OVERLAP = 0.25
"""Share of its side by which a block overlaps the next where a whole volume is judged."""

CONTEXT = 0.25
"""Share of its side by which a block is drawn wider at either end: turning it brings in what lies beside it."""


def margins(plan: Plan) -> tuple[int, int]:
    """Pixels along y and x by which a drawn block is wider on either side; none where it spans the whole canvas."""
    down, across = (min(round(length * CONTEXT), max(0, plan.image_size - length)) for length in plan.patch[1:])
    return down, across


def draw_patch(
    sample: Sample, plan: Plan, rng: np.random.Generator, *, lesion: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """One block of a case, anywhere in it, or around a voxel of its foreground.

    A block never leaves the volume but for its margins, which repeat the edge as `augment` does; where the volume has
    fewer slices its first and last are repeated, evenly on either end.

    Args:
        lesion: around a foreground voxel, all of them equally likely; anywhere where there is none.

    Returns:
        (c, z, y, x) float32, y and x with their margins, and the labels (z, y, x); None for a classification.
    """
    labels = sample.target if isinstance(sample.target, np.ndarray) else None
    shape = (len(sample.pixels), *sample.pixels.shape[2:])
    inside = np.flatnonzero(labels) if lesion and labels is not None else np.empty(0, int)
    room = [max(0, length - block) for length, block in zip(shape, plan.patch, strict=True)]
    if len(inside):
        centre = np.unravel_index(inside[rng.integers(len(inside))], shape)
        start = [
            min(max(0, int(c) - block // 2), most) for c, block, most in zip(centre, plan.patch, room, strict=True)
        ]
    else:
        start = [int(rng.integers(most + 1)) for most in room]
    pixels = _block(sample.pixels, start, plan).astype(np.float32)
    return np.ascontiguousarray(np.moveaxis(pixels, 1, 0)), None if labels is None else _block(labels, start, plan)


def padded(pixels: np.ndarray, depth: int) -> np.ndarray:
    """(z, c, y, x) with `depth` slices at the least: the first and the last are repeated, evenly on either end.

    Zeros instead would make of thin volumes another kind of image, with another share of nothing in each.
    """
    missing = max(0, depth - len(pixels))
    ends = (missing // 2, missing - missing // 2)
    return np.pad(pixels, (ends, (0, 0), (0, 0), (0, 0)), mode="edge") if missing else pixels


def tiles(shape: Sequence[int], patch: Sequence[int]) -> list[tuple[slice, slice, slice]]:
    """Blocks that together cover a volume of `shape` (z, y, x), none smaller than `patch`, overlapping by `OVERLAP`."""
    z, y, x = (_starts(length, block) for length, block in zip(shape, patch, strict=True))
    return [(slice(k, k + patch[0]), slice(j, j + patch[1]), slice(i, i + patch[2])) for k in z for j in y for i in x]


def _starts(length: int, block: int) -> list[int]:
    step = max(1, int(block * (1 - OVERLAP)))
    return [*range(0, length - block, step), length - block]


def _block(array: np.ndarray, start: Sequence[int], plan: Plan) -> np.ndarray:
    """(z, [c,] y, x) from `start` on; slices that are not there, and margins, are the repeated edge."""
    depth, height, width = plan.patch
    rows, columns = (
        np.clip(np.arange(first - margin, first + length + margin), 0, most - 1)
        for first, length, margin, most in zip(start[1:], (height, width), margins(plan), array.shape[-2:], strict=True)
    )
    block: np.ndarray = array[start[0] : start[0] + depth][..., rows[:, None], columns]
    before = (depth - len(block)) // 2
    ends = (before, depth - len(block) - before)
    return np.pad(block, (ends, *[(0, 0)] * (array.ndim - 1)), mode="edge")
