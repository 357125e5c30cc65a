"""What of a DICOM image is seen as black and white, and which tags say how it was acquired."""

from typing import Any

import numpy as np
import pydicom
from pydicom.pixels import apply_voi

from shiftscope.images.acquisition import acquisition
from shiftscope.images.dicom_headers import DATES
from shiftscope.images.dicom_pixels import Pixels
from shiftscope.images.percentiles import CT_WINDOW_HU, percentile_range

__all__ = ["acquisition_of", "display_of"]

PROJECTIONS = {"CR", "DX", "MG", "RG", "RF", "XA", "IO", "PX"}
"""X-ray projections: their raw scale is the detector's, so the window the file was shown with counts."""


def display_of(data: pydicom.Dataset, values: np.ndarray, pixels: Pixels) -> tuple[np.ndarray, tuple[float, float]]:
    """Choose the display range.

    1. Colour, and 8-bit grey without a modality transform: divided by the full range, seen from 0 to 1 (8-bit
       projections with a window of their own go to 3).
    2. CT in Hounsfield units (something lies below zero): -1000 to 1000.
    3. X-ray projections: the file's first VOI window, or its VOI LUT, where it leaves a picture.
    4. Anything else: percentiles 0.5 and 99.5 of the volume.

    Args:
        data: the first file of the image.
        values: (z, y, x) or (z, y, x, 3) float32.
        pixels: what `physical` said of the file.

    Returns:
        The values on their final scale, and (low, high) on it.
    """
    projection = data.get("Modality") in PROJECTIONS and values.ndim == 3
    window = _window(data, values, pixels.mirror) if projection else None
    if window is not None:
        return values, window
    if projection and "VOILUTSequence" in data:
        shown = _voi_lut(data, values, pixels.mirror)
        if shown is not None:
            return shown, (0.0, 1.0)
    if pixels.full is not None:
        return values / np.float32(pixels.full), (0.0, 1.0)
    if data.get("Modality") == "CT" and values.size and float(values.min()) < 0:
        return values, CT_WINDOW_HU
    return values, percentile_range(values)


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


def _window(data: pydicom.Dataset, values: np.ndarray, mirror: float | None) -> tuple[float, float] | None:
    """The first VOI window as (low, high), mirrored with the pixels; None where it leaves less than 1 % between."""
    centre, width = (_first(data.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None or width < 1:
        return None
    if data.get("VOILUTFunction", "LINEAR") == "LINEAR":  # PS3.3 C.11.2.1.2.1; the other functions centre on the window
        low, high = centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2
    else:
        low, high = centre - width / 2, centre + width / 2
    if mirror is not None:
        low, high = mirror - high, mirror - low
    inside = float(((values > low) & (values < high)).mean()) if high > low else 0.0
    return (low, high) if inside >= 0.01 else None


def _voi_lut(data: pydicom.Dataset, values: np.ndarray, mirror: float | None) -> np.ndarray | None:
    """The VOI LUT's output over its full range; None where it cannot be applied. It is defined on unmirrored values."""
    inputs = values if mirror is None else np.float32(mirror) - values
    try:
        bits = int(data.VOILUTSequence[0].LUTDescriptor[2])
        shown = apply_voi(np.rint(inputs).astype(np.int32), data)
    except (AttributeError, IndexError, KeyError, NotImplementedError, TypeError, ValueError):
        return None
    scaled = np.asarray(shown, np.float32) / np.float32(2**bits - 1)
    return scaled if mirror is None else 1 - scaled


def _first(value: object) -> float | None:
    items: Any = value if isinstance(value, pydicom.multival.MultiValue) else [value]
    try:
        number = float(items[0])
    except (IndexError, TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None
