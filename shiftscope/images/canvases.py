"""Images and masks on a square canvas of a fixed size: what features, harmonizers and models work on."""

import numpy as np
from PIL import Image as Pillow

__all__ = ["canvas", "mask_canvas"]


def canvas(pixels: np.ndarray, size: int) -> np.ndarray:
    """Each slice resized to a square, whatever its aspect, with a triangle filter that widens when shrinking.

    The filter is Pillow's bilinear `resize` (its support grows with the reduction, so nothing aliases).

    Args:
        pixels: (z, y, x) or (z, y, x, 3), any float dtype.
        size: pixels of a side.

    Returns:
        (z, c, size, size) float32, c = 1 or 3; values stay within those of `pixels`.
    """
    planes = pixels[:, None] if pixels.ndim == 3 else np.moveaxis(pixels, -1, 1)
    planes = planes.astype(np.float32, copy=False)
    if planes.shape[2:] == (size, size):
        return np.array(planes, order="C")
    out = np.empty((*planes.shape[:2], size, size), np.float32)
    for z, slice_ in enumerate(planes):
        for c, plane in enumerate(slice_):
            picture = Pillow.fromarray(np.ascontiguousarray(plane))
            out[z, c] = picture.resize((size, size), Pillow.Resampling.BILINEAR)
    return out


def mask_canvas(mask: np.ndarray, size: int) -> np.ndarray:
    """Each slice of a label map resized to a square by nearest neighbour.

    Args:
        mask: (z, y, x) labels.
        size: pixels of a side.

    Returns:
        (z, size, size), the dtype and a subset of the values of `mask`.
    """
    rows, columns = (_nearest(length, size) for length in mask.shape[1:])
    return mask.take(rows, axis=1).take(columns, axis=2)


def _nearest(length: int, size: int) -> np.ndarray:
    """The source index whose pixel holds the centre of each target pixel: (size,) int."""
    return ((2 * np.arange(size) + 1) * length) // (2 * size)
