"""Files of phantoms are valid, hold what was drawn, and are the same every time."""

import csv
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow
from pydicom.uid import MRImageStorage

from shiftscope.errors import UsageError
from shiftscope.images import as_seen, read
from shiftscope.phantoms import (
    ANATOMIES,
    FORMATS,
    LAYOUTS,
    Phantom,
    Scanner,
    write_dicom,
    write_mask,
    write_nifti,
    write_png,
    write_site,
)

SUFFIX = {"png": ".png", "dicom": ".dcm", "nifti": ".nii.gz"}


def draw(anatomy: str, seed: int = 0, **options: object) -> Phantom:
    return ANATOMIES[anatomy](np.random.default_rng(seed), **{"size": 48, **options})


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_png_holds_the_pixels(anatomy: str, tmp_path: Path) -> None:
    phantom = draw(anatomy)
    with Pillow.open(write_png(phantom, tmp_path / "a.png")) as picture:
        assert picture.mode == ("RGB" if phantom.is_colour else "L")
        np.testing.assert_allclose(np.asarray(picture) / 255, phantom.pixels, atol=0.51 / 255)
    with Pillow.open(write_mask(phantom, tmp_path / "m.png")) as mask:
        np.testing.assert_array_equal(np.asarray(mask), phantom.mask * 255)


@pytest.mark.parametrize(
    ("anatomy", "modality", "bits"),
    [("ultrasound", "US", 8), ("chest", "CR", 12), ("brain", "MR", 12), ("endoscopy", "ES", 8)],
)
def test_dicom_is_valid_and_holds_the_pixels(anatomy: str, modality: str, bits: int, tmp_path: Path) -> None:
    phantom = draw(anatomy)
    write_site([phantom], tmp_path, format="dicom")
    data = pydicom.dcmread(tmp_path / "images" / "p001.dcm")
    assert (data.Modality, data.BitsStored, data.PatientID) == (modality, bits, "p001")
    assert (data.Manufacturer, data.StudyDate) == ("Phantom Works", "20240101")
    assert data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID
    assert data.get("PixelSpacing") == (None if anatomy == "endoscopy" else pytest.approx(phantom.spacing_mm))
    np.testing.assert_allclose(data.pixel_array / (2**bits - 1), phantom.pixels, atol=0.51 / (2**bits - 1))


def test_a_scanner_signs_its_files(tmp_path: Path) -> None:
    phantom = draw("brain")
    scanner = Scanner("Other Works", "Spin Two", bits=16, field_strength_t=3.0)
    data = pydicom.dcmread(write_dicom(phantom, tmp_path / "a.dcm", scanner=scanner, month="2023-11"))
    assert (data.ManufacturerModelName, data.MagneticFieldStrength, data.StudyDate) == ("Spin Two", 3.0, "20231101")
    assert (data.BitsStored, data.SOPClassUID) == (16, MRImageStorage)
    assert data.pixel_array.max() > 40000


def test_nifti_holds_the_pixels(tmp_path: Path) -> None:
    phantom = draw("brain", depth=5, label="abnormal")
    volume = nib.load(write_nifti(phantom, tmp_path / "a.nii.gz", bits=12))
    mask = nib.load(write_mask(phantom, tmp_path / "m.nii.gz"))
    np.testing.assert_allclose(np.asarray(volume.dataobj).T / 4095, phantom.pixels, atol=0.51 / 4095)
    np.testing.assert_array_equal(np.asarray(mask.dataobj).T, phantom.mask)
    assert volume.header.get_zooms() == pytest.approx(phantom.spacing_mm[::-1])
    assert nib.aff2axcodes(volume.affine) == ("L", "P", "S")


def test_a_series_is_a_folder_of_slices(tmp_path: Path) -> None:
    phantom = draw("brain", depth=4)
    folder = write_dicom(phantom, tmp_path / "p001.dcm")
    slices = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    assert [data.InstanceNumber for data in slices] == [1, 2, 3, 4]
    assert len({data.SOPInstanceUID for data in slices}) == 4
    assert len({data.SeriesInstanceUID for data in slices}) == 1
    assert [data.ImagePositionPatient[2] for data in slices] == pytest.approx([0, 25, 50, 75])


@pytest.mark.parametrize(("format", "depth"), [("png", 1), ("dicom", 1), ("nifti", 1), ("dicom", 4), ("nifti", 4)])
def test_every_format_is_read_the_right_way_up(format: str, depth: int, tmp_path: Path) -> None:
    phantom = draw("brain", depth=depth)
    write_site([phantom], tmp_path, format=format)
    files = [path for path in (tmp_path / "images").rglob("*") if path.is_file()]
    shown = as_seen(read(files)).reshape(phantom.pixels.shape)
    assert np.corrcoef(shown.ravel(), phantom.pixels.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("format", FORMATS)
def test_layouts(layout: str, format: str, tmp_path: Path) -> None:
    phantoms = [draw("ultrasound", seed) for seed in range(6)]
    write_site(phantoms, tmp_path, layout=layout, format=format)
    names = {f"p{index + 1:03d}" for index in range(6)}
    images = [path for path in tmp_path.rglob(f"*{SUFFIX[format]}") if path.parent.name != "masks"]
    assert {path.name.removesuffix(SUFFIX[format]) for path in images} == names
    if layout == "classes":
        assert [path.parent.name for path in sorted(images, key=lambda path: path.name)] == [p.label for p in phantoms]
        assert not (tmp_path / "masks").exists()
        return
    assert len(list((tmp_path / "masks").iterdir())) == 6
    assert (tmp_path / "manifest.csv").exists() == (layout == "manifest")


def test_the_manifest_names_files_that_are_there(tmp_path: Path) -> None:
    phantoms = [draw("ultrasound", seed) for seed in range(3)]
    write_site(phantoms, tmp_path, layout="manifest", format="dicom")
    with (tmp_path / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["patient"] for row in rows] == ["p001", "p002", "p003"]
    assert [row["label"] for row in rows] == [phantom.label for phantom in phantoms]
    for row in rows:
        assert (tmp_path / row["image"]).is_file()
        assert (tmp_path / row["mask"]).is_file()


def test_patients_may_have_several_images(tmp_path: Path) -> None:
    phantoms = [replace(draw("ultrasound", seed), patient="anna") for seed in range(2)]
    write_site(phantoms, tmp_path, layout="manifest")
    assert {path.name for path in (tmp_path / "images").iterdir()} == {"anna.png", "anna_2.png"}
    assert (tmp_path / "manifest.csv").read_text(encoding="utf-8").count(",anna\n") == 2


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_phantoms_give_the_same_bytes(format: str, tmp_path: Path) -> None:
    first, again = (
        contents(write_site([draw("brain", 1), draw("brain", 2)], tmp_path / name, layout="manifest", format=format))
        for name in ("first", "again")
    )
    assert len(first) == 5
    assert first == again


def test_what_a_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one slice"):
        write_site([draw("brain", depth=3)], tmp_path, format="png")
    with pytest.raises(UsageError, match="colour"):
        write_site([draw("endoscopy")], tmp_path, format="nifti")
    with pytest.raises(UsageError, match="expected one of"):
        write_site([], tmp_path, layout="heap")
