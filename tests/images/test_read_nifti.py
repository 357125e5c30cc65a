"""NIfTI and MGH: one orientation, scaling, and the stated policy for everything that is not a plain volume."""

import gzip
import json
from itertools import permutations, product
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.errors import Unreadable
from shiftscope.images import read
from shiftscope.images.orientation import canonical

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # RAS affine of a volume whose axes run to the left, the back and the head


@pytest.fixture
def anatomy() -> np.ndarray:
    """(x, y, z) = (7, 9, 11) int16, stored along left, back, head."""
    return np.random.default_rng(0).integers(0, 900, (7, 9, 11)).astype(np.int16)


def save(values: np.ndarray, path: Path, affine: np.ndarray = LPS, **header: object) -> Path:
    image = nibabel.Nifti1Image(values, affine)
    for key, value in header.items():
        image.header[key] = value
    nibabel.save(image, path)
    return path


def test_plain_volume(tmp_path: Path, anatomy: np.ndarray) -> None:
    image = read(save(anatomy, tmp_path / "a.nii.gz", LPS @ np.diag([0.5, 0.75, 1.25, 1.0])))
    assert image.pixels.dtype == np.float32
    np.testing.assert_array_equal(image.pixels, anatomy.T)
    assert image.spacing_mm == (1.25, 0.75, 0.5)
    assert image.display == pytest.approx(tuple(np.percentile(anatomy, (0.5, 99.5))))
    assert image.patient is None


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product((1, -1), repeat=3)))
def test_every_stored_orientation_gives_the_same_array(
    tmp_path: Path, anatomy: np.ndarray, order: tuple[int, ...], flips: tuple[int, ...]
) -> None:
    spacing = np.array([1.0, 1.5, 1.25])
    affine = LPS @ np.diag([*spacing, 1.0])
    turned = nibabel.orientations.apply_orientation(anatomy, np.column_stack([np.argsort(order), flips]))
    back = nibabel.orientations.inv_ornt_aff(np.column_stack([np.argsort(order), flips]), anatomy.shape)
    image = read(save(turned, tmp_path / "a.nii", affine @ back))
    np.testing.assert_array_equal(image.pixels, anatomy.T)
    assert image.spacing_mm == pytest.approx((1.25, 1.5, 1.0))


def test_slightly_oblique_volumes_are_turned_to_the_nearest_axes(tmp_path: Path, anatomy: np.ndarray) -> None:
    angle = np.deg2rad(20)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    np.testing.assert_array_equal(read(save(anatomy, tmp_path / "a.nii", turn @ LPS)).pixels, anatomy.T)


def test_thick_sagittal_and_coronal_slices_stay_slices(tmp_path: Path, anatomy: np.ndarray) -> None:
    sagittal = read(save(anatomy, tmp_path / "a.nii", LPS @ np.diag([4.0, 1.0, 1.0, 1.0])))
    assert sagittal.spacing_mm == (4.0, 1.0, 1.0)
    np.testing.assert_array_equal(sagittal.pixels, anatomy.transpose(0, 2, 1)[:, ::-1])  # head up, front on the left
    coronal = read(save(anatomy, tmp_path / "b.nii", LPS @ np.diag([1.0, 4.0, 1.0, 1.0])))
    np.testing.assert_array_equal(coronal.pixels, anatomy.transpose(1, 2, 0)[:, ::-1])


def test_a_single_slice_is_a_picture(tmp_path: Path, anatomy: np.ndarray) -> None:
    assert read(save(anatomy[:, :, :1], tmp_path / "a.nii")).pixels.shape == (1, 9, 7)
    assert read(save(anatomy[:1], tmp_path / "b.nii")).pixels.shape == (1, 11, 9)
    assert read(save(anatomy[:, :, 0], tmp_path / "c.nii")).pixels.shape == (1, 9, 7)


