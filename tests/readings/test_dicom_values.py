"""DICOM values, member by member (docs/reading/dicom.md): each file is built small, and its right values come from the
standard: PS3.3 C.11.1 (modality), C.11.2 (VOI), C.7.5.1.1.2 (padding), C.7.6.3 (pixels), PS3.5 8.1.1 (unused bits)."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import gdcm
import numpy as np
import pydicom
import pytest
from dicom_pictures import CT, item, items, write
from PIL import Image as Pillow
from pydicom.uid import (
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from shiftscope.errors import Unreadable
from shiftscope.images import as_seen, read
from shiftscope.images.oddities import ODDITIES

Y, X = np.indices((24, 32))
DEEP = ((37 * Y + 11 * X * X) % 4096).astype(np.uint16)
"""(24, 32) of 12 bits."""
SMOOTH = (60 * Y + 50 * X).astype(np.uint16)
"""(24, 32), 0 to 2930, in even steps as pictures have them."""
GREY = ((9 * Y + 5 * X) % 251).astype(np.uint8)
COLOURED = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)
HU = SMOOTH.astype(np.int16) - 1024
PER_FRAME, SHARED = "PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"


@dataclass
class Member:
    """A file, and what it means.

    Attributes:
        words: what its pixel data hold.
        values: what `read` must give, (rows, columns[, 3]) or with slices first.
        tags: its elements.
        odd: what must be noted, exactly.
        display: (low, high), where it matters.
    """

    words: np.ndarray
    values: np.ndarray
    tags: dict[str, object] = field(default_factory=dict)
    odd: tuple[str, ...] = ()
    display: tuple[float, float] | None = None


def rescale(slope: object, intercept: object) -> pydicom.Dataset:
    """A functional group with a pixel value transformation."""
    inner = item(**{"RescaleSlope": slope, "RescaleIntercept": intercept, "RescaleType": "US"})
    return item(PixelValueTransformationSequence=items(inner))


def table(entries: object, first: int, bits: int, *, count: int | None = None) -> pydicom.Dataset:
    """An item of a LUT sequence, its entries as words."""
    words = np.asarray(entries)
    data = item(LUTDescriptor=[len(words) % 65536 if count is None else count, first, bits], ModalityLUTType="US")
    data.add_new("LUTData", "OW", words.astype("<u2").tobytes())
    data["LUTDescriptor"].VR = "SS" if first < 0 else "US"
    return data


def ct(**tags: object) -> dict[str, object]:
    return {"Modality": "CT", "SOPClassUID": CT, **tags}


FRAMES = np.stack([SMOOTH, SMOOTH + 7, SMOOTH + 9])
STEPS = (np.arange(16, dtype=np.uint16) * 100)[DEEP % 16]
WINDOW = (-1000.0, 1000.0)

RESCALES = {
    "intercept-without-slope": Member(SMOOTH, HU, ct(RescaleIntercept=-1024), display=WINDOW),
    "slope-without-intercept": Member(SMOOTH, SMOOTH * 2.0, {"RescaleSlope": 2}),
    "empty-slope": Member(SMOOTH, HU, ct(RescaleSlope="", RescaleIntercept=-1024), display=WINDOW),
    "empty-intercept": Member(SMOOTH, SMOOTH * 2.0, {"RescaleSlope": 2, "RescaleIntercept": ""}),
    "slope-zero": Member(SMOOTH, HU, ct(RescaleSlope=0, RescaleIntercept=-1024), ("rescale_nonsense",), display=WINDOW),
    "slope-nan": Member(SMOOTH, SMOOTH, {"RescaleSlope": "NaN", "RescaleIntercept": 0}, ("rescale_nonsense",)),
    "slope-negative": Member(SMOOTH, 500 - 2.0 * SMOOTH, {"RescaleSlope": -2, "RescaleIntercept": 500}),
    "slope-fraction": Member(SMOOTH, SMOOTH * 0.25 + 3, {"RescaleSlope": "0.25", "RescaleIntercept": 3}),
    "several-slopes-in-one": Member(SMOOTH, SMOOTH * 2.0, {"RescaleSlope": [2, 2], "RescaleIntercept": [0, 0]}),
    "shared": Member(FRAMES, FRAMES * 2.0 - 10, {SHARED: items(rescale(2, -10))}),
    "shared-intercept-alone": Member(
        FRAMES,
        FRAMES - 1024.0,
        ct(**{SHARED: items(item(PixelValueTransformationSequence=items(item(RescaleIntercept=-1024))))}),
        display=WINDOW,
    ),
    "per-frame": Member(
        FRAMES,
        np.stack([FRAMES[0] * 1.0, FRAMES[1] * 2.0, FRAMES[2] * 0.5 + 4]),
        {PER_FRAME: items(rescale(1, 0), rescale(2, 0), rescale(0.5, 4))},
    ),
    "per-frame-before-the-file": Member(
        FRAMES, FRAMES * 3.0, {PER_FRAME: items(*[rescale(3, 0)] * 3), "RescaleSlope": 1, "RescaleIntercept": -1024}
    ),
    "file-where-groups-say-nothing": Member(
        FRAMES, FRAMES * 4.0, {PER_FRAME: items(item(), item(), item()), "RescaleSlope": 4, "RescaleIntercept": 0}
    ),
    "real-world-value-alone": Member(
        SMOOTH,
        SMOOTH,
        {"Modality": "PT", "RealWorldValueMappingSequence": items(item(RealWorldValueSlope=0.5))},
        ("real_world",),
    ),
    "philips-private-scale": Member(
        SMOOTH, SMOOTH * 3.0, {"RescaleSlope": 3, "RescaleIntercept": 0, "RealWorldValueMappingSequence": items()}
    ),
}

TABLES = {
    "modality-lut": Member(DEEP % 16, STEPS, {"ModalityLUTSequence": items(table(np.arange(16) * 100, 0, 16))}),
    "modality-lut-before-rescale": Member(
        DEEP % 16,
        STEPS,
        {"ModalityLUTSequence": items(table(np.arange(16) * 100, 0, 16)), "RescaleSlope": 9, "RescaleIntercept": 9},
    ),
    "modality-lut-of-signed-samples": Member(
        (DEEP % 16).astype(np.int16) - 8, STEPS, {"ModalityLUTSequence": items(table(np.arange(16) * 100, -8, 16))}
    ),
    "modality-lut-sign-in-the-wrong-type": Member(
        (DEEP % 16).astype(np.int16) - 8,
        STEPS,
        {"ModalityLUTSequence": items(table(np.arange(16) * 100, 65536 - 8, 16))},
    ),
    "modality-lut-of-65536-entries": Member(
        (DEEP * 16), 65535.0 - DEEP * 16, {"ModalityLUTSequence": items(table(65535 - np.arange(65536), 0, 16))}
    ),
    "modality-lut-clips-both-ends": Member(
        DEEP % 16, np.clip(DEEP % 16, 4, 11) * 10.0, {"ModalityLUTSequence": items(table(np.arange(4, 12) * 10, 4, 16))}
    ),
    "modality-lut-of-12-bits": Member(
        DEEP % 16, STEPS, {"ModalityLUTSequence": items(table(np.arange(16) * 100, 0, 12))}
    ),
    "modality-lut-of-8-bits-and-many-entries": Member(
        DEEP, (DEEP // 16).astype(float), {"ModalityLUTSequence": items(table(np.arange(4096) // 16, 0, 8))}
    ),
    "modality-lut-shorter-than-it-says": Member(
        DEEP % 32,
        np.minimum(DEEP % 32, 15) * 100.0,
        {"ModalityLUTSequence": items(table(np.arange(16) * 100, 0, 16, count=20))},
    ),
    "modality-lut-above-32767-of-signed-samples": Member(
        (DEEP % 16).astype(np.int16),
        60_000.0 + DEEP % 16,
        {"ModalityLUTSequence": items(table(60_000 + np.arange(16), 0, 16))},
    ),
}

OVERLAY = np.where((X > 9) & (X < 20) & (Y % 5 == 0), 0x8000, 0).astype(np.uint16)
SIGNED = SMOOTH.astype(np.int16) - 1500
TWELVE = {"BitsStored": 12}

SAMPLES = {
    "overlay-in-high-bits": Member(SMOOTH | OVERLAY, SMOOTH, TWELVE),
    "garbage-in-high-bits": Member(SMOOTH | 0xA000, SMOOTH, TWELVE),
    "signed-and-extended": Member(SIGNED, SIGNED, TWELVE),
    "signed-and-not-extended": Member(SIGNED & 0x0FFF, SIGNED, {**TWELVE, "PixelRepresentation": 1}),
    "signed-and-overlaid": Member((SIGNED & 0x0FFF) | OVERLAY.astype(np.int16), SIGNED, TWELVE),
    "more-bits-than-stored": Member(SMOOTH * 2, SMOOTH * 2.0, TWELVE, ("bits_kept",)),
    "high-bit-15-of-12": Member(SMOOTH << 4, SMOOTH, {**TWELVE, "HighBit": 15}),
    "high-bit-that-is-not-true": Member(SMOOTH + 1, SMOOTH + 1, {**TWELVE, "HighBit": 15}, ("high_bit",)),
    "high-bit-missing": Member(SMOOTH, SMOOTH, {**TWELVE, "HighBit": None}),
    "one-bit": Member(
        np.packbits((DEEP % 3 == 0).reshape(-1), bitorder="little").reshape(1, -1),
        (DEEP % 3 == 0).astype(float),
        {"BitsAllocated": 1, "BitsStored": 1, "Rows": 24, "Columns": 32},
    ),
    "thirty-two-bits": Member(DEEP.astype(np.uint32) * 5000, DEEP * 5000.0),
    "thirty-two-bits-signed": Member(-DEEP.astype(np.int32) * 500, DEEP * -500.0),
    "eight-bits-in-sixteen": Member(GREY.astype(np.uint16), GREY, {"BitsStored": 8}),
    "ct-without-its-sign": Member(
        HU.view(np.uint16), HU, ct(RescaleSlope=1, RescaleIntercept=0), ("sign_repaired",), display=WINDOW
    ),
    "ct-padding-without-its-sign": Member(
        np.where(X < 9, 63536, SMOOTH).astype(np.uint16),
        np.where(X < 9, -2000 - 1024, HU),
        ct(RescaleSlope=1, RescaleIntercept=-1024),
        ("sign_repaired",),
        display=WINDOW,
    ),
    "film-with-a-sign-it-must-not-have": Member(
        (SMOOTH * 20).view(np.int16), SMOOTH * 20.0, {"Modality": "DX"}, ("sign_repaired",)
    ),
    "film-torn-by-its-sign": Member(
        (SMOOTH * 20).view(np.int16), (SMOOTH * 20).view(np.int16), {"Modality": "CR"}, ("sign_doubtful",)
    ),
    "mr-torn-without-its-sign": Member((SMOOTH - 1500), (SMOOTH - 1500).astype(np.uint16), {}, ("sign_doubtful",)),
    "all-sixteen-bits": Member(SMOOTH * 22, SMOOTH * 22.0),
    "ct-beyond-any-tissue": Member(
        np.where(X < 9, 40_000, SMOOTH).astype(np.uint16),
        np.where(X < 9, 38_976, HU.astype(int)),
        ct(RescaleSlope=1, RescaleIntercept=-1024),
        ("ct_too_high",),
    ),
}


def planar(picture: np.ndarray) -> bytes:
    return np.ascontiguousarray(picture.transpose(2, 0, 1)).tobytes()


def palette(bits: int, scale: int, first: int = 0, entries: int = 16) -> dict[str, object]:
    """A palette whose red, green and blue are 3, 5 and 7 times the index."""
    tags: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR", "Modality": "US"}
    for name, factor in (("Red", 3), ("Green", 5), ("Blue", 7)):
        colours = np.arange(entries) * factor % 256 * scale
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [entries, first, bits]
        tags[f"{name}PaletteColorLookupTableData"] = colours.astype("<u2" if bits == 16 else "u1").tobytes()
    return tags


def segmented() -> dict[str, object]:
    """A segmented palette (C.7.9): 8 entries of 1000, then a line of 8 to 9000."""
    tags: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR", "Modality": "US"}
    for name in ("Red", "Green", "Blue"):
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [16, 0, 16]
        words = [0, 8, *[1000] * 8, 1, 8, 9000]
        tags[f"Segmented{name}PaletteColorLookupTableData"] = np.array(words, "<u2").tobytes()
    return tags


FACTORS = np.array([3, 5, 7])
INDEX = (GREY % 16).astype(np.uint8)
RAMP = np.array([1000] * 8 + [2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000])
GREY_YBR = np.stack([GREY, np.full_like(GREY, 128), np.full_like(GREY, 128)], axis=-1)
FULL_422 = np.stack([GREY[:, ::2], GREY[:, 1::2], *[np.full((24, 16), 128, np.uint8)] * 2], axis=-1)

COLOURS = {
    "rgb-by-pixel": Member(COLOURED, COLOURED / 255, {"Modality": "XC"}),
    "rgb-by-plane": Member(COLOURED, COLOURED / 255, {"PlanarConfiguration": 1, "PixelData": planar(COLOURED)}),
    "ybr-full": Member(GREY_YBR, GREY / 255, {"PhotometricInterpretation": "YBR_FULL"}),
    "ybr-full-422": Member(
        GREY_YBR, GREY / 255, {"PhotometricInterpretation": "YBR_FULL_422", "PixelData": FULL_422.tobytes()}
    ),
    "palette-of-16-bits": Member(INDEX, INDEX[..., None] * FACTORS / 255, palette(16, 257)),
    "palette-of-16-bits-not-scaled": Member(INDEX, INDEX[..., None] * FACTORS / 255, palette(16, 1)),
    "palette-of-8-bits": Member(INDEX, INDEX[..., None] * FACTORS / 255, palette(8, 1)),
    "palette-with-a-first-value": Member(INDEX + 40, INDEX[..., None] * FACTORS / 255, palette(16, 257, first=40)),
    "palette-of-dark-colours-in-use": Member(
        INDEX % 2, (INDEX % 2)[..., None] * FACTORS * 40 / 65535, palette(16, 40, entries=200)
    ),
    "palette-of-8-bits-and-many-entries": Member(
        DEEP, DEEP[..., None] * FACTORS % 256 / 255, palette(8, 1, entries=4096)
    ),
    "palette-segmented": Member(INDEX, RAMP[INDEX] / 65535, segmented()),
}

INVERTED = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12}
PADDED = np.where(X < 9, 0, SMOOTH + 500).astype(np.uint16)
"""Padding of 0, white under MONOCHROME1, beside a picture from 500."""
DARKEST = float(4095 - PADDED.max())
OUTSIDE = np.where(X < 9, -2000, SMOOTH.astype(np.int16))
"""A CT reconstructed in a circle: -2000 outside."""
UNSIGNED = pydicom.DataElement("PixelPaddingValue", "US", 63536)
MR_PADDED = np.where(X < 9, -500, SMOOTH.astype(np.int16) + 3)

PADDING = {
    "padding-under-monochrome1": Member(
        PADDED, np.where(X < 9, DARKEST, 4095.0 - PADDED), {**INVERTED, "PixelPaddingValue": 0}
    ),
    "padding-of-a-ct": Member(
        OUTSIDE, np.where(X < 9, -1000, HU), ct(RescaleIntercept=-1024, PixelPaddingValue=-2000), display=WINDOW
    ),
    "padding-of-a-ct-not-declared": Member(
        OUTSIDE, np.where(X < 9, -3024, HU), ct(RescaleIntercept=-1024), display=WINDOW
    ),
    "padding-in-the-wrong-type": Member(
        OUTSIDE, np.where(X < 9, -1000, HU), ct(RescaleIntercept=-1024, PixelPaddingValue=UNSIGNED), display=WINDOW
    ),
    "padding-above-the-stored-bits": Member(
        OUTSIDE.astype(np.uint16),
        np.where(X < 9, -1000, HU),
        ct(RescaleIntercept=-1024, PixelPaddingValue=63536, BitsStored=12),
        display=WINDOW,
    ),
    "padding-of-a-ct-that-is-no-hu": Member(
        np.where(X < 9, -2000, SMOOTH.astype(np.int16) + 3),
        np.where(X < 9, (SMOOTH + 3)[X >= 9].min(), SMOOTH + 3),
        ct(PixelPaddingValue=-2000),
        ("ct_no_hu",),
        display=tuple(np.percentile((SMOOTH + 3)[X >= 9], (0.5, 99.5))),
    ),
    "padding-counts-in-no-percentile": Member(
        MR_PADDED,
        np.where(X < 9, (SMOOTH + 3)[X >= 9].min(), SMOOTH + 3),
        {"PixelPaddingValue": -500},
        display=tuple(np.percentile((SMOOTH + 3)[X >= 9], (0.5, 99.5))),
    ),
    "padding-range": Member(
        np.where(X < 9, 4000 + Y, PADDED).astype(np.uint16),
        np.where(X < 9, (SMOOTH + 500)[X >= 9].min(), PADDED),
        {"PixelPaddingValue": 4095, "PixelPaddingRangeLimit": 4000},
    ),
    "padding-range-of-everything": Member(
        SMOOTH, SMOOTH, {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 4095}, ("padding_ignored",)
    ),
    "padding-of-two-values": Member(
        MR_PADDED,
        np.where(X < 9, (SMOOTH + 3)[X >= 9].min(), SMOOTH + 3),
        {"PixelPaddingValue": pydicom.DataElement("PixelPaddingValue", "SS", [-500, -500])},
    ),
    "padding-empty": Member(SMOOTH, SMOOTH, {"PixelPaddingValue": ""}),
}

PROJECTION = {"Modality": "DX"}
SQUARES = (np.arange(16) ** 2).astype(np.uint16)
VOI = {"VOILUTSequence": items(table(SQUARES, 0, 8))}
HALF = (1000.0, 1999.0)
PERCENTILES = tuple(np.percentile(SMOOTH, (0.5, 99.5)))

WINDOWS = {
    "window": Member(SMOOTH, SMOOTH, {**PROJECTION, "WindowCenter": 1500, "WindowWidth": 1000}, display=HALF),
    "several-windows": Member(
        SMOOTH, SMOOTH, {**PROJECTION, "WindowCenter": [1500, 9], "WindowWidth": [1000, 9]}, display=HALF
    ),
    "window-function-empty": Member(
        SMOOTH,
        SMOOTH,
        {**PROJECTION, "WindowCenter": 1500, "WindowWidth": 1000, "VOILUTFunction": ""},
        display=HALF,
    ),
    "window-exact-below-one": Member(
        SMOOTH,
        SMOOTH / 4096,
        {
            **PROJECTION,
            **{"RescaleSlope": 1 / 4096, "RescaleIntercept": 0, "WindowCenter": 0.25, "WindowWidth": 0.5},
            "VOILUTFunction": "LINEAR_EXACT",
        },
        display=(0.0, 0.5),
    ),
    "window-of-width-one": Member(
        SMOOTH,
        SMOOTH,
        {**PROJECTION, "WindowCenter": 1500, "WindowWidth": 1},
        ("window_ignored",),
        display=PERCENTILES,
    ),
    "window-of-width-zero": Member(
        SMOOTH,
        SMOOTH,
        {**PROJECTION, "WindowCenter": 1500, "WindowWidth": 0},
        ("window_ignored",),
        display=PERCENTILES,
    ),
    "window-of-negative-width": Member(
        SMOOTH,
        SMOOTH,
        {**PROJECTION, "WindowCenter": 1500, "WindowWidth": -400},
        ("window_ignored",),
        display=PERCENTILES,
    ),
    "window-of-stored-values": Member(
        SMOOTH,
        SMOOTH * 100.0,
        {**PROJECTION, "RescaleSlope": 100, "RescaleIntercept": 0, "WindowCenter": 600, "WindowWidth": 1200},
        ("window_ignored",),
    ),
    "window-in-functional-groups": Member(
        SMOOTH,
        SMOOTH,
        {**PROJECTION, SHARED: items(item(FrameVOILUTSequence=items(item(WindowCenter=1500, WindowWidth=1000))))},
        display=HALF,
    ),
    "window-of-mr-is-not-used": Member(SMOOTH, SMOOTH, {"WindowCenter": 100, "WindowWidth": 50}, display=PERCENTILES),
    "sigmoid": Member(
        SMOOTH,
        1 / (1 + np.exp(-4 * (SMOOTH - 1500.0) / 800)),
        {**PROJECTION, "WindowCenter": 1500, "WindowWidth": 800, "VOILUTFunction": "SIGMOID"},
        display=(0.0, 1.0),
    ),
    "sigmoid-under-monochrome1": Member(
        4095 - SMOOTH,
        1 / (1 + np.exp(-4 * (SMOOTH - 1500.0) / 800)),
        {**PROJECTION, **INVERTED, "WindowCenter": 4095 - 1500, "WindowWidth": 800, "VOILUTFunction": "SIGMOID"},
        display=(0.0, 1.0),
    ),
    "voi-lut": Member(DEEP % 16, (DEEP % 16) ** 2 / 255, {**PROJECTION, **VOI}, display=(0.0, 1.0)),
    "voi-lut-under-monochrome1": Member(
        DEEP % 16, 1 - (DEEP % 16) ** 2 / 255, {**PROJECTION, **VOI, **INVERTED}, display=(0.0, 1.0)
    ),
    "voi-lut-of-fewer-bits-than-its-entries": Member(
        DEEP % 16,
        (DEEP % 16) ** 2 / 255,
        {**PROJECTION, "VOILUTSequence": items(table(SQUARES, 0, 7))},
        display=(0.0, 1.0),
    ),
    "voi-lut-below-zero": Member(
        (DEEP % 16).astype(np.int16) - 8,
        (DEEP % 16) ** 2 / 255,
        {**PROJECTION, "VOILUTSequence": items(table(SQUARES, -8, 8))},
        display=(0.0, 1.0),
    ),
    "monochrome1": Member(SMOOTH, 4095.0 - SMOOTH, {**PROJECTION, **INVERTED}),
    "monochrome1-with-a-window": Member(
        4095 - SMOOTH,
        SMOOTH,
        {**PROJECTION, **INVERTED, "WindowCenter": 4095 - 1500, "WindowWidth": 1001},
        display=(1000.5, 2000.5),
    ),
    "monochrome1-signed": Member(SIGNED, -1.0 - SIGNED, {**PROJECTION, **INVERTED}),
    "monochrome1-with-an-overlay": Member(SMOOTH | OVERLAY, 4095.0 - SMOOTH, {**PROJECTION, **INVERTED}),
    "presentation-inverse-under-monochrome1": Member(
        SMOOTH, 4095.0 - SMOOTH, {**PROJECTION, **INVERTED, "PresentationLUTShape": "INVERSE"}
    ),
    "presentation-inverse-under-monochrome2": Member(
        SMOOTH, SMOOTH, {**PROJECTION, "PresentationLUTShape": "INVERSE"}, ("polarity",)
    ),
    "monochrome1-of-a-ct": Member(
        SMOOTH,
        SMOOTH - 1024.0,
        ct(RescaleSlope=1, RescaleIntercept=-1024, **INVERTED),
        ("polarity_kept",),
        display=WINDOW,
    ),
    "monochrome1-of-pet": Member(SMOOTH, SMOOTH, {"Modality": "PT", **INVERTED}, ("polarity_kept",)),
    "monochrome1-of-a-ct-of-8-bits": Member(
        GREY, 1 - GREY / 255, ct(PhotometricInterpretation="MONOCHROME1"), ("ct_no_hu",), display=(0.0, 1.0)
    ),
    "ct-of-8-bits": Member(GREY, GREY / 255, ct(), ("ct_no_hu",), display=(0.0, 1.0)),
    "ct-without-hu": Member(SMOOTH, SMOOTH, ct(), ("ct_no_hu",), display=PERCENTILES),
    "ct-of-bone-alone": Member(SMOOTH + 1024, SMOOTH, ct(RescaleSlope=1, RescaleIntercept=-1024), display=WINDOW),
    "ct-of-another-unit": Member(
        SMOOTH,
        HU,
        ct(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="Z_EFF"),
        ("ct_no_hu",),
        display=tuple(np.percentile(HU, (0.5, 99.5))),
    ),
}


def check(path: Path, member: Member) -> None:
    image = read(path)
    expected = np.asarray(member.values, np.float64)
    expected = expected if expected.ndim == image.pixels.ndim and len(expected) == len(image.pixels) else expected[None]
    np.testing.assert_allclose(image.pixels, expected, rtol=1e-5, atol=2e-6)
    assert image.odd == member.odd
    assert set(image.odd) <= set(ODDITIES)
    if member.display is not None:
        assert image.display == pytest.approx(member.display)


@pytest.mark.parametrize("name", RESCALES)
def test_rescales(tmp_path: Path, name: str) -> None:
    member = RESCALES[name]
    check(write(tmp_path / "a.dcm", member.words, **member.tags), member)


@pytest.mark.parametrize("name", TABLES)
def test_modality_tables(tmp_path: Path, name: str) -> None:
    member = TABLES[name]
    check(write(tmp_path / "a.dcm", member.words, **{"Modality": "OT", **member.tags}), member)


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(tmp_path: Path, name: str) -> None:
    member = SAMPLES[name]
    check(write(tmp_path / "a.dcm", member.words, **member.tags), member)


@pytest.mark.parametrize("name", COLOURS)
def test_colours(tmp_path: Path, name: str) -> None:
    member = COLOURS[name]
    check(write(tmp_path / "a.dcm", member.words, **{**member.tags, "Modality": "ES"}), member)


@pytest.mark.parametrize("name", PADDING)
def test_padding(tmp_path: Path, name: str) -> None:
    """Padding has no part in what is seen as black or white, and is black itself."""
    member = PADDING[name]
    path = write(tmp_path / "a.dcm", member.words, **member.tags)
    check(path, member)
    if (
        "ignored" not in str(member.odd)
        and "PixelPaddingValue" in member.tags
        and member.tags["PixelPaddingValue"] != ""
    ):
        assert as_seen(read(path))[0][X < 9].max() == 0


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_and_polarity(tmp_path: Path, name: str) -> None:
    member = WINDOWS[name]
    check(write(tmp_path / "a.dcm", member.words, **member.tags), member)


def test_padding_is_seen_black_beside_a_window_that_starts_below_it(tmp_path: Path) -> None:
    """The issue's film: padding of 0 under MONOCHROME1 was white."""
    path = write(
        *(tmp_path / "a.dcm", PADDED),
        **{**INVERTED, **PROJECTION, "PixelPaddingValue": 0, "WindowCenter": 2048, "WindowWidth": 4096},
    )
    shown = as_seen(read(path))[0]
    assert shown[X < 9].max() == 0
    np.testing.assert_allclose(shown[X >= 9], (4095 - PADDED[X >= 9]) / 4095, atol=1e-3)


