"""The modality transform of DICOM (PS3.3 C.11.1): samples to physical values, by a table or by slope and intercept."""

import math
from collections.abc import Iterable

import numpy as np
import pydicom

from shiftscope.images.dicom_values.luts import lut_of

__all__ = ["Rescale", "rescale_of", "transformed"]

Rescale = tuple[float, float]
"""Slope and intercept: value = sample x slope + intercept."""
_IDENTITY: Rescale = (1.0, 0.0)


def transformed(data: pydicom.Dataset, samples: np.ndarray, frame: int | None) -> tuple[np.ndarray, list[str]]:
    """(frames, rows, columns) samples to values, `samples` themselves where the file defines no transform.

    A table stands before slope and intercept. Those of a frame, then those shared by all frames, stand before those of
    the file as a whole. A real-world value mapping is not applied.

    Args:
        data: the data set.
        samples: as stored.
        frame: which frame they are, None for all.

    Returns:
        The values, and what is odd.
    """
    if "ModalityLUTSequence" in data and data.ModalityLUTSequence:
        little = data.file_meta.TransferSyntaxUID.is_little_endian
        table = lut_of(data.ModalityLUTSequence[0], signed=samples.dtype.kind == "i", little=little)
        return table(samples), []
    found = [rescale_of(data, index) for index in (range(len(samples)) if frame is None else [frame])]
    odd = sorted({code for _, codes in found for code in codes})
    each = [transform for transform, _ in found]
    if all(transform == _IDENTITY for transform in each):
        return samples, odd
    if all(transform == each[0] for transform in each):
        slope, intercept = each[0]
        if slope == 1 and intercept.is_integer() and samples.dtype.itemsize <= 2:  # exact in 32 bits, and quick
            return np.add(samples, np.float32(intercept), dtype=np.float32), odd
        return np.asarray(samples * slope + intercept), odd
    slopes, intercepts = (np.array(column, np.float64)[:, None, None] for column in zip(*each, strict=True))
    return np.asarray(samples * slopes + intercepts), odd


def rescale_of(data: pydicom.Dataset, index: int) -> tuple[Rescale, list[str]]:
    """Slope and intercept of one frame, and what is odd.

    A missing or empty slope is 1, a missing or empty intercept 0. A slope of zero would make every picture flat, and
    neither it nor what is no number can be meant: they count as missing, and are reported.
    """
    for source in _sources(data, index):
        slope, intercept = (_number(source.get(name)) for name in ("RescaleSlope", "RescaleIntercept"))
        if slope is None and intercept is None:
            continue
        sound = slope is None or (math.isfinite(slope) and slope != 0)
        flat = intercept is None or math.isfinite(intercept)
        found = (slope if slope is not None and sound else 1.0, intercept if intercept is not None and flat else 0.0)
        return found, [] if sound and flat else ["rescale_nonsense"]
    # A CT is reported to be without HU, and the scale of MR is arbitrary.
    sources = () if data.get("Modality") in ("CT", "MR") else (*_groups(data, index), data)
    for source in sources:
        for mapping in source.get("RealWorldValueMappingSequence") or []:
            scale = (_number(mapping.get(name)) for name in ("RealWorldValueSlope", "RealWorldValueIntercept"))
            return _IDENTITY, [] if tuple(scale) == _IDENTITY else ["real_world"]
    return _IDENTITY, []


def _groups(data: pydicom.Dataset, index: int) -> Iterable[pydicom.Dataset]:
    """The functional groups of a frame, then those shared by all frames."""
    if "PerFrameFunctionalGroupsSequence" not in data and "SharedFunctionalGroupsSequence" not in data:
        return ()
    per_frame = data.get("PerFrameFunctionalGroupsSequence") or []
    return (*per_frame[index : index + 1], *(data.get("SharedFunctionalGroupsSequence") or []))


def _sources(data: pydicom.Dataset, index: int) -> Iterable[pydicom.Dataset]:
    for group in _groups(data, index):
        yield from group.get("PixelValueTransformationSequence") or []
    yield data


def _number(value: object) -> float | None:
    """The first value of an element, None where it is missing or empty."""
    if isinstance(value, pydicom.multival.MultiValue):
        value = value[0] if len(value) else None
    return None if value is None or value == "" else float(value)  # type: ignore[arg-type]
