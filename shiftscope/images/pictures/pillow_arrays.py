"""A Pillow picture as an array: palettes, transparency, the EXIF orientation, and grey that is stored as colour."""

import numpy as np
from PIL import Image as Pillow

from shiftscope.images.pictures.exif import ORIENTATION, upright

__all__ = ["DrawnInAlphaError", "array_of", "grey_if_equal"]

GREY_TOLERANCE = 2  # of 255: what JPEG's chroma rounding adds to grey stored as RGB
_DIRECT = {"L", "RGB", "F", "I", "1"}  # modes whose array is what we want
_OPAQUE = {"LA", "PA", "RGBA", "La", "RGBa"}  # modes with opacity


class DrawnInAlphaError(Exception):
    """Every colour is black, and the picture stands in the alpha channel."""


def array_of(picture: Pillow.Image, indices: bool) -> tuple[np.ndarray, bool]:
    """(y, x) or (y, x, 3), of a label map with opacity (y, x, 4), upright; and whether parts of an image were clear."""
    picture.load()  # turns a TIFF, which changes its size
    orientation = picture.getexif().get(ORIENTATION, 1) if picture.format != "TIFF" else 1  # Pillow turns TIFFs itself
    mode = picture.mode
    transparent = False
    if mode in _DIRECT or mode.startswith("I;16"):
        array = np.asarray(picture)
        if array.dtype.kind == "u":
            array = array.astype(array.dtype.newbyteorder("="), copy=False)
        key = picture.info.get("transparency")
        if key is not None and not indices:
            holes = array == (np.array(key) if mode != "1" else bool(key))
            holes = holes.all(axis=-1) if array.ndim == 3 else holes
            transparent = bool((array[holes] != 0).any())
            array = np.where(holes[..., None] if array.ndim == 3 else holes, array.dtype.type(0), array)
    elif mode == "P" and indices and _numbers_classes(picture):
        array = np.asarray(picture)
    elif mode in _OPAQUE or (mode == "P" and "transparency" in picture.info):
        layers = np.asarray(picture.convert("RGBA"))
        transparent = not indices and bool(layers[..., 3].min(initial=255) < 255)
        if transparent and not layers[..., :3].any():
            raise DrawnInAlphaError
        array = layers if indices else _on_black(layers)
    else:
        array = np.asarray(picture.convert("RGB"))
    return upright(array[None], orientation)[0], transparent


def _on_black(array: np.ndarray) -> np.ndarray:
    """(y, x, 4) uint8 composited on black: (y, x, 3) uint8."""
    colours, alpha = array[..., :3], array[..., 3:]
    if alpha.min() < 255:
        colours = ((colours.astype(np.uint16) * alpha + 127) // 255).astype(np.uint8)
    return colours


def _numbers_classes(picture: Pillow.Image) -> bool:
    """Whether the indices of a palette are class numbers: of a coloured one where 0 is background.

    An optimised palette is in any order: black, or what is transparent, then has another index than 0, or than the 255
    that stands for void.
    """
    colours = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
    if (colours == colours[:, :1]).all():
        return False
    used = np.flatnonzero(np.bincount(np.asarray(picture).reshape(-1))).tolist()
    ground = [index for index in used if index < len(colours) and not colours[index].any()]
    clear = picture.info.get("transparency")
    others = {*ground, *([clear] if isinstance(clear, int) and clear in used else [])} - {255}
    return not others or 0 in others


def grey_if_equal(values: np.ndarray) -> np.ndarray:
    """Grey stored as RGB as one channel: (z, y, x, 3) whose channels differ by at most 2 of 255 -> (z, y, x)."""
    if values.ndim == 3:
        return values
    if values.dtype == np.uint16:
        tolerance = float(GREY_TOLERANCE * 257)
    elif values.dtype == np.uint8:
        tolerance = float(GREY_TOLERANCE)
    else:
        tolerance = GREY_TOLERANCE / 255 * float(np.abs(values).max(initial=0))
    for part in (values[:, ::16, ::16], values):  # a sparse look settles nearly every truly coloured image
        red, green, blue = part[..., 0], part[..., 1], part[..., 2]
        spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
        if spread.size and spread.max() > tolerance:
            return values
    return np.ascontiguousarray(values[..., 1])