def test_padding_of_one_slice_counts_in_no_percentile_of_the_series(tmp_path: Path) -> None:
    tags = {"PixelPaddingValue": -500, "SeriesInstanceUID": "1.2.3"}
    geometry = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [1, 1]}
    paths = [
        write(
            *(tmp_path / f"{z}.dcm", words),
            **{**tags, **geometry, "ImagePositionPatient": [0, 0, 2.0 * z], "InstanceNumber": z + 1},
        )
        for z, words in enumerate((MR_PADDED, SMOOTH.astype(np.int16) + 3))
    ]
    image = read(paths)
    patient = np.concatenate([(SMOOTH + 3)[X >= 9], (SMOOTH + 3).reshape(-1)])
    assert image.display == pytest.approx(tuple(np.percentile(patient, (0.5, 99.5))))
    assert (image.pixels[0][X < 9] == patient.min()).all()


def test_floating_point_padding_and_what_is_no_number(tmp_path: Path) -> None:
    """FloatPixelPaddingValue may be NaN itself; any other NaN is for the file's owner."""
    values = np.where(X < 9, np.nan, SMOOTH / 7).astype(np.float32)
    tags: dict[str, object] = {
        "PixelData": None,
        "FloatPixelData": values.tobytes(),
        "BitsStored": None,
        "HighBit": None,
    }
    tags |= {"PixelRepresentation": None, "Modality": "OT"}
    path = write(tmp_path / "a.dcm", values, **tags)
    with pytest.raises(Unreadable, match="NaN") as caught:
        read(path)
    assert caught.value.reason == "not_finite"
    image = read(write(tmp_path / "b.dcm", values, FloatPixelPaddingValue=float("nan"), **tags))
    np.testing.assert_allclose(image.pixels[0], np.where(X < 9, (SMOOTH / 7)[X >= 9].min(), SMOOTH / 7), rtol=1e-6)
    scaled = {**tags, "FloatPixelData": (SMOOTH / 7).astype(np.float32).tobytes(), "RescaleSlope": 2}
    image = read(write(tmp_path / "c.dcm", values, **scaled))
    np.testing.assert_allclose(image.pixels[0], SMOOTH / 7 * 2, rtol=1e-6)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_bits_above_and_signs_after_decompression(tmp_path: Path, syntax: str) -> None:
    """Overlays that were compressed with their words, and 12-bit negatives, come out as uncompressed ones do."""
    for words, tags, expected in (
        (SMOOTH | OVERLAY, {}, SMOOTH),
        (SIGNED, {}, SIGNED),
        (SMOOTH, {"RescaleIntercept": -1024, "Modality": "CT"}, HU),
    ):
        words, expected = (np.kron(each, np.ones((4, 4), each.dtype)) for each in (words, expected))
        path = write(tmp_path / "a.dcm", words, **TWELVE, **tags)
        data = pydicom.dcmread(path)
        data.BitsStored, data.HighBit = 16, 15  # the encoder would cut what lies above
        data.compress(syntax)
        data.BitsStored, data.HighBit = 12, 11
        data.save_as(path)
        np.testing.assert_array_equal(read(path).pixels[0], expected)


