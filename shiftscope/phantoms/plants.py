"""Planted changes: what another scanner, another population or another annotator would have done to the same phantom.

Every plant is `plant(phantom, severity, rng) -> Phantom`. Severity 0 changes nothing, 1 is strong and plain to see;
where a change has two directions, a negative severity goes the other way. `rng` serves the plants that leave something
to chance.
"""

from collections.abc import Callable

import numpy as np

from shiftscope.phantoms.annotations import coarse_masks, dilated_masks, jagged_masks, polygonal_masks
from shiftscope.phantoms.appearances import (
    bias_field,
    blur,
    brightness,
    colour_cast,
    contrast,
    downsampling,
    gamma,
    inversion,
    jpeg,
    noise,
    speckle,
    vignette,
    window,
)
from shiftscope.phantoms.phantom import Phantom
from shiftscope.phantoms.satellites import lesion_count
from shiftscope.phantoms.structures import field_of_view, lesion_eccentricity, lesion_location, lesion_scale, zoom_in

__all__ = ["ANNOTATION", "APPEARANCE", "PLANTS", "SIGNED", "STRUCTURE", "Plant"]

Plant = Callable[[Phantom, float, np.random.Generator], Phantom]

APPEARANCE: dict[str, Plant] = {
    "gamma": gamma,
    "brightness": brightness,
    "contrast": contrast,
    "window": window,
    "inversion": inversion,
    "noise": noise,
    "speckle": speckle,
    "blur": blur,
    "downsampling": downsampling,
    "jpeg": jpeg,
    "bias_field": bias_field,
    "vignette": vignette,
    "colour_cast": colour_cast,
}
STRUCTURE: dict[str, Plant] = {
    "lesion_scale": lesion_scale,
    "lesion_location": lesion_location,
    "lesion_eccentricity": lesion_eccentricity,
    "lesion_count": lesion_count,
    "zoom": zoom_in,
    "field_of_view": field_of_view,
}
ANNOTATION: dict[str, Plant] = {
    "dilated_masks": dilated_masks,
    "jagged_masks": jagged_masks,
    "polygonal_masks": polygonal_masks,
    "coarse_masks": coarse_masks,
}
PLANTS: dict[str, Plant] = {**APPEARANCE, **STRUCTURE, **ANNOTATION}
"""name -> plant, of all three kinds"""

SIGNED = frozenset(
    {
        "gamma",
        "brightness",
        "contrast",
        "window",
        "colour_cast",
        "lesion_scale",
        "lesion_location",
        "zoom",
        "field_of_view",
        "dilated_masks",
    }
)
"""The plants that also take a negative severity."""
