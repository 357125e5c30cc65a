"""Pictures, member by member (docs/reading/pictures.md): each file is built small, some of them byte by byte. Its right
values come from the formats: TIFF 6.0, PNG (ISO 15948), JPEG (T.81), EXIF 2.3, ImageJ's and OME's descriptions."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from shiftscope.errors import Unreadable
from shiftscope.images import read
from shiftscope.images.oddities import ODDITIES

Y, X = np.indices((40, 50))
GREY = ((3 * Y + 2 * X) % 251).astype(np.uint8)
DEEP = (GREY.astype(np.uint16) * 257) + (X % 7).astype(np.uint16)
"""16 bits, of which the low ones matter."""
COLOURED = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)
DEEP_COLOURED = np.stack([DEEP, DEEP[::-1], DEEP[:, ::-1]], axis=-1)
VOLUME = np.stack([np.roll(GREY, shift, axis=0) for shift in range(6)])
HU = GREY.astype(np.int16) * 8 - 1024


@dataclass
class Member:
    """How a file is written, and what it means: values in the unit of `Image.pixels`, what is noted, how near."""

    write: Callable[[Path], object]
    values: np.ndarray
    odd: tuple[str, ...] = ()
    near: float = 2e-6
    display: tuple[float, float] = (0.0, 1.0)


def tif(array: np.ndarray, **options: object) -> Callable[[Path], object]:
    return lambda path: tifffile.imwrite(path, array, **options)


def pages(*each: tuple[np.ndarray, dict[str, object]]) -> Callable[[Path], object]:
    """A TIFF of pages with options of their own."""

    def write(path: Path) -> None:
        with tifffile.TiffWriter(path) as file:
            for array, options in each:
                file.write(array, metadata=None, **options)

    return write


def pillow(array: np.ndarray, kind: str, **options: object) -> Callable[[Path], object]:
    return lambda path: Pillow.fromarray(array).save(path, format=kind, **options)


def one_page_of_several(path: Path) -> None:
    """What ImageJ writes beyond 4 GB: the tags of one page, and the samples of all behind it."""
    tifffile.imwrite(path, VOLUME[:1], metadata=None, description=f"ImageJ=1.54f\nimages={len(VOLUME)}\nslices=6\n")
    with path.open("ab") as file:
        start = file.tell()
        file.write(VOLUME.tobytes())
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["StripOffsets"].overwrite(start)


def twelve_bits(path: Path) -> None:
    """A TIFF of 12 bits a sample, packed: 40 rows of 50 samples are 75 bytes each."""
    words = (GREY.astype(np.uint16) * 16).reshape(-1, 2)
    packed = np.stack([words[:, 0] >> 4, (words[:, 0] & 15) << 4 | words[:, 1] >> 8, words[:, 1] & 255], axis=-1)
    tags = (
        (256, 4, 50),
        (257, 4, 40),
        (258, 3, 12),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 4, 40),
        (279, 4, 3000),
    )
    body = packed.astype(np.uint8).tobytes()
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    path.write_bytes(
        b"II*\0" + struct.pack("<I", 8 + len(body)) + body + struct.pack("<H", len(tags)) + entries + bytes(4)
    )


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(array: np.ndarray, depth: int, colour: int, *chunks: bytes) -> Callable[[Path], object]:
    """A PNG of whole-byte rows, byte by byte."""
    rows = b"".join(b"\0" + row.astype(f">u{max(1, depth // 8)}").tobytes() for row in array)
    head = struct.pack(">IIBBBBB", X.shape[1], len(array), depth, colour, 0, 0, 0)
    body = b"".join((chunk(b"IHDR", head), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")))
    return lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def interlaced(path: Path) -> None:
    """A PNG in the seven passes of Adam7 (ISO 15948 8.2)."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    parts = [GREY[top::down, left::across] for top, left, down, across in passes]
    rows = b"".join(b"\0" + row.tobytes() for part in parts for row in part)
    head = struct.pack(">IIBBBBB", 50, 40, 8, 0, 0, 0, 1)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def animated(kind: str, **options: object) -> Callable[[Path], object]:
    other = Pillow.fromarray(255 - GREY)
    return lambda path: Pillow.fromarray(GREY).save(path, format=kind, save_all=True, append_images=[other], **options)


def layers(*each: np.ndarray) -> np.ndarray:
    return np.stack(each, axis=-1).astype(np.uint8)


