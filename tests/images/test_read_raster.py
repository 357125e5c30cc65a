"""Pictures: every format and mode gives the pixels that were written."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image as Pillow

from shiftscope.errors import Unreadable
from shiftscope.images import as_seen, read
from shiftscope.images.pictures.pillow_arrays import grey_if_equal

LOSSLESS = ("png", "bmp", "tif", "webp", "gif", "jp2")


def save(array: np.ndarray, path: Path, **options: object) -> Path:
    Pillow.fromarray(array).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_grey_pictures_are_their_bytes_over_255(tmp_path: Path, gradient: np.ndarray, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {"irreversible": False} if suffix == "jp2" else {}
    image = read(save(gradient, tmp_path / f"a.{suffix}", **options))
    assert image.pixels.dtype == np.float32
    assert image.display == (0.0, 1.0)
    np.testing.assert_allclose(image.pixels, gradient[None] / 255, atol=1e-6)


@pytest.mark.parametrize("suffix", [suffix for suffix in LOSSLESS if suffix != "gif"])
def test_colour_pictures_keep_three_channels(tmp_path: Path, coloured: np.ndarray, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {"irreversible": False} if suffix == "jp2" else {}
    image = read(save(coloured, tmp_path / f"a.{suffix}", **options))
    np.testing.assert_allclose(image.pixels, coloured[None] / 255, atol=1e-6)


def test_jpeg_is_close_to_what_was_written(tmp_path: Path) -> None:
    smooth = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    image = read(save(smooth, tmp_path / "a.jpg", quality=95))
    assert np.abs(image.pixels[0] * 255 - smooth).max() <= 4


def test_jpeg_of_cmyk_becomes_rgb(tmp_path: Path) -> None:
    flat = np.zeros((32, 32, 3), np.uint8) + np.array([200, 40, 90], np.uint8)
    flat[:16] = 10
    Pillow.fromarray(flat).convert("CMYK").save(tmp_path / "a.jpg", quality=100, subsampling=0)
    image = read(tmp_path / "a.jpg")
    assert image.pixels.shape == (1, 32, 32, 3)
    assert np.abs(image.pixels[0, 24, 24] * 255 - [200, 40, 90]).max() <= 4


def test_sixteen_bits_are_divided_by_their_full_range(tmp_path: Path) -> None:
    deep = (np.arange(32 * 32, dtype=np.uint16) * 64).reshape(32, 32)
    for suffix in ("png", "tif"):
        image = read(save(deep, tmp_path / f"a.{suffix}"))
        np.testing.assert_allclose(image.pixels[0], deep / 65535, atol=1e-6)
        assert image.acquisition["bits"] == "16"


def test_one_bit_is_black_and_white(tmp_path: Path, gradient: np.ndarray) -> None:
    bits = gradient > 100
    Pillow.fromarray(bits).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels[0], bits.astype(np.float32))


def test_palettes_give_their_colours(tmp_path: Path) -> None:
    indices = np.arange(16, dtype=np.uint8).reshape(4, 4) % 3
    picture = Pillow.fromarray(indices).convert("P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 128, 255])
    picture.save(tmp_path / "a.png")
    expected = np.array([[0, 0, 0], [255, 0, 0], [0, 128, 255]])[indices] / 255
    np.testing.assert_allclose(read(tmp_path / "a.png").pixels[0], expected, atol=1e-6)


def test_alpha_is_composited_on_black(tmp_path: Path, coloured: np.ndarray, gradient: np.ndarray) -> None:
    image = read(save(np.dstack([coloured, gradient]), tmp_path / "a.png"))
    expected = coloured / 255 * gradient[..., None] / 255
    np.testing.assert_allclose(image.pixels[0], expected, atol=1 / 255)
    opaque = np.full_like(gradient, 255)
    image = read(save(np.dstack([gradient, opaque]), tmp_path / "b.png"))
    np.testing.assert_allclose(image.pixels, gradient[None] / 255, atol=1e-6)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, suffix: str, orientation: int) -> None:
    upright = np.zeros((32, 48), np.uint8)
    upright[:8], upright[:, :8] = 200, 120
    # How a camera stores a picture that the tag turns upright again: the inverse of the viewer's transform.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).T,
        8: np.rot90(upright, -1),
    }[orientation]
    picture = Pillow.fromarray(np.ascontiguousarray(stored))
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    picture.save(path, exif=exif, **({"quality": 100} if suffix == "jpg" else {}))
    np.testing.assert_allclose(read(path).pixels[0] * 255, upright, atol=3)


def test_tiff_of_three_channels_tagged_black_is_zero(tmp_path: Path, coloured: np.ndarray) -> None:
    """The original CVC-ClinicDB files: RGB samples under photometric 1, no extra samples; Pillow refuses them."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, coloured, photometric="rgb")
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["PhotometricInterpretation"].overwrite(1)
    with pytest.raises(Pillow.UnidentifiedImageError):
        Pillow.open(path)
    np.testing.assert_allclose(read(path).pixels[0], coloured / 255, atol=1e-6)


