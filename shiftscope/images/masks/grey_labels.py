"""How the grey levels of a picture become labels.

Class numbers, black and white, numbers stretched to be seen, soft edges and the noise of JPEG are distinguished by the
levels that occur, and by whether areas have them or only edges.
"""

from pathlib import Path

import numpy as np

from shiftscope.errors import Unreadable
from shiftscope.images.image import Image
from shiftscope.images.masks.label_map import LabelMap
from shiftscope.images.masks.overlays import refuse_overlay

__all__ = ["CLASS_NUMBERS", "labels_of_levels", "mostly_areas", "pixels_in_areas"]

CLASS_NUMBERS = 32
"""A picture whose levels all lie below holds class numbers, not grey levels."""

VOID = 255  # what numbered masks draw around objects: counted as background
_MOST = 65535
_AREAS = 0.75
_LEAST_AREA, _LEAST_GREY = 0.001, 0.02
_FEW = 4
_NEARLY_ALL = 0.9
_ENDS = 8
"""Levels in the first and the last eighth of the range are black and white with noise, which has 8 bits as JPEG has."""


def labels_of_levels(
    values: np.ndarray, full: float | None, path: Path, *, lossy: bool = False, image: Image | None = None
) -> LabelMap:
    """Labels of grey levels.

    In this order: every level below 32 means class numbers (a smaller area of 255 beside them is void, thus
    background); one level beside 0 is foreground; levels that fill areas, and are more than black and white, are labels
    of their own, unchanged; of the others, what is soft is foreground from half of white up.

    Args:
        values: (z, y, x) of any real dtype.
        full: the value of full white, None where the dtype has none.
        path: for messages.
        lossy: whether the file is a JPEG, which keeps no level exactly.
        image: whose mask it is: a copy of it is no mask.

    Raises:
        Unreadable: "unsupported": negative or huge levels, or a copy of the image; "not_finite".
    """
    if values.dtype == bool or full == 1.0:
        return LabelMap(values.astype(np.uint8), numbered=False)
    top = float(values.max(initial=0))
    if not np.isfinite(top):
        raise Unreadable(path, "not_finite", "the mask holds NaN or infinite values; write 0 there")
    if values.dtype.kind != "u" and float(values.min(initial=0)) < 0:
        raise Unreadable(path, "unsupported", "the mask holds negative values; write 0 where nothing is drawn")
    if not lossy and top >= (CLASS_NUMBERS if values.dtype.kind != "f" else 0):
        lit, white = values != 0, values == top
        if np.array_equal(lit, white):
            known = top in (1.0, 255.0, 65535.0) or top >= 0.98 * (full or top)
            return LabelMap(lit.view(np.uint8), odd=() if known else ("mask_one_grey",), numbered=False)
    if values.dtype.kind == "f":
        if top < 2 or (values != np.rint(values)).any():
            return _soft(values, max(1.0, top), ())
        full = top
    if full == _MOST and top <= 255:
        full = 255.0
    if lossy and top < CLASS_NUMBERS:
        return LabelMap(np.zeros(values.shape, np.uint8), odd=("mask_faint",) if top else (), numbered=False)
    if top < _FEW:
        return LabelMap(values.astype(np.uint8))
    levels, counts, solid = _levels(values)
    if top < CLASS_NUMBERS:
        ragged = len(levels) > _FEW and not mostly_areas(solid, counts)
        return LabelMap(values.astype(np.uint8), odd=("mask_ragged",) if ragged else ())
    numbers = (levels > 0) & (levels < CLASS_NUMBERS)
    if not lossy and top == VOID and len(levels) > 2 and counts[-1] <= counts[numbers].sum() and numbers[1:-1].all():
        return LabelMap(np.where(values == VOID, 0, values).astype(np.uint8), odd=("mask_void",))
    middle = (levels > top / _ENDS) & (levels < top - top / _ENDS)
    if not lossy and (middle.any() or top > 255) and mostly_areas(solid, counts):
        if top > _MOST:
            raise Unreadable(path, "unsupported", f"mask values up to {top:g}; expected labels 0..{_MOST}")
        return LabelMap(values.astype(np.uint8 if top <= 255 else np.uint16), odd=("mask_levels",))
    if counts[middle].sum() > _LEAST_GREY * values.size:
        refuse_overlay(values[..., None], full or top, image, path)
    plateaus = _plateaus(levels, solid, top)
    between = [level for level in plateaus if top / _ENDS < level < top - top / _ENDS]
    if len(plateaus) > 2 and between and len(plateaus) <= _ENDS:
        near = np.abs(levels[:, None] - np.array(plateaus)).min(axis=1) <= top / 2 / _ENDS
        if counts[near].sum() >= _NEARLY_ALL * values.size:
            return _nearest(values, plateaus)
    bright = max(plateaus, default=0.0)
    white_at = full or top
    return _soft(values, bright if 0 < bright < 0.75 * white_at else white_at, ("mask_soft",))


