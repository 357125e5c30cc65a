"""Every case at one physical scale: a common pixel spacing and a common field of view.

The loader resizes a case to a square canvas; brought to one spacing and one field first, a millimetre is as many
pixels at every site. Enlarging blurs: detail that a coarse scanner never recorded does not come back.
"""

from collections.abc import Sequence
from math import prod

import numpy as np

from shiftscope.errors import InputError
from shiftscope.harmonizers.averages import over_patients, over_sites
from shiftscope.harmonizers.harmonizer import NOTHING, Patients, Statistics

__all__ = ["common_geometry", "has_spacing", "median_geometry", "resample_case", "resampled_geometry"]

_MOST_ALONG, _MOST_PIXELS = 2**14, 2**28
"""Of a resampled case, along an axis and in all. Who says what sites agreed on could say anything, and a millionth of a
millimetre would take all memory."""


def median_geometry(patients: Patients, _own: Statistics = NOTHING, _reference: Statistics = NOTHING) -> Statistics:
    """The site's usual spacing and field: median over a patient's cases first, then over patients.

    Args:
        patients: per case (2, 3) float64, [[millimetres per pixel z, y, x], [pixels z, y, x]]. Cases whose spacing is
            not known (not finite or not positive) are passed over.

    Returns:
        "spacing_mm", "field_mm": (3,) float64 along z, y, x; nothing at all where no spacing is known.
    """
    found = over_patients(patients, _spacing_and_field, np.median)
    return {} if found is None else {"spacing_mm": found[0], "field_mm": found[1]}


def common_geometry(shares: Sequence[Statistics], _reference: Statistics = NOTHING) -> Statistics:
    """The median of the sites' spacings and of their fields, along each axis."""
    return over_sites(shares, ("spacing_mm", "field_mm"), np.median)


def resampled_geometry(case: np.ndarray, _own: Statistics, reference: Statistics) -> np.ndarray:
    """The geometry a case has once `resample_case` has acted on it in the plane: slices stay as they are.

    The pixels themselves are resampled where they are read, by `resample_case`. A case of unknown spacing stays as it
    is.

    Args:
        case: (2, 3) float64, [[millimetres per pixel z, y, x], [pixels z, y, x]].
    """
    result = np.array(case, np.float64)
    if reference and _is_known(case[0]):
        result[0, 1:] = reference["spacing_mm"][1:]
        result[1, 1:] = [
            _pixels(field, step)
            for field, step in zip(reference["field_mm"][1:], reference["spacing_mm"][1:], strict=True)
        ]
    return result


def has_spacing(case: np.ndarray) -> bool:
    """Whether the geometry (2, 3) of a case holds its spacing."""
    return _is_known(case[0])


def resample_case(
    pixels: np.ndarray,
    mask: np.ndarray | None,
    spacing_mm: Sequence[float] | np.ndarray,
    to_mm: Sequence[float] | np.ndarray,
    field_mm: Sequence[float] | np.ndarray,
    *,
    depth: bool = False,
) -> tuple[np.ndarray, np.ndarray | None]:
    """A case at spacing `to_mm`, cut or padded with zeros to `field_mm` around its centre.

    Pixels are interpolated linearly, with a triangle that widens when shrinking so that nothing aliases; labels are the
    nearest pixel's. Both are sampled at the same places. Spacing and field of the case: exactly the case.

    Args:
        pixels: (z, c, y, x) float in [0, 1].
        mask: (z, y, x) labels of any dtype, or None.
        spacing_mm, to_mm, field_mm: millimetres along z, y, x.
        depth: whether slices are resampled too; otherwise z stays as it is.

    Returns:
        (z', c, y', x') float32 within the range of `pixels` and 0, and the mask (z', y', x') in its own dtype.

    Raises:
        InputError: a length along an axis to be resampled is not a positive number, or there would be more pixels than
            any case has.
    """
    axes = (0, 1, 2) if depth else (1, 2)
    lengths = [np.asarray(given, np.float64)[list(axes)] for given in (spacing_mm, to_mm, field_mm)]
    if not all(map(_is_known, lengths)):
        spacing, step, field = (
            " x ".join(f"{length:g}" for length in given) for given in (spacing_mm, to_mm, field_mm)
        )
        raise InputError(
            f"resample: spacing {spacing} to {step} over {field} mm, expected positive numbers; files that do"
            " not say their spacing cannot be resampled: choose another harmonizer"
        )
    counts = [_pixels(along, step) for along, step in zip(lengths[2], lengths[1], strict=True)]
    if max(counts) > _MOST_ALONG or prod(counts) > _MOST_PIXELS:
        raise InputError(
            f"resample: {' x '.join(map(str, counts))} pixels, expected {_MOST_ALONG} along an axis at the most and"
            f" {_MOST_PIXELS} in all; sites agreed on a spacing that is too fine, or a field that is too large: choose"
            " another harmonizer"
        )
    values = pixels.astype(np.float32)
    labels = mask
    for axis, spacing, step, count in zip(axes, *lengths[:2], counts, strict=True):
        source = (pixels.shape[0], *pixels.shape[2:])[axis]
        places = (source - 1) / 2 + (np.arange(count) - (count - 1) / 2) * (step / spacing)
        at = axis if axis == 0 else axis + 1
        weights = _weights(places, source, step / spacing)
        values = np.moveaxis(np.tensordot(weights, values, axes=(1, at)), 0, at)
        if labels is not None:
            labels = _nearest(labels, places, axis)
    return np.ascontiguousarray(values), labels if labels is None else np.ascontiguousarray(labels)


def _spacing_and_field(case: np.ndarray) -> np.ndarray | None:
    """(2, 3): millimetres of a pixel, and of the whole; None where they are not known."""
    return np.stack([case[0], case[0] * case[1]]) if _is_known(case[0]) else None


def _weights(places: np.ndarray, source: int, shrink: float) -> np.ndarray:
    """(target, source) float32: rows add up to 1, or to 0 where the target lies outside the source."""
    distance = np.abs(np.arange(source) - np.clip(places, 0, source - 1)[:, None])
    triangle = np.clip(1 - distance / max(shrink, 1.0), 0, None)
    triangle *= _inside(places, source)[:, None] / triangle.sum(axis=1, keepdims=True)
    weights: np.ndarray = triangle.astype(np.float32)
    return weights


def _nearest(labels: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
    source = labels.shape[axis]
    taken: np.ndarray = np.take(labels, np.clip(np.floor(places + 0.5).astype(int), 0, source - 1), axis=axis)
    outside = ~_inside(places, source)
    taken[(slice(None),) * axis + (outside,)] = 0
    return taken


def _inside(places: np.ndarray, source: int) -> np.ndarray:
    """Whether a place lies on a pixel of the source; half a millionth forgives rounding at its edge."""
    inside: np.ndarray = np.abs(places - (source - 1) / 2) <= source / 2 + 5e-7
    return inside


def _pixels(field_mm: float, step_mm: float) -> int:
    return max(round(float(field_mm / step_mm)), 1)


def _is_known(lengths: np.ndarray) -> bool:
    return bool(np.isfinite(lengths).all() and (lengths > 0).all())
