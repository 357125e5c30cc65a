"""Looks that are no look (docs/reading/dicom.md): ultrasound inside its region, and pictures with letters in them."""

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from dicom_pictures import US, item, items, write
from PIL import Image as Pillow

from shiftscope.errors import Unreadable
from shiftscope.images import read
from shiftscope.images.oddities import ODDITIES
from shiftscope.sites import Case, load

ROWS, COLUMNS = 120, 160
Y, X = np.indices((ROWS, COLUMNS))
SCREEN = ((7 * Y + 3 * X) % 200 + 20).astype(np.uint8)
"""(120, 160); every row and column differs."""
INNER = (20, 30, 100, 150)


def tissue(box: tuple[int, int, int, int], **tags: object) -> pydicom.Dataset:
    """A 2-D tissue region, (top, left, bottom, right) half open; the standard's corners belong to it."""
    top, left, bottom, right = box
    spacing = {
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.02,
        "PhysicalDeltaY": 0.03,
    }
    corners = {
        **{"RegionLocationMinY0": top, "RegionLocationMinX0": left},
        **{"RegionLocationMaxY1": bottom - 1, "RegionLocationMaxX1": right - 1},
    }
    return item(**{"RegionSpatialFormat": 1, "RegionDataType": 1, **corners, **spacing, **tags})


def scan(path: Path, *regions: pydicom.Dataset, words: np.ndarray = SCREEN, **tags: object) -> Path:
    sequence = {"SequenceOfUltrasoundRegions": items(*regions)} if regions else {}
    return write(path, words, **{"Modality": "US", "SOPClassUID": US, **sequence, **tags})


LEFT, RIGHT = (20, 10, 100, 75), (22, 85, 104, 150)
REGIONS = {
    "one": ([tissue(INNER)], INNER, ()),
    "whole-picture": ([tissue((0, 0, ROWS, COLUMNS))], None, ()),
    "two-views": ([tissue(LEFT), tissue(RIGHT)], (20, 10, 104, 150), ("several_regions",)),
    "the-same-twice": ([tissue(INNER), tissue(INNER)], INNER, ()),
    "beside-a-doppler-trace": (
        [tissue(INNER), tissue((100, 0, 120, 160), RegionSpatialFormat=3, RegionDataType=3)],
        INNER,
        (),
    ),
    "beside-colour-flow": ([tissue(INNER), tissue((40, 60, 80, 100), RegionDataType=2)], INNER, ()),
    "beside-a-colour-bar": ([tissue(INNER), tissue((0, 150, 120, 160), RegionDataType=13)], INNER, ()),
    "m-mode-alone": ([tissue(INNER, RegionSpatialFormat=2)], None, ()),
    "a-pixel-beyond-the-edge": ([tissue((20, 30, ROWS + 1, COLUMNS + 1))], (20, 30, ROWS, COLUMNS), ()),
    "far-beyond-the-edge": ([tissue((20, 30, 400, 600))], None, ("region_ignored",)),
    "tiny": ([tissue((20, 30, 24, 36))], None, ("region_ignored",)),
    "turned-around": ([tissue((100, 150, 20, 30))], None, ("region_ignored",)),
    "without-corners": ([tissue(INNER, RegionLocationMinX0=None)], None, ("region_ignored",)),
    "one-good-one-tiny": ([tissue(INNER), tissue((0, 0, 4, 4))], INNER, ("region_ignored",)),
}


@pytest.mark.parametrize("name", REGIONS)
def test_ultrasound_is_measured_inside_its_region(tmp_path: Path, name: str) -> None:
    regions, box, odd = REGIONS[name]
    image = read(scan(tmp_path / "a.dcm", *regions))
    top, left, bottom, right = box or (0, 0, ROWS, COLUMNS)
    np.testing.assert_allclose(image.pixels[0], SCREEN[top:bottom, left:right] / 255, atol=1e-6)
    assert image.region == box
    assert image.odd == odd
    assert set(image.odd) <= set(ODDITIES)


def test_letters_outside_the_region_change_nothing(tmp_path: Path) -> None:
    """The mean of the picture with letters is that of the tissue, whatever stands around it."""
    top, left, bottom, right = INNER
    lettered = SCREEN.copy()
    lettered[:12], lettered[:, :20] = 255, 255
    plain, other = (read(scan(tmp_path / f"{n}.dcm", tissue(INNER), words=w)) for n, w in enumerate((SCREEN, lettered)))
    assert plain.pixels.mean() == other.pixels.mean() == pytest.approx(SCREEN[top:bottom, left:right].mean() / 255)


def test_spacing_is_that_of_the_region(tmp_path: Path) -> None:
    """Centimetres of the region, before a pixel spacing that says something else; not where two regions differ."""
    image = read(scan(tmp_path / "a.dcm", tissue(INNER), PixelSpacing=[1, 1]))
    assert image.spacing_mm == pytest.approx((1.0, 0.3, 0.2))
    image = read(scan(tmp_path / "b.dcm", tissue(LEFT), tissue(RIGHT, PhysicalDeltaX=0.05)))
    assert image.spacing_mm is None


