"""Masks of public bug reports, rebuilt small: by the report's number, what is right."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image as Pillow

from shiftscope.errors import Unreadable
from shiftscope.images import read_mask
from shiftscope.sites import Case, load

Y, X = np.mgrid[:60, :80]
DISC = (Y - 25) ** 2 + (X - 30) ** 2 < 225
BAR = (Y > 48) & (X > 20) & (X < 70)
RING = DISC & ~((Y - 25) ** 2 + (X - 30) ** 2 < 100)
CLASSES = DISC * np.uint8(1) + RING + np.uint8(3) * BAR  # 0, 1, 2, 3


def png(array: np.ndarray, path: Path) -> Path:
    Pillow.fromarray(array).save(path)
    return path


def levels(*values: int) -> np.ndarray:
    return np.array(values, np.uint8)[CLASSES]


def _noisy() -> np.ndarray:
    """0 to 7 and 248 to 255, around the edge of the lesion."""
    noise = np.random.default_rng(0).integers(0, 8, DISC.shape).astype(np.uint8)
    near = np.hypot(Y - 25, X - 30) // 4 == 3
    return np.where(DISC, 255 - near * noise, near * noise).astype(np.uint8)


def _voc() -> Pillow.Image:
    picture = Pillow.fromarray(CLASSES).convert("P")
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0])
    return picture


PICTURES: dict[str, tuple[np.ndarray | Pillow.Image, np.ndarray, tuple[str, ...]]] = {
    "MIC-DKFZ/nnUNet#1777": (DISC * np.uint8(255), DISC, ()),
    "DengPingFan/PraNet#54": (_noisy(), DISC, ("mask_soft",)),
    "wkentaro/labelme#132": (_voc(), CLASSES, ()),
    "xianlin7/ConvFormer#1": (CLASSES, CLASSES, ()),
    "DrSleep/tensorflow-deeplab-resnet#98": (levels(0, 38, 147, 220), levels(0, 38, 147, 220), ("mask_levels",)),
    "nightrome/cocostuff#23": (levels(0, 65, 181, 255), levels(0, 65, 181, 255), ("mask_levels",)),
    "Mikubill/sd-webui-controlnet#3079": (
        np.dstack([np.full((60, 80, 3), 255, np.uint8), DISC * np.uint8(255)]),
        DISC,
        (),
    ),
    "FengheTan9/CMUNeXt#11": (np.dstack([DISC * np.uint8(255)] * 3 + [np.full((60, 80), 255, np.uint8)]), DISC, ()),
}


@pytest.mark.parametrize("report", PICTURES)
def test_pictures_of_reports(report: str, tmp_path: Path) -> None:
    stored, expected, odd = PICTURES[report]
    if isinstance(stored, np.ndarray):
        stored = Pillow.fromarray(stored)
    stored.save(tmp_path / "a.png")
    mask = read_mask(tmp_path / "a.png")
    np.testing.assert_array_equal(mask.labels[0], expected)
    assert mask.odd == odd


def test_two_masks_of_busi_are_one(tmp_path: Path) -> None:
    """FengheTan9/CMUNeXt#3."""
    paths = [png(part * np.uint8(255), tmp_path / f"benign (4)_mask{n}.png") for n, part in enumerate([DISC, BAR])]
    np.testing.assert_array_equal(read_mask(paths).labels[0], DISC | BAR)


def test_a_jpeg_is_no_longer_of_two_levels(tmp_path: Path) -> None:
    """romi/plant-3d-vision#140."""
    Pillow.fromarray(DISC * np.uint8(255)).save(tmp_path / "a.jpg", quality=80)
    assert len(np.unique(np.asarray(Pillow.open(tmp_path / "a.jpg")))) > 10
    mask = read_mask(tmp_path / "a.jpg")
    assert (mask.labels[0] != DISC).mean() < 0.005
    assert mask.odd == ("mask_soft",)


STACK = np.stack([CLASSES, CLASSES[::-1], np.zeros_like(CLASSES)])  # (z, y, x)
VOLUMES: dict[str, tuple[np.ndarray, np.ndarray, tuple[str, ...]]] = {
    "TorchIO-project/torchio#220": (
        np.array([0, 0.9882, 2.0235, 11.0118])[STACK],
        np.array([0, 1, 2, 11])[STACK],
        ("mask_interpolated",),
    ),
    "nipreps/petprep#152": (
        np.array([0, 7000.977, 7014.9999, 7003.0])[STACK],
        np.array([0, 7001, 7015, 7003])[STACK],
        ("mask_interpolated",),
    ),
    "spinalcordtoolbox/spinalcordtoolbox#3229": (
        np.array([0, 3.0000457763671875, 5.999999998603016, 1])[STACK],
        np.array([0, 3, 6, 1])[STACK],
        (),
    ),
    "spinalcordtoolbox/spinalcordtoolbox#4346": ((STACK > 0) * 0.9999, STACK > 0, ()),
    "MIC-DKFZ/nnUNet#2500": (np.array([0, 2, 3, 5], np.uint8)[STACK], np.array([0, 2, 3, 5])[STACK], ()),
}


