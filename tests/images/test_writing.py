"""What is written on the display scale is read as it was, where it was."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from shiftscope.images import as_seen, read, read_mask
from shiftscope.images.grids import PixelGrid, grid_of
from shiftscope.images.writing import write_image, write_labels

ORIENTATIONS = {
    "axial": np.diag([-1.0, -1.5, 4.0, 1.0]),
    "right-handed": np.diag([1.0, 1.0, 1.2, 1.0]),
    "thick sagittal": np.array([[0, 0, 5.0, -40], [-1, 0, 0, 10], [0, -1, 0, 30], [0, 0, 0, 1.0]]),
    "coronal, oblique": np.array([[-0.9, 0.1, 0.05, 3], [0.1, 0.1, 3.0, -7], [0.1, 0.9, -0.1, 12], [0, 0, 0, 1.0]]),
}


def planes(path: Path) -> np.ndarray:
    pixels = as_seen(read(path))
    return pixels[:, None] if pixels.ndim == 3 else np.moveaxis(pixels, -1, 1)


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_a_volume_is_read_as_it_was_written_and_lies_where_its_source_lay(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    source = nibabel.Nifti1Image(rng.integers(0, 900, (7, 9, 5)).astype(np.int16), ORIENTATIONS[name])
    source.header["descrip"] = b"DOE^JANE"
    source.set_qform(ORIENTATIONS[name], 1)
    nibabel.save(source, tmp_path / "source.nii")
    wanted = planes(tmp_path / "source.nii") ** 2 * 0.7
    path = write_image(wanted, tmp_path / "copy", grid_of((tmp_path / "source.nii",)))
    copy = nibabel.load(path)
    np.testing.assert_array_equal(planes(path), wanted)  # seen from 0 to 1, not stretched by its own percentiles
    np.testing.assert_array_equal(copy.affine, source.affine)
    np.testing.assert_allclose(copy.get_qform(), source.get_qform())
    assert copy.get_data_dtype() == np.float32
    assert b"DOE" not in copy.header.binaryblock
    assert read(path).spacing_mm == read(tmp_path / "source.nii").spacing_mm


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_a_resampled_grid_keeps_the_centre_and_the_directions(name: str) -> None:
    grid = PixelGrid((7, 9, 5), ORIENTATIONS[name])
    ball = np.indices(grid.shape).astype(float)
    inner = np.einsum("ij,jxyz->ixyz", grid.affine[:3, :3], ball) + grid.affine[:3, 3][:, None, None, None]
    middle = inner.mean(axis=(1, 2, 3))
    new = grid.resampled((4, 6, 8), (2.0, 1.5, 0.5))
    assert new.shape == (8, 6, 4)
    np.testing.assert_allclose(new.affine[:3, :3] @ ((np.array(new.shape) - 1) / 2) + new.affine[:3, 3], middle)
    np.testing.assert_allclose(np.linalg.norm(new.affine[:3, :3], axis=0), (0.5, 1.5, 2.0))


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_resampled_to_its_own_voxels_every_voxel_stays_where_it_is(name: str, tmp_path: Path) -> None:
    """Independently of how volumes are turned: the same value at the same place in the room."""
    rng = np.random.default_rng(2)
    source = nibabel.Nifti1Image(rng.random((7, 9, 5), dtype=np.float32), ORIENTATIONS[name])
    nibabel.save(source, tmp_path / "source.nii")
    image, grid = read(tmp_path / "source.nii"), grid_of((tmp_path / "source.nii",))
    assert grid is not None
    assert image.spacing_mm is not None
    same = grid.resampled(image.pixels.shape, image.spacing_mm)
    values = same.stored(image.pixels)
    index = np.indices(source.shape).reshape(3, -1)
    room = source.affine @ np.vstack([index, np.ones(index.shape[1])])
    back = np.rint((np.linalg.inv(same.affine) @ room)[:3]).astype(int)
    np.testing.assert_array_equal(values[tuple(back)], source.get_fdata(dtype=np.float32)[tuple(index)])


def test_pictures_are_png_of_16_bits_or_of_three_channels(tmp_path: Path) -> None:
    grey = np.random.default_rng(3).random((1, 1, 20, 30), dtype=np.float32)
    grey[..., 0] = 0
    path = write_image(grey, tmp_path / "a.b")
    assert path.name == "a.b.png"
    assert np.abs(planes(path) - grey).max() <= 0.5 / 65535 + 1e-7
    assert (planes(path)[..., 0] == 0).all()
    colour = np.random.default_rng(4).random((1, 3, 20, 30), dtype=np.float32)
    assert np.abs(planes(write_image(colour, tmp_path / "colour")) - colour).max() <= 0.5 / 255 + 1e-6
    assert planes(write_image(np.repeat(grey, 3, axis=1), tmp_path / "equal")).shape == grey.shape


def test_slices_without_a_place_are_pages_of_a_tiff(tmp_path: Path) -> None:
    for channels in (1, 3):
        stack = np.random.default_rng(5).random((4, channels, 10, 12), dtype=np.float32)
        path = write_image(stack, tmp_path / f"stack{channels}")
        assert path.suffix == ".tif"
        assert np.abs(planes(path) - stack).max() <= 0.5 / 255 + 1e-6


def test_labels_are_read_as_they_were_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    for count, name in ((2, "binary"), (7, "classes")):
        labels = rng.integers(0, count, (1, 9, 8)).astype(np.uint8)
        np.testing.assert_array_equal(read_mask(write_labels(labels, tmp_path / name)).labels, labels)
    grid = PixelGrid((8, 9, 4), np.diag([-1.0, -1.0, 3.0, 1.0]))
    volume = rng.integers(0, 300, (4, 9, 8)).astype(np.uint16)
    np.testing.assert_array_equal(read_mask(write_labels(volume, tmp_path / "volume", grid)).labels, volume)


@pytest.mark.real
def test_real_series_become_volumes_that_are_read_alike(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "dicom" / "sites" / "ge_ct_torchio"
    files = tuple(sorted(folder.glob("*.dcm")))
    path = write_image(planes(folder), tmp_path / "copy", grid_of(files))
    np.testing.assert_array_equal(planes(path), planes(folder))
    assert read(path).spacing_mm == read(folder).spacing_mm
