"""Volumes of masks whose values follow every convention that exports have: class numbers, probabilities, layers."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from drawn_masks import CLASSES, NOTHING

from shiftscope.errors import Unreadable
from shiftscope.images import read_mask


def _nifti(values: np.ndarray, path: Path, slope: float | None = None) -> Path:
    image = nibabel.Nifti1Image(values, np.diag([-1, -1, 1, 1]))
    if slope is not None:
        image.header.set_slope_inter(slope, 0)
    nibabel.save(image, path)
    return path


STACK = np.stack([CLASSES, CLASSES[::-1], NOTHING])  # (z, y, x)
VOLUMES: dict[str, tuple[np.ndarray, np.ndarray, tuple[str, ...]]] = {
    "float ids": (STACK.astype(np.float32), STACK, ()),
    "float ids touched by arithmetic": (STACK * np.float32(1.0000153), STACK, ()),
    "ids off by hundredths": (np.array([0, 0.9882, 2.0235, 3.0118])[STACK], STACK, ("mask_interpolated",)),
    "probabilities": (np.array([0, 0.2, 0.7, 1.0])[STACK], STACK >= 2, ()),
    "percent": (np.array([0, 20.5, 70.25, 100])[STACK], STACK >= 2, ("mask_soft",)),
    "floats up to 255": (np.array([0, 20.5, 170.25, 255])[STACK], STACK >= 2, ("mask_soft",)),
    "0 and 255": (((STACK > 0) * np.uint8(255)), STACK > 0, ()),
    "0 and 65535": (((STACK > 0) * np.uint16(65535)), STACK > 0, ()),
    "ids of FreeSurfer": (np.array([0, 17, 53, 2035], np.int32)[STACK], np.array([0, 17, 53, 2035])[STACK], ()),
    "0 and a small fraction": ((STACK > 0) * np.float32(0.00392), STACK > 0, ("mask_one_grey",)),
    "one volume of a fourth axis": (STACK.transpose(2, 1, 0)[..., None].transpose(3, 2, 1, 0), STACK, ()),
}


@pytest.mark.parametrize("kind", VOLUMES)
def test_values_of_volumes(kind: str, tmp_path: Path) -> None:
    stored, expected, odd = VOLUMES[kind]
    mask = read_mask(
        _nifti(
            np.moveaxis(stored, (-3, -2, -1), (2, 1, 0)).reshape(80, 60, 3, *stored.shape[:-3]), tmp_path / "a.nii.gz"
        )
    )
    np.testing.assert_array_equal(mask.labels, expected)
    assert mask.odd == odd


def test_ids_under_a_scale_factor(tmp_path: Path) -> None:
    """scl_slope 1/255 makes 1 a fraction below one half."""
    mask = read_mask(_nifti((STACK.T > 0).astype(np.uint8), tmp_path / "a.nii", slope=1 / 255))
    np.testing.assert_array_equal(mask.labels, STACK > 0)


@pytest.mark.parametrize(
    ("value", "reason"), [(-1, "unsupported"), (-1024, "unsupported"), (70_000, "unsupported"), (np.nan, "not_finite")]
)
def test_values_that_are_no_labels(value: float, reason: str, tmp_path: Path) -> None:
    stored = STACK.T.astype(np.float32)
    stored[0, 0, 0] = value
    with pytest.raises(Unreadable, match="write 0 where nothing is drawn") as caught:
        read_mask(_nifti(stored, tmp_path / "a.nii.gz"))
    assert caught.value.reason == reason


ONE_HOT = np.stack([label == STACK for label in range(4)]).astype(np.uint8)  # (4, z, y, x)
NESTED = np.stack([STACK > 0, STACK > 1, STACK > 2]).astype(np.uint8)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (ONE_HOT, STACK),
        (ONE_HOT[[1, 2, 3, 0]], STACK),
        (ONE_HOT[1:], STACK),
        (ONE_HOT * np.float32(0.9) + np.float32(0.025), STACK),
        (NESTED, STACK),
        (np.stack([STACK > 0] * 2).astype(np.uint8), STACK > 0),
    ],
    ids=["one-hot", "background last", "without background", "softmax", "nested regions", "twice the same"],
)
def test_layers_of_a_volume(layers: np.ndarray, expected: np.ndarray, tmp_path: Path) -> None:
    mask = read_mask(_nifti(layers.transpose(3, 2, 1, 0), tmp_path / "a.nii.gz"))
    np.testing.assert_array_equal(mask.labels, expected)
    assert mask.odd == ("mask_layers",)


def test_moments_of_a_film_are_no_classes(tmp_path: Path) -> None:
    moved = np.stack([STACK > 0, np.roll(STACK, 5, axis=2) > 0]).astype(np.uint8)
    for values in (moved, np.stack([STACK, STACK[:, ::-1]])):
        with pytest.raises(Unreadable, match="give one volume of class numbers") as caught:
            read_mask(_nifti(values.transpose(3, 2, 1, 0), tmp_path / "a.nii.gz"))
        assert caught.value.reason == "unsupported"
