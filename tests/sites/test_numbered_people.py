"""What an attack got past: identifiers that are no patients, tables that call them otherwise, names run together."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shiftscope.errors import InputError
from shiftscope.sites import Declarations, read_site, require_shareable


def pictures(root: Path, names: list[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(root / name)
    return root


@pytest.mark.parametrize(
    "column", ["patient_id", "PatientID", "subject", "Patient Name", "MRN", "person", "case_id", "sub"]
)
def test_a_manifest_does_not_overlook_who_its_patients_are(tmp_path: Path, column: str) -> None:
    pictures(tmp_path, ["1.png", "2.png"])
    (tmp_path / "manifest.csv").write_text(f"image,{column}\n1.png,a\n2.png,a\n", encoding="utf-8")
    with pytest.raises(InputError, match="the column for that is called 'patient'"):
        read_site(tmp_path)
    (tmp_path / "manifest.csv").write_text(f"image,patient,{column} 2\n1.png,a,x\n2.png,a,y\n", encoding="utf-8")
    assert read_site(tmp_path).patient_source == "manifest"


@pytest.mark.parametrize("column", ["remark", "width", "identical", "pathology", "subtype"])
def test_other_columns_are_nobodys(tmp_path: Path, column: str) -> None:
    pictures(tmp_path, ["1.png", "2.png"])
    (tmp_path / "manifest.csv").write_text(f"image,{column}\n1.png,a\n2.png,a\n", encoding="utf-8")
    assert read_site(tmp_path).patient_source == "file"


RUN_TOGETHER = {
    "patient and slice": [f"P12S{k:02d}.png" for k in range(4)],
    "film and frame": [f"vid1frame{k:03d}.png" for k in range(4)],
    "number and name": [f"{k:03d}Schmidt.png" for k in range(4)],
    "initials": [f"{k:03d}_{who}.png" for k, who in enumerate(("a_s", "a_s", "b_t", "b_t"))],
    "dotted": [f"4711.{k}.png" for k in range(4)],
    "letters after a number": ["4711a.png", "4711b.png", "4712a.png"],
    "visits": ["early/0001.png", "late/0001.png", "early/0002.png", "late/0003.png"],
    "sides": ["left/0001.png", "right/0001.png"],
    "a patient in two classes": ["positive/p0001.png", "negative/p0001.png", "negative/p0002.png"],
    "digits for classes": [f"{patient}/{k}{patient}.png" for patient in range(1, 10) for k in range(3)],
    "letters for classes": [f"{patient}/{k}{patient}.png" for patient in "abc" for k in range(3)],
}


@pytest.mark.parametrize("names", RUN_TOGETHER.values(), ids=RUN_TOGETHER)
def test_names_that_hold_a_person_are_asked_for(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(InputError, match="Nothing is written|nothing is written"):
        require_shareable(read_site(pictures(tmp_path / "clinic", names)))


ORDINARY = {
    "numbered in each class": [f"{label}/{k}.png" for label in ("benign", "malignant") for k in range(4)],
    "pictures in each class": [f"{label}/IMG_{k}.png" for label in ("normal", "abnormal") for k in range(4)],
    "camel case": [f"{label}/{k}.png" for label in ("MildDemented", "NonDemented") for k in range(3)],
    "letters around a number": [f"z{k:03d}p.png" for k in range(4)],
    "random": ["0a1b2c3d-4e5f.png", "0a9b8c7d-6e5f.png", "ffee0011-2233.png"],
    "one folder for all": [f"images/raw/{k}.png" for k in range(3)] + [f"masks/raw/{k}.png" for k in range(3)],
}


@pytest.mark.parametrize("names", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_exports_pass(tmp_path: Path, names: list[str]) -> None:
    require_shareable(read_site(pictures(tmp_path / "clinic", names)))


def test_grades_by_digit_are_declared_once(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "eyes", [f"{grade}/{grade}{k}.png" for grade in range(5) for k in range(3)])
    with pytest.raises(InputError, match=r"--classes 0,1,2,3,4"):
        require_shareable(read_site(folder))
    require_shareable(read_site(folder, given=Declarations(classes=tuple("01234"))))
    require_shareable(read_site(folder, given=Declarations(patient_regex=r"(\d+)$")))


def test_more_classes_than_fit_a_command_are_written_into_the_site_file(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "clinic", [f"ward {k}/{k}.png" for k in range(20)])
    with pytest.raises(InputError) as caught:
        require_shareable(read_site(folder))
    assert "--classes" not in str(caught.value)
    assert "into site.toml beside the images: classes" in str(caught.value)


def test_a_layout_that_is_not_the_declared_one_is_refused(tmp_path: Path) -> None:
    """One more file, called like a mask, would turn everybody's pictures into masks."""
    folder = pictures(tmp_path / "clinic", [f"p{k:04d}_raw.png" for k in range(5)])
    said = Declarations(layout="images")
    assert read_site(folder, given=said).layout == "images"
    pictures(folder, ["p9999.png", "p9999_seg.png"])
    with pytest.raises(InputError, match=r"declared as images, and what lies there now has the layout images\+masks"):
        read_site(folder, given=said)


def test_folders_of_patients_are_not_offered_as_sites(tmp_path: Path) -> None:
    pictures(tmp_path, [f"{name}/{kind}/1.png" for name in ("Anna", "Bert") for kind in ("images", "masks")])
    with pytest.raises(InputError, match="where they are patients, list all their images in a manifest.csv"):
        read_site(tmp_path)


def test_a_key_beside_the_images_is_no_image(tmp_path: Path) -> None:
    pictures(tmp_path, ["1.png", "2.png"])
    (tmp_path / "shiftscope.key").write_text("0" * 64)
    assert read_site(tmp_path).excluded == {}
