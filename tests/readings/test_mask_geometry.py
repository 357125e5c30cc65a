"""Masks that lie on their image in every way that exports have: each voxel where it belongs, or refused, or noted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from drawn_series import COLUMNS, ROWS, TRUTH
from PIL import Image as Pillow

from shiftscope.errors import Unreadable
from shiftscope.images import read, read_mask
from shiftscope.images.oddities import ODDITIES
from shiftscope.sites import Case, load

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
    """As shares of the edges."""
    return np.array([np.mean(index) / size for index, size in zip(np.nonzero(where), where.shape, strict=True)])


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
    """Rounding alone decides which axis is the nearest: image and mask are turned in two ways."""
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


def test_half_a_voxel_is_read_and_reported(tmp_path: Path) -> None:
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


def test_a_picture_on_a_nifti_image_is_reported(tmp_path: Path) -> None:
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
    image = replace(whole, pixels=whole.pixels[:, 1:9, 4:14], region=(1, 4, 9, 14), whole=(1, ROWS, COLUMNS))
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
    """Turned by 90 degrees, edges show how the mask is meant; by 180, nothing does."""
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
    oddities = {"mask_without_place", "mask_part", "mask_shifted", "mask_cut", "mask_unturned", "mask_of_other_series"}
    assert oddities <= set(ODDITIES)
