"""Frames and slices of masks go to the slices of their image: DICOM segmentations, and other formats on a series."""

from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import tifffile
from drawn_series import (
    AXIAL,
    COLUMNS,
    LABEL_MAP,
    PRONE,
    ROWS,
    SAGITTAL,
    SLICES,
    SPARSE,
    TRUTH,
    data_set,
    expected_labels,
    item,
    position,
    segmentation,
    series,
)
from PIL import Image as Pillow

from shiftscope.errors import Unreadable
from shiftscope.sites import Case, load


@pytest.mark.parametrize("cosines", [AXIAL, PRONE, SAGITTAL], ids=["axial", "prone", "sagittal"])
def test_frames_of_a_segmentation_go_to_their_slices(cosines: Sequence[float], tmp_path: Path) -> None:
    """Empty frames are left out, as most writers do; frames come in no order."""
    files = series(tmp_path / "ct", cosines)
    image, mask = load(Case("a", files, (segmentation(tmp_path / "s.dcm", SPARSE, cosines),)))
    assert mask is not None
    assert image.pixels.shape[:3] == mask.labels.shape
    np.testing.assert_array_equal(mask.labels, expected_labels(image.pixels))
    assert mask.odd == ()
    assert np.bincount(mask.labels.reshape(-1)).tolist()[1:] == [63, 20]


