"""PNG, JPEG, BMP, GIF, WebP, JPEG 2000 and TIFF: Pillow, and tifffile for TIFFs that Pillow refuses.

Alpha is composited on black, palettes and CMYK become RGB, the EXIF orientation is applied, colour profiles and gamma
tags are not. An animation is its first frame; TIFF pages of one size and type are the slices of a volume.
"""

import struct
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from shiftscope.errors import Unreadable
from shiftscope.images.acquisition import acquisition
from shiftscope.images.image import Image
from shiftscope.images.percentiles import percentile_range
from shiftscope.images.quiet import quiet

__all__ = ["decode", "grey_if_equal", "orientation_of", "read_raster"]

GREY_TOLERANCE = 2  # of 255: what JPEG's chroma rounding adds to grey stored as RGB
_BROKEN: tuple[type[Exception], ...] = (
    *(ArithmeticError, EOFError, LookupError, MemoryError, OSError, RuntimeError, SyntaxError, TypeError, ValueError),
    *(struct.error, zlib.error),
)
"""What Pillow and tifffile raise on broken files; a broken header can ask for any amount of memory."""
_ORIENTATION = 0x0112  # EXIF tag
_DIRECT = {"L", "RGB", "F", "I", "1"}  # modes whose array is what we want
_OPAQUE = {"LA", "PA", "RGBA", "La", "RGBa"}  # modes with opacity
_FULL = {"b1": 1.0, "u1": 255.0, "u2": 65535.0}  # dtype -> the value of full white
_TURNS = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False)}
"""EXIF orientation -> quarter turns counter-clockwise, then a left-right flip."""


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
    values, full = decode(path, kind)
    values = grey_if_equal(values)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is refused as such
        pixels = values.astype(np.float32)
    tags = acquisition({"bits": values.dtype.itemsize * 8})
    if full is not None:
        pixels *= np.float32(1 / full)
        return Image(pixels, (0.0, 1.0), acquisition=tags)
    within = pixels.size > 0 and pixels.min() >= 0 and pixels.max() <= 1
    return Image(pixels, (0.0, 1.0) if within else percentile_range(pixels), acquisition=tags)


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
    quiet()
    try:
        # Given a name, Pillow 13 maps uncompressed TIFFs into memory and then mixes up the sides of turned ones.
        with path.open("rb") as file, Pillow.open(file, formats=[kind.upper()]) as picture:
            if 0 in picture.size:
                raise Unreadable(path, "zero_size", f"{picture.size[0]} x {picture.size[1]} pixels")
            frames = _pages(picture) if kind == "tiff" else 1
            arrays = []
            for frame in range(frames):
                if frame:
                    picture.seek(frame)
                arrays.append(_array(picture, indices))
    except UnidentifiedImageError:
        if kind == "tiff":
            return _tiff(path)
        raise _refusal(path, kind, UnidentifiedImageError("its header cannot be read")) from None
    except Pillow.DecompressionBombError as problem:
        raise Unreadable(path, "unsupported", f"too large: {problem}") from None
    except _BROKEN as problem:
        if kind == "tiff":
            return _tiff(path)
        raise _refusal(path, kind, problem) from None
    values = arrays[0][None] if frames == 1 else np.stack(arrays)
    return values, _FULL.get(_code(values.dtype))


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
            return int(picture.getexif().get(_ORIENTATION, 1))
    except _BROKEN:
        return 1


def _code(dtype: np.dtype) -> str:
    return f"{dtype.kind}{dtype.itemsize}"


def _pages(picture: Pillow.Image) -> int:
    """How many pages to stack: all of them when they share size and mode, otherwise the first alone (pyramids)."""
    count = int(getattr(picture, "n_frames", 1))
    first = (picture.size, picture.mode)
    for page in range(1, count):
        picture.seek(page)
        if (picture.size, picture.mode) != first:
            count = 1
            break
    picture.seek(0)
    return count


def _array(picture: Pillow.Image, indices: bool) -> np.ndarray:
    """(y, x) or (y, x, 3), upright."""
    picture.load()  # turns a TIFF, which changes its size
    orientation = picture.getexif().get(_ORIENTATION, 1) if picture.format != "TIFF" else 1  # Pillow turns TIFFs itself
    mode = picture.mode
    if mode in _DIRECT or mode.startswith("I;16"):
        array = np.asarray(picture)
        if array.dtype.kind == "u":
            array = array.astype(array.dtype.newbyteorder("="), copy=False)
    elif mode == "P" and indices and _numbers_classes(picture):
        array = np.asarray(picture)
    elif indices and (mode in _OPAQUE or (mode == "P" and "transparency" in picture.info)):
        array = np.asarray(picture.convert("RGBA"))
    elif mode in _OPAQUE or (mode == "P" and "transparency" in picture.info):
        array = _on_black(np.asarray(picture.convert("RGBA")))
    else:
        array = np.asarray(picture.convert("RGB"))
    if orientation in _TURNS:
        turns, flip = _TURNS[orientation]
        array = np.rot90(array, turns)
        array = array[:, ::-1] if flip else array
    return np.asarray(array)


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


def _tiff(path: Path) -> tuple[np.ndarray, float | None]:
    """TIFFs that Pillow refuses: three channels tagged BlackIsZero, planar or 16-bit colour, 64-bit floats."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            array, axes = np.asarray(series.asarray()), series.axes
    except (tifffile.TiffFileError, *_BROKEN) as problem:
        raise _refusal(path, "tiff", problem) from None
    if 0 in array.shape:
        raise Unreadable(path, "zero_size", f"shape {array.shape}")
    if "S" in axes:
        array = np.moveaxis(array, axes.index("S"), -1)
    elif array.ndim >= 3 and array.shape[-1] in (3, 4) and array.shape[-2] > 4:
        axes += "S"  # samples that the file forgot to call samples
    colour = "S" in axes and array.shape[-1] in (3, 4)
    if "S" in axes and not colour:
        if array.shape[-1] > 2:
            raise Unreadable(path, "unsupported", f"{array.shape[-1]} channels; expected 1 or 3")
        array = array[..., 0]
    planes = array.reshape(-1, *array.shape[-3:]) if colour else array.reshape(-1, *array.shape[-2:])
    planes = planes[..., :3] if colour else planes
    if planes.dtype.kind == "c":
        raise Unreadable(path, "unsupported", "complex pixels")
    return planes, _FULL.get(_code(planes.dtype))


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
