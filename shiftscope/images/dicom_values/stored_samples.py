"""What a DICOM sample is: which bits of a stored word belong to it, whether it has a sign, whether it is padding."""

from typing import Any

import numpy as np
import pydicom

from shiftscope.images.dicom_values.rescaling import rescale_of

__all__ = ["bare_samples", "padding_of", "with_sign"]

_LOWEST_HU = 4096  # how far below zero a CT stores anything, padding included
_AIR_HU = (-1100, -500)
_MOSTLY = 0.99
_TOP = 1 << 16
_TORN = _TOP // 2  # a picture that wrapped has values at both ends
_UNSIGNED_FILMS = ("DX", "MG", "IO")


def bare_samples(
    data: pydicom.Dataset, decoded: np.ndarray, padding: np.ndarray | None
) -> tuple[np.ndarray, list[str]]:
    """Samples without whatever else their stored words hold.

    A sample fills the bits from HighBit downwards, BitsStored of them, and nothing may be assumed of the others (PS3.5
    8.1.1): they may hold overlays, copies of the sign, or garbage. Where a header says fewer bits than the samples
    have, cutting would tear the picture: what is smoother whole is kept whole.

    Args:
        data: the data set.
        decoded: (frames, rows, columns) as decoded.
        padding: which of them are padding, None where none is; their bits say nothing of the others.

    Returns:
        The samples in the same dtype, and what is odd.
    """
    allocated = 8 * decoded.dtype.itemsize
    stored = int(data.get("BitsStored") or allocated)
    if decoded.dtype.kind not in "ui" or not 0 < stored < allocated:
        return decoded, []
    odd = []
    high = data.get("HighBit")
    shift = 0 if high is None else int(high) + 1 - stored
    if 0 < shift <= allocated - stored and "PixelData" in data and not data["PixelData"].is_undefined_length:
        if _any(decoded & ((1 << shift) - 1), padding):
            odd.append("high_bit")
        else:
            decoded = decoded >> shift
    signed = decoded.dtype.kind == "i"
    low, high_end = (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) if signed else (0, (1 << stored) - 1)
    if int(decoded.max(initial=0)) <= high_end and (not signed or int(decoded.min(initial=0)) >= low):
        return decoded, odd
    if padding is not None and not _any((decoded > high_end) | (decoded < low), padding):
        return decoded, odd
    unused = allocated - stored
    cut = (decoded << unused) >> unused
    if _roughness(decoded, padding) < _roughness(cut, padding):
        return decoded, [*odd, "bits_kept"]
    return cut, odd


def with_sign(data: pydicom.Dataset, samples: np.ndarray, frame: int) -> tuple[np.ndarray, list[str]]:
    """Samples of 16 bits whose header is wrong about their sign, so that they wrapped.

    A CT without a sign whose air lies at 64512, which is -1024, is certain: nothing lies between what a CT can hold and
    the last few thousand values, and what lies there would be air, or is one single value outside the field of view. So
    is a digital X-ray film with a sign, which it must not have (PS3.3 C.8.11.3), that is torn where the sign changes.
    Any other torn picture is reported, and read as its header says.

    Args:
        data: the data set.
        samples: as stored.
        frame: the first of them.
    """
    if samples.dtype.kind not in "ui" or samples.dtype.itemsize != 2 or int(data.get("BitsStored") or 16) != 16:
        return samples, []
    high = int(samples.max(initial=0))
    if high < _TORN // 2:  # with a sign or without one, it has values at one end alone
        return samples, []
    if samples.dtype.kind == "u" and data.get("Modality") == "CT":
        intercept = rescale_of(data, frame)[0][1]
        if high + intercept >= _TOP // 2:
            certain = _is_air(samples, intercept)
            return (samples.view(np.int16), ["sign_repaired"]) if certain else (samples, ["ct_too_high"])
    low = int(samples.min(initial=0))
    other = samples.view(np.int16 if samples.dtype.kind == "u" else np.uint16)
    if high - low < _TORN or _roughness(_some(other), None) > _roughness(_some(samples), None) / 2:
        return samples, []
    if samples.dtype.kind == "i" and data.get("Modality") in _UNSIGNED_FILMS:
        return other, ["sign_repaired"]
    return samples, ["sign_doubtful"]


def _is_air(samples: np.ndarray, intercept: float) -> bool:
    below = samples[samples >= _TOP // 2].astype(np.int32) - _TOP
    air = ((below >= _AIR_HU[0]) & (below <= _AIR_HU[1])).sum() >= 0.01 * samples.size
    single = int(below.min()) == int(below.max()) < _AIR_HU[0]
    return int(below.min()) >= -_LOWEST_HU and bool(single or (air and intercept > _AIR_HU[1]))


def _some(samples: np.ndarray) -> np.ndarray:
    """About 64 rows of the first frame."""
    return samples[0, :: max(1, samples.shape[1] // 64)]


def padding_of(data: pydicom.Dataset, decoded: np.ndarray) -> tuple[np.ndarray | None, list[str]]:
    """Where pixels are padding (PS3.3 C.7.5.1.1.2): equal to PixelPaddingValue, or between it and the range limit.

    The two may be written with the other sign than the samples have; they are the same bits. A range that holds nearly
    the whole picture is not believed.

    Returns:
        Booleans of the shape of `decoded`, None where there is no padding; and what is odd.
    """
    if decoded.dtype.kind == "f":
        names = ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit")
        if decoded.dtype.itemsize == 8:
            names = tuple("Double" + name for name in names)  # type: ignore[assignment]
    else:
        names = ("PixelPaddingValue", "PixelPaddingRangeLimit")
    if names[0] not in data:
        return None, []
    value, limit = data.get(names[0]), data.get(names[1])
    value, limit = (
        each[0] if isinstance(each, list | pydicom.multival.MultiValue) else each for each in (value, limit)
    )
    if value is None or value == "":
        return None, []
    if decoded.dtype.kind == "f" and np.isnan(value):
        found = np.isnan(decoded)
    elif limit is None or limit == "":
        found = decoded == _as_stored(value, decoded.dtype)
    else:
        ends = sorted((_as_stored(value, decoded.dtype), _as_stored(limit, decoded.dtype)))
        found = (decoded >= ends[0]) & (decoded <= ends[1])
        if found.mean() > _MOSTLY and decoded.size and (decoded != decoded.flat[0]).any():
            return None, ["padding_ignored"]
    return (found, []) if found.any() else (None, [])


def _as_stored(value: Any, dtype: np.dtype) -> float:
    if dtype.kind == "f":
        return float(value)
    span = 1 << (8 * dtype.itemsize)
    number = int(value) % span
    return number - span if dtype.kind == "i" and number >= span // 2 else number


def _any(flags: np.ndarray, padding: np.ndarray | None) -> bool:
    return bool((flags if padding is None else flags[~padding]).any())


def _roughness(samples: np.ndarray, padding: np.ndarray | None) -> float:
    """The sum of steps between neighbours along rows, but for those to and from padding."""
    steps = np.abs(np.diff(samples.astype(np.float32), axis=-1))
    if padding is not None:
        steps[padding[..., 1:] | padding[..., :-1]] = 0
    return float(steps.sum(dtype=np.float64))
