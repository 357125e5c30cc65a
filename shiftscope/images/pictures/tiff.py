"""TIFF beyond one plain page: which pages are the picture, and what Pillow does not read as it is meant."""

import re
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from shiftscope.errors import Unreadable
from shiftscope.images.pictures.exif import ORIENTATION, upright

__all__ = [
    "beyond_pillow",
    "deep_colour",
    "full_white",
    "inverted",
    "mend_palette",
    "picture_pages",
    "read_with_tifffile",
]

_DESCRIPTION, _BITS, _PHOTOMETRIC, _SAMPLES, _EXTRA, _FORMAT, _PALETTE = (
    270,
    258,
    262,
    277,
    338,
    339,
    320,
)  # tags of TIFF 6.0
_KIND, _OLD_KIND = 254, 255
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType: a smaller copy of another page, a mask of another page
_WHITE_IS_ZERO, _COLOURS = 0, (2, 5, 6)  # RGB, separated inks, YCbCr
_COLOUR_CHANNELS = 4
_READ = (0, 1, 2)  # the photometric interpretations whose samples are levels of grey or of red, green and blue


def picture_pages(picture: Pillow.Image) -> tuple[list[int], list[str]]:
    """Which pages are the picture: all of one size and type are the slices of a volume, else the first stands alone.

    Smaller copies and masks of a page do not count. Of the channels and moments that ImageJ or OME describe, the first
    of each is read. The picture is left at its first page.

    Returns:
        Indices of pages, and what is odd.
    """
    kinds, counted = [], []
    for page in range(int(getattr(picture, "n_frames", 1))):
        picture.seek(page)
        kinds.append((picture.size, picture.mode))
        tags = picture.tag_v2  # type: ignore[attr-defined]
        if not int(tags.get(_KIND, 0)) & (_REDUCED | _MASK) and tags.get(_OLD_KIND) != 2:
            counted.append(page)
    picture.seek(0)
    counted = counted or [0]
    odd = ["extra_channel"] if _left_out(picture) else []
    if any(kinds[page] != kinds[counted[0]] for page in counted):
        return counted[:1], [*odd, "pages"]
    sizes, described = _axes(_text(picture))
    odd += ["pages_missing"] if described > len(counted) else []
    if np.prod(list(sizes.values())) != len(counted) or sizes.get("C", 1) * sizes.get("T", 1) == 1:
        return counted, odd
    if _mislabelled(sizes):
        return counted, [*odd, "pages_as_slices"]
    grid = np.array(counted).reshape([sizes[axis] for axis in reversed(sizes)])  # the first axis runs fastest
    for axis in ("C", "T"):
        if axis in sizes:
            grid = np.take(grid, [0], axis=list(reversed(sizes)).index(axis))
    return [int(page) for page in grid.reshape(-1)], [*odd, "hyperstack"]


def beyond_pillow(picture: Pillow.Image) -> bool:
    """Whether Pillow would misread the samples: signed bytes, unsigned 32-bit words, more than 8 bits of a colour, Lab,
    and the pages of an ImageJ stack that has the tags of the first alone."""
    tags = picture.tag_v2  # type: ignore[attr-defined]
    bits, kind = max(tags.get(_BITS, (1,))), max(tags.get(_FORMAT, (1,)))
    _, described = _axes(_text(picture))
    return (
        (kind == 2 and bits == 8)
        or (kind == 1 and bits == 32)
        or deep_colour(picture)
        or tags.get(_PHOTOMETRIC) not in (*_READ, 3, *_COLOURS, None)
        or described > int(getattr(picture, "n_frames", 1)) == 1
    )


def deep_colour(picture: Pillow.Image) -> bool:
    """Whether colours have more than the 8 bits that Pillow keeps."""
    tags = picture.tag_v2  # type: ignore[attr-defined]
    return max(tags.get(_BITS, (1,))) > 8 and int(tags.get(_SAMPLES, 1)) >= 3


def full_white(picture: Pillow.Image, dtype: np.dtype) -> float | None:
    """The value of full white of a depth between 9 and 15 bits that is kept in 16; None for any other."""
    bits = max(picture.tag_v2.get(_BITS, (1,)))  # type: ignore[attr-defined]
    return float(2**bits - 1) if dtype == np.uint16 and 8 < bits < 16 else None


def inverted(picture: Pillow.Image, array: np.ndarray, full: float | None) -> np.ndarray:
    """Grey where 0 is white, turned around; Pillow does that itself for 1 and 8 bits only."""
    if picture.tag_v2.get(_PHOTOMETRIC) != _WHITE_IS_ZERO or picture.mode in ("1", "L"):  # type: ignore[attr-defined]
        return array
    return _negative(array, full)


def mend_palette(picture: Pillow.Image) -> None:
    """Give a palette its colours whose maker wrote 0 to 255 where TIFF has 0 to 65535: Pillow makes it black."""
    colours = picture.tag_v2.get(_PALETTE, ())  # type: ignore[attr-defined]
    if picture.mode == "P" and 0 < max(colours, default=0) <= 255:
        picture.putpalette(np.array(colours, np.uint8).reshape(3, -1).T.tobytes())


