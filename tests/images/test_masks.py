"""How grey levels and labels become a mask."""

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from shiftscope.errors import Unreadable
from shiftscope.images import read, read_mask


def labels_of(path: Path) -> np.ndarray:
    return read_mask(path).labels


@pytest.fixture
def disc() -> np.ndarray:
    """(40, 50) bool."""
    y, x = np.mgrid[:40, :50]
    return (y - 15) ** 2 + (x - 30) ** 2 < 100


def save(array: np.ndarray, path: Path, **options: object) -> Path:
    Pillow.fromarray(array).save(path, **options)
    return path


@pytest.mark.parametrize("value", [1, 2, 100, 200, 255])
def test_two_values_are_background_and_foreground(tmp_path: Path, disc: np.ndarray, value: int) -> None:
    mask = labels_of(save(disc.astype(np.uint8) * value, tmp_path / "a.png"))
    assert mask.dtype == np.uint8
    assert mask.shape == (1, 40, 50)
    np.testing.assert_array_equal(mask[0] > 0, disc)
    assert mask.max() == (value if value < 32 else 1)  # small values are class ids and stay


def test_class_ids_stay_and_their_void_is_background(tmp_path: Path, disc: np.ndarray) -> None:
    ids = disc.astype(np.uint8) * 3
    ids[:5] = 7
    np.testing.assert_array_equal(labels_of(save(ids, tmp_path / "a.png"))[0], ids)
    with_void = ids.copy()
    with_void[-3:] = 255
    expected = ids.copy()
    expected[-3:] = 0
    np.testing.assert_array_equal(labels_of(save(with_void, tmp_path / "b.png"))[0], expected)


def test_soft_edges_are_cut_at_half(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(0, 255, 5, dtype=np.uint8), (20, 1))
    np.testing.assert_array_equal(labels_of(save(ramp, tmp_path / "a.png"))[0], ramp >= 127.5)


def test_jpeg_greys_are_never_class_ids(tmp_path: Path, disc: np.ndarray) -> None:
    mask = labels_of(save(disc.astype(np.uint8) * 255, tmp_path / "a.jpg", quality=60))
    assert set(np.unique(mask)) == {0, 1}
    assert (mask[0].astype(bool) ^ disc).mean() < 0.01
    nearly_black = np.random.default_rng(0).integers(0, 6, (40, 50), np.uint8)
    assert labels_of(save(nearly_black, tmp_path / "b.jpg", quality=95)).max() == 0


def test_a_mask_may_be_all_background(tmp_path: Path) -> None:
    assert labels_of(save(np.zeros((8, 8), np.uint8), tmp_path / "a.png")).max() == 0


def test_sixteen_bit_container(tmp_path: Path, disc: np.ndarray) -> None:
    for value in (255, 65535):
        mask = labels_of(save(disc.astype(np.uint16) * value, tmp_path / "a.png"))
        np.testing.assert_array_equal(mask[0], disc)


def test_rgb_palette_and_one_bit_masks(tmp_path: Path, disc: np.ndarray) -> None:
    red = np.zeros((40, 50, 3), np.uint8)
    red[disc, 0] = 255
    np.testing.assert_array_equal(labels_of(save(red, tmp_path / "a.png"))[0], disc)
    indexed = Pillow.fromarray(disc.astype(np.uint8) * 2).convert("P")
    indexed.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])  # as in Pascal VOC: the index is the class
    indexed.save(tmp_path / "b.png")
    np.testing.assert_array_equal(labels_of(tmp_path / "b.png")[0], disc * 2)
    Pillow.fromarray(disc).save(tmp_path / "c.png")
    np.testing.assert_array_equal(labels_of(tmp_path / "c.png")[0], disc)