def test_one_frame_is_enough(tmp_path: Path) -> None:
    files = series(tmp_path / "ct")
    image, mask = load(Case("a", files, (segmentation(tmp_path / "s.dcm", SPARSE[:1]),)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > 700)


def test_a_segmentation_with_all_frames(tmp_path: Path) -> None:
    files = series(tmp_path / "ct")
    frames = [(z, number, number == TRUTH[z]) for number in (1, 2) for z in range(SLICES)]
    image, mask = load(Case("a", files, (segmentation(tmp_path / "s.dcm", frames),)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels, expected_labels(image.pixels))


def test_frames_on_an_image_without_a_place_are_stacked_and_reported(tmp_path: Path) -> None:
    """All slices have a frame, or the size shows that frames are missing."""
    files = series(tmp_path / "ct")
    for file in files:
        data = pydicom.dcmread(file)
        del data.PixelSpacing
        data.save_as(file)
    path = segmentation(tmp_path / "s.dcm", [(z, 1, TRUTH[z] > 0) for z in range(SLICES)])
    image, mask = load(Case("a", files, (path,)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > -300)
    assert mask.odd == ("mask_without_place",)
    with pytest.raises(Unreadable) as caught:
        load(Case("a", files, (segmentation(tmp_path / "t.dcm", SPARSE),)))
    assert caught.value.reason == "mask_size"


def test_segments_in_files_of_their_own_are_joined(tmp_path: Path) -> None:
    files = series(tmp_path / "ct")
    paths = [segmentation(tmp_path / f"{n}.dcm", SPARSE[n : n + 1]) for n in range(3)]
    image, mask = load(Case("a", files, tuple(paths)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels, expected_labels(image.pixels))


def test_segments_that_overlap_are_told_and_the_higher_stands(tmp_path: Path) -> None:
    files = series(tmp_path / "ct")
    frames = [(3, 1, TRUTH[3] == 1), (3, 2, np.roll(TRUTH[3] == 1, 3, axis=1))]
    mask = load(Case("a", files, (segmentation(tmp_path / "s.dcm", frames),)))[1]
    assert mask is not None
    np.testing.assert_array_equal(mask.labels[3] == 2, frames[1][2])
    assert mask.odd == ("mask_overlap",)


def test_a_fractional_segmentation_is_cut_at_half(tmp_path: Path) -> None:
    files = series(tmp_path / "ct")
    frames = [(z, 1, np.where(TRUTH[z] > 0, 140, 60).astype(np.uint8)) for z in (2, 3, 5)]
    path = segmentation(tmp_path / "s.dcm", frames, SegmentationType="FRACTIONAL", MaximumFractionalValue=200)
    image, mask = load(Case("a", files, (path,)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > -300)


def test_a_label_map_segmentation(tmp_path: Path) -> None:
    files = series(tmp_path / "ct")
    frames = [(z, 1, TRUTH[z]) for z in (2, 3, 5)]
    path = segmentation(tmp_path / "s.dcm", frames, SOPClassUID=LABEL_MAP, SegmentationType="LABELMAP")
    image, mask = load(Case("a", files, (path,)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels, expected_labels(image.pixels))


@pytest.mark.parametrize(
    ("frames", "spacing"),
    [
        ([(2.6, 1, TRUTH[2])], (1.5, 0.75)),
        ([(2, 1, TRUTH[2]), (9, 1, TRUTH[3])], (1.5, 0.75)),
        ([(2, 1, TRUTH[2])], (0.75, 1.5)),
        ([(2, 1, np.kron(TRUTH[2], np.ones((2, 2), np.uint8)))], (0.75, 0.375)),
    ],
    ids=["between slices", "beyond the last slice", "rows and columns mixed up", "a finer grid"],
)
def test_frames_that_lie_on_no_slice_are_refused(
    frames: list[tuple[float, int, np.ndarray]], spacing: tuple[float, float], tmp_path: Path
) -> None:
    files = series(tmp_path / "ct")
    with pytest.raises(Unreadable) as caught:
        load(Case("a", files, (segmentation(tmp_path / "s.dcm", frames, spacing=spacing),)))
    assert caught.value.reason == "mask_geometry"


def test_a_segmentation_of_another_series_is_reported(tmp_path: Path) -> None:
    files = series(tmp_path / "ct", uid="1.2.3")
    for uid, odd in (("1.2.3", ()), ("1.2.4", ("mask_of_other_series",))):
        path = segmentation(tmp_path / "s.dcm", SPARSE, ReferencedSeriesSequence=[item(SeriesInstanceUID=uid)])
        mask = load(Case("a", files, (path,)))[1]
        assert mask is not None
        assert mask.odd == odd


def test_a_segmentation_of_a_radiograph_has_no_place(tmp_path: Path) -> None:
    """Projections have no frame of reference; segments are joined."""
    film = np.arange(ROWS * COLUMNS, dtype=np.uint16).reshape(ROWS, COLUMNS)
    data_set(film, Modality="DX").save_as(tmp_path / "a.dcm", enforce_file_format=True)
    path = segmentation(tmp_path / "s.dcm", [(0, 1, TRUTH[3] == 1), (0, 2, TRUTH[5] == 2)])
    data = pydicom.dcmread(path)
    del data.SharedFunctionalGroupsSequence
    for group in data.PerFrameFunctionalGroupsSequence:
        del group.PlanePositionSequence
    data.save_as(path)
    mask = load(Case("a", (tmp_path / "a.dcm",), (path,)))[1]
    assert mask is not None
    np.testing.assert_array_equal(mask.labels[0], np.where(TRUTH[5] == 2, 2, TRUTH[3]))


def test_contours_and_tiled_segmentations_are_refused_with_the_remedy(tmp_path: Path) -> None:
    files = series(tmp_path / "ct")
    contours = data_set(np.zeros((1, 1), np.uint8), Modality="RTSTRUCT", SOPClassUID="1.2.840.10008.5.1.4.1.1.481.3")
    del contours.PixelData, contours.Rows, contours.Columns
    contours.save_as(tmp_path / "rt.dcm", enforce_file_format=True)
    tiled = segmentation(tmp_path / "t.dcm", SPARSE, TotalPixelMatrixRows=400, TotalPixelMatrixColumns=400)
    for path, says in ((tmp_path / "rt.dcm", "convert them to a DICOM segmentation"), (tiled, "whole slide")):
        with pytest.raises(Unreadable, match=says) as caught:
            load(Case("a", files, (path,)))
        assert caught.value.reason == "unsupported"


def test_slices_of_labels_go_to_their_positions(tmp_path: Path) -> None:
    """Plain DICOM pictures whose grey levels are labels, one file a drawn slice."""
    files = series(tmp_path / "ct")
    paths = []
    for z in (5, 3, 2):
        paths.append(tmp_path / f"m{z}.dcm")
        data_set(
            TRUTH[z],
            ImagePositionPatient=position(z, AXIAL),
            ImageOrientationPatient=list(AXIAL),
            PixelSpacing=[1.5, 0.75],
            SliceThickness=4.0,
        ).save_as(paths[-1], enforce_file_format=True)
    image, mask = load(Case("a", files, tuple(paths)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels, expected_labels(image.pixels))


def _as_nifti() -> tuple[np.ndarray, np.ndarray]:
    """The truth as dcm2niix stores it, rows from the back up, and its affine."""
    affine = np.diag([-0.75, 1.5, 4.0, 1.0])
    first = np.array(position(0, AXIAL))
    affine[:3, 3] = [-first[0], -(first[1] + 1.5 * (ROWS - 1)), first[2]]
    return TRUTH.transpose(2, 1, 0)[:, ::-1], affine


def test_nifti_on_a_dicom_series(tmp_path: Path) -> None:
    files = series(tmp_path / "ct")
    stored, affine = _as_nifti()
    nibabel.save(nibabel.Nifti1Image(stored, affine), tmp_path / "m.nii.gz")
    image, mask = load(Case("a", files, (tmp_path / "m.nii.gz",)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels, expected_labels(image.pixels))
    assert mask.odd == ()
    for lost in (None, np.eye(4)):
        nibabel.save(nibabel.Nifti1Image(stored, lost), tmp_path / "l.nii.gz")
        with pytest.raises(Unreadable) as caught:
            load(Case("a", files, (tmp_path / "l.nii.gz",)))
        assert caught.value.reason == "mask_geometry"


@pytest.mark.parametrize("cosines", [AXIAL, PRONE, SAGITTAL], ids=["axial", "prone", "sagittal"])
def test_a_picture_drawn_on_a_dicom_slice_is_turned_with_it(cosines: Sequence[float], tmp_path: Path) -> None:
    files = series(tmp_path / "ct", cosines)
    chosen = next(f for f in files if pydicom.dcmread(f).InstanceNumber == SLICES - 3)
    Pillow.fromarray(TRUTH[3] * np.uint8(255)).save(tmp_path / "m.png")
    image, mask = load(Case("a", (chosen,), (tmp_path / "m.png",)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > -300)
    assert mask.odd == ()


def test_pages_on_a_dicom_series_are_its_slices_and_reported(tmp_path: Path) -> None:
    files = series(tmp_path / "ct", PRONE)
    tifffile.imwrite(tmp_path / "m.tif", TRUTH, photometric="minisblack")
    image, mask = load(Case("a", files, (tmp_path / "m.tif",)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels, expected_labels(image.pixels))
    assert mask.odd == ("mask_without_place",)
