"""Stored DICOM pixels to physical values: transfer syntax, colour, modality transform, MONOCHROME1, padding."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.pixels import apply_color_lut, pixel_array
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
from shiftscope.images.dicom_values.broken_dicom import BROKEN, cause, refusing
from shiftscope.images.dicom_values.jpeg_frames import GDCM
from shiftscope.images.dicom_values.jpeg_header import JPEG_LS, LOSSLESS, jpeg_header
from shiftscope.images.dicom_values.luts import lut_from
from shiftscope.images.dicom_values.rescaling import transformed
from shiftscope.images.dicom_values.stored_samples import bare_samples, padding_of, with_sign

__all__ = ["Pixels", "physical", "settle_syntax", "size_of_pixels"]

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_CODESTREAMS = {0xC1: JPEGExtended12Bit, LOSSLESS: JPEGLosslessSV1, JPEG_LS: JPEGLSLossless}
_MEASURED = ("CT", "PT")
"""Modalities whose values mean the same however they are shown: Hounsfield units, counts, becquerels."""

_PLUGINS = dict.fromkeys((*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes), GDCM)
_OTHER_PLUGIN = "pylibjpeg"
"""Who decodes JPEG 2000 and RLE. Left to choose, pydicom would take whatever else is installed, and other pixels."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """Physical values of one file's frames.

    Attributes:
        values: (frames, rows, columns) or (frames, rows, columns, 3) float32; NaN where padding is marked.
        full: the value of full white where the range is the bit depth (colour, untransformed 8-bit grey), else None.
        mirror: the sum that turns a stored grey level into the shown one, for MONOCHROME1: shown = mirror - value.
        padded: whether padding is marked.
        odd: as `Image.odd`.
    """

    values: np.ndarray
    full: float | None
    mirror: float | None
    padded: bool = False
    odd: tuple[str, ...] = ()


def size_of_pixels(data: pydicom.Dataset) -> int:
    """The bytes of pixel data that the data set holds."""
    return max(len(data.get(keyword) or b"") for keyword in _PIXELS)


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


def physical(data: pydicom.Dataset, path: Path, frame: int | None = None, *, mark_padding: bool = False) -> Pixels:
    """Decode one file.

    Palettes become RGB, every YBR space becomes RGB. Of a grey word only the bits of the sample count. Grey levels go
    through the modality LUT or rescale slope and intercept (per frame in enhanced files), then MONOCHROME1 is mirrored
    so that more is brighter, but for CT and PET, where more already means more.

    Args:
        data: the whole data set.
        path: for messages.
        frame: one frame alone; None for all.
        mark_padding: make pixels that the file calls padding NaN: they are no patient, whatever their value.

    Raises:
        Unreadable: "truncated", "unsupported" (video), "undecodable", or "not_finite".
    """
    settle_syntax(data)
    syntax = UID(data.file_meta.TransferSyntaxUID)
    if "MPEG" in syntax.name or "HEVC" in syntax.name:
        raise Unreadable(path, "unsupported", f"a video ({syntax.name}); export still frames")
    _check_length(data, path, syntax)
    plugin = _PLUGINS.get(syntax, _OTHER_PLUGIN)
    try:
        decoded = pixel_array(data, index=frame, decoding_plugin=plugin, correct_unused_bits=False)
    except BaseException as problem:
        # pylibjpeg-rle is written in Rust: its panics arrive as a BaseException that no module exports.
        if not isinstance(problem, BROKEN) and type(problem).__name__ != "PanicException":
            raise
        raise Unreadable(path, "undecodable", f"{syntax.name}: {cause(problem)}") from None
    several = frame is None and int(data.get("NumberOfFrames") or 1) > 1
    decoded = decoded if several else decoded[None]
    with refusing(path, "the pixel transform"):
        if decoded.ndim == 4 or data.PhotometricInterpretation == "PALETTE COLOR":
            return _coloured(data, decoded)
        padding, odd = padding_of(data, decoded) if mark_padding else (None, [])
        if decoded.dtype.kind == "f" and not np.isfinite(decoded if padding is None else decoded[~padding]).all():
            raise Unreadable(path, "not_finite", "NaN or infinite pixels; write the background's value there")
        return _grey(data, decoded, frame, padding, odd)


def _coloured(data: pydicom.Dataset, decoded: np.ndarray) -> Pixels:
    if decoded.ndim == 4:
        bits = int(data.get("BitsStored") or data.get("BitsAllocated") or 8 * decoded.dtype.itemsize)
        return Pixels(decoded[..., :3].astype(np.float32), float(2**bits - 1), None)
    indices, odd = bare_samples(data, decoded, None)
    if not data.get("RedPaletteColorLookupTableData"):  # segmented
        colours = apply_color_lut(indices, data)[..., :3]
        return Pixels(colours.astype(np.float32), 255.0 if colours.dtype == np.uint8 else 65535.0, None, odd=tuple(odd))
    little = data.file_meta.TransferSyntaxUID.is_little_endian
    signed = indices.dtype.kind == "i"
    palettes = [
        lut_from(data[f"{name}Descriptor"].value, data[f"{name}Data"].value, signed=signed, little=little)
        for name in ("RedPaletteColorLookupTable", "GreenPaletteColorLookupTable", "BluePaletteColorLookupTable")
    ]
    # Entries of 16 bits that all fit into 8 were not scaled by their maker: 255 is their white.
    full = 255.0 if max(int(palette.entries.max()) for palette in palettes) <= 255 else 65535.0
    colours = np.stack([palette(indices) for palette in palettes], axis=-1)
    return Pixels(colours.astype(np.float32), full, None, odd=tuple(odd))


def _grey(
    data: pydicom.Dataset, decoded: np.ndarray, frame: int | None, padding: np.ndarray | None, odd: list[str]
) -> Pixels:
    samples, found = bare_samples(data, decoded, padding)
    odd = [*odd, *found]
    samples, found = with_sign(data, samples, frame or 0)
    odd += found
    values, found = transformed(data, samples, frame)
    odd += found
    plain = int(data.get("BitsAllocated") or 16) == 8 and samples.dtype == np.uint8 and values is samples
    mirror = None
    inverse = data.get("PhotometricInterpretation") == "MONOCHROME1"
    if inverse and data.get("Modality") in _MEASURED and not plain:
        odd.append("polarity_kept")
    elif inverse:
        mirror = _mirror(data, samples.dtype, frame)
        values = np.subtract(np.float32(mirror), values, dtype=np.float32)
    elif "PresentationLUTShape" in data and data.PresentationLUTShape == "INVERSE":
        odd.append("polarity")
    values = values.astype(np.float32, copy=values is decoded)
    if padding is not None:
        values[padding] = np.nan
    return Pixels(values, 255.0 if plain else None, mirror, padding is not None, odd=tuple(odd))


def _mirror(data: pydicom.Dataset, dtype: np.dtype, frame: int | None) -> float:
    """The sum of the values of the two ends of the stored range; 0 for floating point, which has none."""
    if dtype.kind not in "ui":
        return 0.0
    bits = int(data.get("BitsStored") or 8 * dtype.itemsize)
    bits, signed = min(bits, 8 * dtype.itemsize), dtype.kind == "i"
    ends = np.array([[[-(2 ** (bits - 1)) if signed else 0]], [[2 ** (bits - signed) - 1]]], np.int64)
    shown, _ = transformed(data, ends.astype(dtype), frame or 0)
    return float(shown.max()) + float(shown.min())


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
