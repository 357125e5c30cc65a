"""PNG, JPEG, BMP, GIF, WebP, JPEG 2000 and TIFF: Pillow, and tifffile for TIFFs that Pillow refuses.

Alpha is composited on black, palettes and CMYK become RGB, the EXIF orientation is applied, colour profiles and gamma
tags are not. An animation is its first frame; TIFF pages of one size and type are the slices of a volume.
"""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from shiftscope.errors import Unreadable
from shiftscope.images.acquisition import acquisition
from shiftscope.images.image import Image
from shiftscope.images.percentiles import percentile_range
from shiftscope.images.pictures.exif import ORIENTATION, upright
from shiftscope.images.pictures.tiff import (
    beyond_pillow,
    deep_colour,
    full_white,
    inverted,
    mend_palette,
    picture_pages,
    read_with_tifffile,
)
from shiftscope.images.quiet import quiet

__all__ = ["decode", "grey_if_equal", "orientation_of", "read_raster"]

GREY_TOLERANCE = 2  # of 255: what JPEG's chroma rounding adds to grey stored as RGB
_BROKEN: tuple[type[Exception], ...] = (
    *(ArithmeticError, EOFError, LookupError, MemoryError, OSError, RuntimeError, SyntaxError, TypeError, ValueError),
    *(struct.error, zlib.error),
)
"""What Pillow and tifffile raise on broken files; a broken header can ask for any amount of memory."""
_DIRECT = {"L", "RGB", "F", "I", "1"}  # modes whose array is what we want
_OPAQUE = {"LA", "PA", "RGBA", "La", "RGBa"}  # modes with opacity
_FULL = {"b1": 1.0, "u1": 255.0, "u2": 65535.0}  # dtype -> the value of full white
_DARK = 1 << 14  # a 16-bit picture below holds at most 14 bits
_SRGB_GAMMA = 0.45455


class _DrawnInAlphaError(Exception):
    """Every colour is black, and the picture stands in the alpha channel."""


def read_raster(path: Path, kind: str) -> Image:
    """Read a picture.

    Pixels of an integer depth are divided by its full range. Floating-point and 32-bit TIFFs have no such range: they
    keep their values, seen from 0 to 1 when they lie there and between their percentiles otherwise.

    Args:
        path: the file.
        kind: its format as `formats.sniff` found it.

    Raises:
        Unreadable: see `decode`.
    """
    decoded = _decode(path, kind, indices=False)
    full, odd = decoded.full, list(decoded.odd)
    values = grey_if_equal(decoded.values)
    if full == _FULL["u2"] and values.max(initial=0) < _DARK and values.any():
        odd.append("few_bits")
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is refused as such
        pixels = values.astype(np.float32)
    tags = acquisition({"bits": values.dtype.itemsize * 8})
    if full is not None:
        pixels *= np.float32(1 / full)
        return Image(pixels, (0.0, 1.0), acquisition=tags, odd=tuple(odd))
    low, high = float(pixels.min(initial=0)), float(pixels.max(initial=0))
    if low < 0 and values.dtype.kind == "i":
        odd.append("signed")
    display = (0.0, 1.0) if low >= 0 and high <= 1 else percentile_range(pixels)
    return Image(pixels, display, acquisition=tags, odd=tuple(odd))


def decode(path: Path, kind: str, *, indices: bool = False) -> tuple[np.ndarray, float | None]:
    """Decode the file once.

    Args:
        path: the file.
        kind: its format.
        indices: decode a label map: keep the indices of a coloured palette instead of its colours, and opacity.

    Returns:
        (z, y, x) or (z, y, x, 3), of a label map with opacity (z, y, x, 4), in the file's dtype, and the value of
        full white, None where the dtype has none.

    Raises:
        Unreadable: "truncated", "zero_size", "unsupported" or "undecodable".
    """
    decoded = _decode(path, kind, indices=indices)
    return decoded.values, decoded.full


@dataclass(frozen=True, slots=True)
class _Decoded:
    """What `decode` returns, and what is odd."""

    values: np.ndarray
    full: float | None
    odd: tuple[str, ...]


def _decode(path: Path, kind: str, *, indices: bool) -> _Decoded:
    quiet()
    try:
        # Given a name, Pillow 13 maps uncompressed TIFFs into memory and then mixes up the sides of turned ones.
        with path.open("rb") as file, Pillow.open(file, formats=[kind.upper()]) as picture:
            if 0 in picture.size:
                raise Unreadable(path, "zero_size", f"{picture.size[0]} x {picture.size[1]} pixels")
            if kind == "tiff" and beyond_pillow(picture):
                try:
                    return _tiff(path)
                except Unreadable as problem:  # tifffile cannot undo every compression; Pillow keeps 8 bits of 16
                    if not (problem.reason == "undecodable" and deep_colour(picture)):
                        raise
            return _from_pillow(picture, kind, indices)
    except UnidentifiedImageError:
        if kind == "tiff":
            return _tiff(path)
        raise _refusal(path, kind, UnidentifiedImageError("its header cannot be read")) from None
    except Pillow.DecompressionBombError as problem:
        raise Unreadable(path, "unsupported", f"too large: {problem}") from None
    except _DrawnInAlphaError:
        raise Unreadable(
            path,
            "unsupported",
            "black everywhere, and drawn in its transparency; save it on the background it is meant for",
        ) from None
    except _BROKEN as problem:
        if kind == "tiff":
            return _tiff(path)
        raise _refusal(path, kind, problem) from None


