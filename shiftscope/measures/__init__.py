"""What is measured of an image, and the axes on which sites are compared.

In: canvases and masks of a case, as arrays or tensors. Out: numbers a person can read (`MEASURES`), and on each of the
`AXES` a vector of coordinates in a public basis. Three families: `appearance`, `lesions`, `features`; `canvas_batches`
measures a batch at a time. Nothing is fitted on a site but the map to a public reference (`canonical_maps`).
"""

from dataclasses import dataclass

from shiftscope.measures.appearance import colour, intensity, noise, texture
from shiftscope.measures.lesions import boundary, morphology
from shiftscope.measures.measure import Measure

__all__ = [
    "AXES",
    "HARMONIZED",
    "MEASURES",
    "Axis",
    "Measure",
    "boundary",
    "colour",
    "intensity",
    "morphology",
    "noise",
    "texture",
]


@dataclass(frozen=True, slots=True)
class Axis:
    """One group of numbers that is compared as a whole.

    Attributes:
        question: which question a difference answers: "appearance", "structure" or "annotation"; "features" for those
            that answer none and show what each harmonizer would remove.
        width: most coordinates a profile publishes.
        version: raised when the numbers change meaning; other versions are not comparable.
        says: what it is, for people.
        holds_area: whether the area of the lesion is one of its coordinates, so that nothing is left at equal area.
    """

    question: str
    width: int
    version: int
    says: str
    holds_area: bool = False


AXES: dict[str, Axis] = {
    "intensity": Axis("appearance", 8, 2, "brightness and contrast of all that is not black"),
    "intensity_outside": Axis("appearance", 8, 2, "brightness and contrast away from the mask"),
    "colour": Axis("appearance", 8, 2, "colour balance and saturation"),
    "texture": Axis("appearance", 8, 1, "sharpness, noise, spectrum and evenness"),
    "noise": Axis("appearance", 4, 1, "noise at each brightness"),
    "layout": Axis(
        "structure", 16, 1, "place and direction of what is in the image, nearly independent of its appearance"
    ),
    "lesion": Axis("structure", 8, 1, "layout of the lesion and what surrounds it"),
    "features_shallow": Axis("features", 16, 1, "fine structure of the image as it is"),
    "features_deep": Axis("features", 16, 1, "layout of the image as it is"),
    "zscore_shallow": Axis("features", 16, 1, "fine structure after z-scoring each case"),
    "zscore_deep": Axis("features", 16, 1, "layout after z-scoring each case"),
    "quantile_map_shallow": Axis("features", 16, 1, "fine structure after the site's quantile map"),
    "quantile_map_deep": Axis("features", 16, 1, "layout after the site's quantile map"),
    "polarity_shallow": Axis("features", 16, 1, "fine structure of the negative after its quantile map"),
    "polarity_deep": Axis("features", 16, 1, "layout of the negative after its quantile map"),
    "canonical_shallow": Axis("features", 16, 2, "fine structure after the site's map to a public reference"),
    "canonical_deep": Axis("features", 16, 2, "layout after the site's map to a public reference"),
    "morphology": Axis("structure", 8, 1, "size, shape, place and number of the masks, in 2-D", holds_area=True),
    "morphology_3d": Axis("structure", 8, 1, "size, shape, place and number of the masks, in 3-D", holds_area=True),
    "boundary": Axis("annotation", 4, 2, "how the contour lies on the image's edges"),
}
"""Every axis by its key in a profile."""

HARMONIZED = frozenset(
    axis for axis, known in AXES.items() if known.question == "features" and not axis.startswith("features_")
)
"""Axes of features after a harmonizer."""

MEASURES: dict[str, Measure] = {
    **intensity.MEASURES,
    **texture.MEASURES,
    **noise.MEASURES,
    **colour.MEASURES,
    **morphology.MEASURES_2D,
    **morphology.MEASURES_3D,
    **boundary.MEASURES,
}
"""Every measure a person can read, by its key in a profile."""