def read_with_tifffile(path: Path) -> tuple[np.ndarray, float | None, list[str]]:
    """Read the first series of pages.

    Returns:
        (z, y, x) or (z, y, x, 3) in the file's dtype, the value of full white of an integer depth, and what is odd.

    Raises:
        Unreadable: "zero_size" or "unsupported".
        Exception: whatever tifffile raises on broken files, or on a compression it cannot undo.
    """
    import tifffile

    odd: list[str] = []
    with tifffile.TiffFile(path, _multifile=False) as file:
        series = file.series[0]
        page = series.keyframe
        photometric, bits, alpha = int(page.photometric), page.bitspersample, int((*page.extrasamples, 0)[0])
        array, axes = np.asarray(series.asarray()), series.axes
        turned = int(page.tags.valueof(ORIENTATION, 1))
        described = _axes(str(page.description))[1]
    if 0 in array.shape:
        raise Unreadable(path, "zero_size", f"shape {array.shape}")
    if photometric not in _READ:
        raise Unreadable(path, "unsupported", "a TIFF whose colours are neither grey nor RGB; save it as RGB")
    sizes = {axis: array.shape[axes.index(axis)] for axis in "CZT" if axis in axes}
    if sizes.get("C", 1) * sizes.get("T", 1) > 1:
        odd = ["pages_as_slices" if _mislabelled(sizes) else "hyperstack"]
        for axis in ("C", "T") if odd == ["hyperstack"] else ():
            if axis in sizes:
                array = np.take(array, [0], axis=axes.index(axis))
    if "S" in axes:
        array = np.moveaxis(array, axes.index("S"), -1)
    elif array.ndim >= 3 and array.shape[-1] in (3, 4) and array.shape[-2] > 4:
        axes += "S"  # samples that the file forgot to call samples
    colour = "S" in axes and array.shape[-1] in (3, 4)
    if "S" in axes and not colour:
        if array.shape[-1] > 2:
            raise Unreadable(path, "unsupported", f"{array.shape[-1]} channels; expected 1 or 3")
        if array.shape[-1] == 2:
            odd.append("extra_channel")
        array = array[..., 0]
    planes = array.reshape(-1, *array.shape[-3:]) if colour else array.reshape(-1, *array.shape[-2:])
    if planes.dtype.kind == "c":
        raise Unreadable(path, "unsupported", "complex pixels")
    full = float(2**bits - 1) if planes.dtype.kind == "u" and bits <= 16 else 1.0 if planes.dtype == bool else None
    if colour and planes.shape[-1] == 4 and alpha == 2 and full is not None:  # not yet multiplied with the colours
        share = planes[..., 3:] / full
        if share.min(initial=1) < 1:
            odd.append("transparent")
            planes = np.rint(planes[..., :3] * share).astype(planes.dtype)
    if colour and photometric != _COLOURS[0]:
        odd.append("grey_as_colours")
    odd += ["pages_missing"] if described > len(planes) and not sizes else []
    planes = upright(planes[..., :3] if colour else planes, turned)
    return _negative(planes, full) if photometric == _WHITE_IS_ZERO else planes, full, odd


def _left_out(picture: Pillow.Image) -> bool:
    """Whether a sample stands beside grey or RGB that is said to be no transparency."""
    tags = picture.tag_v2  # type: ignore[attr-defined]
    return int(tags.get(_SAMPLES, 1)) in (2, 4) and tags.get(_PHOTOMETRIC) in _READ and tags.get(_EXTRA, (0,))[0] == 0


def _mislabelled(sizes: dict[str, int]) -> bool:
    """Whether moments or channels are probably slices: there is one slice alone, and more of them than colours.

    Programs that save a volume often leave it at the first axis that their library calls something.
    """
    return sizes.get("Z", 1) == 1 and max(sizes.get("T", 1), sizes.get("C", 1)) > _COLOUR_CHANNELS


def _negative(array: np.ndarray, full: float | None) -> np.ndarray:
    if array.dtype == bool:
        return ~array
    if array.dtype.kind == "u":
        return np.asarray(array.dtype.type(full or np.iinfo(array.dtype).max) - array)
    if array.dtype.kind == "i":
        return np.asarray(-1 - array)
    low, high = float(array.min(initial=0)), float(array.max(initial=0))
    return np.asarray((1 if low >= 0 and high <= 1 else low + high) - array)


def _text(picture: Pillow.Image) -> str:
    return str(picture.tag_v2.get(_DESCRIPTION, ""))  # type: ignore[attr-defined]


def _axes(description: str) -> tuple[dict[str, int], int]:
    """The axes of pages that ImageJ or OME describe, the one that runs fastest first, and how many pages there are."""
    if description.startswith("ImageJ="):
        stated = dict(re.findall(r"^(images|channels|slices|frames)=(\d+)", description, re.MULTILINE))
        sizes = {axis: int(stated.get(name, 1)) for axis, name in (("C", "channels"), ("Z", "slices"), ("T", "frames"))}
        return sizes, int(stated.get("images", 1))
    if "<OME" in description[:4096]:
        order = re.search(r'DimensionOrder="XY([CZT]{3})"', description)
        found = dict(re.findall(r'\bSize([CZT])="(\d+)"', description))
        samples = re.search(r'SamplesPerPixel="(\d+)"', description)
        if order and len(found) == 3:
            sizes = {axis: int(found[axis]) for axis in order[1]}
            sizes["C"] = max(1, sizes["C"] // int(samples[1] if samples else 1))
            return sizes, int(np.prod(list(sizes.values())))
    return {}, 1
