"""Shape and place of a mask: structure, blind to what the image looks like.

Area counts all the foreground. Shape and place are those of the largest component, so that a stray stroke of the pen
does not move them. Pictures (z = 1) and volumes have measures of their own; only `empty` is in both.
"""

import math

import numpy as np

from shiftscope.measures.lesions.shapes import axis_ratios, bounding_box, hull_size, moments, roundness
from shiftscope.measures.measure import Measure

__all__ = ["MEASURES_2D", "MEASURES_3D", "SPECK_SIDE", "VECTOR_2D", "VECTOR_3D", "measure"]

SPECK_SIDE = 0.01  # a component smaller than a box of this share of every side of the canvas is a speck
MOST_PIXELS = 2**21  # a larger bounding box is thinned, every k-th pixel of each axis, before shape is measured

_NONE = "the mask is empty"
_MOMENTS = "Hu 1962, doi:10.1109/TIT.1962.1057692"
_CROFTON = "Legland, Kieu & Devaux 2007, doi:10.5566/ias.v26.p83-92"
_IBSI = "Zwanenburg et al. 2020, doi:10.1148/radiol.2020191145"
_HULL = "Barber, Dobkin & Huhdanpaa 1996, doi:10.1145/235815.235821"

_EMPTY = Measure(
    name="empty",
    unit="1",
    sentence="Whether the mask has no foreground at all; its mean over a site is the share of empty masks.",
    formula="1 if no pixel is above 0, else 0",
    range=(0.0, 1.0),
    direction="higher: more cases without a finding, or not annotated",
    undefined="never",
    reference="Maier-Hein et al. 2024, doi:10.1038/s41592-023-02151-z",
)


def _measure(
    name: str, unit: str, sentence: str, formula: str, span: tuple[float, float], direction: str, reference: str
) -> Measure:
    known = f"{_NONE}, or the pixel spacing is unknown" if unit.startswith("log mm") else _NONE
    return Measure(name, unit, sentence, formula, span, direction, known, reference)


def _places(axes: str, suffix: str) -> list[Measure]:
    far = {"z": "higher slice number", "y": "lower in the picture", "x": "further to the right"}
    return [
        _measure(
            f"centroid_{axis}{suffix}",
            "1",
            f"Where the largest component lies along {axis}, as a share of the canvas.",
            f"mean of ({axis} + 0.5) over its pixels / number of pixels along {axis}",
            (0.0, 1.0),
            f"higher: {far[axis]}",
            _MOMENTS,
        )
        for axis in axes
    ]


MEASURES_2D: dict[str, Measure] = {
    item.name: item
    for item in [
        _measure(
            "log_area",
            "log 1",
            "Natural logarithm of the share of the canvas that is foreground.",
            "ln(foreground pixels / pixels)",
            (-12.0, 0.0),
            "higher: larger lesions, or a closer field of view",
            _IBSI,
        ),
        _measure(
            "log_area_mm2",
            "log mm2",
            "Natural logarithm of the foreground's area in square millimetres.",
            "ln(foreground pixels * dy * dx), dy and dx the pixel spacing in mm",
            (-3.0, 12.0),
            "higher: larger lesions, whatever the field of view",
            _IBSI,
        ),
        _measure(
            "components",
            "1",
            "How many separate pieces the foreground has.",
            f"8-connected components of at least {SPECK_SIDE:g}^2 of the canvas; 1 if all are smaller",
            (0.0, 20.0),
            "higher: more lesions, or a more fragmented mask",
            "Rosenfeld & Pfaltz 1966, doi:10.1145/321356.321357",
        ),
        _measure(
            "eccentricity",
            "1",
            "How elongated the largest component is: 0 for a disk, towards 1 for a line.",
            "sqrt(1 - v2 / v1), v1 >= v2 the eigenvalues of the covariance of its pixels (in mm where known)",
            (0.0, 1.0),
            "higher: longer lesions",
            _MOMENTS,
        ),
        _measure(
            "solidity",
            "1",
            "Share of its convex hull that the largest component fills.",
            "min(1, pixels / area of the convex hull of the midpoints of the pixels' edges)",
            (0.0, 1.0),
            "lower: lobed, branched or notched lesions",
            _HULL,
        ),
        _measure(
            "compactness",
            "1",
            "How close the largest component is to a disk, for which it is 1.",
            "min(1, 4 pi A / P^2), P by Crofton's formula in 8 directions on at most 48 pixels across (mm if known)",
            (0.0, 1.0),
            "lower: longer, lobed or ragged lesions",
            _CROFTON,
        ),
        _measure(
            "extent",
            "1",
            "Share of its bounding box that the largest component fills: pi / 4 for a disk.",
            "pixels / pixels of the bounding box",
            (0.0, 1.0),
            "lower: slanted, curved or notched lesions",
            _HULL,
        ),
        *_places("yx", ""),
        _EMPTY,
    ]
}
"""The measures of a picture's mask."""

