"""One case on its way from disk to the device: decoded once, cut to what will be measured."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from shiftscope import images, sites
from shiftscope.measures.basis import load_basis
from shiftscope.measures.lesions import boundary, morphology
from shiftscope.measures.lesions.drawn_pixels import Foreground

__all__ = ["CANVAS", "SLICES", "CaseAttributes", "PreparedCase", "prepare", "prepare_pixels"]

CANVAS = 128
"""Pixels a side of what is measured."""

SLICES = 8
"""Most slices of a volume that are measured, evenly spaced."""


@dataclass(frozen=True, slots=True)
class CaseAttributes:
    """What is known of a case apart from its pixels.

    Attributes:
        name: for messages at the site.
        patient: groups cases at the site.
        label: class or None.
        depth: "2-D" or "3-D".
        colour: whether it truly has colour.
        mask: whether it has a mask.
        acquisition: allowlisted tags.
    """

    name: str
    patient: str
    label: str | None
    depth: str
    colour: bool
    mask: bool
    acquisition: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PreparedCase:
    """A decoded case.

    Attributes:
        attributes: all but the pixels.
        canvases: (k, c, s, s) float32 in 0..1, k = 1 for a picture, up to `SLICES` for a volume.
        masks: (k, s, s) bool, or None.
        coordinates: axis -> (d,) for the axes measured on the mask.
        numbers: measures of the mask by name.
        reading: what reading its files gave, None where it came as pixels.
    """

    attributes: CaseAttributes
    canvases: np.ndarray
    masks: np.ndarray | None
    coordinates: Mapping[str, np.ndarray]
    numbers: Mapping[str, float]
    reading: sites.CaseReading | None = None


def _chosen(depth: int) -> np.ndarray:
    """The middle slice of each of up to `SLICES` equal parts."""
    count = min(depth, SLICES)
    return ((np.arange(count) + 0.5) * depth / count).astype(int)


def _mask_measures(
    pixels: np.ndarray, mask: np.ndarray, spacing_mm: tuple[float, float, float] | None
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Coordinates and numbers of the axes measured on the native grid of the mask."""
    foreground = Foreground.of(mask)
    shape = morphology.measure_foreground(foreground, spacing_mm)
    habit = boundary.measure_foreground(pixels, foreground)
    flat = mask.shape[0] == 1
    families = {
        "morphology" if flat else "morphology_3d": (morphology.VECTOR_2D if flat else morphology.VECTOR_3D, shape),
        "boundary": (boundary.VECTOR, habit),
    }
    coordinates = {}
    for axis, (names, values) in families.items():
        vector = np.array([values[name] for name in names], dtype=float)  # None becomes NaN
        if np.isfinite(vector).all():
            coordinates[axis] = load_basis()[0][axis].project(vector)
    numbers = {**habit, **shape}
    return coordinates, {name: value for name, value in numbers.items() if value is not None}


def prepare(case: sites.Case, size: int = CANVAS) -> PreparedCase:
    """Decode `case` and resize it to canvases of `size` pixels.

    Raises:
        Unreadable: the image or its mask cannot be used.
    """
    image, mask = sites.load(case)
    labels = None if mask is None else mask.labels
    prepared = prepare_pixels(
        images.as_seen(image), labels, size, case.patient, case.label, image.spacing_mm, image.acquisition, case.name
    )
    return replace(prepared, reading=sites.CaseReading.of(case, image, mask))


def prepare_pixels(
    pixels: np.ndarray,
    mask: np.ndarray | None,
    size: int,
    patient: str,
    label: str | None = None,
    spacing_mm: tuple[float, float, float] | None = None,
    acquisition: Mapping[str, str] = MappingProxyType({}),
    name: str = "",
) -> PreparedCase:
    """A case that is decoded already.

    Args:
        pixels: (z, y, x) or (z, y, x, 3) float32 in 0..1, as a model would see it.
        mask: (z, y, x) labels, or None.
        size: pixels a side of the canvases.
        patient: groups cases.
        label: class or None.
        spacing_mm: of the voxels, (z, y, x).
        acquisition: allowlisted tags.
        name: for messages at the site.
    """
    chosen = _chosen(len(pixels))
    coordinates: dict[str, np.ndarray] = {}
    numbers: dict[str, float] = {}
    if mask is not None:
        coordinates, numbers = _mask_measures(pixels, mask, spacing_mm)
    canvases = images.canvas(pixels[chosen], size)
    return PreparedCase(
        attributes=CaseAttributes(
            name=name,
            patient=patient,
            label=label,
            depth="2-D" if len(pixels) == 1 else "3-D",
            colour=canvases.shape[1] == 3,
            mask=mask is not None,
            acquisition=acquisition,
        ),
        canvases=canvases,
        masks=None if mask is None else images.mask_canvas(mask[chosen], size) > 0,
        coordinates=coordinates,
        numbers=numbers,
    )
