"""Every kind of bad file is refused with its reason, by `Unreadable` and nothing else."""

import contextlib
import gzip
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from shiftscope.errors import REASONS, Unreadable
from shiftscope.images import read, read_mask


def reason_of(path: Path) -> str:
    with pytest.raises(Unreadable) as caught:
        read(path)
    assert caught.value.path == path
    assert caught.value.reason in REASONS
    assert caught.value.detail
    return caught.value.reason


def noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 250, shape, np.uint8)


@pytest.fixture
def good(tmp_path: Path) -> dict[str, bytes]:
    """One valid file of each kind, as bytes."""
    made = {}
    for suffix in ("png", "jpg", "bmp", "tif", "webp", "gif", "jp2"):
        Pillow.fromarray(noise((40, 50))).save(tmp_path / f"good.{suffix}")
        made[suffix] = (tmp_path / f"good.{suffix}").read_bytes()
    for suffix in ("nii", "nii.gz"):
        nibabel.save(nibabel.Nifti1Image(noise((12, 10, 8)).astype(np.int16), np.eye(4)), tmp_path / f"good.{suffix}")
        made[suffix] = (tmp_path / f"good.{suffix}").read_bytes()
    nibabel.save(nibabel.MGHImage(noise((12, 10, 8)).astype(np.int16), np.eye(4)), tmp_path / "good.mgz")
    made["mgz"] = (tmp_path / "good.mgz").read_bytes()
    return made


@pytest.mark.parametrize("suffix", ["png", "dcm", "nii.gz", "tif", ""])
def test_empty(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a.{suffix}").touch()
    assert reason_of(tmp_path / f"a.{suffix}") == "empty"


@pytest.mark.parametrize("suffix", ["png", "jpg", "dcm", "nii", "tif"])
def test_text(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a.{suffix}").write_text("<html>Please log in to download this image</html>" * 20)
    assert reason_of(tmp_path / f"a.{suffix}") == "not_an_image"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "jp2", "nii", "nii.gz", "mgz"])
def test_truncated(tmp_path: Path, good: dict[str, bytes], suffix: str, share: float) -> None:
    whole = good[suffix]
    (tmp_path / f"a.{suffix}").write_bytes(whole[: int(share * len(whole))])
    assert reason_of(tmp_path / f"a.{suffix}") in (
        "truncated",
        "undecodable" if suffix in ("tif", "jp2") else "truncated",
    )


def test_noise_inside_a_png(tmp_path: Path, good: dict[str, bytes]) -> None:
    body = bytearray(good["png"])
    body[60:200] = bytes(140)
    (tmp_path / "a.png").write_bytes(body)
    assert reason_of(tmp_path / "a.png") == "undecodable"


def test_foreign_formats_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", noise((4, 4)))
    (tmp_path / "a.nrrd").write_bytes(b"NRRD0004\ntype: short\n" + bytes(600))
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n" + bytes(600))
    for name, says in (("a.npy", "NumPy"), ("a.nrrd", "NRRD"), ("a.pdf", "PDF")):
        with pytest.raises(Unreadable, match=says) as caught:
            read(tmp_path / name)
        assert caught.value.reason == "unsupported"


def test_constant_and_the_95_byte_volume(tmp_path: Path) -> None:
    Pillow.fromarray(np.full((30, 30), 7, np.uint8)).save(tmp_path / "a.png")
    assert reason_of(tmp_path / "a.png") == "constant"
    nibabel.save(nibabel.Nifti1Image(np.zeros((3, 3, 3), np.uint8), np.eye(4)), tmp_path / "a.nii")
    with gzip.GzipFile(tmp_path / "a.nii.gz", "wb", 9, mtime=0) as zipped:
        zipped.write((tmp_path / "a.nii").read_bytes())
    assert (tmp_path / "a.nii.gz").stat().st_size < 140
    assert reason_of(tmp_path / "a.nii.gz") == "constant"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(tmp_path: Path, value: float) -> None:
    values = noise((12, 10, 8)).astype(np.float32)
    values[3, 4, 5] = value
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii.gz")
    assert reason_of(tmp_path / "a.nii.gz") == "not_finite"
    tifffile.imwrite(tmp_path / "a.tif", values[..., 5])
    assert reason_of(tmp_path / "a.tif") == "not_finite"
    nibabel.save(nibabel.Nifti1Image(np.full((4, 4, 4), value), np.eye(4)), tmp_path / "b.nii.gz")
    assert reason_of(tmp_path / "b.nii.gz") == "not_finite"


def test_larger_than_float32(tmp_path: Path) -> None:
    values = noise((12, 10, 8)).astype(np.float64)
    values[0, 0, 0] = 1e300
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii")
    assert reason_of(tmp_path / "a.nii") == "not_finite"


def test_zero_size(tmp_path: Path, dataset: Callable[..., pydicom.Dataset]) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 0, 0, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(png)
    assert reason_of(tmp_path / "a.png") == "zero_size"
    nibabel.save(nibabel.Nifti1Image(np.zeros((0, 4, 4), np.int16), np.eye(4)), tmp_path / "a.nii")
    assert reason_of(tmp_path / "a.nii") == "zero_size"
    data = dataset(np.ones((4, 4), np.uint16), Rows=0)
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    assert reason_of(tmp_path / "a.dcm") == "zero_size"


def test_file_that_is_not_there(tmp_path: Path) -> None:
    assert reason_of(tmp_path / "a.png") == "missing"
    assert reason_of(tmp_path) == "not_an_image"


def test_several_files_are_one_image_only_as_dicom(tmp_path: Path, good: dict[str, bytes]) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(good["png"])
    with pytest.raises(Unreadable, match="DICOM series"):
        read([tmp_path / "a.png", tmp_path / "b.png"])


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_broken_bytes_never_raise_anything_else(tmp_path: Path, good: dict[str, bytes], data: st.DataObject) -> None:
    body = bytearray(good[data.draw(st.sampled_from(sorted(good)))])
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), max_size=6)):
        body[place % len(body)] = value
    path = tmp_path / "broken"
    path.write_bytes(body[: data.draw(st.integers(0, len(body)))] if data.draw(st.booleans()) else body)
    for reader in (read, read_mask):
        with contextlib.suppress(Unreadable):
            assert reader(path).labels.size if reader is read_mask else reader(path).pixels.size