@given(st.permutations(range(3)), st.tuples(*[st.sampled_from([1.0, -1.0])] * 3), st.tuples(*[st.floats(0.3, 9)] * 3))
@settings(max_examples=80, deadline=None)
def test_turning_moves_values_and_changes_none(
    order: list[int], signs: tuple[float, ...], steps: tuple[float, ...]
) -> None:
    values = np.arange(3 * 4 * 5).reshape(3, 4, 5)
    directions = np.zeros((3, 3))
    directions[order, range(3)] = np.array(signs) * np.array(steps)
    turned, spacing = canonical(values, directions)
    np.testing.assert_array_equal(np.sort(turned, axis=None), np.sort(values, axis=None))
    assert sorted(spacing) == pytest.approx(sorted(steps), rel=1e-5)
    assert spacing[turned.shape.index(3)] == pytest.approx(steps[0], rel=1e-5)


def test_scaling_is_applied(tmp_path: Path, anatomy: np.ndarray) -> None:
    image = nibabel.Nifti1Image(anatomy, LPS)
    nibabel.save(image, tmp_path / "a.nii")
    body = bytearray((tmp_path / "a.nii").read_bytes())
    body[112:120] = np.array([0.25, -7.0], "<f4").tobytes()  # scl_slope, scl_inter
    (tmp_path / "a.nii").write_bytes(body)
    np.testing.assert_allclose(read(tmp_path / "a.nii").pixels, anatomy.T * 0.25 - 7.0)
    assert read(tmp_path / "a.nii").acquisition["bits"] == "16"


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mgh", "a.mgz", "b.nii", "b.nii.gz", "a.hdr"])
def test_every_container(tmp_path: Path, anatomy: np.ndarray, name: str) -> None:
    kind = nibabel.MGHImage if ".mg" in name else nibabel.Nifti2Image if name.startswith("b") else nibabel.Nifti1Image
    kind = nibabel.Nifti1Pair if name.endswith(".hdr") else kind
    nibabel.save(kind(anatomy, LPS), tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path / name).pixels, anatomy.T)


def test_the_suffix_may_lie(tmp_path: Path, anatomy: np.ndarray) -> None:
    save(anatomy, tmp_path / "a.nii.gz").rename(tmp_path / "a.nii")
    np.testing.assert_array_equal(read(tmp_path / "a.nii").pixels, anatomy.T)
    save(anatomy, tmp_path / "b.nii").rename(tmp_path / "b.mgz")
    np.testing.assert_array_equal(read(tmp_path / "b.mgz").pixels, anatomy.T)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_series_gives_its_first_volume(tmp_path: Path, anatomy: np.ndarray, zipped: bool) -> None:
    series = np.stack([anatomy, anatomy[::-1], anatomy + 5], axis=-1)
    path = save(series, tmp_path / ("a.nii.gz" if zipped else "a.nii"))
    np.testing.assert_array_equal(read(path).pixels, anatomy.T)
    np.testing.assert_array_equal(read(save(anatomy[..., None, None], tmp_path / "b.nii")).pixels, anatomy.T)


def test_rgb_volume(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (7, 9, 11, 3)).astype(np.uint8)
    packed = colours.view(np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))[..., 0]
    image = read(save(packed, tmp_path / "a.nii.gz"))
    assert image.display == (0.0, 1.0)
    np.testing.assert_allclose(image.pixels, colours.transpose(2, 1, 0, 3) / 255, atol=1e-6)


def test_ct_is_told_by_its_air(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ct = np.where(rng.random((20, 20, 20)) < 0.4, -1000, rng.integers(-100, 800, (20, 20, 20))).astype(np.int16)
    assert read(save(ct, tmp_path / "a.nii.gz")).display == (-1000.0, 1000.0)
    assert read(save(ct.astype(np.float32) + 0.25, tmp_path / "b.nii.gz")).display == (-1000.0, 1000.0)
    phase = rng.integers(-4096, 4096, (20, 20, 20)).astype(np.int16)
    assert read(save(phase, tmp_path / "c.nii.gz")).display != (-1000.0, 1000.0)
    assert read(save(ct + 1000, tmp_path / "d.nii.gz")).display != (-1000.0, 1000.0)


def test_units_other_than_millimetres(tmp_path: Path, anatomy: np.ndarray) -> None:
    image = nibabel.Nifti1Image(anatomy, LPS @ np.diag([500.0, 500.0, 2000.0, 1.0]))
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "a.nii")
    assert read(tmp_path / "a.nii").spacing_mm == (2.0, 0.5, 0.5)