def test_a_stream_of_jpeg_2000_without_the_sign_of_its_data_set(tmp_path: Path) -> None:
    """Encoders that know no signs store the low bits of negatives; the data set says that they have one."""
    expected = np.kron(SIGNED, np.ones((4, 4), np.int16))
    path = write(tmp_path / "a.dcm", (expected & 0x0FFF).astype(np.uint16), **TWELVE)
    data = pydicom.dcmread(path)
    data.compress(JPEG2000Lossless)
    data.PixelRepresentation = 1
    data.save_as(path)
    np.testing.assert_array_equal(read(path).pixels[0], expected)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEGLosslessSV1])
def test_streams_that_know_no_sign(tmp_path: Path, syntax: str) -> None:
    """JPEG-LS and lossless JPEG hold bits alone: 12-bit negatives come back by the data set's representation."""
    image = gdcm.ImageReader()
    image.SetFileName(str(write(tmp_path / "a.dcm", SIGNED & 0x0FFF, **TWELVE, PixelRepresentation=1)))
    assert image.Read()
    change = gdcm.ImageChangeTransferSyntax()
    kind = (
        gdcm.TransferSyntax.JPEGLSLossless if syntax == JPEGLSLossless else gdcm.TransferSyntax.JPEGLosslessProcess14_1
    )
    change.SetTransferSyntax(gdcm.TransferSyntax(kind))
    change.SetInput(image.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(image.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(tmp_path / "b.dcm"))
    assert writer.Write()
    assert pydicom.dcmread(tmp_path / "b.dcm").file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(read(tmp_path / "b.dcm").pixels[0], SIGNED)


def adobe(transform: int) -> Callable[[bytes], bytes]:
    """Put Adobe's mark into a JPEG stream that has JFIF's."""

    def marked(stream: bytes) -> bytes:
        length = int.from_bytes(stream[4:6], "big")
        assert stream[2:4] == b"\xff\xe0"
        return stream[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform]) + stream[4 + length :]

    return marked


