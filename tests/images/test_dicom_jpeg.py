"""JPEG and JPEG-LS in DICOM: samples that are known, from streams that no library wrote, and broken streams."""

import base64
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
import pytest
from jpegs import flat_blocks, lossless, segment
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders import JPEG2000LosslessDecoder, JPEGLosslessSV1Decoder, RLELosslessDecoder
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from shiftscope.errors import Unreadable
from shiftscope.images import read
from shiftscope.images.dicom_values.jpeg_header import jpeg_header

WriteFrame = Callable[..., Path]

Y, X = np.indices((12, 16))
DEEP = ((37 * Y + 11 * X * X) % 4096).astype(np.uint16)
GREY = ((9 * Y + 5 * X) % 251).astype(np.uint8)
COLOURED = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)
JPEG_LS = {
    "deep": (
        "/9j/9wALEAAMABABAREA//gADQH//wASAEMBFABA/9oACAEBAAAAAKCsQY2yZmHdtHaj7jzfi/ehlIabYlQWiFEqJUSJGkShUCfT"
        "ydRKiVEqJUFIgRInFtaWVhXVlVURIiREiJEJR9I1NSUVBPT05atSNI0jSNCEeSJYsWK1apUqVJEkSRJEh06oVKlSpUKFChQoVCoV"
        "Chk4oE6dOnTp0yZMoFAoFAhU2n0yZMmTJlVVU+n0+n0Imk8qqqqqoooonk8nk8iJlOqKKKKJpppp1Op1OoaYTiaaaaaaaaacTicT"
        "iGrraaaaSSSSSltbWwD/2QA="
    ),
    "grey": "/9j/9wALCAAMABABAREA/9oACAEBAAAAAIpS/pf3/zbQxkcm22kqMGqqr9BH/353/3Rn/3yv/3kf/3d//13/f2f/eZ//YP/Z",
    "coloured": (
        "/9j/9wARCAAMABADAREAAhEAAxEA/9oADAMBAAIAAwAAAgBAAAA4sExVFSwqVelWpUlKkpUlLEpYn2J9n+z/M/2f7AwUMaI6TW3b"
        "JrWta3/NEBgpH/9//3//aRz2f/9//3/+spqP/3//f/9u5ff/f/9//3Zic/9//3//c2fn/3//f/9tW1//f/9//zbd/3//f/97bd//"
        "f/9//zbd/3//f/97AP/ZAA=="
    ),
    "near": "/9j/9wALCAAMABABAREA/9oACAEBAAMAALnvmXUlJVSVilrunnOfzn6+bU//f/9z+/6//V//dP6t9f9+/9k=",
    "near deep": (
        "/9j/9wALEAAMABABAREA//gADQH//wAbAFIBKQBA/9oACAEBAAMAAKBweHxWbwymt5+/6OlqavCoJCoqFQqKlSpVFVEKhUKhkFIl"
        "RlVE1GMWtGRUVFQpFUq1rUpSlKSpUqFRRIpSlKZmVKlSopqJVVVVVVKlSpEU2KqyqqqqqKqorWoqqqqqqqooitaioqqqpKKKoKWq"
        "20kmolUUQpaiSbbSiVRRClJttJJqKKD/2QA="
    ),
}
"""The three images, and two of them off by up to 3 levels, as CharLS writes them; libjpeg reads the same samples."""


@pytest.fixture
def write_frame(tmp_path: Path, dataset: Callable[..., pydicom.Dataset]) -> WriteFrame:
    """Write one coded frame: write_frame(stream, pixels of the same shape and type, syntax, Keyword=value, ...)."""

    def write(stream: bytes, like: np.ndarray, syntax: str, name: str = "a.dcm", **tags: object) -> Path:
        data = dataset(like, **tags)
        data.file_meta.TransferSyntaxUID = syntax
        data.PixelData = encapsulate([stream])
        data["PixelData"].is_undefined_length = True
        data.save_as(tmp_path / name, enforce_file_format=True)
        return tmp_path / name

    return write


