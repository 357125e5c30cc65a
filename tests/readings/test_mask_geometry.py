"""Masks that lie on their image in every way that exports have: each voxel where it belongs, or refused, or told."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image as Pillow
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from shiftscope.errors import Unreadable
from shiftscope.images import read, read_mask
from shiftscope.images.oddities import ODDITIES
from shiftscope.sites import Case, load

# --- NIfTI beside NIfTI -----------------------------------------------------------------------------------------------

SHAPE = (24, 20, 16)
LESION = (slice(3, 9), slice(2, 12), slice(4, 7))  # in no way symmetric
AFFINE = np.array([[-1.5, 0, 0, 20.0], [0, 1.2, 0, -31.0], [0, 0, 2.0, 7.0], [0, 0, 0, 1.0]])


def turned_about_z(affine: np.ndarray, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) @ affine


def nifti(values: np.ndarray, affine: np.ndarray | None, path: Path, *, units: str = "mm") -> Path:
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_xyzt_units(units)
    nibabel.save(image, path)
    return path


def drawn() -> np.ndarray:
    """(24, 20, 16) the lesion as stored."""
    values = np.zeros(SHAPE, np.uint8)
    values[LESION] = 1
    return values


def scanned() -> np.ndarray:
    """The image as stored: bright where the lesion is."""
    noise = np.random.default_rng(0).integers(0, 200, SHAPE).astype(np.int16)
    return noise + 1000 * drawn().astype(np.int16)


def centroid(where: np.ndarray) -> np.ndarray:
    """As shares of the sides."""
    return np.array([np.mean(index) / side for index, side in zip(np.nonzero(where), where.shape, strict=True)])


def loaded(tmp_path: Path, affine: np.ndarray | None, mask: np.ndarray, mask_affine: np.ndarray | None) -> Any:
    image = nifti(scanned(), affine, tmp_path / "i.nii.gz")
    return load(Case("a", (image,), (nifti(mask, mask_affine, tmp_path / "m.nii.gz"),)))


def _same(tmp_path: Path) -> Any:
    return loaded(tmp_path, AFFINE, drawn(), AFFINE)


def _stored_otherwise(tmp_path: Path) -> Any:
    """Reoriented by a tool, voxels and affine alike."""
    turned = nibabel.Nifti1Image(drawn(), AFFINE).as_reoriented(np.array([[2, -1], [0, 1], [1, -1]]))
    return loaded(tmp_path, AFFINE, np.asarray(turned.dataobj), turned.affine)


def _rounded(tmp_path: Path) -> Any:
    return loaded(tmp_path, AFFINE, drawn(), AFFINE + 1e-4 * np.vstack([np.ones((3, 4)), np.zeros(4)]))


def _oblique(tmp_path: Path) -> Any:
    affine = turned_about_z(AFFINE, 17.0)
    return loaded(tmp_path, affine, drawn(), np.round(affine, 4))


def _near_45_degrees(tmp_path: Path) -> Any:
    """Rounding alone tells which axis is the nearest: image and mask are turned in two ways."""
    return loaded(tmp_path, turned_about_z(AFFINE, 44.95), drawn(), turned_about_z(AFFINE, 45.05))


def _micrometres(tmp_path: Path) -> Any:
    image = nifti(scanned(), AFFINE, tmp_path / "i.nii.gz")
    scaled = np.diag([1000, 1000, 1000, 1]) @ AFFINE
    return load(Case("a", (image,), (nifti(drawn(), scaled, tmp_path / "m.nii.gz", units="micron"),)))


def _both_without_codes(tmp_path: Path) -> Any:
    return loaded(tmp_path, None, drawn(), None)


RIGHT = {
    "same header": _same,
    "stored in another order": _stored_otherwise,
    "rounded": _rounded,
    "oblique, rounded": _oblique,
    "near 45 degrees": _near_45_degrees,
    "micrometres": _micrometres,
    "neither says how it lies": _both_without_codes,
}


@pytest.mark.parametrize("kind", RIGHT)
def test_the_same_voxels_are_found_whatever_their_order(kind: str, tmp_path: Path) -> None:
    image, mask = RIGHT[kind](tmp_path)
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > 500)
    assert mask.odd == ()


LOST = {
    "no codes": None,
    "identity": np.eye(4),
    "identity of ITK": np.diag([-1.0, -1.0, 1.0, 1.0]),
    "spacing alone": np.diag([1.5, 1.2, 2.0, 1.0]),
}


@pytest.mark.parametrize("kind", LOST)
def test_a_mask_whose_header_was_lost_is_laid_voxel_by_voxel(kind: str, tmp_path: Path) -> None:
    """Turned by its own header the mask would lie mirrored: its centre at .77 of the width instead of .23."""
    image, mask = loaded(tmp_path, AFFINE, drawn(), LOST[kind])
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > 500)
    assert centroid(mask.labels)[2] == pytest.approx(5.5 / 24)
    assert mask.odd == ("mask_without_place",)


@pytest.mark.parametrize("kind", LOST)
def test_an_image_whose_header_was_lost_takes_its_mask_voxel_by_voxel(kind: str, tmp_path: Path) -> None:
    image, mask = loaded(tmp_path, LOST[kind], drawn(), AFFINE)
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > 500)
    assert mask.odd == ("mask_without_place",)


def test_a_part_of_the_image_goes_to_its_place(tmp_path: Path) -> None:
    """A bounding box, as some tools write: on the image's grid, its origin moved by whole voxels."""
    corner = np.array([2, 1, 3])
    affine = AFFINE.copy()
    affine[:3, 3] += AFFINE[:3, :3] @ corner
    image, mask = loaded(tmp_path, AFFINE, drawn()[2:12, 1:15, 3:10], affine)
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > 500)
    assert mask.odd == ("mask_part",)