MEASURES_3D: dict[str, Measure] = {
    item.name: item
    for item in [
        _measure(
            "log_volume",
            "log 1",
            "Natural logarithm of the share of the volume that is foreground.",
            "ln(foreground voxels / voxels)",
            (-18.0, 0.0),
            "higher: larger lesions, or a closer field of view",
            _IBSI,
        ),
        _measure(
            "log_volume_mm3",
            "log mm3",
            "Natural logarithm of the foreground's volume in cubic millimetres.",
            "ln(foreground voxels * dz * dy * dx), the voxel spacing in mm",
            (-3.0, 17.0),
            "higher: larger lesions, whatever the field of view",
            _IBSI,
        ),
        _measure(
            "components_3d",
            "1",
            "How many separate pieces the foreground has.",
            f"26-connected components of at least {SPECK_SIDE:g}^3 of the volume; 1 if all are smaller",
            (0.0, 50.0),
            "higher: more lesions, or a more fragmented mask",
            "Rosenfeld & Pfaltz 1966, doi:10.1145/321356.321357",
        ),
        _measure(
            "elongation",
            "1",
            "Second axis of the largest component over its longest: 1 for a ball, towards 0 for a rod.",
            "sqrt(v2 / v1), v1 >= v2 >= v3 the eigenvalues of the covariance of its voxels (in mm where known)",
            (0.0, 1.0),
            "lower: longer lesions",
            _IBSI,
        ),
        _measure(
            "flatness",
            "1",
            "Shortest axis of the largest component over its longest: 1 for a ball, towards 0 for a plate or a rod.",
            "sqrt(v3 / v1), v1 >= v2 >= v3 the eigenvalues of the covariance of its voxels (in mm where known)",
            (0.0, 1.0),
            "lower: flatter or longer lesions",
            _IBSI,
        ),
        _measure(
            "solidity_3d",
            "1",
            "Share of its convex hull that the largest component fills.",
            "min(1, voxels / volume of the convex hull of the midpoints of the voxels' faces)",
            (0.0, 1.0),
            "lower: lobed, branched or notched lesions",
            _HULL,
        ),
        _measure(
            "sphericity",
            "1",
            "How close the largest component is to a ball, for which it is 1.",
            "min(1, (36 pi V^2)^(1/3) / S), S by Crofton's formula, 13 directions, at most 48 voxels (mm if known)",
            (0.0, 1.0),
            "lower: longer, lobed or ragged lesions",
            _CROFTON,
        ),
        _measure(
            "extent_3d",
            "1",
            "Share of its bounding box that the largest component fills: pi / 6 for a ball.",
            "voxels / voxels of the bounding box",
            (0.0, 1.0),
            "lower: slanted, curved or notched lesions",
            _HULL,
        ),
        *_places("zyx", "_3d"),
        _EMPTY,
    ]
}
"""The measures of a volume's mask."""

VECTOR_2D = ("log_area", "eccentricity", "centroid_y", "centroid_x", "solidity", "compactness", "extent", "components")
"""What makes the axis of pictures; all without unit, so that any two sites compare. The first four hardly depend on how
a contour is drawn, once the area is corrected for it."""

VECTOR_3D = (
    "log_volume",
    "elongation",
    "flatness",
    "centroid_z_3d",
    "centroid_y_3d",
    "centroid_x_3d",
    "solidity_3d",
    "sphericity",
    "extent_3d",
    "components_3d",
)
"""What makes the axis of volumes, the most telling first; all without unit, so that any two sites compare."""


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
    sides_mm = None if spacing_mm is None else spacing_mm[3 - foreground.ndim :]
    log_share = math.log(pixels / foreground.size)
    log_mm = None if sides_mm is None else math.log(pixels * math.prod(sides_mm))

    crop, corner, step = _crop(foreground)
    lesion, start, pieces = _largest(crop, SPECK_SIDE**crop.ndim * foreground.size / math.prod(step))
    spacing = tuple(side * k for side, k in zip(sides_mm or (1.0,) * crop.ndim, step, strict=True))
    inside = int(np.count_nonzero(lesion))
    middle, covariance = moments(lesion)
    centre = [
        (first + (begin + float(along) + 0.5) * k) / side
        for first, begin, along, k, side in zip(corner, start, middle, step, foreground.shape, strict=True)
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
