"""Stored DICOM pixels to physical values: transfer syntax, colour, modality transform, MONOCHROME1."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from shiftscope.errors import Unreadable
from shiftscope.images.dicom_errors import BROKEN, cause, refusing
from shiftscope.images.dicom_jpeg import GDCM
from shiftscope.images.jpeg_header import JPEG_LS, LOSSLESS, jpeg_header

__all__ = ["Pixels", "has_pixels", "physical", "settle_syntax"]

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_CODESTREAMS = {0xC1: JPEGExtended12Bit, LOSSLESS: JPEGLosslessSV1, JPEG_LS: JPEGLSLossless}
_PLUGINS = dict.fromkeys((*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes), GDCM)
_OTHER_PLUGIN = "pylibjpeg"
"""Who decodes JPEG 2000 and RLE. Left to choose, pydicom would take whatever else is installed, and other pixels."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """Physical values of one file's frames.

    Attributes:
        values: (frames, rows, columns) or (frames, rows, columns, 3) float32.
        full: the value of full white where the range is the bit depth (colour, untransformed 8-bit grey), else None.
        mirror: the sum that turns a stored grey level into the shown one, for MONOCHROME1: shown = mirror - value.
    """

    values: np.ndarray
    full: float | None
    mirror: float | None


def has_pixels(data: pydicom.Dataset) -> bool:
    """Whether the data set holds pixel data with at least one byte."""
    return any(data.get(keyword) for keyword in _PIXELS)


def settle_syntax(data: pydicom.Dataset) -> None:
    """Give a data set without file meta the transfer syntax that its bytes show: VR, byte order, or the codestream."""
    meta = getattr(data, "file_meta", None)
    if meta is None:
        data.file_meta = meta = FileMetaDataset()
    if meta.get("TransferSyntaxUID"):
        return
    stored = data.get("PixelData") or b""
    if stored[:4] == b"\xfe\xff\x00\xe0":
        meta.TransferSyntaxUID = _codestream(stored)
        return
    implicit, little = data.original_encoding
    if implicit:
        meta.TransferSyntaxUID = ImplicitVRLittleEndian
    else:
        meta.TransferSyntaxUID = ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def physical(data: pydicom.Dataset, path: Path, frame: int | None = None) -> Pixels:
    """Decode one file.

    Palettes become RGB, every YBR space becomes RGB. Grey levels go through the modality LUT or rescale slope and
    intercept (per frame in enhanced files), then MONOCHROME1 is mirrored so that more is brighter.

    Args:
        data: the whole data set.
        path: for messages.
        frame: one frame alone; None for all.

    Raises:
        Unreadable: "truncated", "unsupported" (video) or "undecodable".
    """
    settle_syntax(data)
    syntax = UID(data.file_meta.TransferSyntaxUID)
    if "MPEG" in syntax.name or "HEVC" in syntax.name:
        raise Unreadable(path, "unsupported", f"a video ({syntax.name}); export still frames")
    _check_length(data, path, syntax)
    try:
        stored = pixel_array(data, index=frame, decoding_plugin=_PLUGINS.get(syntax, _OTHER_PLUGIN))
    except BaseException as problem:
        # pylibjpeg-rle is written in Rust: its panics arrive as a BaseException that no module exports.
        if not isinstance(problem, BROKEN) and type(problem).__name__ != "PanicException":
            raise
        raise Unreadable(path, "undecodable", f"{syntax.name}: {cause(problem)}") from None
    with refusing(path, "the pixel transform"):
        return _to_physical(data, stored, frame)


def _to_physical(data: pydicom.Dataset, stored: np.ndarray, frame: int | None) -> Pixels:
    several = frame is None and int(data.get("NumberOfFrames") or 1) > 1
    stored = stored if several else stored[None]
    bits = int(data.get("BitsAllocated") or 16)
    photometric = str(data.get("PhotometricInterpretation") or "MONOCHROME2")
    if photometric == "PALETTE COLOR":
        colours = apply_color_lut(stored, data)[..., :3]
        full = 255.0 if colours.dtype == np.uint8 or colours.max(initial=0) <= 255 else 65535.0
        return Pixels(colours.astype(np.float32), full, None)
    if stored.ndim == 4:
        return Pixels(stored[..., :3].astype(np.float32), float(2 ** int(data.get("BitsStored") or bits) - 1), None)
    values = _modality(data, stored, frame)
    plain = bits == 8 and stored.dtype == np.uint8 and np.shares_memory(values, stored)
    mirror = None
    if photometric == "MONOCHROME1" and stored.dtype.kind in "ui":
        bits = int(data.get("BitsStored") or bits)
        signed = stored.dtype.kind == "i"
        ends = np.array([[[-(2 ** (bits - 1)) if signed else 0]], [[2 ** (bits - signed) - 1]]], np.int64)
        shown = _modality(data, ends.astype(stored.dtype), 0)
        mirror = float(shown.max()) + float(shown.min())
        values = np.float32(mirror) - values.astype(np.float32)
    return Pixels(values.astype(np.float32), 255.0 if plain else None, mirror)


def _modality(data: pydicom.Dataset, stored: np.ndarray, frame: int | None) -> np.ndarray:
    """(frames, rows, columns) stored values to physical ones; `stored` itself where the file defines no transform."""
    if "ModalityLUTSequence" in data or "RescaleSlope" in data:
        slope, intercept = data.get("RescaleSlope"), data.get("RescaleIntercept")
        if "ModalityLUTSequence" not in data and float(slope or 1) == 1 and float(intercept or 0) == 0:
            return stored
        return np.asarray(apply_modality_lut(stored, data))
    transforms = [_frame_rescale(data, index) for index in ([frame] if frame is not None else range(len(stored)))]
    if all(transform == (1.0, 0.0) for transform in transforms):
        return stored
    slopes, intercepts = (np.array(each, np.float64)[:, None, None] for each in zip(*transforms, strict=True))
    return np.asarray(stored * slopes + intercepts)


def _frame_rescale(data: pydicom.Dataset, index: int) -> tuple[float, float]:
    """(slope, intercept) of one frame of an enhanced file."""
    per_frame = data.get("PerFrameFunctionalGroupsSequence") or []
    groups = [*per_frame[index : index + 1], *(data.get("SharedFunctionalGroupsSequence") or [])]
    for group in groups:
        for transform in group.get("PixelValueTransformationSequence") or []:
            slope, intercept = transform.get("RescaleSlope"), transform.get("RescaleIntercept")
            return (1.0 if slope is None else float(slope), float(intercept or 0))
    return (1.0, 0.0)


def _check_length(data: pydicom.Dataset, path: Path, syntax: UID) -> None:
    """Native pixel data shorter than rows x columns x frames: the file was cut off."""
    native = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
    if "PixelData" not in data or syntax not in native:
        return
    samples = int(data.get("SamplesPerPixel") or 1)
    pixels = int(data.Rows) * int(data.Columns) * int(data.get("NumberOfFrames") or 1) * samples
    if data.get("PhotometricInterpretation") == "YBR_FULL_422":
        pixels = pixels * 2 // 3
    expected = (pixels * int(data.get("BitsAllocated") or 16) + 7) // 8
    if len(data.PixelData) < expected:
        raise Unreadable(path, "truncated", f"{len(data.PixelData)} bytes of pixel data, expected {expected}")


def _codestream(stored: bytes) -> UID:
    """The transfer syntax of encapsulated pixel data, from the first frame's own header."""
    offsets = int.from_bytes(stored[4:8], "little")
    frame = stored[8 + offsets + 8 :]
    if frame[:2] == b"\xff\x4f":
        return JPEG2000
    if frame[:2] != b"\xff\xd8":
        return RLELossless
    try:
        return _CODESTREAMS.get(jpeg_header(frame).process, JPEGBaseline8Bit)
    except ValueError:
        return JPEGBaseline8Bit