def test_the_middle_frame_of_a_film_is_cut_too(tmp_path: Path) -> None:
    frames = np.stack([np.roll(SCREEN, shift, axis=1) for shift in range(5)])
    image = read(scan(tmp_path / "a.dcm", tissue(INNER), words=frames))
    top, left, bottom, right = INNER
    np.testing.assert_allclose(image.pixels[0], frames[2][top:bottom, left:right] / 255, atol=1e-6)
    assert image.odd == ("film",)
    coloured = np.stack([SCREEN, SCREEN[::-1], 255 - SCREEN], axis=-1)
    image = read(scan(tmp_path / "b.dcm", tissue(INNER), words=coloured))
    np.testing.assert_allclose(image.pixels[0], coloured[top:bottom, left:right] / 255, atol=1e-6)


def drawn(path: Path, kind: str) -> Path:
    """The brightest pixels of the screen as a mask of all of it."""
    labels = (SCREEN > 150).astype(np.uint8)
    if kind == "png":
        Pillow.fromarray(labels * np.uint8(255)).save(path.with_suffix(".png"))
        return path.with_suffix(".png")
    if kind == "dicom":
        return write(path.with_suffix(".dcm"), labels)
    turned = labels if kind == "nifti, rows first" else labels.T
    nibabel.save(nibabel.Nifti1Image(turned[..., None], np.eye(4)), path.with_suffix(".nii.gz"))
    return path.with_suffix(".nii.gz")


@pytest.mark.parametrize("kind", ["png", "dicom", "nifti", "nifti, rows first"])
def test_masks_of_the_whole_screen_are_cut_to_the_region(tmp_path: Path, kind: str) -> None:
    case = Case("a", (scan(tmp_path / "i.dcm", tissue(INNER)),), (drawn(tmp_path / "m", kind),))
    image, mask = load(case)
    assert mask is not None
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > 150 / 255)
    assert mask.odd == (*(["mask_without_place"] if "nifti" in kind else []), "mask_cut")


def test_a_mask_of_another_size_than_the_screen_is_refused(tmp_path: Path) -> None:
    """Drawn on a screen shot twice as large: nobody knows where the region lies in it."""
    Pillow.fromarray((SCREEN > 150).repeat(2, 0).repeat(2, 1)).save(tmp_path / "m.png")
    with pytest.raises(Unreadable) as caught:
        load(Case("a", (scan(tmp_path / "i.dcm", tissue(INNER)),), (tmp_path / "m.png",)))
    assert caught.value.reason == "mask_size"


def test_masks_of_the_frames_of_a_film(tmp_path: Path) -> None:
    """A page a frame, and what is drawn moves: the page of the frame that was read, cut like it."""
    frames = np.stack([np.roll(SCREEN, 9 * shift, axis=1) for shift in range(5)])
    pages = [Pillow.fromarray((frame > 150) * np.uint8(255)) for frame in frames]
    pages[0].save(tmp_path / "m.tif", save_all=True, append_images=pages[1:])
    for regions in ((), (tissue(INNER),)):
        image, mask = load(Case("a", (scan(tmp_path / "i.dcm", *regions, words=frames),), (tmp_path / "m.tif",)))
        assert mask is not None
        np.testing.assert_array_equal(mask.labels > 0, image.pixels > 150 / 255)


def test_grey_tissue_under_coloured_letters_is_grey(tmp_path: Path) -> None:
    screen = np.stack([SCREEN] * 3, axis=-1)
    screen[:10, :40] = (250, 200, 0)
    image = read(scan(tmp_path / "a.dcm", tissue(INNER), words=screen))
    assert image.pixels.shape == (1, 80, 120)


@pytest.mark.parametrize("tail", ["77.1.1", "77.1.4", "77.1.5.1"], ids=["endoscopy", "photograph", "fundus"])
def test_visible_light_is_no_capture(tmp_path: Path, tail: str) -> None:
    """Its classes begin with the digits of that of secondary captures."""
    image = read(write(tmp_path / "a.dcm", SCREEN, Modality="OP", SOPClassUID=f"1.2.840.10008.5.1.4.1.1.{tail}"))
    assert image.odd == ()


def test_a_placed_slice_stays_whole(tmp_path: Path) -> None:
    """Masks of a slice in space are laid by its place: what it is cut to would have to move with it."""
    place = {"ImagePositionPatient": [0, 0, 0], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [1, 1]}
    image = read(scan(tmp_path / "a.dcm", tissue(INNER), **place))
    assert image.region is None
    assert image.pixels.shape == (1, ROWS, COLUMNS)


CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
WRITING = {
    "ultrasound-without-regions": ({"Modality": "US"}, ("burned_in",)),
    "intravascular-without-regions": ({"Modality": "IVUS"}, ("burned_in",)),
    "ultrasound-that-denies-identifying-letters": ({"Modality": "US", "BurnedInAnnotation": "NO"}, ("burned_in",)),
    "film-that-says-so": ({"Modality": "CR", "BurnedInAnnotation": "YES"}, ("burned_in",)),
    "film-that-denies-it": ({"Modality": "CR", "BurnedInAnnotation": "NO"}, ()),
    "secondary-capture": ({"Modality": "OT", "SOPClassUID": CAPTURE}, ("capture", "burned_in")),
    "screen-save": (
        {"Modality": "MR", "ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
        ("screen", "burned_in"),
    ),
    "endoscopy": ({"Modality": "ES"}, ()),
}


@pytest.mark.parametrize("name", WRITING)
def test_letters_that_are_likely_are_reported(tmp_path: Path, name: str) -> None:
    tags, odd = WRITING[name]
    image = read(write(tmp_path / "a.dcm", SCREEN, **tags))
    np.testing.assert_allclose(image.pixels[0], SCREEN / 255, atol=1e-6)
    assert image.odd == odd