def mostly_areas(solid: np.ndarray, counts: np.ndarray) -> bool:
    """Whether nearly all levels fill areas: of each, (n,) pixels inside areas and in all."""
    return bool((2 * solid >= counts).mean() >= _AREAS)


def pixels_in_areas(ranks: np.ndarray, count: int) -> np.ndarray:
    """How many pixels of each level lie in a square of two by two of their own: those of soft edges do not.

    Args:
        ranks: (z, y, x) the index of each pixel's level.
        count: of levels.
    """
    right = ranks[:, :, :-1] == ranks[:, :, 1:]
    square = right[:, :-1] & right[:, 1:] & (ranks[:, :-1, :-1] == ranks[:, 1:, :-1])
    inside = np.zeros(ranks.shape, bool)
    for down in (slice(None, -1), slice(1, None)):
        for across in (slice(None, -1), slice(1, None)):
            inside[:, down, across] |= square
    found = np.bincount((ranks * inside).reshape(-1), minlength=count)  # faster than to choose those inside
    found[0] -= inside.size - np.count_nonzero(inside)
    return found


def _levels(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The levels that occur, how often, and how many pixels of each lie in areas."""
    if values.dtype in (np.uint8, np.uint16):
        counts = np.bincount(values.reshape(-1))
        levels = np.flatnonzero(counts)
        return levels, counts[levels], pixels_in_areas(values, len(counts))[levels]
    levels, ranks, counts = np.unique(values, return_inverse=True, return_counts=True)
    return levels, counts, pixels_in_areas(ranks.reshape(values.shape), len(levels))


def _plateaus(levels: np.ndarray, solid: np.ndarray, top: float) -> list[float]:
    """Levels around which areas gather, the largest first; at most one more than are believed."""
    left = solid.copy()
    found: list[float] = []
    while left.max(initial=0) >= max(4, _LEAST_AREA * solid.sum()) and len(found) <= _ENDS:
        peak = float(levels[int(left.argmax())])
        found.append(peak)
        left[np.abs(levels - peak) <= top / 2 / _ENDS] = 0
    return found


def _nearest(values: np.ndarray, plateaus: list[float]) -> LabelMap:
    """Each pixel as the nearest of the levels that fill areas, the darkest of them being background."""
    known = np.sort(np.rint(plateaus)).astype(np.uint16)
    cuts = (known[1:].astype(float) + known[:-1]) / 2
    known[0] = 0
    labels = known[np.digitize(values, cuts)]
    return LabelMap(labels.astype(np.uint8) if known[-1] <= 255 else labels, odd=("mask_noisy_levels",))


def _soft(values: np.ndarray, white: float, odd: tuple[str, ...]) -> LabelMap:
    return LabelMap((values >= white / 2).astype(np.uint8), odd=odd, numbered=False)
