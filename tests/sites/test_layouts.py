"""Folders as people leave them: which layout is seen, which cases it holds, what is left out and why."""

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow
from small_dicoms import dataset, saved

from shiftscope.errors import InputError
from shiftscope.sites import Case, Site, read_site
from shiftscope.sites.templates.proposals import parted

PICTURE = (np.add.outer(np.arange(12), np.arange(16)) * 9).astype(np.uint8)


def touch(root: Path, *names: str) -> None:
    """Valid pictures, volumes or plain bytes, by suffix."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name.endswith(".nii.gz"):
            nibabel.save(nibabel.Nifti1Image(np.arange(60).reshape(3, 4, 5).astype(np.int16), np.eye(4)), path)
        elif path.suffix in (".png", ".jpg", ".tif"):
            Pillow.fromarray(PICTURE).save(path)
        else:
            path.write_bytes(b"not an image")


@pytest.fixture
def write_slice(tmp_path: Path) -> Callable[..., Path]:
    """write_slice(name, Keyword=value) -> a small DICOM file."""

    def write(name: str, **tags: object) -> Path:
        return saved(
            dataset(PICTURE, **{"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "Modality": "CT", **tags}), tmp_path / name
        )

    return write


def summary(site: Site) -> dict[str, tuple[str | None, str | None, str | None]]:
    """name -> (mask's file name, label, split)."""
    return {case.name: (case.masks[0].name if case.masks else None, case.label, case.split) for case in site.cases}


def left_out(site: Site) -> dict[str, list[str]]:
    return {reason: sorted(path.name for path in paths) for reason, paths in site.excluded.items()}


@pytest.mark.parametrize(
    ("images", "masks"),
    [("images", "masks"), ("image", "mask"), ("imgs", "labels"), ("Images", "Masks"), ("Original", "Ground Truth")],
)
def test_images_and_masks_however_spelled(tmp_path: Path, images: str, masks: str) -> None:
    touch(tmp_path, f"{images}/a.png", f"{images}/b.jpg", f"{images}/c.png", f"{masks}/a.png", f"{masks}/b.png")
    site = read_site(tmp_path)
    assert site.layout == "images+masks"
    assert summary(site) == {"a": ("a.png", None, None), "b": ("b.png", None, None), "c": (None, None, None)}
    assert site.name == tmp_path.name
    assert site.classes == ()


def test_masks_without_image_and_second_masks_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.png", "masks/a.png", "masks/a.tif", "masks/z.png", "masks/a_segmentation.png")
    site = read_site(tmp_path)
    assert summary(site) == {"a": ("a.png", None, None)}
    assert left_out(site) == {"mask_without_image": ["z.png"], "unsupported": ["a.tif", "a_segmentation.png"]}


def test_masks_with_a_tail(tmp_path: Path) -> None:
    touch(tmp_path, "images/ISIC_01.jpg", "masks/ISIC_01_segmentation.png", "images/b.png", "masks/b_mask.png")
    assert summary(read_site(tmp_path)) == {
        "ISIC_01": ("ISIC_01_segmentation.png", None, None),
        "b": ("b_mask.png", None, None),
    }


def test_subfolders_of_images_and_masks(tmp_path: Path) -> None:
    touch(tmp_path, "images/train/p1/a.png", "masks/train/p1/a.png", "images/test/p2/a.png", "masks/test/p2/a.png")
    assert summary(read_site(tmp_path)) == {
        "test/p2/a": ("a.png", None, "test"),
        "train/p1/a": ("a.png", None, "train"),
    }


def test_litter_is_not_bad_files_but_broken_images_stay_cases(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.png", "images/Thumbs.db", "images/.DS_Store", "images/README", "images/._a.png")
    touch(tmp_path, "images/notes.txt", "images/a.json", "images/desktop.ini", "__MACOSX/images/x.png", ".git/x.png")
    (tmp_path / "images" / "broken.png").write_bytes(b"<html>")
    (tmp_path / "images" / "scan.xyz").write_bytes(b"what is this")
    site = read_site(tmp_path)
    assert list(summary(site)) == ["a", "broken", "scan.xyz"]
    assert site.excluded == {}


def test_two_files_of_one_stem_keep_their_suffix(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.jpg", "images/a.png", "masks/a.png")
    assert summary(read_site(tmp_path)) == {"a": ("a.png", None, None), "a.png": ("a.png", None, None)}


def test_class_folders(tmp_path: Path) -> None:
    touch(tmp_path, "benign/a.png", "benign/b.png", "malignant/a.png", "README.md", "cover.png")
    site = read_site(tmp_path)
    assert site.layout == "classes"
    assert summary(site) == {
        "benign/a": (None, "benign", None),
        "benign/b": (None, "benign", None),
        "malignant/a": (None, "malignant", None),
    }
    assert site.classes == ("benign", "malignant")
    assert left_out(site) == {"unsupported": ["cover.png"]}


def test_class_folders_with_masks_beside_the_images(tmp_path: Path) -> None:
    """As BUSI is distributed: "benign (1).png" and "benign (1)_mask.png"."""
    touch(tmp_path, "benign/benign (1).png", "benign/benign (1)_mask.png", "benign/benign (1)_mask_1.png")
    touch(tmp_path, "normal/normal (1).png", "normal/normal (1)_mask.png")
    site = read_site(tmp_path)
    assert summary(site) == {
        "benign/benign (1)": ("benign (1)_mask.png", "benign", None),
        "normal/normal (1)": ("normal (1)_mask.png", "normal", None),
    }
    assert [len(case.masks) for case in site.cases] == [2, 1]
    assert left_out(site) == {}


def test_splits_of_classes(tmp_path: Path) -> None:
    touch(tmp_path, "train/cat/a.png", "Valid/cat/b.png", "testing/dog/a.png")
    site = read_site(tmp_path)
    assert site.layout == "split-classes"
    assert summary(site) == {
        "Valid/cat/b": (None, "cat", "val"),
        "testing/dog/a": (None, "dog", "test"),
        "train/cat/a": (None, "cat", "train"),
    }


def test_splits_of_images_and_masks(tmp_path: Path) -> None:
    touch(tmp_path, "train/images/a.png", "train/masks/a.png", "test/images/b.png", "test/masks/c.png")
    site = read_site(tmp_path)
    assert site.layout == "images+masks"
    assert summary(site) == {"test/b": (None, None, "test"), "train/a": ("a.png", None, "train")}
    assert left_out(site) == {"mask_without_image": ["c.png"]}


def test_a_class_called_test_is_a_class(tmp_path: Path) -> None:
    touch(tmp_path, "test/a.png", "control/a.png")
    assert read_site(tmp_path).classes == ("control", "test")


def test_nnunet(tmp_path: Path) -> None:
    touch(tmp_path, "imagesTr/la_003_0000.nii.gz", "imagesTr/la_003_0001.nii.gz", "imagesTr/la_004_0000.nii.gz")
    touch(tmp_path, "labelsTr/la_003.nii.gz", "labelsTr/la_009.nii.gz", "imagesTs/la_007_0000.nii.gz", "dataset.json")
    site = read_site(tmp_path)
    assert site.layout == "nnunet"
    assert summary(site) == {"la_003": ("la_003.nii.gz", None, None), "la_004": (None, None, None)}
    assert site.cases[0].images[0].name == "la_003_0000.nii.gz"
    assert left_out(site) == {"mask_without_image": ["la_009.nii.gz"]}
    touch(tmp_path, "labelsTs/la_007.nii.gz")
    assert summary(read_site(tmp_path))["la_007"] == ("la_007.nii.gz", None, "test")


def test_flat_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.nii.gz", "notes.txt")
    site = read_site(tmp_path)
    assert site.layout == "images"
    assert list(summary(site)) == ["a", "b"]
    touch(tmp_path, "b_seg.nii.gz")
    site = read_site(tmp_path)
    assert site.layout == "images+masks"
    assert summary(site) == {"a": (None, None, None), "b": ("b_seg.nii.gz", None, None)}


def test_images_folder_alone_is_a_layout_of_its_own(tmp_path: Path, write_slice: Callable[..., Path]) -> None:
    touch(tmp_path, "a/images/1.png", "b/images/cat/1.png", "b/images/dog/1.png", "c/images/1.png", "c/labels/1.txt")
    assert read_site(tmp_path / "a").layout == "images"
    assert list(summary(read_site(tmp_path / "b"))) == ["cat/1", "dog/1"]
    assert read_site(tmp_path / "c").layout == "images"  # boxes in text files are not masks
    for n in range(3):
        write_slice(f"d/images/{n}.dcm", PatientID="p", SeriesInstanceUID="1.2")
    assert [len(case.images) for case in read_site(tmp_path / "d").cases] == [3]


def test_masks_alone_are_one_clear_line(tmp_path: Path) -> None:
    touch(tmp_path, "masks/a.png", "masks/b.png")
    with pytest.raises(InputError, match=r"2 x mask_without_image .* the first is .*a\.png"):
        read_site(tmp_path)
    flat = tmp_path / "flat"
    touch(flat, "s1_T2w_seg-manual.nii.gz", "s1_T2w_csfseg-manual.nii.gz")
    with pytest.raises(InputError, match="mask_without_image"):
        read_site(flat)


@pytest.mark.parametrize("names", [(), ("notes.txt",), ("deep/er/notes.txt",)])
def test_nothing_found_says_what_was_looked_for(tmp_path: Path, names: tuple[str, ...]) -> None:
    touch(tmp_path, *names)
    with pytest.raises(InputError, match=r"images/ \+ masks/.*nnU-Net|nnU-Net.*images/ \+ masks/"):
        read_site(tmp_path)


def test_a_folder_of_sites_is_told_so(tmp_path: Path) -> None:
    touch(tmp_path, "north/images/a.png", "north/masks/a.png", "south/images/a.png", "south/masks/a.png")
    with pytest.raises(InputError, match=r"2 folders that each look like a site \(north, south\)"):
        read_site(tmp_path)


def test_missing_folder_and_wrong_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_site(tmp_path / "nowhere")
    touch(tmp_path, "a.png")
    with pytest.raises(InputError, match=r"\.csv or \.tsv"):
        read_site(tmp_path / "a.png")


def test_links_back_to_above_are_not_followed(tmp_path: Path) -> None:
    touch(tmp_path, "images/p1/a.png", "masks/p1/a.png")
    (tmp_path / "images" / "loop").symlink_to(tmp_path / "images")
    (tmp_path / "store").mkdir()
    touch(tmp_path / "store", "b.png")
    (tmp_path / "images" / "p2").symlink_to(tmp_path / "store")
    assert list(summary(read_site(tmp_path))) == ["p1/a", "p2/b"]


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "images/a.png")

    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match=f"{tmp_path}: cannot be listed: Permission denied"):
        read_site(tmp_path)


def test_site_name_and_order(tmp_path: Path) -> None:
    touch(tmp_path, *[f"images/{n}.png" for n in (3, 1, 2)])
    site = read_site(tmp_path, name="north")
    assert site.name == "north"
    assert [case.name for case in site.cases] == ["1", "2", "3"]


# --- DICOM --------------------------------------------------------------------------------------------------------


def test_dicom_tree_groups_patients_and_series(tmp_path: Path, write_slice: Callable[..., Path]) -> None:
    for patient in ("p1", "p2"):
        for series in ("1", "2"):
            for n in range(3):
                write_slice(
                    f"{patient}/s{series}/IM{n}",
                    PatientID=patient,
                    StudyInstanceUID=f"1.{patient[1]}",
                    SeriesInstanceUID=f"1.{patient[1]}.{series}",
                    StudyDate="20230517",
                )
    site = read_site(tmp_path)
    assert site.layout == "dicom"
    assert site.patient_source == "dicom"
    assert [(case.name, len(case.images), case.patient, case.date) for case in site.cases] == [
        ("p1/s1/IM0", 3, "p1", "2023-05"),
        ("p1/s2/IM0", 3, "p1", "2023-05"),
        ("p2/s1/IM0", 3, "p2", "2023-05"),
        ("p2/s2/IM0", 3, "p2", "2023-05"),
    ]


def test_dicom_projections_are_cases_of_their_own(tmp_path: Path, write_slice: Callable[..., Path]) -> None:
    for n in range(3):
        write_slice(f"{n}.dcm", PatientID="p", SeriesInstanceUID="1.2", Modality="MG")
    assert [len(case.images) for case in read_site(tmp_path).cases] == [1, 1, 1]


def test_dicom_localizer_and_sizes_are_told_apart(tmp_path: Path, write_slice: Callable[..., Path]) -> None:
    planes = ([1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1])
    for n, plane in enumerate(planes):
        write_slice(f"{n}.dcm", PatientID="p", SeriesInstanceUID="1.2", ImageOrientationPatient=plane)
    write_slice("3.dcm", PatientID="p", SeriesInstanceUID="1.2", ImageOrientationPatient=planes[0], Rows=6)
    assert len(read_site(tmp_path).cases) == 4


def test_dicom_without_series_is_grouped_by_folder(tmp_path: Path, write_slice: Callable[..., Path]) -> None:
    for name in ("a/1.dcm", "a/2.dcm", "b/1.dcm"):
        write_slice(name)
    site = read_site(tmp_path)
    assert [(case.name, len(case.images)) for case in site.cases] == [("a/1", 2), ("b/1", 1)]
    assert site.patient_source == "file"
    assert [case.patient for case in site.cases] == ["a/1", "b/1"]


def test_dicom_tree_leaves_out_what_is_no_image(tmp_path: Path, write_slice: Callable[..., Path]) -> None:
    for n in range(3):
        write_slice(f"{n}.dcm", PatientID=f"p{n}", SeriesInstanceUID=f"1.{n}")
    report = pydicom.dcmread(write_slice("report.dcm", Modality="SR"))
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(report, keyword)
    report.save_as(tmp_path / "report.dcm")
    (tmp_path / "empty.dcm").touch()
    touch(tmp_path, "preview.jpg", "DICOMDIR", "export.txt", "text.dcm")
    site = read_site(tmp_path)
    assert len(site.cases) == 3
    assert left_out(site) == {
        "beside_images": ["report.dcm"],
        "empty": ["empty.dcm"],
        "not_an_image": ["text.dcm"],
    }
    assert any("1 file is not read" in sentence and "preview.jpg" in sentence for sentence in site.notes)


def test_dicom_in_class_folders(tmp_path: Path, write_slice: Callable[..., Path]) -> None:
    """Several patients in each folder: classes. One patient in each: a tree of patients."""
    for label in ("normal", "abnormal"):
        for n in range(2):
            write_slice(f"{label}/{n}.dcm", PatientID=f"{label}{n}", SeriesInstanceUID=f"1.{n}", Modality="CR")
    site = read_site(tmp_path)
    assert site.layout == "classes"
    assert site.classes == ("abnormal", "normal")
    assert site.patient_source == "dicom"
    assert {case.patient for case in site.cases} == {"normal0", "normal1", "abnormal0", "abnormal1"}


def test_dicom_series_in_class_folders(tmp_path: Path, write_slice: Callable[..., Path]) -> None:
    for label in ("normal", "tumour"):
        for n in range(2):
            for z in range(3):
                write_slice(f"{label}/scan{n}/{z}.dcm", PatientID=f"{label}{n}", SeriesInstanceUID=f"1.{n}")
    site = read_site(tmp_path)
    assert site.layout == "classes"
    assert [(case.name, case.label, len(case.images)) for case in site.cases] == [
        ("normal/scan0/0", "normal", 3),
        ("normal/scan1/0", "normal", 3),
        ("tumour/scan0/0", "tumour", 3),
        ("tumour/scan1/0", "tumour", 3),
    ]


def test_dicom_images_with_masks(tmp_path: Path, write_slice: Callable[..., Path]) -> None:
    """Single files by stem; a folder of slices with one mask of the folder's name is one case."""
    write_slice("images/a.dcm", PatientID="p1", Modality="CR")
    for n in range(3):
        write_slice(f"images/scan/{n}.dcm", PatientID="p2", SeriesInstanceUID="1.2")
        write_slice(f"images/train/nobody/{n}.dcm", PatientID="p3", SeriesInstanceUID="1.3")
    touch(tmp_path, "masks/a.png", "masks/scan.nii.gz")
    site = read_site(tmp_path)
    assert [(case.name, len(case.images), [mask.name for mask in case.masks], case.patient) for case in site.cases] == [
        ("a", 1, ["a.png"], "p1"),
        ("scan", 3, ["scan.nii.gz"], "p2"),
        ("train/nobody/0", 3, [], "p3"),
    ]
    assert site.cases[2].split == "train"


def test_a_stray_dicom_among_pictures_changes_nothing(tmp_path: Path, write_slice: Callable[..., Path]) -> None:
    touch(tmp_path, "cat/a.png", "cat/b.png", "dog/a.png")
    write_slice("dog/b.dcm", PatientID="p")
    site = read_site(tmp_path)
    assert site.layout == "classes"
    assert len(site.cases) == 4
    assert site.patient_source == "file"
    assert next(case for case in site.cases if case.name == "dog/b") == Case(
        name="dog/b", images=(tmp_path / "dog" / "b.dcm",), label="dog", patient="p"
    )


def test_folders_are_listed_once_while_a_site_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a network drive each listing takes a while; a site is looked at in a dozen ways."""
    for number in range(40):
        path = tmp_path / ("benign", "malignant")[number % 2] / f"patient_{number // 4}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(np.full((8, 8), number, np.uint8)).save(path)
    listed: list[str] = []
    scandir = os.scandir

    def counted(folder: Path) -> object:
        listed.append(str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", counted)
    assert len(read_site(tmp_path).cases) == 40
    assert max(Counter(listed).values()) <= 2  # once for files, once for what is lost


def test_ten_thousand_masks_beside_images_are_told_apart_in_a_second(tmp_path: Path) -> None:
    """Each search among masks must not go through all of them."""
    paths = [tmp_path / f"{number}{end}.png" for number in range(10_000) for end in ("", "_mask")]
    start = time.perf_counter()
    images, masks, tail = parted(paths)
    assert (len(images), len(masks), tail) == (10_000, 10_000, "_mask")
    assert time.perf_counter() - start < 3
