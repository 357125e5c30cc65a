"""The measures of a mask's size, shape and place, as people read them; `morphology` computes them."""

from shiftscope.measures.measure import Measure

__all__ = ["MEASURES_2D", "MEASURES_3D", "SPECK_LENGTH", "VECTOR_2D", "VECTOR_3D"]

SPECK_LENGTH = 0.01  # a component smaller than a box of this share of every side of the canvas is a speck

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
            f"8-connected components of at least {SPECK_LENGTH:g}^2 of the canvas; 1 if all are smaller",
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
            f"26-connected components of at least {SPECK_LENGTH:g}^3 of the volume; 1 if all are smaller",
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
