"""PNG, JPEG, BMP, GIF, WebP, JPEG 2000 and TIFF: Pillow, and tifffile for TIFFs that Pillow refuses.

Alpha is composited on black, palettes and CMYK become RGB, the EXIF orientation is applied, colour profiles and gamma
tags are not. An animation is its first frame; TIFF pages of one size and type are the slices of a volume.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from shiftscope.errors import Unreadable
from shiftscope.images.acquisition import acquisition
from shiftscope.images.decoder_warnings import silence_decoders
from shiftscope.images.image import Image
from shiftscope.images.percentiles import percentile_range
from shiftscope.images.pictures.exif import ORIENTATION
from shiftscope.images.pictures.pillow_arrays import DrawnInAlphaError, array_of, grey_if_equal
from shiftscope.images.pictures.refusals import BROKEN, refusal
from shiftscope.images.pictures.tiff import (
    beyond_pillow,
    deep_colour,
    full_white,
    inverted,
    mend_palette,
    picture_pages,
    read_with_tifffile,
)

__all__ = ["decode", "orientation_of", "read_raster"]

_FULL = {"b1": 1.0, "u1": 255.0, "u2": 65535.0}  # dtype -> the value of full white
_DARK = 1 << 14  # a 16-bit picture below holds at most 14 bits
_SRGB_GAMMA = 0.45455


def read_raster(path: Path, kind: str) -> Image:
    """Read a picture.

    Pixels of an integer depth are divided by its full range. Floating-point and 32-bit TIFFs have no such range: they
    keep their values, seen from 0 to 1 when they lie there and between their percentiles otherwise.

    Args:
        path: the file.
        kind: its format as `file_formats.sniff` found it.

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
    silence_decoders()
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
        raise refusal(path, kind, UnidentifiedImageError("its header cannot be read")) from None
    except Pillow.DecompressionBombError as problem:
        raise Unreadable(path, "unsupported", f"too large: {problem}") from None
    except DrawnInAlphaError:
        raise Unreadable(
            path,
            "unsupported",
            "black everywhere, and drawn in its transparency; save it on the background it is meant for",
        ) from None
    except BROKEN as problem:
        if kind == "tiff":
            return _tiff(path)
        raise refusal(path, kind, problem) from None


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
        array, transparent = array_of(picture, indices)
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


def orientation_of(path: Path) -> int:
    """The EXIF orientation of a picture, 1 where there is none; only its header is read."""
    try:
        with path.open("rb") as file, Pillow.open(file) as picture:
            return int(picture.getexif().get(ORIENTATION, 1))
    except BROKEN:
        return 1


def _code(dtype: np.dtype) -> str:
    return f"{dtype.kind}{dtype.itemsize}"


def _tiff(path: Path) -> _Decoded:
    """TIFFs that Pillow refuses or misreads: three channels tagged BlackIsZero, 16-bit colour, 64-bit floats, signs."""
    from tifffile import TiffFileError

    try:
        values, full, odd = read_with_tifffile(path)
    except Unreadable:
        raise
    except (TiffFileError, *BROKEN) as problem:
        raise refusal(path, "tiff", problem) from None
    return _Decoded(values, full, tuple(odd))