def _from_pillow(picture: Pillow.Image, kind: str, indices: bool) -> _Decoded:
    if kind == "tiff":
        pages, odd = picture_pages(picture)
    else:
        pages, odd = [0], ["animation"] if kind != "jpeg" and getattr(picture, "is_animated", False) else []
    if any("16" in str(tile[3]) for tile in picture.tile[:1]) and picture.mode not in ("L", "I", "F", "I;16", "I;16B"):  # type: ignore[attr-defined]
        odd.append("eight_of_sixteen")
    if _other_colours(picture):
        odd.append("profile")
    arrays = []
    for page in pages:
        if page or len(pages) > 1:
            picture.seek(page)
        if kind == "tiff":
            mend_palette(picture)
        array, transparent = _array(picture, indices)
        if transparent and "transparent" not in odd:
            odd.append("transparent")
        full = full_white(picture, array.dtype) if kind == "tiff" else None
        arrays.append(inverted(picture, array, full) if kind == "tiff" else array)
    values = arrays[0][None] if len(arrays) == 1 else np.stack(arrays)
    return _Decoded(values, full or _FULL.get(_code(values.dtype)), tuple(odd))


def _other_colours(picture: Pillow.Image) -> bool:
    """Whether a colour profile or gamma is stored that is not sRGB's."""
    profile = picture.info.get("icc_profile")
    if profile:
        text = bytes(profile).replace(b"\0", b"")
        return b"sRGB" not in text and b"IEC61966" not in text
    gamma = picture.info.get("gamma")
    return gamma is not None and "srgb" not in picture.info and abs(float(gamma) - _SRGB_GAMMA) > 0.01


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


def orientation_of(path: Path) -> int:
    """The EXIF orientation of a picture, 1 where there is none; only its header is read."""
    try:
        with path.open("rb") as file, Pillow.open(file) as picture:
            return int(picture.getexif().get(ORIENTATION, 1))
    except _BROKEN:
        return 1


def _code(dtype: np.dtype) -> str:
    return f"{dtype.kind}{dtype.itemsize}"


def _array(picture: Pillow.Image, indices: bool) -> tuple[np.ndarray, bool]:
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
            raise _DrawnInAlphaError
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


def _tiff(path: Path) -> _Decoded:
    """TIFFs that Pillow refuses or misreads: three channels tagged BlackIsZero, 16-bit colour, 64-bit floats, signs."""
    from tifffile import TiffFileError

    try:
        values, full, odd = read_with_tifffile(path)
    except Unreadable:
        raise
    except (TiffFileError, *_BROKEN) as problem:
        raise _refusal(path, "tiff", problem) from None
    return _Decoded(values, full, tuple(odd))


_SIDES: dict[str, tuple[int, int, Literal["little", "big"]]] = {
    "png": (16, 4, "big"),
    "gif": (6, 2, "little"),
    "bmp": (18, 4, "little"),
}
"""Where a format's header holds the two sides: offset, bytes of each, byte order."""
_CUT_SHORT = (
    "truncated",
    "not enough image data",
    "unexpected end",
    "end of file",
    "eof",
    "buffer is not large enough",
)


def _refusal(path: Path, kind: str, problem: Exception) -> Unreadable:
    """Tell a file without area, and one that was cut off (copy it again), from one that is broken."""
    if kind in _SIDES:
        start, width, order = _SIDES[kind]
        with path.open("rb") as file:
            sides = file.read(start + 2 * width)[start:]
        if len(sides) == 2 * width and 0 in (int.from_bytes(side, order) for side in (sides[:width], sides[width:])):
            return Unreadable(path, "zero_size", f"{kind}: a side of the picture is zero")
    words = f"{type(problem).__name__}: {problem}".lower()
    cut = isinstance(problem, EOFError | struct.error) or any(sign in words for sign in _CUT_SHORT)
    if kind == "png" and not cut:
        cut = not _has_end(path)
    return Unreadable(path, "truncated" if cut else "undecodable", f"{kind}: {problem}")


def _has_end(path: Path) -> bool:
    return b"IEND" in path.read_bytes()[-64:]
