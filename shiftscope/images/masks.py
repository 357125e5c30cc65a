"""Label maps: `read_mask(path)`, and how grey levels become labels."""

from pathlib import Path

import numpy as np

from shiftscope.errors import Unreadable
from shiftscope.images.formats import RASTERS, sniff

__all__ = ["read_mask"]

CLASS_IDS = 32  # a raster whose values all lie below holds class ids, not grey levels
VOID = 255  # what indexed masks draw around objects: counted as background


def read_mask(path: Path) -> np.ndarray:
    """Read a label map, oriented as `read` orients the image it belongs to.

    Rasters: every value below 32 means class ids (255 beside them is void, thus background); exactly {0, v} means
    background and foreground; anything else (soft edges, several colours) is foreground from half of the full range up.
    A coloured palette counts by its indices. JPEG is lossy and never holds ids. Volumes: integer labels are kept
    ({0, 255} is 0 and 1); fractions are probabilities, foreground from 0.5 up.

    Returns:
        (z, y, x) uint8, or uint16 where a label exceeds 255; 0 is background. May be all background.

    Raises:
        Unreadable: with the reason and the file.
    """
    kind = sniff(path)
    if kind is None:
        raise Unreadable(path, "not_an_image", "a mask that is not an image")
    if kind in RASTERS:
        from shiftscope.images.raster import decode

        values, full = decode(path, kind, indices=True)
        return _raster_labels(values, full, lossy=kind == "jpeg")
    if kind == "dicom":
        from shiftscope.images.dicom_masks import read_dicom_labels

        return _raster_labels(read_dicom_labels(path), None, lossy=False)
    from shiftscope.images.nifti import volume_values

    return _volume_labels(volume_values(path, kind), path)


def _raster_labels(values: np.ndarray, full: float | None, *, lossy: bool) -> np.ndarray:
    """Labels of grey levels: (z, y, x[, 3]) of any dtype -> (z, y, x) uint8."""
    if values.ndim == 4:
        values = values.max(axis=-1)
    if values.dtype == bool or full == 1.0:
        return values.astype(np.uint8)
    if values.dtype.kind == "f":
        return (values >= 0.5 * max(1.0, float(values.max(initial=0)))).astype(np.uint8)
    top = int(values.max(initial=0))
    if full == 65535.0 and top <= 255:
        full = 255.0
    half = (full or max(1.0, float(top))) / 2
    if lossy:
        return (values >= half).astype(np.uint8)
    if top < CLASS_IDS and values.min(initial=0) >= 0:
        return values.astype(np.uint8)
    small = values.dtype in (np.uint8, np.uint16)
    known = np.flatnonzero(np.bincount(values.reshape(-1))) if small else np.unique(values)
    if top == VOID and len(known) > 2 and known[-2] < CLASS_IDS:
        return np.where(values == VOID, 0, values).astype(np.uint8)
    if len(known) == 2 and known[0] == 0:
        return (values > 0).astype(np.uint8)
    return (values >= half).astype(np.uint8)


def _volume_labels(values: np.ndarray, path: Path) -> np.ndarray:
    """Labels of a volume's scaled values: (z, y, x) -> uint8 or uint16."""
    if values.ndim == 4:
        values = values.max(axis=-1)
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if not (np.isfinite(low) and np.isfinite(high)):
        raise Unreadable(path, "not_finite", "the mask holds NaN or infinite values")
    if low < 0 or high > 65535:
        raise Unreadable(path, "unsupported", f"mask values from {low:g} to {high:g}; expected labels 0..65535")
    if values.dtype.kind == "f" and not (values == np.rint(values)).all():
        return (values >= 0.5).astype(np.uint8)
    if high == 255 and not ((values > 0) & (values < 255)).any():
        return (values > 0).astype(np.uint8)
    return values.astype(np.uint8 if high <= 255 else np.uint16)
