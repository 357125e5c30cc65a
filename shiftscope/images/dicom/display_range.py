"""What of a DICOM image is seen as black and white, and which tags say how it was acquired."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pydicom

from shiftscope.images.acquisition import acquisition
from shiftscope.images.dicom.headers import DATES
from shiftscope.images.dicom_values.luts import lut_of
from shiftscope.images.dicom_values.pixels import Pixels
from shiftscope.images.dicom_values.rescaling import rescale_of
from shiftscope.images.percentiles import CT_WINDOW_HU, percentile_range

__all__ = ["Shown", "acquisition_of", "display_of"]

PROJECTIONS = {"CR", "DX", "MG", "RG", "RF", "XA", "IO", "PX"}
"""X-ray projections: their raw scale is the detector's, so the window the file was shown with counts."""


_OTHER_UNITS = {"MGML", "Z_EFF", "ED", "EDW", "PCT", "OD"}
"""Rescale types of a CT whose values are densities, atomic numbers or shares."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Values on their final scale, and how they are seen.

    Attributes:
        values: (z, y, x) or (z, y, x, 3) float32.
        display: (low, high) on that scale.
        odd: as `Image.odd`.
    """

    values: np.ndarray
    display: tuple[float, float]
    odd: tuple[str, ...] = ()


def display_of(data: pydicom.Dataset, values: np.ndarray, pixels: Pixels) -> Shown:
    """Choose the display range.

    1. Colour, and 8-bit grey without a modality transform: divided by the full range, seen from 0 to 1 (8-bit
       projections with a window of their own go to 3).
    2. CT in Hounsfield units (something lies below zero, or the header's intercept does): -1000 to 1000.
    3. X-ray projections: the file's first VOI window, or its VOI LUT, where it leaves a picture.
    4. Anything else: percentiles 0.5 and 99.5 of the volume.

    Padding has no part in the choice, and becomes the darkest value: what is seen as black.

    Args:
        data: the first file of the image.
        values: (z, y, x) or (z, y, x, 3) float32, NaN where there is padding.
        pixels: what `physical` said of the file.
    """
    if not pixels.padded:
        return _shown(data, values, pixels)
    padding = np.isnan(values)
    if padding.all():
        return Shown(np.zeros_like(values), (0.0, 1.0))
    shown = _shown(data, values, pixels)
    shown.values[padding] = min(float(np.nanmin(shown.values)), shown.display[0])
    return shown


def _shown(data: pydicom.Dataset, values: np.ndarray, pixels: Pixels) -> Shown:
    odd: list[str] = []
    modality = data.get("Modality")
    if modality in PROJECTIONS and values.ndim == 3:
        voi = _voi(data)
        window = _window(voi)
        if window is not None:
            shown = _windowed(values, window, str(voi.get("VOILUTFunction") or "LINEAR").upper(), pixels.mirror)
            if shown is not None:
                return shown
        if voi.get("VOILUTSequence"):
            table = _voi_lut(voi, data, values, pixels.mirror)
            if table is not None:
                return Shown(table, (0.0, 1.0))
        if window is not None or voi.get("VOILUTSequence") or voi.get("WindowWidth") is not None:
            odd.append("window_ignored")
    if pixels.full is not None:
        odd += ["ct_no_hu"] if modality == "CT" else []
        return Shown(values / np.float32(pixels.full), (0.0, 1.0), tuple(odd))
    if modality == "CT":
        negative = rescale_of(data, 0)[0][1] < 0 or float(np.nanmin(values)) < 0
        if negative and str(data.get("RescaleType") or "HU").upper() not in _OTHER_UNITS:
            return Shown(values, CT_WINDOW_HU, tuple(odd))
        odd.append("ct_no_hu")
    return Shown(values, percentile_range(values), tuple(odd))


def acquisition_of(data: pydicom.Dataset, spacing_mm: tuple[float, float, float] | None) -> dict[str, str]:
    """The allowlisted acquisition tags that the file has, as text. Nothing else of the header is ever passed on."""
    date = next(filter(None, map(data.get, DATES)), None)
    values = {
        "manufacturer": data.get("Manufacturer"),
        "model": data.get("ManufacturerModelName"),
        "field_strength_t": data.get("MagneticFieldStrength"),
        "kvp": data.get("KVP"),
        "bits": data.get("BitsStored"),
        "month": date,
    }
    return acquisition(values, spacing_mm)


def _voi(data: pydicom.Dataset) -> pydicom.Dataset:
    """Where the VOI windows and tables stand: the file itself, or the functional groups of an enhanced one."""
    if data.get("WindowCenter") is None and not data.get("VOILUTSequence"):
        shared = data.get("SharedFunctionalGroupsSequence") or []
        for group in (*shared, *(data.get("PerFrameFunctionalGroupsSequence") or [])[:1]):
            for voi in group.get("FrameVOILUTSequence") or []:
                return voi
    return data


def _window(voi: pydicom.Dataset) -> tuple[float, float] | None:
    """The first window as (centre, width)."""
    centre, width = (_first(voi.get(name)) for name in ("WindowCenter", "WindowWidth"))
    return None if centre is None or width is None else (centre, width)


def _windowed(values: np.ndarray, window: tuple[float, float], function: str, mirror: float | None) -> Shown | None:
    """What a window shows (PS3.3 C.11.2.1.2), mirrored with the pixels; None where it leaves less than 1 % between."""
    centre, width = window
    if width <= 0 or (function == "LINEAR" and width < 1):
        return None
    if function == "LINEAR":
        low, high = centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2
    else:
        low, high = centre - width / 2, centre + width / 2
    if mirror is not None:
        low, high = mirror - high, mirror - low
    inside = float(((values > low) & (values < high)).mean()) if high > low else 0.0
    if inside < 0.01:
        return None
    if function != "SIGMOID":
        return Shown(values, (low, high))
    # Mirrored values and a mirrored centre: 1 - s(x) = s(-x), so the curve of the mirrored picture is the same one.
    steepness = np.float32(-4 / width)
    sigmoid = np.exp(np.clip((values - np.float32((low + high) / 2)) * steepness, -60, 60))
    return Shown(np.asarray(1 / (1 + sigmoid), np.float32), (0.0, 1.0))


def _voi_lut(
    voi: pydicom.Dataset, data: pydicom.Dataset, values: np.ndarray, mirror: float | None
) -> np.ndarray | None:
    """The VOI LUT's output over its full range; None where it cannot be applied. It is defined on unmirrored values."""
    inputs = values if mirror is None else np.float32(mirror) - values
    inputs = np.rint(np.nan_to_num(inputs)).astype(np.int32)
    try:
        little = data.file_meta.TransferSyntaxUID.is_little_endian
        table = lut_of(voi.VOILUTSequence[0], signed=bool(inputs.min(initial=0) < 0), little=little)
    except (AttributeError, IndexError, TypeError, ValueError):
        return None
    shown = table(inputs).astype(np.float32) / np.float32(2**table.bits - 1)
    shown = shown if mirror is None else 1 - shown
    shown[np.isnan(values)] = np.nan
    return shown


def _first(value: object) -> float | None:
    items: Any = value if isinstance(value, pydicom.multival.MultiValue) else [value]
    try:
        number = float(items[0])
    except (IndexError, TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None
