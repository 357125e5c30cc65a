"""JPEG and JPEG-LS frames of DICOM, decoded by GDCM: a decoding plugin of pydicom.

pydicom has a plugin for GDCM too. It refuses 12-bit JPEG, which GDCM decodes; it believes the data set where the stream
knows better; and it hands over streams on which GDCM ends the whole process.
"""

from typing import TYPE_CHECKING

import gdcm
import numpy as np
from pydicom.pixels.decoders import (
    JPEGBaseline8BitDecoder,
    JPEGExtended12BitDecoder,
    JPEGLosslessDecoder,
    JPEGLosslessSV1Decoder,
    JPEGLSLosslessDecoder,
    JPEGLSNearLosslessDecoder,
)

from shiftscope.images.dicom_values.jpeg_header import JPEG_LS, LOSSLESS, JpegHeader, jpeg_header

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import DecodeRunner

__all__ = ["GDCM", "decode_frame", "is_available"]

GDCM = "shiftscope-gdcm"
"""The name under which pydicom knows this plugin."""

_DECODERS = (
    *(JPEGBaseline8BitDecoder, JPEGExtended12BitDecoder, JPEGLosslessDecoder, JPEGLosslessSV1Decoder),
    *(JPEGLSLosslessDecoder, JPEGLSNearLosslessDecoder),
)
_SYNTAXES = {
    0xC0: gdcm.TransferSyntax.JPEGBaselineProcess1,
    LOSSLESS: gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    JPEG_LS: gdcm.TransferSyntax.JPEGLSLossless,
}
"""Which of GDCM's codecs decodes a process; JPEG's is the same for all but JPEG-LS."""

gdcm.Trace.WarningOff()
gdcm.Trace.ErrorOff()


def is_available(_: str) -> bool:
    """GDCM is a dependency: always. pydicom asks when the plugin is added."""
    return True


def decode_frame(source: bytes, runner: "DecodeRunner") -> bytes:
    """One frame's samples, colours by pixel, in as many bytes as the data set allocates.

    Colours stay as stored: pydicom turns YBR into RGB. Adobe's mark in a stream knows better than the data set which of
    them it holds, as JFIF's does.

    Raises:
        ValueError: the stream is broken, or differs from the data set in size or depth.
    """
    header = jpeg_header(source)
    stated = (runner.rows, runner.columns, runner.samples_per_pixel)
    found = (header.rows, header.columns, len(header.components))
    if stated != found:
        raise ValueError(f"the JPEG stream holds {found} rows, columns and colours, the data set says {stated}")
    if len(header.components) not in (1, 3):
        raise ValueError(f"a JPEG stream of {len(header.components)} colours, expected 1 or 3")
    if header.precision > runner.bits_allocated:
        raise ValueError(f"{header.precision} bits a sample in the stream, {runner.bits_allocated} in the data set")
    samples = _samples(header)
    stated_ybr = "YBR" in runner.photometric_interpretation
    if len(header.components) == 3 and header.transform in (0, 1) and stated_ybr != bool(header.transform):
        runner.set_option("photometric_interpretation", "YBR_FULL" if header.transform else "RGB")
    runner.set_option("planar_configuration", 0)
    return samples.astype(f"<u{runner.bits_allocated // 8}", copy=False).tobytes()


def _samples(header: JpegHeader) -> np.ndarray:
    """(rows x columns x colours,) uint8 or uint16 as GDCM decodes the bare stream.

    What applications add changes no sample, and a JFIF version or an Adobe mark it does not know ends GDCM's process.
    """
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(header.bare)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((header.columns, header.rows, 1))
    image.SetDataElement(element)
    image.SetTransferSyntax(gdcm.TransferSyntax(_SYNTAXES.get(header.process, _SYNTAXES[0xC0])))
    colours = len(header.components)
    if colours > 1:
        image.SetPlanarConfiguration(0)
    # The photometric interpretation changes nothing: GDCM hands out the stored colours whatever it is.
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    # All bits count as stored: GDCM ends the process when a byte is said to have unused bits. It tries the right one
    # of its three decoders first, without a line on stderr, when 12 bits are given as 12.
    bytes_each = 1 if header.precision <= 8 else 2
    bits = 12 if header.precision == 12 and header.process not in (LOSSLESS, JPEG_LS) else 8 * bytes_each
    image.SetPixelFormat(gdcm.PixelFormat(colours, bits, bits, bits - 1, 0))
    text = image.GetBuffer()  # a str whose surrogates are the bytes; None where GDCM fails
    raw = text.encode("utf-8", "surrogateescape") if text is not None else b""
    expected = header.rows * header.columns * colours * bytes_each
    if len(raw) != expected:
        raise ValueError(f"GDCM cannot decode the JPEG stream: {len(raw)} bytes, expected {expected}")
    return np.frombuffer(raw, f"<u{bytes_each}")


for _decoder in _DECODERS:
    if GDCM not in _decoder.available_plugins:
        _decoder.add_plugin(GDCM, (__name__, "decode_frame"))
