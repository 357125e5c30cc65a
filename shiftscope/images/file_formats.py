"""The format of a file, recognised by its first bytes: suffixes may be wrong."""

import gzip
import zlib
from pathlib import Path

from shiftscope.errors import Unreadable
from shiftscope.files import open_file

__all__ = ["FOREIGN", "RASTERS", "sniff"]

RASTERS = ("png", "jpeg", "bmp", "gif", "tiff", "webp", "jpeg2000")
"""Formats that `raster` decodes; the others `read` knows are dicom, nifti, nifti2, nifti-pair and mgh."""

FOREIGN: dict[bytes, str] = {
    b"NRRD0": "NRRD",
    b"ObjectType": "MetaImage",
    b"\x93NUMPY": "NumPy array",
    b"\x89HDF": "HDF5",
    b"CDF\x01": "MINC 1",
    b"%PDF": "PDF",
    **dict.fromkeys((b"P2\n", b"P5\n", b"P6\n", b"P2 ", b"P5 ", b"P6 "), "portable grey or pixel map (PGM, PPM)"),
    b"PK\x03\x04": "ZIP archive",
    b"II*\x00\x10\x00\x00\x00CR": "camera raw picture",
}
"""Opening bytes of valid files that shiftscope does not read, for a better complaint than "not an image"."""

_POINTERS = {
    b"version https://git-lfs": "run `git lfs pull`",
    b"/annex/objects/": "run `datalad get` or `git annex get`",
}
"""Opening bytes of the small texts that stand for files in a repository -> how to get these."""

_OPENINGS: dict[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"II*\x00": "tiff",
    b"MM\x00*": "tiff",
    b"II+\x00": "tiff",
    b"MM\x00+": "tiff",
    b"\x00\x00\x00\x0cjP  \r\n\x87\n": "jpeg2000",
    b"\xff\x4f\xff\x51": "jpeg2000",
}

_HEAD = 560  # the NIfTI-2 header is 540 bytes long
_ANALYZE = 348  # bytes of an Analyze header
_DICOM_GROUPS = (0x0002, 0x0008)  # what a file without preamble starts with


def sniff(path: Path) -> str | None:
    """The format of a file, or None when its first bytes belong to none that shiftscope reads.

    Raises:
        Unreadable: the file has no bytes ("empty"), ends inside a gzip header ("truncated"), is a valid file of a
            foreign format ("unsupported"), or cannot be opened or only stands for one ("missing").
    """
    try:
        with open_file(path) as file:
            head = file.read(_HEAD)
    except OSError as problem:
        raise Unreadable(path, "missing", f"cannot be opened: {problem.strerror}") from None
    if not head:
        raise Unreadable(path, "empty")
    if head[128:132] == b"DICM":  # first of all: the preamble may hold the header of another format
        return "dicom"
    if head[:2] == b"\x1f\x8b":
        head = _gunzipped(path)
        _refuse_analyze(head, path)
        if head[128:132] == b"DICM":
            raise Unreadable(path, "unsupported", "a gzipped DICOM file; unpack it")
        return _volume(head)
    for opening, remedy in _POINTERS.items():
        if head.startswith(opening):
            raise Unreadable(path, "missing", f"it stands for a file that was not fetched; {remedy}")
    for opening, name in FOREIGN.items():
        if head.startswith(opening):
            remedy = "unpack it" if name.endswith("archive") else "convert it to PNG, DICOM or NIfTI"
            raise Unreadable(path, "unsupported", f"a {name}; {remedy}")
    for opening, name in _OPENINGS.items():
        if head.startswith(opening):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if (
        head[:2] == b"BM"
        and len(head) >= 18
        and int.from_bytes(head[14:18], "little") in (12, 40, 52, 56, 64, 108, 124)
    ):
        return "bmp"
    _refuse_analyze(head, path)
    return _volume(head) or ("dicom" if _bare_dicom(head) else None)


def _gunzipped(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(_HEAD)
    except EOFError:
        raise Unreadable(path, "truncated", "the gzip stream ends inside the header") from None
    except (OSError, zlib.error) as problem:
        raise Unreadable(path, "undecodable", f"broken gzip stream: {problem}") from None


def _volume(head: bytes) -> str | None:
    """NIfTI and MGH by their header: a magic string, or version 1 and a known type code."""
    if head[344:348] == b"n+1\x00":
        return "nifti"
    if head[4:8] == b"n+2\x00":
        return "nifti2"
    if head[344:348] == b"ni1\x00" or head[4:8] == b"ni2\x00":
        return "nifti-pair"
    if head[:4] == b"\x00\x00\x00\x01" and head[20:24] in (
        b"\x00\x00\x00\x00",
        b"\x00\x00\x00\x01",
        b"\x00\x00\x00\x03",
        b"\x00\x00\x00\x04",
    ):
        return "mgh"
    return None


def _refuse_analyze(head: bytes, path: Path) -> None:
    """The header of Analyze 7.5, from which NIfTI's was made: 348 bytes long by its own word, without NIfTI's mark.

    Raises:
        Unreadable: "unsupported".
    """
    for order in ("little", "big"):
        length, dimensions = (int.from_bytes(head[place], order) for place in (slice(0, 4), slice(40, 42)))
        if length == len(head) == _ANALYZE and 1 <= dimensions <= 7 and _volume(head) is None:
            detail = "an Analyze 7.5 header, which does not state the patient's right from left; convert it to NIfTI"
            raise Unreadable(path, "unsupported", detail)


def _bare_dicom(head: bytes) -> bool:
    """A data set without preamble: it opens with an element of group 0002 or 0008, in either byte order."""
    if len(head) < 8:
        return False
    for order in ("little", "big"):
        group, element = int.from_bytes(head[:2], order), int.from_bytes(head[2:4], order)
        if group in _DICOM_GROUPS and element <= 0x1200:
            explicit = head[4:6].isalpha() and head[4:6].isupper()
            length = int.from_bytes(head[4:8], order)
            if explicit or length <= 4096:
                return True
    return False