@pytest.mark.parametrize(
    ("interpretation", "kept", "marked"),
    [
        ("YBR_FULL_422", False, None),
        ("RGB", False, None),  # JFIF says otherwise
        ("RGB", False, adobe(1)),
        ("YBR_FULL_422", True, adobe(0)),
        ("RGB", True, adobe(0)),
    ],
    ids=["ybr", "jfif-under-rgb", "adobe-ybr-under-rgb", "adobe-rgb-under-ybr", "adobe-rgb"],
)
def test_the_order_of_colours_in_a_jpeg(
    tmp_path: Path, interpretation: str, kept: bool, marked: Callable[[bytes], bytes] | None
) -> None:
    """A stream's own mark knows whether it holds RGB or YCbCr; the data set may be wrong."""
    flat = np.zeros((32, 32, 3), np.uint8) + np.array([200, 40, 90], np.uint8)
    flat[:16] = 10
    buffer = io.BytesIO()
    # Stored as it is where the stream holds RGB: written as YCbCr of those numbers, the encoder converts nothing.
    picture = Pillow.frombytes("YCbCr", (32, 32), flat.tobytes()) if kept else Pillow.fromarray(flat)
    picture.save(buffer, "JPEG", quality=100, subsampling=0)
    stream = marked(buffer.getvalue()) if marked else buffer.getvalue()
    path = write(
        *(tmp_path / "a.dcm", flat),
        **{"Modality": "ES", "PhotometricInterpretation": interpretation, "PixelData": [stream]},
        syntax=JPEGBaseline8Bit,
    )
    image = read(path)
    assert np.abs(image.pixels[0, 24, 24] * 255 - [200, 40, 90]).max() <= 4


