"""Slices to look at: one of a patient, the one with most of the mask, and none that cannot be read."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from shiftscope.errors import InputError
from shiftscope.sites import draw_samples, read_site


def test_samples_are_of_different_patients_and_the_same_for_a_seed(fixtures: Path) -> None:
    site = read_site(fixtures / "sloppy_masks" / "careful")
    drawn = draw_samples(site, 5, 3)
    assert len({item.case.patient for item in drawn}) == 5
    assert [item.case.name for item in draw_samples(site, 5, 3)] == [item.case.name for item in drawn]
    for item in drawn:
        assert item.mask is not None
        assert item.mask.any()
        assert item.mask.shape == item.pixels.shape[:2]
        assert 0 <= item.pixels.min() <= item.pixels.max() <= 1


def test_files_that_cannot_be_read_are_passed_over(fixtures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    shutil.copytree(fixtures / "sloppy_masks" / "careful", folder)
    images = sorted((folder / "images").iterdir())
    for path in images[:-2]:
        path.write_bytes(b"nothing")
    site = read_site(folder)
    assert {item.case.name for item in draw_samples(site, 5, 0)} <= {case.name for case in site.cases}
    assert len(draw_samples(site, 5, 0)) == 2
    for path in images[-2:]:
        path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="nothing to show"):
        draw_samples(site, 5, 0)


def test_a_volume_shows_the_slice_with_most_of_its_mask(tmp_path: Path) -> None:
    import nibabel as nib

    rng = np.random.default_rng(0)
    pixels = rng.random((8, 12, 5)).astype(np.float32)
    pixels[:, :, 3] += 5
    mask = np.zeros(pixels.shape, np.uint8)
    mask[2:4, 2:9, 3] = 1
    mask[2, 2, 1] = 1
    for name, values in (("images", pixels), ("masks", mask)):
        (tmp_path / name).mkdir()
        nib.save(nib.Nifti1Image(values, np.diag([1.0, 2.0, 4.0, 1.0])), tmp_path / name / "one.nii.gz")
    (sample,) = draw_samples(read_site(tmp_path), 3, 0)
    assert sample.mask is not None
    assert sample.mask.sum() == 14
    assert sample.shape in (0.5, 2.0)