def test_tiff_of_floats_keeps_its_values(tmp_path: Path, gradient: np.ndarray) -> None:
    for dtype in (np.float32, np.float64):
        tifffile.imwrite(tmp_path / "a.tif", gradient.astype(dtype) * 10)
        image = read(tmp_path / "a.tif")
        np.testing.assert_allclose(image.pixels[0], gradient * 10.0)
        low, high = np.percentile(gradient * 10.0, (0.5, 99.5))
        assert image.display == pytest.approx((low, high))
    tifffile.imwrite(tmp_path / "b.tif", gradient.astype(np.float32) / 255)
    assert read(tmp_path / "b.tif").display == (0.0, 1.0)


def test_tiff_in_planes_and_in_big_tiff(tmp_path: Path, coloured: np.ndarray, gradient: np.ndarray) -> None:
    planes = np.ascontiguousarray(coloured.transpose(2, 0, 1))
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_allclose(read(tmp_path / "a.tif").pixels[0], coloured / 255, atol=1e-6)
    tifffile.imwrite(tmp_path / "b.tif", gradient, bigtiff=True)
    np.testing.assert_allclose(read(tmp_path / "b.tif").pixels[0], gradient / 255, atol=1e-6)


def test_tiff_pages_of_one_size_are_slices_and_of_many_sizes_the_first(tmp_path: Path, gradient: np.ndarray) -> None:
    pages = [Pillow.fromarray(np.roll(gradient, shift, axis=0)) for shift in range(5)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    volume = read(tmp_path / "a.tif").pixels
    assert volume.shape == (5, 40, 50)
    np.testing.assert_allclose(volume[3], np.roll(gradient, 3, axis=0) / 255, atol=1e-6)
    pages[0].save(tmp_path / "b.tif", save_all=True, append_images=[pages[1].resize((20, 20))])
    assert read(tmp_path / "b.tif").pixels.shape == (1, 40, 50)


def test_animation_is_its_first_frame(tmp_path: Path, gradient: np.ndarray) -> None:
    frames = [Pillow.fromarray(gradient), Pillow.fromarray(255 - gradient)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(read(tmp_path / "a.gif").pixels[0], gradient / 255, atol=1e-6)


def test_grey_stored_as_rgb_is_grey(tmp_path: Path, gradient: np.ndarray, coloured: np.ndarray) -> None:
    stacked = np.stack([gradient] * 3, axis=-1)
    assert read(save(stacked, tmp_path / "a.png")).pixels.shape == (1, 40, 50)
    smooth = np.asarray(Pillow.fromarray(stacked).resize((200, 200)))
    assert read(save(smooth, tmp_path / "a.jpg", quality=60)).pixels.ndim == 3
    one_pixel = stacked.copy()
    one_pixel[17, 33, 0] ^= 128  # off the sparse grid that is looked at first
    assert read(save(one_pixel, tmp_path / "b.png")).pixels.shape == (1, 40, 50, 3)
    assert read(save(coloured, tmp_path / "c.png")).pixels.shape == (1, 40, 50, 3)


@given(arrays.arrays(np.uint8, (1, 7, 9, 3), elements=st.integers(0, 255)), st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_grey_means_no_channels_further_apart_than_two(values: np.ndarray, spread: int) -> None:
    near = values[..., :1] // 2 + np.array([0, 0, spread], np.uint8)
    assert (grey_if_equal(near).ndim == 3) == (spread <= 2)


def test_wrong_suffix_does_not_matter(tmp_path: Path, gradient: np.ndarray) -> None:
    Pillow.fromarray(gradient).save(tmp_path / "a.jpg", format="PNG")
    np.testing.assert_allclose(read(tmp_path / "a.jpg").pixels[0], gradient / 255, atol=1e-6)
    Pillow.fromarray(gradient).save(tmp_path / "noname", format="TIFF")
    assert read(tmp_path / "noname").pixels.shape == (1, 40, 50)


def test_as_seen_is_the_display_range(tmp_path: Path, gradient: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", gradient.astype(np.float32) * 7 - 300)
    image = read(tmp_path / "a.tif")
    shown = as_seen(image)
    low, high = image.display
    np.testing.assert_allclose(shown, np.clip((image.pixels - low) / (high - low), 0, 1), atol=1e-6)
    assert shown.dtype == np.float32
    assert not np.shares_memory(shown, image.pixels)


def test_too_large_a_picture_is_refused_by_its_header(tmp_path: Path) -> None:
    """A 60,000 x 60,000 one-bit PNG is small on disk; decoding it is not tried."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(Unreadable) as caught:
        read(tmp_path / "a.png")
    assert caught.value.reason == "unsupported"