def test_tables_of_big_endian_files(tmp_path: Path) -> None:
    """Words of a table have the byte order of the file (PS3.5 7.3)."""
    tags = palette(16, 257)
    for name in ("Red", "Green", "Blue"):
        key = f"{name}PaletteColorLookupTableData"
        tags[key] = np.frombuffer(tags[key], "<u2").astype(">u2").tobytes()  # type: ignore[call-overload]
    path = write(tmp_path / "a.dcm", INDEX, syntax=ExplicitVRBigEndian, **tags)
    np.testing.assert_allclose(read(path).pixels[0], INDEX[..., None] * FACTORS / 255, atol=1e-6)


def test_units_and_factors_of_a_whole_picture_do_not_change_what_is_seen(tmp_path: Path) -> None:
    """PET in counts or Bq/ml, MR with Philips' private scale: a factor, which percentiles take out."""
    counts = {"Modality": "PT", "RescaleSlope": 0.5, "RescaleIntercept": 0, "Units": "CNTS"}
    activity = {"Modality": "PT", "RescaleSlope": 912.5, "RescaleIntercept": 0, "Units": "BQML"}
    shown = [as_seen(read(write(tmp_path / f"{n}.dcm", SMOOTH, **tags))) for n, tags in enumerate((counts, activity))]
    np.testing.assert_allclose(shown[0], shown[1], atol=1e-6)


