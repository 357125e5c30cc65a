"""NIfTI-1, NIfTI-2 and MGH volumes, gzipped or not, whatever the file is called.

A time series, diffusion series or any other stack of volumes contributes its first volume: the same one that a DICOM
series of it does. Vector and complex volumes, surfaces and CIFTI have no picture to offer. A BIDS sidecar (same name,
.json) tells modality and scanner.
"""

import contextlib
import gzip
import json
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.freesurfer.mghformat import MGHError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from shiftscope.errors import Unreadable
from shiftscope.images.acquisition import acquisition
from shiftscope.images.image import Image
from shiftscope.images.orientation import canonical, canonical_affine
from shiftscope.images.percentiles import CT_WINDOW_HU, percentile_range
from shiftscope.images.quiet import quiet

__all__ = ["SEEN", "read_volume", "stored_volume", "volume_grid"]

SEEN = b"shiftscope: seen from cal_min to cal_max"
"""Description of a volume that was written on the display scale: its percentiles must not stretch it again."""


_CLASSES = {"nifti": nibabel.Nifti1Image, "nifti2": nibabel.Nifti2Image, "mgh": nibabel.MGHImage}
_BROKEN: tuple[type[Exception], ...] = (
    *(ImageFileError, HeaderDataError, MGHError, WrapStructError),
    *(ArithmeticError, LookupError, MemoryError, OSError, TypeError, ValueError, struct.error),
)
_MM = {"meter": 1000.0, "micron": 0.001}
_CIFTI = range(3000, 3100)  # intent codes
_VECTORS = (1005, 1006, 1007)  # intents of symmetric matrix, displacement and vector volumes
_AIR_HU = -900.0


def read_volume(path: Path, kind: str) -> Image:
    """Read a volume.

    Grey volumes keep their scaled values. They are seen through the CT window when they hold Hounsfield units (whole
    numbers with at least 1 % of air), between their percentiles otherwise. RGB volumes are divided by 255. What
    shiftscope wrote is seen between the `cal_min` and `cal_max` of its header.

    Args:
        path: the file.
        kind: "nifti", "nifti2", "nifti-pair" or "mgh", as `formats.sniff` found it.

    Raises:
        Unreadable: "truncated", "zero_size", "unsupported" or "undecodable".
    """
    values, spacing, bits, window, affine = _oriented(path, kind)
    sidecar = _sidecar(path)
    tags = acquisition({**sidecar, "bits": bits}, spacing)
    modality = sidecar.get("modality") or None
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is refused as such
        pixels = np.ascontiguousarray(values, np.float32)
    if pixels.ndim == 4:
        return Image(pixels / np.float32(255), (0.0, 1.0), spacing, modality, tags, affine=affine)
    display = window or (CT_WINDOW_HU if _hounsfield(pixels) else percentile_range(pixels))
    return Image(pixels, display, spacing, modality, tags, affine=affine)


def stored_volume(path: Path, kind: str) -> tuple[np.ndarray, np.ndarray | None]:
    """All scaled values of a volume as they are stored, and where its header puts them.

    Returns:
        (i, j, k, volumes), of RGB (i, j, k, volumes, 3), in the stored dtype where the file defines no scaling; and
        (4, 4) stored index -> millimetres along DICOM's patient axes, None where the header says nothing.

    Raises:
        Unreadable: "truncated", "zero_size", "unsupported" or "undecodable".
    """
    quiet()
    try:
        with _opened(path, kind) as image:
            _refuse_other_meanings(image, path)
            _refuse_cut(image, path)
            values = np.asanyarray(image.dataobj)
            affine, told = _patient_affine(image), _says_where(image)
    except (EOFError, zlib.error) as problem:
        raise Unreadable(path, "truncated", f"{kind}: {problem}") from None
    except _BROKEN as problem:
        cut = "Expected" in str(problem) and "bytes" in str(problem)
        raise Unreadable(path, "truncated" if cut else "undecodable", f"{kind}: {problem}") from None
    values = values.reshape(*(*values.shape[:3], 1, 1)[:3], -1)
    if values.dtype.names:
        values = np.stack([values[name] for name in values.dtype.names[:3]], axis=-1)
    if values.dtype.kind not in "biuf":
        raise Unreadable(path, "unsupported", f"values of type {values.dtype}; expected real numbers")
    return values, affine if told else None


def _says_where(image: Any) -> bool:
    """Whether a header places its voxels: one of NIfTI's codes is not 0, and the affine is one."""
    affine = image.affine
    if isinstance(image, nibabel.Nifti1Pair) and not (image.header["sform_code"] or image.header["qform_code"]):
        return False
    return bool(np.isfinite(affine).all() and np.linalg.matrix_rank(affine[:3, :3]) == 3)


def _patient_affine(image: Any) -> np.ndarray:
    """(4, 4) in millimetres along DICOM's patient axes."""
    affine: np.ndarray = np.array(image.affine, np.float64)
    affine[:3] *= _millimetres(image)
    affine[:2] *= -1
    return affine


def volume_grid(path: Path, kind: str) -> tuple[tuple[int, int, int], np.ndarray, float, Any]:
    """How a volume is stored: (i, j, k), its affine, millimetres of a unit, and the header of a NIfTI file or None.

    Raises:
        Unreadable: the file is broken.
    """
    try:
        with _opened(path, kind) as image:
            i, j, k = (*map(int, image.shape[:3]), 1, 1)[:3]
            header = image.header.copy() if isinstance(image, nibabel.Nifti1Pair) else None
            return (i, j, k), np.array(image.affine, np.float64), _millimetres(image), header
    except _BROKEN as problem:
        raise Unreadable(path, "undecodable", f"{kind}: {problem}") from None