def test_half_a_voxel_is_read_and_told(tmp_path: Path) -> None:
    """Some count from the edge of a voxel, some from its middle."""
    affine = AFFINE.copy()
    affine[:3, 3] += AFFINE[:3, :3] @ [0.5, 0.5, 0.5]
    image, mask = loaded(tmp_path, AFFINE, drawn(), affine)
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > 500)
    assert mask.odd == ("mask_shifted",)


MIRRORED = AFFINE @ np.diag([-1.0, 1.0, 1.0, 1.0])
ELSEWHERE = {
    "mirrored": MIRRORED,
    "other origin": AFFINE + np.array([[0, 0, 0, 6.0]] + 3 * [[0, 0, 0, 0]]),
    "other slices": AFFINE + np.array(2 * [[0, 0, 0, 0]] + [[0, 0, 0, 3.0]] + [[0, 0, 0, 0]]),
    "other spacing": AFFINE @ np.diag([1.0, 1.0, 1.25, 1.0]),
    "turned by 10 degrees": turned_about_z(AFFINE, 10.0),
    "default of another spacing": np.diag([0.5, 0.5, 3.0, 1.0]),
}


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_a_mask_that_declares_another_place_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"up to .* mm from its image .*resample it onto the image's grid") as caught:
        loaded(tmp_path, AFFINE, drawn(), ELSEWHERE[kind])
    assert caught.value.reason == "mask_geometry"
    assert caught.value.path.name == "m.nii.gz"


def test_a_mask_that_reaches_beyond_its_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        loaded(tmp_path, AFFINE, np.pad(drawn(), ((0, 0), (0, 0), (0, 8))), AFFINE)
    assert caught.value.reason == "mask_geometry"