def test_without_the_number_of_stored_bits_a_sample_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="Bits Stored") as caught:
        read(write(tmp_path / "a.dcm", SMOOTH, BitsStored=None, HighBit=15))
    assert caught.value.reason == "undecodable"


@pytest.mark.parametrize("interpretation", [None, "", "MONOCHROME"])
def test_a_photometric_interpretation_that_is_none_is_named(tmp_path: Path, interpretation: str | None) -> None:
    with pytest.raises(Unreadable, match="Photometric Interpretation") as caught:
        read(write(tmp_path / "a.dcm", SMOOTH, PhotometricInterpretation=interpretation))
    assert caught.value.reason == "undecodable"


def test_a_number_that_is_none_names_its_element(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", SMOOTH, RescaleSlope="1.5", RescaleIntercept=0)
    path.write_bytes(path.read_bytes().replace(b"1.5 ", b"1,5 "))
    with pytest.raises(Unreadable) as caught:
        read(path)
    assert caught.value.reason == "undecodable"
    assert "1,5" in caught.value.detail


def test_slices_of_8_bits_with_a_scale_of_their_own_stay_on_it(tmp_path: Path) -> None:
    """One slice without a transform must not make the whole volume a picture of 0 to 255."""
    for z, slope in enumerate((2, 1)):
        geometry = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, 2.0 * z]}
        write(tmp_path / f"{z}.dcm", GREY, RescaleSlope=slope, RescaleIntercept=0, InstanceNumber=z, **geometry)
    image = read(tmp_path)
    np.testing.assert_array_equal(image.pixels, np.stack([GREY * 2.0, GREY * 1.0]))
