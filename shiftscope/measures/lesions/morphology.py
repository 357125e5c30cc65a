"""Shape and place of a mask: structure, blind to what the image looks like.

Area counts all the foreground. Shape and place are those of the largest component, so that a stray stroke of the pen
does not move them. Pictures (z = 1) and volumes have measures of their own; only `empty` is in both.
"""

import math

import numpy as np

from shiftscope.measures.lesions.morphology_measures import MEASURES_2D, MEASURES_3D, SPECK_LENGTH, VECTOR_2D, VECTOR_3D
from shiftscope.measures.lesions.shapes import axis_ratios, bounding_box, hull_size, moments, roundness

__all__ = ["MEASURES_2D", "MEASURES_3D", "VECTOR_2D", "VECTOR_3D", "measure"]

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
    if mask.ndim != 3 or 0 in mask.shape:
        raise ValueError(f"mask: got shape {mask.shape}, expected (z, y, x) with no side of 0")
    flat = mask.shape[0] == 1
    foreground = np.asarray(mask[0] if flat else mask) > 0
    pixels = np.count_nonzero(foreground)
    if not pixels:
        return {**dict.fromkeys(MEASURES_2D if flat else MEASURES_3D, None), "empty": 1.0}
    lengths_mm = None if spacing_mm is None else spacing_mm[3 - foreground.ndim :]
    log_share = math.log(pixels / foreground.size)
    log_mm = None if lengths_mm is None else math.log(pixels * math.prod(lengths_mm))

    crop, corner, step = _crop(foreground)
    lesion, start, pieces = _largest(crop, SPECK_LENGTH**crop.ndim * foreground.size / math.prod(step))
    spacing = tuple(length * k for length, k in zip(lengths_mm or (1.0,) * crop.ndim, step, strict=True))
    inside = int(np.count_nonzero(lesion))
    middle, covariance = moments(lesion)
    centre = [
        (first + (begin + float(along) + 0.5) * k) / length
        for first, begin, along, k, length in zip(corner, start, middle, step, foreground.shape, strict=True)
    ]
    second, third = axis_ratios(covariance, spacing)
    solidity = min(1.0, inside / hull_size(lesion))
    isoperimetric = roundness(lesion, spacing)
    extent = inside / lesion.size
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


def _crop(foreground: np.ndarray) -> tuple[np.ndarray, list[int], list[int]]:
    """Bounding box thinned to at most `MOST_PIXELS`, its corner, and the step of the thinning along each axis."""
    box = bounding_box(foreground)
    crop, step = foreground[box], [1] * foreground.ndim
    while crop.size > MOST_PIXELS:
        axis = int(np.argmax(crop.shape))
        step[axis] *= 2
        crop = foreground[tuple(slice(part.start, part.stop, k) for part, k in zip(box, step, strict=True))]
    return crop, [part.start for part in box], step


def _largest(crop: np.ndarray, speck: float) -> tuple[np.ndarray, list[int], int]:
    """The largest component in its own bounding box, the corner of that box, and how many pieces are no specks."""
    from scipy import ndimage

    labels, found = ndimage.label(crop, structure=np.ones((3,) * crop.ndim, dtype=bool))
    sizes = np.bincount(labels.ravel())[1:] if found > 1 else np.array([crop.size])
    largest = labels == int(sizes.argmax()) + 1
    box = bounding_box(largest)
    return largest[box], [part.start for part in box], max(1, int(np.count_nonzero(sizes >= speck)))