def test_sides_that_differ_without_a_place_are_a_matter_of_size(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        loaded(tmp_path, AFFINE, drawn()[:, :, 1:], None)
    assert caught.value.reason == "mask_size"
    with pytest.raises(Unreadable, match="stored in another order") as caught:
        loaded(tmp_path, AFFINE, drawn().transpose(2, 1, 0), None)
    assert caught.value.reason == "mask_geometry"


# --- DICOM ------------------------------------------------------------------------------------------------------------

ROWS, COLUMNS, SLICES = 12, 16, 8
SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
AXIAL, PRONE, SAGITTAL = (1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0), (0, 1, 0, 0, 0, -1)
TRUTH = np.zeros((SLICES, ROWS, COLUMNS), np.uint8)  # slices as they lie, rows and columns as stored
TRUTH[2, 1:5, 2:9] = 1
TRUTH[3, 1:6, 2:9] = 1
TRUTH[5, 7:11, 10:15] = 2


def position(z: float, cosines: Sequence[float], gap: float = 4.0) -> list[float]:
    normal = np.cross(cosines[:3], cosines[3:])
    return list(np.array([-50.0, 30.0, 12.0]) + gap * z * normal)


def data_set(pixels: np.ndarray, **tags: object) -> pydicom.Dataset:
    data = pydicom.Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", generate_uid()
    data.Modality = "CT"
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape[-2:]
    data.BitsAllocated = data.BitsStored = 8 * pixels.dtype.itemsize
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(pixels.dtype.kind == "i")
    data.PixelData = pixels.tobytes()
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def series(folder: Path, cosines: Sequence[float] = AXIAL, uid: str = "1.2.3", **tags: object) -> tuple[Path, ...]:
    """A CT that shows the truth, its files in no order of position."""
    folder.mkdir()
    noise = np.random.default_rng(1).integers(-900, -800, TRUTH.shape).astype(np.int16)
    for z, picture in enumerate(noise + 1000 * TRUTH.astype(np.int16)):
        data_set(
            picture,
            ImagePositionPatient=position(z, cosines),
            ImageOrientationPatient=list(cosines),
            PixelSpacing=[1.5, 0.75],
            SliceThickness=4.0,
            InstanceNumber=SLICES - z,
            SeriesInstanceUID=uid,
            StudyInstanceUID="1.2",
            **tags,
        ).save_as(folder / f"{(5 * z) % SLICES}.dcm", enforce_file_format=True)
    return tuple(sorted(folder.iterdir()))


def item(**tags: object) -> Dataset:
    data = Dataset()
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    return data


def segmentation(
    path: Path,
    frames: Sequence[tuple[float, int, np.ndarray]],
    cosines: Sequence[float] = AXIAL,
    spacing: Sequence[float] = (1.5, 0.75),
    **tags: object,
) -> Path:
    """A segmentation of (slice, segment, (rows, columns)) frames; binary unless said otherwise."""
    stored = np.stack([frame for *_, frame in frames])
    data = data_set(stored.astype(np.uint8), NumberOfFrames=len(frames), Modality="SEG", SOPClassUID=SEGMENTATION)
    data.SegmentationType = "BINARY"
    data.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=list(cosines))],
            PixelMeasuresSequence=[item(PixelSpacing=list(spacing), SliceThickness=4.0)],
        )
    ]
    data.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=position(z, cosines))],
            SegmentIdentificationSequence=[item(ReferencedSegmentNumber=number)],
        )
        for z, number, _ in frames
    ]
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    if data.SegmentationType == "BINARY" and data.SOPClassUID == SEGMENTATION:
        data.PixelData = np.packbits(stored.reshape(-1) != 0, bitorder="little").tobytes()
        data.BitsAllocated = data.BitsStored = 1
        data.HighBit = 0
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.save_as(path, enforce_file_format=True)
    return path


SPARSE = [(5, 2, TRUTH[5] == 2), (3, 1, TRUTH[3] == 1), (2, 1, TRUTH[2] == 1)]


def seen_labels(image: np.ndarray) -> np.ndarray:
    """What the CT shows: 0, 1, 2."""
    return np.digitize(image, [-300, 700]).astype(np.uint8)


@pytest.mark.parametrize("cosines", [AXIAL, PRONE, SAGITTAL], ids=["axial", "prone", "sagittal"])
def test_frames_of_a_segmentation_go_to_their_slices(cosines: Sequence[float], tmp_path: Path) -> None:
    """Empty frames are left out, as most writers do; frames come in no order."""
    files = series(tmp_path / "ct", cosines)
    image, mask = load(Case("a", files, (segmentation(tmp_path / "s.dcm", SPARSE, cosines),)))
    assert mask is not None
    assert image.pixels.shape[:3] == mask.labels.shape
    np.testing.assert_array_equal(mask.labels, seen_labels(image.pixels))
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
    np.testing.assert_array_equal(mask.labels, seen_labels(image.pixels))