def blocks(precision: int, colours: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Levels of 5 x 6 blocks, and the pixels they stand for."""
    shape = (5, 6) if colours == 1 else (5, 6, colours)
    levels = np.random.default_rng(0).integers(0, 2**precision, shape)
    pixels = levels.repeat(8, axis=0).repeat(8, axis=1)
    return levels, pixels.astype(np.uint8 if precision == 8 else np.uint16)


@pytest.mark.parametrize(
    ("syntax", "process", "precision", "bits"),
    [
        (JPEGBaseline8Bit, 0xC0, 8, {}),
        (JPEGExtended12Bit, 0xC1, 8, {}),
        (JPEGExtended12Bit, 0xC1, 12, {"BitsStored": 12, "HighBit": 11}),
        (JPEGBaseline8Bit, 0xC1, 12, {"BitsStored": 12, "HighBit": 11}),  # the stream knows better
    ],
)
def test_dct(
    write_frame: WriteFrame, capfd: pytest.CaptureFixture[str], syntax: str, process: int, precision: int, bits: dict
) -> None:
    levels, pixels = blocks(precision)
    path = write_frame(flat_blocks(levels, precision, process=process), pixels, syntax, **bits)
    image = read(path)
    np.testing.assert_array_equal(image.pixels[0] * (255 if precision == 8 else 1), pixels)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("added", ["", "JFIF 1", "JFIF 9", "Adobe RGB", "Adobe YCCK"])
def test_colours_are_as_stored_whatever_an_application_adds(write_frame: WriteFrame, planar: int, added: str) -> None:
    """An Adobe segment's last byte names the colours, JFIF's sixth its version: GDCM dies of one it does not know."""
    levels, pixels = blocks(8, colours=3)
    kind, _, value = added.partition(" ")
    segments = {
        "": b"",
        "JFIF": segment(0xE0, b"JFIF\x00" + bytes([int(value) if kind == "JFIF" else 0, 1, 0, 0, 1, 0, 1, 0, 0])),
        "Adobe": segment(0xEE, b"Adobe\x00\x64\x00\x00\x00\x00" + (b"\x02" if value == "YCCK" else b"\x00")),
    }[kind]
    stream = flat_blocks(levels, 8, process=0xC0, added=segments)
    tags = {"PlanarConfiguration": planar, "PhotometricInterpretation": "RGB", "Modality": "XC"}
    image = read(write_frame(stream, pixels, JPEGBaseline8Bit, **tags))
    if kind == "JFIF":  # which means YBR
        assert image.pixels.shape == (1, 40, 48, 3)
    else:
        np.testing.assert_allclose(image.pixels[0] * 255, pixels, atol=1e-4)


@pytest.mark.parametrize("predictor", range(1, 8))
def test_lossless_with_each_predictor(write_frame: WriteFrame, predictor: int) -> None:
    path = write_frame(lossless(DEEP, 12, predictor=predictor), DEEP, JPEGLossless, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(read(path).pixels[0], DEEP)


@pytest.mark.parametrize(
    ("kind", "precision", "stored"),
    [
        ("u1", 8, 8),
        ("u1", 7, 7),
        ("u1", 8, 6),
        ("u2", 8, 8),
        ("u2", 10, 10),
        ("u2", 16, 12),
        ("u2", 16, 16),
        ("i2", 16, 16),
    ],
)
def test_lossless_depths(write_frame: WriteFrame, kind: str, precision: int, stored: int) -> None:
    """Bits that are allocated but not stored included: GDCM's own way with those ends the process."""
    pixels = (DEEP.astype(int) * 16 % 2**stored - (2 ** (stored - 1) if kind == "i2" else 0)).astype(kind)
    path = write_frame(
        lossless(pixels, precision),
        pixels,
        JPEGLosslessSV1,
        BitsStored=stored,
        HighBit=stored - 1,
        RescaleSlope=2,
        RescaleIntercept=0,
    )
    np.testing.assert_array_equal(read(path).pixels[0], 2.0 * pixels.astype(float))


def test_lossless_signed_values_in_few_bits(write_frame: WriteFrame) -> None:
    pixels = DEEP.astype(np.int16) - 2048
    path = write_frame(lossless(pixels, 12), pixels, JPEGLosslessSV1, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(read(path).pixels[0], pixels)


def test_lossless_colour(write_frame: WriteFrame) -> None:
    path = write_frame(lossless(COLOURED, 8), COLOURED, JPEGLosslessSV1, Modality="XC")
    np.testing.assert_allclose(read(path).pixels[0] * 255, COLOURED, atol=1e-4)


@pytest.mark.parametrize(("name", "image"), [("deep", DEEP), ("grey", GREY), ("coloured", COLOURED)])
def test_jpeg_ls(write_frame: WriteFrame, name: str, image: np.ndarray) -> None:
    path = write_frame(
        base64.b64decode(JPEG_LS[name]), image, JPEGLSLossless, Modality="XC", RescaleSlope=2, RescaleIntercept=0
    )
    values = read(path).pixels[0]
    np.testing.assert_allclose(values * 255 if name == "coloured" else values / 2, image, atol=1e-4)


@pytest.mark.parametrize(("name", "image"), [("near", GREY), ("near deep", DEEP)])
def test_nearly_lossless_jpeg_ls(write_frame: WriteFrame, name: str, image: np.ndarray) -> None:
    path = write_frame(base64.b64decode(JPEG_LS[name]), image, JPEGLSNearLossless, RescaleSlope=2, RescaleIntercept=0)
    assert np.abs(read(path).pixels[0] / 2 - image).max() == 3


# --- broken streams -----------------------------------------------------------------------------------------------


GOOD = lossless(DEEP, 16)
DCT = flat_blocks(blocks(8)[0], 8)


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        (b"", "starts with nothing"),
        (b"GIF89a", "starts with 4749"),
        (b"\xff\xd8\xff\xd9", "no picture"),
        (GOOD[:-2], "before its end mark"),
        (GOOD[: len(GOOD) // 2], "before its end mark"),
        (GOOD[:30], "breaks the standard at byte"),
        (GOOD.replace(b"\xff\xc3", b"\xff\xc5"), "breaks the standard at byte 2 .mark c5"),
        (GOOD.replace(b"\xff\xc3\x00\x0b\x10", b"\xff\xc3\x00\x0b\x11"), "process c3 with 17 bits"),
        (GOOD.replace(b"\x01\x11\x00\xff\xc4", b"\x01\x51\x00\xff\xc4"), "frame header"),
        (GOOD.replace(b"\x00\x00\x00\x00\x00\x11", b"\x03\x00\x00\x00\x00\x0e"), "mark c4"),  # three codes of one bit
        (DCT.replace(b"\x00\x3f\x00", b"\x00\x00\x00"), "mark da"),  # the scan ends at coefficient 0, not 63
        (DCT.replace(b"\xff\xdb\x00\x43\x00", b"\xff\xdb\x00\x43\x05"), "mark db"),
        (
            DCT.replace(b"\x01\x01\x00\x00\x3f\x00", b"\x01\x07\x00\x00\x3f\x00"),
            "mark da",
        ),  # a colour that is not there
    ],
)
def test_a_header_that_breaks_the_standard_is_reported(stream: bytes, says: str) -> None:
    assert stream not in (GOOD, DCT)
    with pytest.raises(ValueError, match=says):
        jpeg_header(stream)


def test_the_header_is_that_of_the_stream() -> None:
    header = jpeg_header(flat_blocks(blocks(8, 3)[0], 8, added=segment(0xFE, b"a comment \xff\xd9")))
    assert (header.process, header.precision, header.rows, header.columns) == (0xC1, 8, 40, 48)
    assert header.components == (1, 2, 3)
    assert header.bare == flat_blocks(blocks(8, 3)[0], 8)
    assert jpeg_header(base64.b64decode(JPEG_LS["coloured"])).process == 0xF7


@pytest.mark.parametrize("like", [DEEP[:-1], DEEP[:, :-2], DEEP.astype(np.uint8)])
@pytest.mark.parametrize("stream", [GOOD, base64.b64decode(JPEG_LS["deep"])])
def test_a_data_set_that_differs_from_its_stream_is_refused(
    write_frame: WriteFrame, like: np.ndarray, stream: bytes
) -> None:
    """GDCM would end the process, or hand out part of the picture under the wrong shape."""
    with pytest.raises(Unreadable, match=r"undecodable: .* (the data set says \(|in the data set)"):
        read(write_frame(stream, like, JPEGLSLossless if stream != GOOD else JPEGLosslessSV1))


def test_a_frame_that_is_cut_off_is_refused(write_frame: WriteFrame) -> None:
    for cut in range(100, len(GOOD), 50):
        with pytest.raises(Unreadable, match="undecodable"):
            read(write_frame(GOOD[:cut], DEEP, JPEGLosslessSV1))


FUZZ = """
import numpy as np, pathlib, sys
from pydicom.pixels import pixel_array
import pydicom, shiftscope.images
from shiftscope.images.dicom_values.jpeg_frames import GDCM
from pydicom.encaps import encapsulate, generate_frames
rng, refused = np.random.default_rng(0), 0
for path in sys.argv[1:]:
    data = pydicom.dcmread(path)
    stream = next(generate_frames(data.PixelData, number_of_frames=1))
    head = stream.index(bytes([255, 218])) + 14
    for _ in range(400):
        broken = bytearray(stream)
        broken[int(rng.integers(2, head))] = int(rng.integers(256))
        data.PixelData = encapsulate([bytes(broken)])
        try:
            pixel_array(data, decoding_plugin=GDCM)
        except (ValueError, RuntimeError, AttributeError):
            refused += 1
print(refused)
"""


def test_no_broken_header_ends_the_process(write_frame: WriteFrame) -> None:
    """In a process of its own: GDCM itself aborts, or reads where no memory is, on about one in a hundred of these."""
    levels, pixels = blocks(8)
    jfif = segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
    paths = [
        write_frame(GOOD, DEEP, JPEGLosslessSV1, "a.dcm"),
        write_frame(flat_blocks(levels, 8, process=0xC0, added=jfif), pixels, JPEGBaseline8Bit, "b.dcm"),
        write_frame(base64.b64decode(JPEG_LS["deep"]), DEEP, JPEGLSLossless, "c.dcm"),
    ]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FUZZ, *paths], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert int(done.stdout.split()[-1]) > 300


# --- whoever else is installed ------------------------------------------------------------------------------------


@pytest.fixture
def another_decoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A decoder that pydicom would try first, and that gives zeros."""
    module = types.ModuleType("a_decoder")
    module.is_available = lambda _: True  # type: ignore[attr-defined]
    module.decode = lambda _, runner: bytes(runner.frame_length(unit="bytes"))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_decoder", module)
    decoders = (JPEGLosslessSV1Decoder, JPEG2000LosslessDecoder, RLELosslessDecoder)
    for decoder in decoders:
        before = dict(decoder._available)
        decoder._available.clear()
        decoder.add_plugin("another", ("a_decoder", "decode"))
        decoder._available.update(before)
    yield
    for decoder in decoders:
        decoder.remove_plugin("another")


@pytest.mark.usefixtures("another_decoder")
@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEG2000Lossless, RLELossless])
def test_pixels_do_not_depend_on_what_else_is_installed(
    tmp_path: Path, dataset: Callable[..., pydicom.Dataset], write_frame: WriteFrame, syntax: str
) -> None:
    pixels = np.tile(DEEP, (4, 4))
    if syntax == JPEGLosslessSV1:
        path = write_frame(lossless(pixels, 16), pixels, syntax)
    else:
        data = dataset(pixels)
        data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        data.compress(syntax)
        data.save_as(path := tmp_path / "b.dcm", enforce_file_format=True)
    assert not pydicom.dcmread(path).pixel_array.any()  # the other one is in charge where nobody is named
    np.testing.assert_array_equal(read(path).pixels[0], pixels)


def test_threads_decode_what_one_thread_decodes(write_frame: WriteFrame) -> None:
    paths, truth = [], []
    for n in range(12):
        pixels = np.roll(DEEP, n, axis=1)[: 12 - n % 3]
        paths.append(write_frame(lossless(pixels, 16), pixels, JPEGLosslessSV1, f"{n}.dcm"))
        truth.append(pixels)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            for image, pixels in zip(pool.map(read, paths), truth, strict=True):
                np.testing.assert_array_equal(image.pixels[0], pixels)
