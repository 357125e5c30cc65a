"""How the values of a volume become labels: class numbers, probabilities, layers."""

from pathlib import Path

import numpy as np

from shiftscope.errors import Unreadable
from shiftscope.images.masks.class_layers import labels_of_layers
from shiftscope.images.masks.colour_labels import labels_of_colours
from shiftscope.images.masks.label_map import LabelMap

__all__ = ["labels_of_volume"]

_MOST = 65535
_WHITES = (255.0, 65535.0)
_WHOLE = 1e-3
"""Values this near to whole numbers are class numbers that arithmetic has touched."""


def labels_of_volume(values: np.ndarray, path: Path) -> LabelMap:
    """Labels of a volume's scaled values.

    Whole numbers are kept, but 255 or 65535 alone is 1. Of fractions up to 1, which are probabilities, foreground is
    what reaches 0.5; of fractions up to 100 or 255, what reaches half. Other fractions are class numbers that were
    interpolated, and are rounded.

    Args:
        values: (i, j, k, volumes), of RGB (i, j, k, volumes, 3).
        path: for messages.

    Returns:
        A label map in the order of `values`.

    Raises:
        Unreadable: "not_finite"; "unsupported" for negative or huge labels, and as `labels_of_layers`.
    """
    if values.ndim == 5:
        return labels_of_colours(values[..., 0, :], 255.0, path)
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if not (np.isfinite(low) and np.isfinite(high)):
        raise Unreadable(path, "not_finite", "the mask holds NaN or infinite values; write 0 where nothing is drawn")
    if low < 0 or high > _MOST:
        raise Unreadable(
            path,
            "unsupported",
            f"mask values from {low:g} to {high:g}; expected labels 0..{_MOST}: write 0 where nothing is drawn",
        )
    if values.shape[3] > 1:
        return labels_of_layers(np.moveaxis(values, 3, 0), path)
    values = values[..., 0]
    if values.dtype.kind == "f":
        return _of_floats(values, high)
    return _of_integers(values, high)


def _of_integers(values: np.ndarray, high: float) -> LabelMap:
    if high in _WHITES and not ((values > 0) & (values < high)).any():
        return LabelMap((values > 0).astype(np.uint8), numbered=False)
    return LabelMap(values.astype(np.uint8 if high <= 255 else np.uint16))


def _of_floats(values: np.ndarray, high: float) -> LabelMap:
    whole = np.rint(values)
    if high >= 0.5 and np.abs(values - whole).max(initial=0) <= _WHOLE:
        return _of_integers(whole, float(whole.max(initial=0)))
    if not ((values > 0) & (values < high)).any():  # class numbers under a scale that makes them fractions
        return LabelMap((values > 0).astype(np.uint8), odd=("mask_one_grey",), numbered=False)
    if high <= 1 + _WHOLE:
        return LabelMap((values >= 0.5).astype(np.uint8), numbered=False)
    for white in (100.0, 255.0):
        if 0.9 * white <= high <= 1.01 * white:
            return LabelMap((values >= white / 2).astype(np.uint8), odd=("mask_soft",), numbered=False)
    rounded = _of_integers(whole, float(whole.max(initial=0)))
    return LabelMap(rounded.labels, odd=("mask_interpolated",), numbered=rounded.numbered)
