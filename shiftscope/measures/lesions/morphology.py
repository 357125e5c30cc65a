"""Shape and place of a mask: structure, blind to what the image looks like.

Area counts all the foreground. Shape and place are those of the largest component, so that a stray stroke of the pen
does not move them. Pictures (z = 1) and volumes have measures of their own; only `empty` is in both.
"""

import math

import numpy as np

from shiftscope.measures.lesions.components import Component
from shiftscope.measures.lesions.drawn_pixels import Foreground
from shiftscope.measures.lesions.morphology_measures import MEASURES_2D, MEASURES_3D, SPECK_LENGTH, VECTOR_2D, VECTOR_3D
from shiftscope.measures.lesions.shapes import axis_ratios, hull_size, roundness

__all__ = ["MEASURES_2D", "MEASURES_3D", "VECTOR_2D", "VECTOR_3D", "measure", "measure_foreground"]

MOST_PIXELS = 2**21  # a larger bounding box is thinned, every k-th pixel of each axis, before shape is measured


def measure(mask: np.ndarray, spacing_mm: tuple[float, float, float] | None = None) -> dict[str, float | None]:
    """Measure one mask on its native grid.

    Args:
        mask: (z, y, x), integer or boolean; above 0 is foreground.
        spacing_mm: (z, y, x), None where unknown; shapes are then measured as if pixels were square.

    Returns:
        The keys of `MEASURES_2D` for z = 1, else those of `MEASURES_3D`; None where a measure is undefined.

    Raises:
        ValueError: `mask` has not three axes, or one of them is empty.
    """
    return measure_foreground(Foreground.of(mask), spacing_mm)


def measure_foreground(
    foreground: Foreground, spacing_mm: tuple[float, float, float] | None = None
) -> dict[str, float | None]:
    """`measure` of a mask whose foreground is found already."""
    shape = foreground.drawn.shape
    flat = len(shape) == 2
    if not foreground.size:
        return {**dict.fromkeys(MEASURES_2D if flat else MEASURES_3D, None), "empty": 1.0}
    canvas = math.prod(shape)
    lengths_mm = None if spacing_mm is None else spacing_mm[3 - len(shape) :]
    log_share = math.log(foreground.size / canvas)
    log_mm = None if lengths_mm is None else math.log(foreground.size * math.prod(lengths_mm))

    lesion, corner, step = _thinned(foreground)
    speck = SPECK_LENGTH ** len(shape) * canvas / math.prod(step)
    pieces = max(1, int(np.count_nonzero(lesion.sizes >= speck)))
    spacing = tuple(length * k for length, k in zip(lengths_mm or (1.0,) * len(shape), step, strict=True))
    centre = [
        (first + (begin + float(along) + 0.5) * k) / length
        for first, begin, along, k, length in zip(corner, lesion.start, lesion.mean, step, shape, strict=True)
    ]
    second, third = axis_ratios(lesion.covariance, spacing)
    solidity = min(1.0, lesion.size / hull_size(lesion.region))
    isoperimetric = roundness(lesion.region, spacing)
    extent = lesion.size / lesion.region.size
    if flat:
        return {
            "log_area": log_share,
            "log_area_mm2": log_mm,
            "components": float(pieces),
            "eccentricity": math.sqrt(1.0 - second),
            "solidity": solidity,
            "compactness": isoperimetric,
            "extent": extent,
            "centroid_y": centre[0],
            "centroid_x": centre[1],
            "empty": 0.0,
        }
    return {
        "log_volume": log_share,
        "log_volume_mm3": log_mm,
        "components_3d": float(pieces),
        "elongation": math.sqrt(second),
        "flatness": math.sqrt(third),
        "solidity_3d": solidity,
        "sphericity": isoperimetric,
        "extent_3d": extent,
        "centroid_z_3d": centre[0],
        "centroid_y_3d": centre[1],
        "centroid_x_3d": centre[2],
        "empty": 0.0,
    }


def _thinned(foreground: Foreground) -> tuple[Component, list[int], list[int]]:
    """The largest component, of a box that is too large of every k-th pixel; where that grid begins, and k of each
    axis."""
    crop, step = foreground.crop, [1] * foreground.crop.ndim
    if crop.size <= MOST_PIXELS:
        return foreground.largest_component, [0] * crop.ndim, step
    while crop.size > MOST_PIXELS:
        step[int(np.argmax(crop.shape))] *= 2
        crop = foreground.crop[tuple(slice(None, None, k) for k in step)]
    return Foreground(crop).largest_component, [part.start for part in foreground.box], step