def test_segments_in_files_of_their_own_are_joined(tmp_path: Path) -> None:
    files = series(tmp_path / "ct")
    paths = [segmentation(tmp_path / f"{n}.dcm", SPARSE[n : n + 1]) for n in range(3)]
    image, mask = load(Case("a", files, tuple(paths)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels, seen_labels(image.pixels))


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
    np.testing.assert_array_equal(mask.labels, seen_labels(image.pixels))


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


def test_a_segmentation_of_another_series_is_told(tmp_path: Path) -> None:
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
    np.testing.assert_array_equal(mask.labels, seen_labels(image.pixels))


# --- across formats ---------------------------------------------------------------------------------------------------


def _as_nifti() -> tuple[np.ndarray, np.ndarray]:
    """The truth as dcm2niix stores it, rows from the back up, and its affine."""
    affine = np.diag([-0.75, 1.5, 4.0, 1.0])
    first = np.array(position(0, AXIAL))
    affine[:3, 3] = [-first[0], -(first[1] + 1.5 * (ROWS - 1)), first[2]]
    return TRUTH.transpose(2, 1, 0)[:, ::-1], affine


def test_nifti_on_a_dicom_series(tmp_path: Path) -> None:
    files = series(tmp_path / "ct")
    stored, affine = _as_nifti()
    image, mask = load(Case("a", files, (nifti(stored, affine, tmp_path / "m.nii.gz"),)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels, seen_labels(image.pixels))
    assert mask.odd == ()
    for lost in (None, np.eye(4)):
        with pytest.raises(Unreadable) as caught:
            load(Case("a", files, (nifti(stored, lost, tmp_path / "l.nii.gz"),)))
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


def test_pages_on_a_dicom_series_are_its_slices_and_told(tmp_path: Path) -> None:
    files = series(tmp_path / "ct", PRONE)
    tifffile.imwrite(tmp_path / "m.tif", TRUTH, photometric="minisblack")
    image, mask = load(Case("a", files, (tmp_path / "m.tif",)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels, seen_labels(image.pixels))
    assert mask.odd == ("mask_without_place",)


@pytest.mark.parametrize("affine", [np.eye(4), np.diag([-1.0, -1.0, 1.0, 1.0]), None], ids=["eye", "ITK", "none"])
@pytest.mark.parametrize("order", [(1, 0), (0, 1)], ids=["columns first", "rows first"])
def test_nifti_drawn_on_a_picture_is_not_turned(
    affine: np.ndarray | None, order: tuple[int, int], tmp_path: Path
) -> None:
    picture = (TRUTH[3] * np.uint8(200)) + np.arange(COLUMNS, dtype=np.uint8)
    Pillow.fromarray(picture).save(tmp_path / "a.png")
    path = nifti(TRUTH[3].transpose(order)[..., None], affine, tmp_path / "m.nii.gz")
    image, mask = load(Case("a", (tmp_path / "a.png",), (path,)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > 150 / 255)
    assert mask.odd == ("mask_without_place",)


def test_a_picture_on_a_nifti_image_is_told(tmp_path: Path) -> None:
    """Sides fit, and nobody says which axis of the file the picture shows upright."""
    path = nifti(scanned()[:, :, 5:6], AFFINE, tmp_path / "i.nii.gz")
    Pillow.fromarray((drawn()[:, :, 5].T * np.uint8(255))[::-1]).save(tmp_path / "m.png")
    image, mask = load(Case("a", (path,), (tmp_path / "m.png",)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > 500)
    assert mask.odd == ("mask_without_place",)


def test_a_mask_of_the_whole_picture_is_cut_to_the_region_of_its_image(tmp_path: Path) -> None:
    Pillow.fromarray(np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS)).save(tmp_path / "a.png")
    whole = read(tmp_path / "a.png")
    image = replace(whole, pixels=whole.pixels[:, 1:9, 4:14], region=(1, 4, 9, 14))
    for drawn_as, odd in ((TRUTH[3], ("mask_cut",)), (TRUTH[3][1:9, 4:14], ())):
        Pillow.fromarray(drawn_as * np.uint8(255)).save(tmp_path / "m.png")
        mask = read_mask(tmp_path / "m.png", image)
        np.testing.assert_array_equal(mask.labels[0], TRUTH[3][1:9, 4:14])
        assert mask.odd == odd
    Pillow.fromarray(TRUTH[3][:7]).save(tmp_path / "m.png")
    with pytest.raises(Unreadable) as caught:
        read_mask(tmp_path / "m.png", image)
    assert caught.value.reason == "mask_size"


def _turned_photograph(path: Path, orientation: int) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.fromarray(np.add.outer(9 * np.arange(ROWS), 7 * np.arange(COLUMNS)).astype(np.uint8)).save(path, exif=exif)


def test_masks_of_photographs_that_a_tag_turns(tmp_path: Path) -> None:
    """Turned by 90 degrees, sides tell how the mask is meant; by 180, nothing does."""
    _turned_photograph(tmp_path / "a.jpg", 6)
    Pillow.fromarray(np.rot90(TRUTH[3], -1) * np.uint8(255)).save(tmp_path / "m.png")
    mask = load(Case("a", (tmp_path / "a.jpg",), (tmp_path / "m.png",)))[1]
    assert mask is not None
    np.testing.assert_array_equal(mask.labels[0], np.rot90(TRUTH[3], -1))
    assert mask.odd == ()
    Pillow.fromarray(TRUTH[3] * np.uint8(255)).save(tmp_path / "m.png")
    with pytest.raises(Unreadable, match="one of them is turned") as caught:
        load(Case("a", (tmp_path / "a.jpg",), (tmp_path / "m.png",)))
    assert caught.value.reason == "mask_size"
    _turned_photograph(tmp_path / "a.jpg", 3)
    mask = load(Case("a", (tmp_path / "a.jpg",), (tmp_path / "m.png",)))[1]
    assert mask is not None
    assert mask.odd == ("mask_unturned",)


def test_what_is_told_of_places_has_words() -> None:
    told = {"mask_without_place", "mask_part", "mask_shifted", "mask_cut", "mask_unturned", "mask_of_other_series"}
    assert told <= set(ODDITIES)
