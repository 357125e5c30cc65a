"""NIfTI and MGH files: opened by their content, and refused where they hold no image or less than they say."""

import contextlib
import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import nibabel
from nibabel.filebasedimages import ImageFileError
from nibabel.freesurfer.mghformat import MGHError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from shiftscope.errors import Unreadable
from shiftscope.images.decoder_warnings import silence_decoders

__all__ = ["StoredVolume", "opened", "refuse_cut", "refuse_other_meanings", "unreadable_on_error"]

_CLASSES = {"nifti": nibabel.Nifti1Image, "nifti2": nibabel.Nifti2Image}
_BROKEN: tuple[type[Exception], ...] = (
    *(ImageFileError, HeaderDataError, MGHError, WrapStructError),
    *(ArithmeticError, LookupError, MemoryError, OSError, TypeError, ValueError, struct.error),
)
_CIFTI = range(3000, 3100)  # intent codes
_VECTORS = (1005, 1006, 1007)  # intents of symmetric matrix, displacement and vector volumes
_RAW_BYTES = 540  # of the longest header, NIfTI-2's
_GOOD_RAS = slice(28, 30)  # bytes of MGH's goodRASFlag, which nibabel overwrites
_LEAST_OFFSET = {"nifti": 352, "nifti2": 544}
"""Where the pixels of a single file begin at the earliest: after the header and the four bytes that name extensions."""


@dataclass(frozen=True, slots=True)
class StoredVolume:
    """An open file: nibabel's image, whose data are still on disk, and the header before nibabel mends it.

    Attributes:
        image: nibabel's image.
        raw: the header as it is stored.
        oriented: whether an MGH header says that its orientation holds; true of all others.
    """

    image: Any
    raw: Any
    oriented: bool


@contextlib.contextmanager
def opened(path: Path, kind: str) -> Iterator[StoredVolume]:
    """Open a volume; its class is recognised by content, so no suffix can mislead.

    Args:
        path: the file, the header of a pair.
        kind: "nifti", "nifti2", "nifti-pair" or "mgh".
    """
    silence_decoders()
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        stream: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=file) if zipped else file
        head = stream.read(_RAW_BYTES)
        stream.seek(0)
        if kind == "mgh":
            image = nibabel.MGHImage.from_stream(stream)
            yield StoredVolume(image, image.header, head[_GOOD_RAS] != b"\0\0")
        elif kind == "nifti-pair":
            image = nibabel.load(path)
            yield StoredVolume(image, _raw_header(type(image), head), oriented=True)
        else:
            raw = _raw_header(_CLASSES[kind], head)
            _require_offset(path, kind, raw)
            yield StoredVolume(_CLASSES[kind].from_stream(stream), raw, oriented=True)


@contextlib.contextmanager
def unreadable_on_error(path: Path, kind: str) -> Iterator[None]:
    """Turn what nibabel and the disk complain of into `Unreadable`."""
    try:
        yield
    except Unreadable:
        raise
    except (EOFError, zlib.error) as problem:
        raise Unreadable(path, "truncated", f"{kind}: {problem}") from None
    except FileNotFoundError as problem:
        detail = f"{kind}: its pixels are in {Path(problem.filename or '').name}, which is not there; copy both files"
        raise Unreadable(path, "missing", detail) from None
    except _BROKEN as problem:
        text = str(problem)
        if "data code" in text:
            detail = f"{kind}: {text}; write the voxels as integers or floats of 8 to 64 bits"
            raise Unreadable(path, "unsupported", detail) from None
        cut = "Expected" in text and "bytes" in text
        raise Unreadable(path, "truncated" if cut else "undecodable", f"{kind}: {text}") from None


def refuse_other_meanings(path: Path, image: Any) -> None:
    """See that a file holds an image.

    Raises:
        Unreadable: "zero_size", or "unsupported" for grey ordinates, vectors and lines of voxels.
    """
    shape = image.shape
    if min(shape, default=0) <= 0:
        raise Unreadable(path, "zero_size", f"shape {shape}")
    header = image.header
    intent = int(header["intent_code"]) if "intent_code" in header.keys() else 0  # noqa: SIM118  (not a dict)
    if intent in _CIFTI:
        raise Unreadable(path, "unsupported", "CIFTI: grey ordinates without an image grid; give the volume")
    if intent in _VECTORS:
        raise Unreadable(path, "unsupported", "a vector or tensor field; expected an image: one value, or RGB, a voxel")
    if sum(length > 1 for length in shape[:3]) < 2:
        raise Unreadable(path, "unsupported", f"shape {shape} is not a picture; expected two sides above 1")


def refuse_cut(path: Path, image: Any) -> bool:
    """See that an uncompressed file is as long as its header says; a broken header asks for any length.

    Returns:
        Whether as many bytes or more follow than a slice of the volume has: it holds more than its header counts.

    Raises:
        Unreadable: "truncated".
    """
    with path.open("rb") as raw:
        if raw.read(2) == b"\x1f\x8b":
            return False
    if not isinstance(image, nibabel.MGHImage | nibabel.Nifti1Image):
        return False
    size = image.get_data_dtype().itemsize
    expected = math.prod(map(int, image.shape)) * size + int(image.dataobj.offset)
    found = path.stat().st_size
    if found < expected:
        raise Unreadable(path, "truncated", f"{found} bytes, expected {expected}")
    return isinstance(image, nibabel.Nifti1Image) and found - expected >= math.prod(map(int, image.shape[:2])) * size


def _require_offset(path: Path, kind: str, raw: Any) -> None:
    """nibabel takes 0 at its word, and the header for pixels."""
    offset, least = float(raw["vox_offset"]), _LEAST_OFFSET[kind]
    if not offset >= least:  # NaN too
        detail = f"vox_offset {offset:g}: the pixels of a single file begin at byte {least} or later; write it anew"
        raise Unreadable(path, "undecodable", detail)


def _raw_header(image_class: Any, head: bytes) -> Any:
    header_class = image_class.header_class
    return header_class(head[: header_class.sizeof_hdr], check=False)