@pytest.mark.parametrize("report", VOLUMES)
def test_volumes_of_reports(report: str, tmp_path: Path) -> None:
    stored, expected, odd = VOLUMES[report]
    nibabel.save(nibabel.Nifti1Image(stored.T, np.diag([-1, -1, 1, 1])), tmp_path / "a.nii.gz")
    mask = read_mask(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(mask.labels, expected)
    assert mask.odd == odd


def test_a_ct_given_as_a_mask(tmp_path: Path) -> None:
    """MIC-DKFZ/nnUNet#1007."""
    ct = np.random.default_rng(0).integers(-1024, 1000, (9, 8, 7)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(ct, np.eye(4)), tmp_path / "a.nii.gz")
    with pytest.raises(Unreadable, match="expected labels") as caught:
        read_mask(tmp_path / "a.nii.gz")
    assert caught.value.reason == "unsupported"


SHAPE = (24, 20, 16)
LESION = np.zeros(SHAPE, np.uint8)
LESION[3:9, 2:12, 4:7] = 1
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def itk(origin: tuple[float, float, float], direction: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """The NIfTI affine of a geometry as ITK has it, along the patient's left, back and head."""
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = direction * spacing, origin
    return _TO_RAS @ affine


def _spun(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, s, 0], [s, -c, 0], [0, 0, 1]])


PLACES: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, str]] = {
    "MIC-DKFZ/nnUNet#1669": (  # rows run the other way, and the origin with them
        itk((-223.0, 323.93, -830.3), np.diag([1.0, -1.0, 1.0]), (1.0, 1.5, 2.0)),
        LESION[:, ::-1],
        itk((-223.0, 323.93 - 19 * 1.5, -830.3), np.eye(3), (1.0, 1.5, 2.0)),
        "right",
    ),
    "MIC-DKFZ/nnUNet#1287": (  # directions that differ in the eighth digit
        itk((10.0, 20.0, 30.0), _spun(0.9525), (1.0, 1.5, 2.0)),
        LESION,
        itk((10.0, 20.0, 30.0), _spun(0.9525000012), (1.0, 1.5, 2.0)),
        "right",
    ),
    "Tencent/MedicalNet#6": (  # Nifti1Image(mask, np.eye(4))
        itk((-90.7, 103.5, -57.2), np.diag([1.0, -1.0, 1.0]), (1.0, 1.5, 2.0)),
        LESION,
        np.eye(4),
        "mask_without_place",
    ),
    "MIC-DKFZ/nnUNet#2526": (  # an oblique image, a straight mask with an origin of its own
        itk((-12.21, 12.06, -7.75), _spun(10.07), (1.0, 1.0, 1.0)),
        LESION,
        itk((-9.96, 9.96, -7.6), np.diag([1.0, -1.0, 1.0]), (1.0, 1.0, 1.0)),
        "mask_geometry",
    ),
    "MIC-DKFZ/nnUNet#2551": (  # equal shapes, other origins and spacing
        itk((-123.0, 215.3, 271.4), np.eye(3), (0.5, 0.5, 1.0)),
        LESION,
        itk((-124.5, 124.5, -74.25), np.eye(3), (0.49, 0.49, 1.0)),
        "mask_geometry",
    ),
    "wasserth/TotalSegmentator#31": (  # mirrored: the origin at the other end of two axes
        itk((0.0, -318.0, 0.0), np.eye(3), (1.0, 1.0, 1.0)),
        LESION,
        itk((383.0, 1.0, 0.0), np.eye(3), (1.0, 0.9984, 0.999)),
        "mask_geometry",
    ),
}


@pytest.mark.parametrize("report", PLACES)
def test_places_of_reports(report: str, tmp_path: Path) -> None:
    image_affine, stored, mask_affine, outcome = PLACES[report]
    ct = LESION.astype(np.int16) * 100 + np.random.default_rng(0).integers(0, 20, SHAPE).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(ct, image_affine), tmp_path / "i.nii.gz")
    nibabel.save(nibabel.Nifti1Image(stored, mask_affine), tmp_path / "m.nii.gz")
    case = Case("a", (tmp_path / "i.nii.gz",), (tmp_path / "m.nii.gz",))
    if outcome == "mask_geometry":
        with pytest.raises(Unreadable) as caught:
            load(case)
        assert caught.value.reason == outcome
        return
    image, mask = load(case)
    assert mask is not None
    np.testing.assert_array_equal(mask.labels > 0, image.pixels > 50)
    assert mask.odd == (() if outcome == "right" else (outcome,))