def test_grey_palette_counts_by_its_greys(tmp_path: Path, disc: np.ndarray) -> None:
    """An optimised palette may call white 0: indices would turn the mask inside out."""
    indexed = Pillow.fromarray((~disc).astype(np.uint8)).convert("P")
    indexed.putpalette([255, 255, 255, 0, 0, 0])
    indexed.save(tmp_path / "a.png")
    np.testing.assert_array_equal(labels_of(tmp_path / "a.png")[0], disc)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_volume_labels_are_kept(tmp_path: Path, dtype: type) -> None:
    labels = np.random.default_rng(0).integers(0, 4, (9, 8, 7)).astype(dtype)
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([-1, -1, 1, 1])), tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(labels_of(tmp_path / "a.nii.gz"), labels.T)


def test_many_labels_need_sixteen_bits(tmp_path: Path) -> None:
    labels = (np.arange(9 * 8 * 7).reshape(9, 8, 7) * 3).astype(np.int32)
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([-1, -1, 1, 1])), tmp_path / "a.nii.gz")
    mask = labels_of(tmp_path / "a.nii.gz")
    assert mask.dtype == np.uint16
    np.testing.assert_array_equal(mask, labels.T)


def test_volume_probabilities_are_cut_at_half(tmp_path: Path) -> None:
    shares = np.random.default_rng(0).random((9, 8, 7)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(shares, np.diag([-1, -1, 1, 1])), tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(labels_of(tmp_path / "a.nii.gz"), shares.T >= 0.5)


def test_volume_of_255_is_binary(tmp_path: Path) -> None:
    labels = np.zeros((9, 8, 7), np.uint8)
    labels[2:5, 3:6, 1:4] = 255
    nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), tmp_path / "a.nii.gz")
    assert set(np.unique(labels_of(tmp_path / "a.nii.gz"))) == {0, 1}


@pytest.mark.parametrize(("value", "reason"), [(-1.0, "unsupported"), (1e6, "unsupported"), (np.nan, "not_finite")])
def test_volume_labels_out_of_range(tmp_path: Path, value: float, reason: str) -> None:
    labels = np.zeros((9, 8, 7), np.float32)
    labels[1, 2, 3] = value
    nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), tmp_path / "a.nii.gz")
    with pytest.raises(Unreadable) as caught:
        labels_of(tmp_path / "a.nii.gz")
    assert caught.value.reason == reason


def test_dicom_labels(write_dicom: Callable[..., Path], disc: np.ndarray) -> None:
    path = write_dicom("a.dcm", disc.astype(np.uint16) * 2)
    np.testing.assert_array_equal(labels_of(path)[0], disc * 2)


def test_dicom_segmentation_becomes_labels_in_slice_order(
    tmp_path: Path, dataset: Callable[..., pydicom.Dataset], disc: np.ndarray
) -> None:
    """Two segments over three slices, frames in no order; the file itself is refused as an image."""
    placed = [(2, 30.0, disc), (1, 10.0, np.roll(disc, 3)), (1, 20.0, np.roll(disc, 5)), (2, 20.0, ~disc)]
    data = dataset(
        np.stack([frame for *_, frame in placed]).astype(np.uint8),
        NumberOfFrames=4,
        Modality="SEG",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4",
        SegmentationType="BINARY",
    )
    data.PixelData = np.packbits(np.stack([frame for *_, frame in placed]).reshape(-1), bitorder="little").tobytes()
    data.BitsAllocated = data.BitsStored = 1
    data.HighBit = 0
    orientation, shared = Dataset(), Dataset()
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PlaneOrientationSequence = Sequence([orientation])
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for number, depth, _ in placed:
        group, position, segment = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, depth]
        segment.ReferencedSegmentNumber = number
        group.PlanePositionSequence = Sequence([position])
        group.SegmentIdentificationSequence = Sequence([segment])
        groups.append(group)
    data.PerFrameFunctionalGroupsSequence = Sequence(groups)
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    mask = labels_of(tmp_path / "a.dcm")
    assert mask.shape == (3, 40, 50)
    np.testing.assert_array_equal(mask[0], np.roll(disc, 3))
    np.testing.assert_array_equal(mask[1], np.where(~disc, 2, np.roll(disc, 5)))
    np.testing.assert_array_equal(mask[2], disc * 2)
    with pytest.raises(Unreadable, match="mask"):
        read(tmp_path / "a.dcm")