OPAQUE = np.full_like(GREY, 255)
HALF = np.full_like(GREY, 128)
WHITE = "miniswhite"
UNIT = GREY / 255
REVERSED = np.stack([255 - np.arange(256)] * 3).astype(np.uint16)
IMAGEJ, OME = {"imagej": True}, {"ome": True}
MOMENTS = np.stack([VOLUME, VOLUME[::-1]])  # (t, z, y, x)
ORDERED = np.stack([MOMENTS, 255 - MOMENTS], axis=2)  # (t, z, c, y, x)

TIFFS = {
    "white-is-zero-1": Member(tif(GREY > 100, photometric=WHITE), ~(GREY > 100)),
    "white-is-zero-8": Member(tif(255 - GREY, photometric=WHITE), UNIT),
    "white-is-zero-8-deflate": Member(tif(255 - GREY, photometric=WHITE, compression="zlib"), UNIT),
    "white-is-zero-16": Member(tif(65535 - DEEP, photometric=WHITE), DEEP / 65535),
    "white-is-zero-16-predicted": Member(
        tif(65535 - DEEP, photometric=WHITE, compression="zlib", predictor=True), DEEP / 65535
    ),
    "white-is-zero-float": Member(tif((1 - UNIT).astype(np.float32), photometric=WHITE), UNIT),
    "white-is-zero-float-64": Member(tif(1 - UNIT, photometric=WHITE), UNIT),
    "colour-16": Member(tif(DEEP_COLOURED, photometric="rgb"), DEEP_COLOURED / 65535),
    "colour-16-planes": Member(
        tif(DEEP_COLOURED.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"), DEEP_COLOURED / 65535
    ),
    "colour-16-planes-deflate": Member(
        tif(DEEP_COLOURED.transpose(2, 0, 1), photometric="rgb", planarconfig="separate", compression="zlib"),
        DEEP_COLOURED / 65535,
    ),
    "colour-16-half-transparent": Member(
        tif(np.dstack([DEEP_COLOURED, np.full_like(DEEP, 32768)]), photometric="rgb", extrasamples=["unassalpha"]),
        DEEP_COLOURED / 65535 * 32768 / 65535,
        ("transparent",),
        near=2e-5,
    ),
    "colour-8-half-transparent": Member(
        tif(layers(*np.moveaxis(COLOURED, -1, 0), HALF), photometric="rgb", extrasamples=["unassalpha"]),
        COLOURED / 255 * 128 / 255,
        ("transparent",),
        near=0.002,
    ),
    "colour-8-multiplied-alpha": Member(
        tif(layers(*np.moveaxis(COLOURED // 2, -1, 0), HALF), photometric="rgb", extrasamples=["assocalpha"]),
        COLOURED // 2 / 255,
        ("transparent",),
        near=0.003,
    ),
    "colour-8-opaque-alpha": Member(
        tif(layers(*np.moveaxis(COLOURED, -1, 0), OPAQUE), photometric="rgb", extrasamples=["unassalpha"]),
        COLOURED / 255,
    ),
    "signed-8": Member(
        tif((GREY.astype(int) - 128).astype(np.int8)), GREY - 128.0, ("signed",), display=(-119.01, 78.01)
    ),
    "signed-16": Member(tif(HU), HU, ("signed",), display=(-952.04, 624.04)),
    "signed-16-deflate": Member(tif(HU, compression="zlib"), HU, ("signed",), display=(-952.04, 624.04)),
    "signed-32": Member(tif(HU.astype(np.int32)), HU, ("signed",), display=(-952.04, 624.04)),
    "unsigned-32": Member(
        tif(GREY.astype(np.uint32) << 24), GREY * 2.0**24, display=tuple(np.percentile(GREY * 2.0**24, (0.5, 99.5)))
    ),
    "float-16": Member(tif(UNIT.astype(np.float16)), UNIT, near=3e-4),
    "twelve-bits": Member(twelve_bits, GREY * 16.0 / 4095),
    "big-tiff": Member(tif(DEEP, bigtiff=True), DEEP / 65535),
    "big-endian": Member(tif(DEEP, byteorder=">"), DEEP / 65535),
    "tiles": Member(tif(DEEP, tile=(16, 16)), DEEP / 65535),
    "lzw": Member(pillow(GREY, "TIFF", compression="tiff_lzw"), UNIT),
    "jpeg-inside": Member(pillow(layers(GREY, GREY, GREY), "TIFF", compression="jpeg", quality=98), UNIT, near=0.02),
    "cmyk": Member(lambda path: Pillow.fromarray(COLOURED).convert("CMYK").save(path, "TIFF"), COLOURED / 255),
    "colour-16-pages": Member(
        tif(np.stack([DEEP_COLOURED, DEEP_COLOURED[::-1]]), photometric="rgb"),
        np.stack([DEEP_COLOURED, DEEP_COLOURED[::-1]]) / 65535,
    ),
    "three-grey-planes": Member(
        tif(COLOURED.transpose(2, 0, 1), photometric="minisblack", planarconfig="separate"),
        COLOURED / 255,
        ("grey_as_colours",),
    ),
    "palette": Member(tif(255 - GREY, photometric="palette", colormap=REVERSED * 257), UNIT),
    "palette-not-scaled": Member(tif(255 - GREY, photometric="palette", colormap=REVERSED), UNIT),
    "second-sample": Member(
        tif(layers(GREY, 255 - GREY), photometric="minisblack", planarconfig="contig"), UNIT, ("extra_channel",)
    ),
    "thumbnail-behind": Member(pages((GREY, {}), (GREY[::2, ::2], {"subfiletype": 1})), UNIT),
    "thumbnail-of-the-same-size": Member(pages((GREY, {}), (255 - GREY, {"subfiletype": 1})), UNIT),
    "thumbnail-first": Member(pages((GREY[::4, ::4], {"subfiletype": 1}), (GREY, {})), UNIT),
    "mask-page": Member(pages((GREY, {}), (GREY > 100, {"subfiletype": 4, "photometric": "mask"})), UNIT),
    "pages-that-differ": Member(pages((GREY, {}), (GREY[:20], {})), UNIT, ("pages",)),
    "pages-of-a-document": Member(pages(*[(each, {"subfiletype": 2}) for each in VOLUME]), VOLUME / 255),
    "pyramid-in-subifds": Member(pages((GREY, {"subifds": 1}), (GREY[::2, ::2], {"subfiletype": 1})), UNIT),
    "imagej-slices": Member(tif(VOLUME, **IMAGEJ, metadata={"axes": "ZYX"}), VOLUME / 255),
    "imagej-one-page-of-tags": Member(one_page_of_several, VOLUME / 255),
    "imagej-slice-of-a-stack": Member(
        tif(GREY, metadata=None, description="ImageJ=1.54f\nimages=90\nslices=90\n"), UNIT, ("pages_missing",)
    ),
    "imagej-moments": Member(tif(VOLUME, **IMAGEJ, metadata={"axes": "TYX"}), VOLUME / 255, ("pages_as_slices",)),
    "imagej-channels": Member(tif(VOLUME[:3], **IMAGEJ, metadata={"axes": "CYX"}), VOLUME[0] / 255, ("hyperstack",)),
    "imagej-hyperstack": Member(tif(ORDERED, **IMAGEJ, metadata={"axes": "TZCYX"}), VOLUME / 255, ("hyperstack",)),
    "ome-slices": Member(tif(VOLUME, **OME, metadata={"axes": "ZYX"}), VOLUME / 255),
    "ome-hyperstack": Member(tif(ORDERED, **OME, metadata={"axes": "TZCYX"}), VOLUME / 255, ("hyperstack",)),
    "ome-hyperstack-in-another-order": Member(
        tif(np.moveaxis(ORDERED, 2, 0), **OME, metadata={"axes": "CTZYX"}), VOLUME / 255, ("hyperstack",)
    ),
    "ome-colour": Member(tif(COLOURED, **OME, photometric="rgb"), COLOURED / 255),
}

KEY = int(GREY[7, 9])
LINEAR = chunk(b"gAMA", struct.pack(">I", 100_000))
SRGB_GAMMA = chunk(b"gAMA", struct.pack(">I", 45_455))


def profile(name: bytes) -> bytes:
    return chunk(b"iCCP", b"icc\0\0" + zlib.compress(b"\0" * 128 + name + b"\0" * 64))


PNGS = {
    "interlaced": Member(interlaced, UNIT),
    "four-bits": Member(
        lambda path: png((GREY[:, ::2] >> 4 << 4) | (GREY[:, 1::2] >> 4), 4, 0)(path), (GREY >> 4) / 15
    ),
    "sixteen-bits": Member(png(DEEP, 16, 0), DEEP / 65535),
    "twelve-of-sixteen-bits": Member(png(GREY.astype(np.uint16) * 16, 16, 0), GREY * 16.0 / 65535, ("few_bits",)),
    "significant-bits": Member(png(DEEP, 16, 0, chunk(b"sBIT", b"\x0c")), DEEP / 65535),
    "colour-of-sixteen-bits": Member(
        png(DEEP_COLOURED.reshape(40, -1), 16, 2), DEEP_COLOURED / 65535, ("eight_of_sixteen",), near=1 / 255
    ),
    "grey-and-alpha-of-sixteen-bits": Member(
        png(np.stack([DEEP, np.full_like(DEEP, 65535)], -1).reshape(40, -1), 16, 4),
        DEEP / 65535,
        ("eight_of_sixteen",),
        near=1 / 255,
    ),
    "gamma-of-srgb": Member(png(GREY, 8, 0, SRGB_GAMMA), UNIT),
    "gamma-of-another": Member(png(GREY, 8, 0, LINEAR), UNIT, ("profile",)),
    "profile-of-srgb": Member(png(GREY, 8, 0, profile(b"sRGB IEC61966-2.1")), UNIT),
    "profile-of-another": Member(png(GREY, 8, 0, profile(b"Adobe RGB (1998)")), UNIT, ("profile",)),
    "opaque-alpha": Member(pillow(layers(GREY, OPAQUE), "PNG"), UNIT),
    "white-in-alpha": Member(pillow(layers(OPAQUE, OPAQUE, OPAQUE, GREY), "PNG"), UNIT, ("transparent",)),
    "transparent-corner": Member(
        pillow(layers(*np.moveaxis(COLOURED, -1, 0), np.where(X < 9, 0, 255)), "PNG"),
        np.where((X < 9)[..., None], 0, COLOURED / 255),
        ("transparent",),
    ),
    "transparent-grey": Member(
        png(GREY, 8, 0, chunk(b"tRNS", struct.pack(">H", KEY))), np.where(GREY == KEY, 0, UNIT), ("transparent",)
    ),
    "transparent-black": Member(png(GREY, 8, 0, chunk(b"tRNS", bytes(2))), UNIT),
    "transparent-grey-of-sixteen-bits": Member(
        png(DEEP, 16, 0, chunk(b"tRNS", struct.pack(">H", int(DEEP[7, 9])))),
        np.where(DEEP[7, 9] == DEEP, 0, DEEP / 65535),
        ("transparent",),
    ),
    "transparent-colour": Member(
        png(COLOURED.reshape(40, -1), 8, 2, chunk(b"tRNS", struct.pack(">HHH", *map(int, COLOURED[7, 9])))),
        np.where((COLOURED[7, 9] == COLOURED).all(-1, keepdims=True), 0, COLOURED / 255),
        ("transparent",),
    ),
    "white-of-one-bit-on-nothing": Member(
        png(np.packbits(GREY > 100, axis=1), 1, 0, chunk(b"tRNS", bytes(2))), GREY > 100
    ),
    "palette-with-alpha": Member(
        png(GREY % 3, 8, 3, chunk(b"PLTE", bytes([0, 0, 0, 255, 0, 0, 0, 128, 255])), chunk(b"tRNS", b"\xff\xff\0")),
        np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]])[GREY % 3],
        ("transparent",),
    ),
    "animation": Member(animated("PNG"), UNIT, ("animation",)),
}

OTHERS = {
    "gif-animation": Member(animated("GIF"), UNIT, ("animation",)),
    "webp-animation": Member(animated("WEBP", lossless=True), UNIT, ("animation",)),
    "bmp-of-32-bits": Member(pillow(layers(GREY, GREY, GREY, GREY * 0), "BMP"), UNIT),
    "bmp-palette": Member(lambda path: Pillow.fromarray(GREY).convert("P").save(path, "BMP"), UNIT),
    "jpeg-2000-of-sixteen-bits": Member(pillow(DEEP, "JPEG2000", irreversible=False), DEEP / 65535),
    "jpeg-called-png": Member(lambda path: Pillow.fromarray(GREY).save(path, "JPEG", quality=100), UNIT, near=0.02),
    "several-pictures-in-a-jpeg": Member(
        lambda path: (
            Pillow.fromarray(GREY)
            .convert("RGB")
            .save(path, "MPO", save_all=True, append_images=[Pillow.fromarray(255 - GREY).convert("RGB")], quality=100)
        ),
        UNIT,
        near=0.02,
    ),
}


def check(path: Path, member: Member) -> None:
    member.write(path)
    image = read(path)
    expected = np.asarray(member.values, np.float64)
    slices = expected.ndim == image.pixels.ndim
    np.testing.assert_allclose(image.pixels, expected if slices else expected[None], rtol=1e-6, atol=member.near)
    assert image.odd == member.odd
    assert set(image.odd) <= set(ODDITIES)
    assert image.display == pytest.approx(member.display, rel=1e-4)


@pytest.mark.parametrize("name", TIFFS)
def test_tiff(tmp_path: Path, name: str) -> None:
    check(tmp_path / "a.tif", TIFFS[name])


@pytest.mark.parametrize("name", PNGS)
def test_png(tmp_path: Path, name: str) -> None:
    check(tmp_path / "a.png", PNGS[name])


@pytest.mark.parametrize("name", OTHERS)
def test_other_formats(tmp_path: Path, name: str) -> None:
    check(tmp_path / "a.png", OTHERS[name])


def test_inks_are_turned_around_with_and_without_the_mark_of_adobe(tmp_path: Path) -> None:
    """Writers of standalone JPEGs store inks inverted, marked or not; Pillow writes the mark, and inverts."""
    inks = 255 - np.dstack([np.kron(COLOURED, np.ones((4, 4, 1), np.uint8)), np.full((160, 200), 255, np.uint8)])
    Pillow.frombytes("CMYK", (200, 160), inks.tobytes()).save(tmp_path / "a.jpg", quality=100, subsampling=0)
    stream = (tmp_path / "a.jpg").read_bytes()
    mark = stream.index(b"\xff\xee\x00\x0eAdobe")
    (tmp_path / "b.jpg").write_bytes(stream[:mark] + stream[mark + 16 :])
    for name in ("a.jpg", "b.jpg"):
        pixels = read(tmp_path / name).pixels[0]
        assert np.abs(pixels[2::4, 2::4] - COLOURED / 255).mean() < 0.02


REFUSED: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "black-in-alpha": (pillow(layers(GREY * 0, GREY * 0, GREY * 0, GREY), "PNG"), "unsupported", "transparency"),
    "cielab": (tif(COLOURED, photometric="cielab"), "unsupported", "neither grey nor RGB"),
    "palette-of-sixteen-bits": (
        tif(DEEP, photometric="palette", colormap=np.stack([np.arange(65536)] * 3).astype(np.uint16)),
        "unsupported",
        "neither grey nor RGB",
    ),
    "complex": (tif(COLOURED[..., 0].astype(np.complex64)), "unsupported", "complex"),
    "five-channels": (
        tif(np.dstack([COLOURED, COLOURED[..., :2]]), photometric="minisblack", planarconfig="contig"),
        "unsupported",
        "5 channels",
    ),
    "not-a-number": (tif(np.where(X < 3, np.nan, UNIT).astype(np.float32)), "not_finite", "NaN"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path: Path, name: str) -> None:
    write, reason, words = REFUSED[name]
    write(tmp_path / "a.png")
    with pytest.raises(Unreadable, match=words) as caught:
        read(tmp_path / "a.png")
    assert caught.value.reason == reason


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_picture_that_was_cut_off_is_not_half_read(tmp_path: Path, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (80, 80)).astype(np.uint8)
    for kind in ("JPEG", "PNG", "TIFF", "WEBP", "BMP"):
        buffer = io.BytesIO()
        Pillow.fromarray(noise).save(buffer, kind)
        (tmp_path / "a").write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * share)])
        with pytest.raises(Unreadable) as caught:
            read(tmp_path / "a")
        assert caught.value.reason in ("truncated", "undecodable"), kind


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns(tmp_path: Path, suffix: str, orientation: int) -> None:
    """EXIF 2.3, tag 0112: where the stored first row and column are seen; a corner tells them apart."""
    upright = np.zeros((32, 48), np.uint8)
    upright[:8, :8], upright[:8, 40:] = 250, 120
    first_row, first_column = {
        **{1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left")},
        **{5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom")},
    }[orientation]
    stored = upright.T if first_row in ("left", "right") else upright
    stored = stored[::-1] if first_row in ("bottom", "right") else stored
    stored = stored[:, ::-1] if first_column in ("bottom", "right") else stored
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    options = {"jpg": {"quality": 100}, "webp": {"lossless": True}}.get(suffix, {})
    Pillow.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"a.{suffix}", exif=exif, **options)
    np.testing.assert_allclose(read(tmp_path / f"a.{suffix}").pixels[0], upright / 255, atol=0.02)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.float64])
def test_turns_of_deep_and_signed_tiffs(tmp_path: Path, dtype: type) -> None:
    """Orientation 6, whoever decodes the file: the stored first row is seen on the right."""
    upright = (GREY // 2).astype(dtype) * dtype(100 if dtype == np.uint16 else 1)
    colour = dtype == np.uint16
    expected = np.stack([upright, upright // 2, upright // 3], axis=-1) if colour else upright
    stored = np.ascontiguousarray(np.rot90(expected))
    options: dict[str, object] = {"photometric": "rgb"} if colour else {}
    tifffile.imwrite(tmp_path / "a.tif", stored, extratags=[(274, 3, 1, 6, True)], **options)
    np.testing.assert_allclose(read(tmp_path / "a.tif").pixels[0], expected / (65535 if colour else 1), atol=1e-6)
