"""The numbers of a NIfTI or MGH volume: which volume of several, scaled or not, and what stands for no measurement."""

import math
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from shiftscope.errors import InputError, Unreadable
from shiftscope.images.nifti.sidecars import stem_of
from shiftscope.images.nifti.volume_files import StoredVolume
from shiftscope.parsing import read_text

__all__ = ["all_numbers_of", "numbers_of", "without_fill", "without_wrap"]

_UNWEIGHTED = 50.0
"""Scanners write b-values of a few s/mm2 for what they did not weight."""

_MOST_BVALS = 1_000_000  # bytes
_HUGE = 1e15
_FILLS = (-32768.0, -32767.0, -9999.0, -99999.0, -2147483648.0)
_FAR = 0.5  # of a fill: no measured value comes nearer to it
_WRAPPED, _PLAIN = 57_344, 32_768
"""Negative numbers down to -8192, stored as unsigned ones, lie from the first on; none of the others reaches the
second."""

_LEAST_WRAPPED = 0.001  # of the voxels: fewer do not move a percentile either


def numbers_of(volume: StoredVolume, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """The scaled values of one volume, the only one whose bytes are read.

    Of several, that is the first; of a diffusion series with a `.bval` beside it the first unweighted one.

    Returns:
        (i, j, k) real or (i, j, k, 3) colour values; and keys of `ODDITIES`.

    Raises:
        Unreadable: "unsupported" for complex numbers.
    """
    image, odd = volume.image, []
    proxy, shape = image.dataobj, image.shape
    index: tuple[int, ...] = (0,) * max(len(shape) - 3, 0)
    if math.prod(shape[3:]) > 1:
        odd.append("first_of_several")
        if (unweighted := _unweighted(path, shape[3])) > 0:
            index = (unweighted, *index[1:])
            odd.append("unweighted_not_first")
    if image.get_data_dtype().names:  # RGB and RGBA: colours are not scaled (nifti1.h, "DATA SCALING")
        colours, odd_colours = _colours(proxy.get_unscaled()[(..., *index)] if index else proxy.get_unscaled())
        return colours.reshape(*colours.shape[:-1], *[1] * (4 - colours.ndim), 3), (*odd, *odd_colours)
    values = np.asanyarray(proxy[(slice(None),) * 3 + index] if index else proxy)
    if values.dtype.kind not in "biuf":
        raise Unreadable(path, "unsupported", f"values of type {values.dtype}; expected real numbers")
    if isinstance(image, nibabel.Nifti1Pair) and _scaling_means_nothing(volume.raw):
        odd.append("broken_scaling")
    return values.reshape(*values.shape, *[1] * (3 - values.ndim)), tuple(odd)


def all_numbers_of(volume: StoredVolume, path: Path) -> np.ndarray:
    """The scaled values of all volumes: (i, j, k, volumes) real or (i, j, k, volumes, 3) colour values.

    Raises:
        Unreadable: "unsupported" for complex numbers.
    """
    image = volume.image
    shape = (*image.shape[:3], 1, 1)[:3]
    if image.get_data_dtype().names:
        return _colours(image.dataobj.get_unscaled())[0].reshape(*shape, -1, 3)
    values = np.asanyarray(image.dataobj)
    if values.dtype.kind not in "biuf":
        raise Unreadable(path, "unsupported", f"values of type {values.dtype}; expected real numbers")
    out: np.ndarray = values.reshape(*shape, -1)
    return out


def without_fill(pixels: np.ndarray, low: float, high: float, path: Path) -> np.ndarray | None:
    """Put the lowest measured value where a number stands for "nothing measured here".

    Args:
        pixels: any shape, float32.
        low, high: its least and greatest value, finite.

    Returns:
        The pixels without the fill, None where there is none.

    Raises:
        Unreadable: "unsupported": there are values that no scanner gives, so that what belongs there is unknown.
    """
    if max(-low, high) >= _HUGE:
        share = float((np.abs(pixels) >= _HUGE).mean())
        detail = f"{share:.2%} of the voxels are beyond {_HUGE:g}, a fill value; write the background's value there"
        raise Unreadable(path, "unsupported", detail)
    if low not in _FILLS:
        return None
    filled = pixels == np.float32(low)
    rest = float(pixels.min(where=~filled, initial=np.inf))
    if not math.isfinite(rest) or rest < _FAR * low:
        return None
    return np.where(filled, np.float32(rest), pixels)


def without_wrap(pixels: np.ndarray, low: float, high: float) -> np.ndarray | None:
    """Give unsigned 16-bit numbers that were negative their sign back.

    They are known by the gap: numbers from 0 up to less than half of the range, others near its end, nothing between.
    Where only the last number occurs there, it may be saturation, and few of them may be bright spots: they stay.

    Args:
        pixels: any shape, float32, values of an unsigned 16-bit file without scaling.
        low, high: its least and greatest value.

    Returns:
        The pixels with their signs, None where none was lost.
    """
    if low < 0 or high < _WRAPPED:
        return None
    wrapped = pixels >= _WRAPPED
    plain = float(pixels.max(where=~wrapped, initial=-1))
    least = float(pixels.min(where=wrapped, initial=np.inf))
    if not 0 <= plain < _PLAIN or least == 65535 or wrapped.mean() < _LEAST_WRAPPED:
        return None
    return np.where(wrapped, pixels - np.float32(65536), pixels)


def _colours(records: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Records of three or four bytes -> (..., 3) bytes."""
    names = records.dtype.names or ()
    odd = ("alpha_left_out",) if len(names) > 3 and (records[names[3]] != 255).any() else ()
    return np.stack([records[name] for name in names[:3]], axis=-1), odd


def _scaling_means_nothing(raw: Any) -> bool:
    """Infinite numbers, or an intercept without the slope that NIfTI wants beside it."""
    slope, inter = float(raw["scl_slope"]), float(raw["scl_inter"])
    return math.isinf(slope) or math.isinf(inter) or (slope == 0 and not math.isnan(inter) and inter != 0)


def _unweighted(path: Path, count: int) -> int:
    """The first unweighted volume of a diffusion series; 0 where nothing says which."""
    try:
        texts = read_text(path.with_name(f"{stem_of(path)}.bval"), _MOST_BVALS, "b-values", InputError).split()
        values = [float(text) for text in texts]
    except (InputError, ValueError):
        return 0
    if len(values) != count or not all(map(math.isfinite, values)):
        return 0
    return next(index for index, value in enumerate(values) if value <= min(values) + _UNWEIGHTED)