def _oriented(
    path: Path, kind: str
) -> tuple[np.ndarray, tuple[float, float, float] | None, int, tuple[float, float] | None, np.ndarray | None]:
    """Values, spacing, the bits of a stored value, the range they were written to be seen in, and where they lie."""
    quiet()
    try:
        with _opened(path, kind) as image:
            _refuse_other_meanings(image, path)
            _refuse_cut(image, path)
            values, bits = _first_volume(image), 8 * image.get_data_dtype().itemsize
            directions, window = _directions(image), _window(image.header)
            place = _patient_affine(image) if _says_where(image) else None
    except (EOFError, zlib.error) as problem:
        raise Unreadable(path, "truncated", f"{kind}: {problem}") from None
    except _BROKEN as problem:
        cut = "Expected" in str(problem) and "bytes" in str(problem)
        raise Unreadable(path, "truncated" if cut else "undecodable", f"{kind}: {problem}") from None
    if values.dtype.names:  # RGB and RGBA are records of bytes
        values = np.stack([values[name] for name in values.dtype.names[:3]], axis=-1)
    if values.dtype.kind not in "biuf":
        raise Unreadable(path, "unsupported", f"values of type {values.dtype}; expected real numbers")
    known = bool(np.isfinite(directions).all() and np.linalg.matrix_rank(directions) == 3)
    turned, spacing = canonical(values, directions if known else np.diag([1.0, 1.0, 1.0]))
    affine = None if place is None else canonical_affine(place, values.shape[:3])[0]
    return turned, spacing if known else None, bits, window, affine


@contextlib.contextmanager
def _opened(path: Path, kind: str) -> Iterator[Any]:
    """The image with its data still on disk; the class is told by content, so no suffix can mislead."""
    if kind == "nifti-pair":
        yield nibabel.load(path)
        return
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if zipped else raw
        yield _CLASSES[kind].from_stream(stream)


def _refuse_other_meanings(image: Any, path: Path) -> None:
    shape = image.shape
    if min(shape, default=0) <= 0:
        raise Unreadable(path, "zero_size", f"shape {shape}")
    header = image.header
    intent = int(header["intent_code"]) if "intent_code" in header.keys() else 0  # noqa: SIM118  (not a dict)
    if intent in _CIFTI:
        raise Unreadable(path, "unsupported", "CIFTI: grey ordinates without an image grid; give the volume")
    if intent in _VECTORS:
        raise Unreadable(path, "unsupported", "a vector or tensor field; expected an image")
    if sum(side > 1 for side in shape[:3]) < 2:
        raise Unreadable(path, "unsupported", f"shape {shape} is not a picture; expected two sides above 1")


def _refuse_cut(image: Any, path: Path) -> None:
    """An uncompressed file must be as long as its header says; a broken header asks for any length."""
    with path.open("rb") as raw:
        if raw.read(2) == b"\x1f\x8b":
            return
    proxy = image.dataobj
    expected = math.prod(map(int, image.shape)) * image.get_data_dtype().itemsize + int(proxy.offset)
    if isinstance(image, nibabel.MGHImage | nibabel.Nifti1Image) and path.stat().st_size < expected:
        raise Unreadable(path, "truncated", f"{path.stat().st_size} bytes, expected {expected}")


def _first_volume(image: Any) -> np.ndarray:
    """(i, j, k), the first along every further axis; only its bytes are read."""
    proxy, shape = image.dataobj, image.shape
    extra = len(shape) - 3
    if extra > 0:
        return np.asanyarray(proxy[(slice(None),) * 3 + (0,) * extra])
    values: np.ndarray = np.asanyarray(proxy)
    return values.reshape(*shape, *[1] * -extra)


def _directions(image: Any) -> np.ndarray:
    """Steps along the stored axes in millimetres, in DICOM's patient axes (NIfTI's x and y point the other way)."""
    steps: np.ndarray = np.array(image.affine[:3, :3], np.float64) * _millimetres(image)
    steps[:2] *= -1
    return steps


def _millimetres(image: Any) -> float:
    """How long the header's unit is."""
    units = image.header.get_xyzt_units()[0] if hasattr(image.header, "get_xyzt_units") else "mm"
    return _MM.get(units, 1.0)


def _window(header: Any) -> tuple[float, float] | None:
    """The display range of a volume that shiftscope wrote."""
    if "descrip" not in header.keys() or bytes(header["descrip"]).rstrip(b"\0") != SEEN:  # noqa: SIM118  (not a dict)
        return None
    return float(header["cal_min"]), float(header["cal_max"])


def _hounsfield(pixels: np.ndarray) -> bool:
    """Whether a volume of unknown modality is CT: whole numbers, nothing below -3100, and air."""
    low, high = float(pixels.min()), float(pixels.max())
    if not (-3100 <= low <= _AIR_HU and 100 <= high < np.inf):
        return False
    sample = pixels.reshape(-1)[:: max(1, pixels.size // 100_003)]
    return bool((sample <= _AIR_HU).mean() >= 0.01 and (sample == np.rint(sample)).all())


def _sidecar(path: Path) -> dict[str, str]:
    """Modality, scanner and date from the BIDS sidecar, where there is one; a broken sidecar is no sidecar."""
    name = path.name[: -len(".nii.gz")] if path.name.lower().endswith(".nii.gz") else path.stem
    try:
        told = json.loads(path.with_name(name + ".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(told, dict):
        return {}
    keys = {
        "modality": "Modality",
        "manufacturer": "Manufacturer",
        "model": "ManufacturersModelName",
        "field_strength_t": "MagneticFieldStrength",
        "month": "AcquisitionDateTime",
    }
    return {name: str(told[key]) for name, key in keys.items() if key in told}