def test_an_affine_that_means_nothing_leaves_the_spacing_open(tmp_path: Path, anatomy: np.ndarray) -> None:
    path = save(anatomy, tmp_path / "a.nii")
    body = bytearray(path.read_bytes())
    body[280:328] = np.zeros(12, "<f4").tobytes()  # srow_x, srow_y, srow_z
    path.write_bytes(body)
    image = read(path)
    assert image.spacing_mm is None
    assert image.pixels.shape == anatomy.T.shape


@pytest.mark.parametrize(
    ("shape", "header"),
    [((50, 1, 1), {}), ((7, 9, 11, 1, 3), {"intent_code": 1007}), ((7, 9, 11), {"intent_code": 3001})],
)
def test_what_is_not_a_picture(tmp_path: Path, shape: tuple[int, ...], header: dict[str, int]) -> None:
    values = np.random.default_rng(0).random(shape).astype(np.float32)
    with pytest.raises(Unreadable) as caught:
        read(save(values, tmp_path / "a.nii.gz", **header))
    assert caught.value.reason == "unsupported"


def test_complex_values(tmp_path: Path, anatomy: np.ndarray) -> None:
    with pytest.raises(Unreadable) as caught:
        read(save(anatomy.astype(np.complex64), tmp_path / "a.nii.gz"))
    assert caught.value.reason == "unsupported"


def test_sidecar_tells_scanner_and_month_only(tmp_path: Path, anatomy: np.ndarray) -> None:
    path = save(anatomy, tmp_path / "a.nii.gz")
    sidecar = {
        "Modality": "MR",
        "Manufacturer": "Siemens",
        "ManufacturersModelName": "Skyra",
        "MagneticFieldStrength": 3,
        "AcquisitionDateTime": "2018-09-18T12:24:58",
        "InstitutionName": "NIH",
        "PatientName": "x",
    }
    (tmp_path / "a.json").write_text(json.dumps(sidecar))
    image = read(path)
    assert image.modality == "MR"
    assert image.acquisition == {
        **{"manufacturer": "SIEMENS", "model": "Skyra", "field_strength_t": "3", "month": "2018-09"},
        **{"bits": "16", "spacing_mm": "1"},
    }
    (tmp_path / "a.json").write_text("{broken")
    assert (read(path).modality, read(path).odd) == (None, ("broken_sidecar",))


def test_a_header_of_any_length_is_truncated_not_a_crash(tmp_path: Path, anatomy: np.ndarray) -> None:
    path = save(anatomy, tmp_path / "a.nii")
    body = bytearray(path.read_bytes())
    body[42:48] = np.array([30_000] * 3, "<i2").tobytes()  # dim[1..3]
    path.write_bytes(body)
    with pytest.raises(Unreadable) as caught:
        read(path)
    assert caught.value.reason == "truncated"


def test_zipped_twice_is_not_an_image(tmp_path: Path, anatomy: np.ndarray) -> None:
    body = save(anatomy, tmp_path / "a.nii.gz").read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(body))
    with pytest.raises(Unreadable) as caught:
        read(tmp_path / "b.nii.gz")
    assert caught.value.reason == "not_an_image"


def test_dicom_and_nifti_of_one_scan_agree(tmp_path: Path, anatomy: np.ndarray, write_dicom: object) -> None:
    """The same volume as a shuffled DICOM series and as a NIfTI in RAS, as converters write it."""
    volume = anatomy.T.astype(np.uint16)  # (z, y, x) to the head, the back, the left
    paths = [
        write_dicom(  # type: ignore[operator]
            f"{n}.dcm",
            volume[z],
            ImagePositionPatient=[-20, -30, 2.0 * z],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[0.75, 0.5],
        )
        for n, z in enumerate([4, 0, 8, 2, 6, 1, 10, 3, 5, 9, 7])
    ]
    ras = nibabel.as_closest_canonical(nibabel.Nifti1Image(anatomy, LPS @ np.diag([0.5, 0.75, 2.0, 1.0])))
    nibabel.save(ras, tmp_path / "a.nii.gz")
    one, other = read(paths), read(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert one.spacing_mm == other.spacing_mm
    assert one.display == pytest.approx(other.display)
