"""Trees as public collections have them, built small: cases, labels, patients and masks as their descriptions say."""

import gzip
import json
import shlex
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from shiftscope.errors import InputError
from shiftscope.sites import Declarations, Site, read_site, require_shareable
from shiftscope.sites.layouts.nearest import nearest_templates

Expected = dict[str, tuple[str | None, str | None, int]]
"""Name of a case -> label, patient (None where nobody says), and number of masks."""


def build(root: Path, names: list[str]) -> Path:
    """Valid pictures and volumes, plain bytes for all else."""
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if ".nii" in name:
            values = np.arange(60, dtype=np.int16).reshape(3, 4, 5) + number
            nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
        elif path.suffix.lower() in (".png", ".jpg", ".tif", ".bmp", ".gif"):
            Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) + number).save(path)
        else:
            path.write_bytes(b"{}")
    return root


def cases_of(site: Site) -> Expected:
    known = site.patient_source != "file"
    return {case.name: (case.label, case.patient if known else None, len(case.masks)) for case in site.cases}


def brats(opening: str, sign: str, channels: str, suffix: str) -> list[str]:
    ends = [*channels.split(), "seg"]
    return [f"{opening}{n}/{opening}{n}{sign}{end}{suffix}" for n in ("00000-000", "00002-000") for end in ends]


def old_brats(n: str) -> list[str]:
    return [f"{n}/{n}_{end}.nii.gz" for end in ("flair", "t1", "t1ce", "t2", "seg")]


TREES: dict[str, tuple[list[str], str, str | None, Expected]] = {
    "BraTS 2023": (
        brats("BraTS-GLI-", "-", "t1c t1n t2f t2w", ".nii.gz"),
        "BraTS-GLI-{patient}-*/{case}-{channel}.nii.gz",
        "BraTS-GLI-{patient}-*/{case}-seg.nii.gz",
        {f"BraTS-GLI-{n}/BraTS-GLI-{n}": (None, n[:5], 1) for n in ("00000-000", "00002-000")},
    ),
    "BraTS 2020": (
        [*old_brats("BraTS20_Training_001"), *old_brats("BraTS20_Training_002"), "name_mapping.csv"],
        "BraTS20_Training_{patient}/{case}_{channel}.nii.gz",
        "BraTS20_Training_{patient}/{case}_seg.nii.gz",
        {f"BraTS20_Training_{n}/BraTS20_Training_{n}": (None, n, 1) for n in ("001", "002")},
    ),
    "BraTS 2018, two grades": (
        [
            f"{grade}/{each}"
            for grade in ("HGG", "LGG")
            for n in ("A_1", "B_1")
            for each in old_brats(f"Brats18_{grade}{n}")
        ],
        "{class}/{case}/{case}_{channel}.nii.gz",
        "{class}/{case}/{case}_seg.nii.gz",
        {
            f"{grade}/Brats18_{grade}{n}/Brats18_{grade}{n}": (grade, None, 1)
            for grade in ("HGG", "LGG")
            for n in ("A_1", "B_1")
        },
    ),
    "BIDS": (
        [
            *(f"sub-{s}/ses-1/anat/sub-{s}_ses-1_{end}.nii.gz" for s in ("01", "02") for end in ("T1w", "T2w")),
            *("dataset_description.json", "participants.tsv", "sub-01/ses-1/anat/sub-01_ses-1_T1w.json"),
            *("sub-01/ses-1/func/sub-01_ses-1_task-rest_bold.nii.gz",),
            *(
                f"derivatives/labels/sub-{s}/ses-1/anat/sub-{s}_ses-1_T1w_label-lesion_mask.nii.gz"
                for s in ("01", "02")
            ),
        ],
        "sub-{patient}/**/anat/{case}_{channel}.nii.gz",
        "derivatives/**/sub-{patient}/**/anat/{case}_T1w_label-lesion_mask.nii.gz",
        {f"sub-{s}/ses-1/sub-{s}_ses-1": (None, s, 1) for s in ("01", "02")},
    ),
    "BIDS, no sessions": (
        [f"sub-{s}/anat/sub-{s}_T1w.nii.gz" for s in ("ab1", "cd2")]
        + [f"derivatives/manual/sub-{s}/anat/sub-{s}_dseg.nii.gz" for s in ("ab1", "cd2")],
        "sub-{patient}/**/anat/{case}_{channel}.nii.gz",
        "derivatives/**/sub-{patient}/**/anat/{case}_dseg.nii.gz",
        {f"sub-{s}/sub-{s}": (None, s, 1) for s in ("ab1", "cd2")},
    ),
    "ISIC 2018": (
        [f"ISIC2018_Task1-2_Training_Input/ISIC_000000{n}.jpg" for n in (0, 1, 3)]
        + [f"ISIC2018_Task1_Training_GroundTruth/ISIC_000000{n}_segmentation.png" for n in (0, 1, 3)]
        + ["ISIC2018_Task1-2_Training_Input/LICENSE.txt", "ISIC2018_Task1-2_Training_Input/ATTRIBUTION.txt"],
        "ISIC2018_Task1-2_Training_Input/{case}.jpg",
        "ISIC2018_Task1_Training_GroundTruth/{case}_segmentation.png",
        {f"ISIC_000000{n}": (None, None, 1) for n in (0, 1, 3)},
    ),
    "ISIC 2018, its splits": (
        [f"ISIC2018_Task1-2_{s}_Input/ISIC_00{k}{n}.jpg" for k, s in enumerate(("Training", "Test")) for n in (1, 2)]
        + [
            f"ISIC2018_Task1_{s}_GroundTruth/ISIC_00{k}{n}_segmentation.png"
            for k, s in enumerate(("Training", "Test"))
            for n in (1, 2)
        ],
        "ISIC2018_Task1-2_{split}_Input/{case}.jpg",
        "ISIC2018_Task1_{split}_GroundTruth/{case}_segmentation.png",
        {
            f"ISIC2018_Task1-2_{s}_Input/ISIC_00{k}{n}": (None, None, 1)
            for k, s in enumerate(("Training", "Test"))
            for n in (1, 2)
        },
    ),
    "HAM10000": (
        [f"HAM10000_images_part_{part}/ISIC_002{part}{n}.jpg" for part in (1, 2) for n in (306, 307)]
        + ["HAM10000_metadata.csv"],
        "**/{case}.jpg",
        None,
        {f"HAM10000_images_part_{part}/ISIC_002{part}{n}": (None, None, 0) for part in (1, 2) for n in (306, 307)},
    ),
    "BUSI": (
        [
            *("benign/benign (1).png", "benign/benign (1)_mask.png", "benign/benign (1)_mask_1.png"),
            *("benign/benign (2).png", "benign/benign (2)_mask.png", "malignant/malignant (1).png"),
            *("malignant/malignant (1)_mask.png", "normal/normal (1).png", "normal/normal (1)_mask.png"),
        ],
        "{class}/{case}.png",
        "{class}/{case}_mask*.png",
        {
            "benign/benign (1)": ("benign", None, 2),
            "benign/benign (2)": ("benign", None, 1),
            "malignant/malignant (1)": ("malignant", None, 1),
            "normal/normal (1)": ("normal", None, 1),
        },
    ),
    "COVID radiography": (
        [
            f"{c}/{k}/{c}-{n}.png"
            for c in ("COVID", "Normal", "Viral Pneumonia")
            for k in ("images", "masks")
            for n in (1, 2)
        ]
        + [f"{c}.metadata.xlsx" for c in ("COVID", "Normal", "Viral Pneumonia")]
        + ["README.md.txt"],
        "{class}/images/{case}.png",
        "{class}/masks/{case}.png",
        {f"{c}/{c}-{n}": (c, None, 1) for c in ("COVID", "Normal", "Viral Pneumonia") for n in (1, 2)},
    ),
    "a class's folders by no convention": (
        [f"{c}/patient{c[0]}{n}/{k}.png" for c in ("benign", "malignant") for n in (1, 2) for k in (1, 2)],
        "{class}/**/{case}.png",
        None,
        {f"{c}/patient{c[0]}{n}/{k}": (c, None, 0) for c in ("benign", "malignant") for n in (1, 2) for k in (1, 2)},
    ),
    "a class's numbered patients": (
        [f"{c}/patient_{k}{n}/{n}.png" for k, c in enumerate(("benign", "malignant")) for n in (1, 2)],
        "{class}/patient_{patient}/{case}.png",
        None,
        {f"{c}/patient_{k}{n}/{n}": (c, f"{k}{n}", 0) for k, c in enumerate(("benign", "malignant")) for n in (1, 2)},
    ),
    "LiTS, one folder": (
        [f"{kind}-{n}.nii" for kind in ("volume", "segmentation") for n in (0, 1, 10)],
        "volume-{case}.nii",
        "segmentation-{case}.nii",
        {f"volume-{n}": (None, None, 1) for n in (0, 1, 10)},
    ),
    "LiTS, batches": (
        [
            f"Training Batch {b}/{kind}-{b}{n}.nii"
            for b in (1, 2)
            for kind in ("volume", "segmentation")
            for n in (0, 1)
        ],
        "**/volume-{case}.nii",
        "**/segmentation-{case}.nii",
        {f"Training Batch {b}/volume-{b}{n}": (None, None, 1) for b in (1, 2) for n in (0, 1)},
    ),
    "prefixes in sibling folders": (
        [
            f"{folder}/{kind}-{n}.nii"
            for folder, kind in (("volumes", "volume"), ("segmentations", "segmentation"))
            for n in (0, 1)
        ],
        "volumes/volume-{case}.nii",
        "segmentations/segmentation-{case}.nii",
        {f"volume-{n}": (None, None, 1) for n in (0, 1)},
    ),
    "prefixes in images and masks": (
        [f"{folder}/{kind}_{n}.png" for folder, kind in (("images", "img"), ("masks", "mask")) for n in (1, 2)],
        "images/img_{case}.png",
        "masks/mask_{case}.png",
        {f"img_{n}": (None, None, 1) for n in (1, 2)},
    ),
    "ACDC, with films and notes": (
        [
            f"training/patient00{n}/{name}"
            for n in (1, 2)
            for name in (
                "Info.cfg",
                *(f"patient00{n}_{end}.nii.gz" for end in ("4d", "frame01", "frame01_gt", "frame12", "frame12_gt")),
            )
        ],
        "{split}/patient{patient}/{case}.nii.gz",
        "{split}/patient{patient}/{case}_gt.nii.gz",
        {
            f"training/patient00{n}/patient00{n}_{end}": (None, f"00{n}", int(end != "4d"))
            for n in (1, 2)
            for end in ("4d", "frame01", "frame12")
        },
    ),
    "masks in a folder below their images": (
        [*(f"{n}.jpg" for n in "abc"), *(f"masks/{n}.png" for n in "abc")],
        "{case}.jpg",
        "masks/{case}.png",
        dict.fromkeys("abc", (None, None, 1)),
    ),
    "masks in a folder below a class's images": (
        [f"{c}/{place}{n}.png" for c in ("benign", "malignant") for place in ("", "masks/") for n in "ab"],
        "{class}/{case}.png",
        "{class}/masks/{case}.png",
        {f"{c}/{n}": (c, None, 1) for c in ("benign", "malignant") for n in "ab"},
    ),
    "months of years": (
        [f"{year}/{month}/{n}{year}{month}.png" for year in (2022, 2023) for month in ("01", "12") for n in "ab"],
        "**/{case}.png",
        None,
        {
            f"{year}/{month}/{n}{year}{month}": (None, None, 0)
            for year in (2022, 2023)
            for month in ("01", "12")
            for n in "ab"
        },
    ),
    "SegTHOR": (
        [f"Patient_0{n}/{name}.nii.gz" for n in (1, 2) for name in (f"Patient_0{n}", "GT")],
        "Patient_{patient}/{case}.nii.gz",
        "Patient_{patient}/GT.nii.gz",
        {f"Patient_0{n}/Patient_0{n}": (None, f"0{n}", 1) for n in (1, 2)},
    ),
    "KiTS": (
        [f"case_0000{n}/{kind}.nii.gz" for n in (0, 1) for kind in ("imaging", "segmentation")],
        "case_{patient}/imaging.nii.gz",
        "case_{patient}/segmentation.nii.gz",
        {f"case_0000{n}": (None, f"0000{n}", 1) for n in (0, 1)},
    ),
    "an image and its mask in each folder": (
        [f"{who}/{kind}.png" for who in ("Anna", "Bert") for kind in ("image", "mask")],
        "{case}/image.png",
        "{case}/mask.png",
        dict.fromkeys(("Anna", "Bert"), (None, None, 1)),
    ),
    "sequences in each folder": (
        [f"{who}/{kind}.nii.gz" for who in ("x1y", "x2z") for kind in ("FLAIR", "T1", "seg")],
        "{case}/{channel}.nii.gz",
        "{case}/seg.nii.gz",
        dict.fromkeys(("x1y", "x2z"), (None, None, 1)),
    ),
    "CheXpert": (
        [
            *(f"train/patient0000{n}/study{k}/view1_frontal.jpg" for n in (1, 2) for k in (1, 2)),
            *("valid/patient64541/study1/view1_frontal.jpg", "train.csv", "valid.csv"),
        ],
        "{split}/patient{patient}/**/{case}.jpg",
        None,
        {f"train/patient0000{n}/study{k}/view1_frontal": (None, f"0000{n}", 0) for n in (1, 2) for k in (1, 2)}
        | {"valid/patient64541/study1/view1_frontal": (None, "64541", 0)},
    ),
    "ACDC": (
        [
            f"training/patient00{n}/patient00{n}_{end}.nii.gz"
            for n in (1, 2)
            for end in (f"frame0{n}", f"frame0{n}_gt", f"frame1{n}", f"frame1{n}_gt")
        ]
        + ["training/patient001/Info.cfg.txt"],
        "{split}/patient{patient}/{case}.nii.gz",
        "{split}/patient{patient}/{case}_gt.nii.gz",
        {f"training/patient00{n}/patient00{n}_frame{k}{n}": (None, f"00{n}", 1) for n in (1, 2) for k in (0, 1)},
    ),
    "masks of classes in a folder of their own": (
        [f"{role}{c}/{c}{n}.png" for role in ("", "masks/") for c in ("benign", "malignant") for n in (1, 2)],
        "{class}/{case}.png",
        "masks/{class}/{case}.png",
        {f"{c}/{c}{n}": (c, None, 1) for c in ("benign", "malignant") for n in (1, 2)},
    ),
    "masks of all classes in one folder": (
        [f"{c}/{c}{n}.png" for c in ("benign", "malignant") for n in (1, 2)]
        + [f"masks/{c}{n}_gt.png" for c in ("benign", "malignant") for n in (1, 2)],
        "{class}/{case}.png",
        "masks/{case}_gt.png",
        {f"{c}/{c}{n}": (c, None, 1) for c in ("benign", "malignant") for n in (1, 2)},
    ),
    "splits within classes": (
        [f"{c}/{s}/{c}{s}{n}.png" for c in ("benign", "malignant") for s in ("train", "test") for n in (1, 2)],
        "{class}/{split}/{case}.png",
        None,
        {
            f"{c}/{s}/{c}{s}{n}": (c, None, 0)
            for c in ("benign", "malignant")
            for s in ("train", "test")
            for n in (1, 2)
        },
    ),
    "images and masks by suffix": (
        [f"patient{n}_{end}.nii.gz" for n in (1, 2) for end in ("img", "seg")],
        "{case}_img.nii.gz",
        "{case}_seg.nii.gz",
        {f"patient{n}_img": (None, None, 1) for n in (1, 2)},
    ),
    "Medical Decathlon": (
        [f"{folder}/liver_{n}.nii.gz" for folder in ("imagesTr", "labelsTr") for n in (0, 1)]
        + ["imagesTs/liver_7.nii.gz", "dataset.json"],
        "imagesTr/{case}.nii.gz",
        "labelsTr/{case}.nii.gz",
        {f"liver_{n}": (None, None, 1) for n in (0, 1)},
    ),
    "nnU-Net": (
        [f"imagesTr/la_00{n}_000{k}.nii.gz" for n in (3, 4) for k in (0, 1)] + ["labelsTr/la_003.nii.gz"],
        "imagesTr/{case}_{channel}.nii.gz",
        "labelsTr/{case}.nii.gz",
        {"la_003": (None, None, 1), "la_004": (None, None, 0)},
    ),
    "Kvasir": (
        [f"{folder}/cju{n}.jpg" for folder in ("images", "masks") for n in ("0a", "1b")] + ["kavsir_bboxes.json"],
        "images/{case}.jpg",
        "masks/{case}.jpg",
        {f"cju{n}": (None, None, 1) for n in ("0a", "1b")},
    ),
    "Montgomery": (
        [f"CXR_png/MCUCXR_000{n}_0.png" for n in (1, 2)]
        + [f"ManualMask/{lung}Mask/MCUCXR_000{n}_0.png" for lung in ("left", "right") for n in (1, 2)]
        + ["ClinicalReadings/MCUCXR_0001_0.txt"],
        "CXR_png/{case}.png",
        "ManualMask/*/{case}.png",
        {f"MCUCXR_000{n}_0": (None, None, 2) for n in (1, 2)},
    ),
    "GlaS": (
        [f"{k}_{n}{end}.bmp" for k in ("testA", "train") for n in (1, 2) for end in ("", "_anno")] + ["Grade.csv"],
        "{case}.bmp",
        "{case}_anno.bmp",
        {f"{k}_{n}": (None, None, 1) for k in ("testA", "train") for n in (1, 2)},
    ),
    "LGG, a folder a patient by no convention": (
        [f"TCGA_CS_49{n}/TCGA_CS_49{n}_{k}{end}.tif" for n in (41, 42) for k in (1, 2) for end in ("", "_mask")],
        "{class}/{case}.tif",
        "{class}/{case}_mask.tif",
        {f"TCGA_CS_49{n}/TCGA_CS_49{n}_{k}": (f"TCGA_CS_49{n}", None, 1) for n in (41, 42) for k in (1, 2)},
    ),
    "chest films in numbered folders": (
        [f"images_00{k}/images/0000000{k}_00{n}.png" for k in (1, 2) for n in (0, 1)] + ["Data_Entry_2017.csv"],
        "**/images/{case}.png",
        None,
        {f"images_00{k}/0000000{k}_00{n}": (None, None, 0) for k in (1, 2) for n in (0, 1)},
    ),
}


@pytest.mark.parametrize("tree", TREES)
def test_a_tree_is_read_as_it_is_described(tmp_path: Path, tree: str) -> None:
    names, template, mask, expected = TREES[tree]
    site = read_site(build(tmp_path, names))
    assert (site.template, site.mask_template) == (template, mask)
    assert cases_of(site) == expected


@pytest.mark.parametrize("tree", TREES)
def test_the_proposed_templates_read_the_same(tmp_path: Path, tree: str) -> None:
    site = read_site(build(tmp_path, TREES[tree][0]))
    again = read_site(tmp_path, given=Declarations(layout=site.template, mask=site.mask_template))
    assert again.cases == site.cases


@pytest.mark.parametrize("tree", TREES)
def test_every_image_is_read_left_out_or_reported(tmp_path: Path, tree: str) -> None:
    names = TREES[tree][0]
    site = read_site(build(tmp_path, names))
    read = {path for case in site.cases for path in (*case.images, *case.masks)}
    read.update(path for paths in site.excluded.values() for path in paths)
    pictures = [tmp_path / name for name in names if name.endswith((".nii", ".nii.gz", ".png", ".jpg", ".tif", ".bmp"))]
    left = [path for path in pictures if path not in read]
    assert not left or any("not read" in note or "channels" in note for note in site.notes)


DRIVE = [
    f"{s}/{folder}/{n}_{name}"
    for s, n in (("training", "21"), ("training", "22"), ("test", "01"), ("test", "02"))
    for folder, name in (("images", f"{s}.tif"), ("1st_manual", "manual1.gif"), ("mask", f"{s}_mask.gif"))
]
CHASE = [f"Image_0{n}{lung}{end}" for n in (1, 2) for lung in "LR" for end in (".jpg", "_1stHO.png", "_2ndHO.png")]
SPINE = [f"sub-0{n}/anat/sub-0{n}_T2w.nii.gz" for n in (1, 2)] + [
    f"derivatives/labels/sub-0{n}/anat/sub-0{n}_T2w_{end}.nii.gz" for n in (1, 2) for end in ("seg", "label-gm_mask")
]
CHOICES = {
    "annotations beside fields of view": (
        DRIVE,
        4,
        "{split}/images/{case}_{split}.tif' --mask '{split}/1st_manual/{case}_manual1.gif'",
    ),
    "annotations without a word for it": (CHASE, 12, "{case}.jpg' --mask '{case}_1stHO.png'"),
    "several kinds of masks in BIDS": (
        SPINE,
        2,
        "sub-{patient}/**/anat/{case}_{channel}.nii.gz' --mask"
        " 'derivatives/**/sub-{patient}/**/anat/{case}_T2w_label-gm_mask.nii.gz'",
    ),
}


@pytest.mark.parametrize("tree", CHOICES)
def test_masks_that_may_be_others_are_not_read_but_reported(tmp_path: Path, tree: str) -> None:
    """And the options that are proposed do read them."""
    names, cases, options = CHOICES[tree]
    site = read_site(build(tmp_path, names))
    assert (len(site.cases), sum(len(case.masks) for case in site.cases)) == (cases, 0)
    sentence = next(each for each in site.notes if options in each)
    words = shlex.split(sentence[sentence.index("--layout") :])
    again = read_site(tmp_path, given=Declarations(layout=words[1], mask=words[3]))
    assert again.cases
    assert all(len(case.masks) == 1 for case in again.cases)


def test_options_for_masks_read_every_split_whose_word_names_repeat(tmp_path: Path) -> None:
    """DRIVE: `training/images/21_training.tif`, `test/images/01_test.tif`."""
    site = read_site(build(tmp_path, DRIVE))
    (sentence,) = [note for note in site.notes if note.startswith("the files in 1st_manual/")]
    words = shlex.split(sentence[sentence.index("--layout") :])
    again = read_site(tmp_path, given=Declarations(layout=words[1], mask=words[3]))
    assert sorted((case.split, len(case.masks)) for case in again.cases) == [("test", 1)] * 2 + [("train", 1)] * 2


def test_an_archive_in_a_folder_of_its_name_is_given_as_a_command(tmp_path: Path) -> None:
    """An unpacked archive brings a folder of its own: what is asked for is copied, and reads it."""
    names = [
        f"chest xray/{split}/{c}/{n}.png" for split in ("train", "test") for c in ("NORMAL", "PNEUMONIA") for n in "ab"
    ]
    with pytest.raises(InputError, match="the images lie one folder deeper") as refused:
        read_site(build(tmp_path, names))
    words = shlex.split(str(refused.value).splitlines()[1])
    assert words[:2] == ["shiftscope", "profile"]
    assert len(read_site(Path(words[2])).cases) == 8


@pytest.mark.parametrize(
    ("names", "first"),
    [
        ([f"LUNG1-00{n}/{name}.nii.gz" for n in (1, 2) for name in ("image", "mask_GTV-1", "mask_lung")], "mask_GTV-1"),
        (
            [f"{c}{end}/{n}.png" for c in ("benign", "malignant") for end in ("", "_masks") for n in "ab"],
            "benign_masks/a",
        ),
    ],
    ids=["by the first word", "by their folder"],
)
def test_masks_that_would_be_images_are_reported(tmp_path: Path, names: list[str], first: str) -> None:
    note = next(note for note in read_site(build(tmp_path, names)).notes if "called as masks are" in note)
    assert note.startswith("4 of ")
    assert first in note


def test_nearest_templates_have_masks_and_call_no_folder_of_masks_a_patient(tmp_path: Path) -> None:
    """Hospitals in one folder: each command that is shown reads as many images as it says."""
    names = [f"{site}/{n}{end}.png" for site in ("north 1", "south 1") for n in "ab" for end in ("", "_mask")]
    names += [f"{site}/deep/{n}{end}.png" for site in ("north 1", "south 1") for n in "cd" for end in ("", "_mask")]
    build(tmp_path, names)
    near = nearest_templates(tmp_path)
    for line in near.splitlines()[1:]:
        words = shlex.split(line, comments=True)
        site = read_site(tmp_path, given=Declarations(layout=words[5], mask=words[7]))
        assert f"would find {len(site.cases)} images" in line
        assert all(case.masks for case in site.cases)
    other = tmp_path / "other"
    build(
        other, [f"{site}/{kind}/{n}.png" for site in ("north", "south") for kind in ("images", "masks") for n in "ab"]
    )
    assert "{class}/{patient}/" not in nearest_templates(other)


def test_folders_of_patients_by_no_convention_are_asked_for_with_a_template(tmp_path: Path) -> None:
    """`<class>/<patient>/*`: whether a folder is a person is its owner's to say."""
    names = [f"{c}/{who}{c[0]}/{k}.png" for c in ("benign", "malignant") for who in ("Anna", "Bert") for k in (1, 2)]
    site = read_site(build(tmp_path, names))
    assert (site.classes, site.patient_source, len(site.cases)) == (("benign", "malignant"), "file", 8)
    with pytest.raises(InputError, match=r"--layout '\{class\}/\{patient\}/\{case\}.png'") as asked:
        require_shareable(site)
    assert "folders are patients: 4 of them" in str(asked.value)
    site = read_site(tmp_path, given=Declarations(layout="{class}/{patient}/{case}.png"))
    require_shareable(site)
    assert (site.patient_source, len({case.patient for case in site.cases})) == ("regex", 4)


def test_slices_in_folders_of_patients_are_asked_for_with_a_template(tmp_path: Path) -> None:
    site = read_site(build(tmp_path, TREES["LGG, a folder a patient by no convention"][0]))
    with pytest.raises(InputError) as asked:
        require_shareable(site)
    assert "--layout '{patient}/{case}.tif' --mask '{patient}/{case}_mask.tif'" in str(asked.value)


def test_studies_below_folders_that_may_be_sites_are_refused_with_the_nearest_templates(tmp_path: Path) -> None:
    """MURA: folders of bones hold folders of patients, as folders of hospitals would."""
    names = [f"XR_{part}/patient0001{n}/study1_negative/image{k}.png" for n, part in enumerate("AB") for k in (1, 2)]
    with pytest.raises(InputError, match="2 folders that each look like a site") as refused:
        read_site(build(tmp_path, names))
    assert "--layout '{class}/{patient}/**/{case}.png'" in str(refused.value)
    assert "# would find 4 images" in str(refused.value)


PARTS = {
    "years": ["2023", "2024"],
    "days": ["2023-05-17", "20230518"],
    "months": ["2023-05", "202306"],
    "exports": ["export_1", "export_2"],
    "lettered batches": ["batch a", "batch b"],
    "one part": ["part1"],
    "disks": ["CD 1", "CD 2"],
}


@pytest.mark.parametrize("folders", PARTS.values(), ids=PARTS)
def test_parts_of_a_delivery_are_no_classes(tmp_path: Path, folders: list[str]) -> None:
    site = read_site(build(tmp_path, [f"{folder}/{k}.png" for folder in folders for k in range(3)]))
    assert (site.layout, site.classes, len(site.cases)) == ("images", (), 3 * len(folders))
    assert any("no classes" in note for note in site.notes)


def test_parts_that_hold_classes_share_them(tmp_path: Path) -> None:
    names = [f"part_{p}/{c}/{p}{k}.png" for p in (1, 2) for c in ("benign", "malignant") for k in (1, 2)]
    site = read_site(build(tmp_path, names))
    assert (site.layout, site.classes, len(site.cases)) == ("classes", ("benign", "malignant"), 8)


def test_folders_that_the_owner_calls_classes_are_classes(tmp_path: Path) -> None:
    names = [f"set {letter}/{k}.png" for letter in "ab" for k in range(2)]
    site = read_site(build(tmp_path, names), given=Declarations(classes=("set a", "set b")))
    assert site.classes == ("set a", "set b")


@pytest.mark.parametrize("names", [["left", "right"], ["frontal", "lateral"], ["early", "late"]])
def test_views_that_all_patients_have_are_no_channels(tmp_path: Path, names: list[str]) -> None:
    """Two views of a patient are two images; only names of sequences are channels."""
    site = read_site(build(tmp_path, [f"patient{n}/patient{n}_{view}.png" for n in (1, 2) for view in names]))
    assert len(site.cases) == 4
    assert {case.patient for case in site.cases} == {"1", "2"}


@pytest.mark.parametrize("name", ["{x", "a*b", "c}", "{case}", "**"])
def test_names_that_are_no_templates_are_read_all_the_same(tmp_path: Path, name: str) -> None:
    files = [f"{name} 1/{name}.png", f"{name} 1/{name}_mask.png", f"{name} 2/{name}.png", f"{name} 2/{name}_mask.png"]
    site = read_site(build(tmp_path, files))
    assert (len(site.cases), sum(len(case.masks) for case in site.cases)) == (2, 2)


def test_images_that_nobody_reads_are_reported(tmp_path: Path) -> None:
    site = read_site(build(tmp_path, ["amber/1.png", "amber/old/2.png", "beige/1.png", "beige/x/3.png"]))
    assert len(site.cases) == 2
    assert any(note.startswith("2 files are not read") and "amber/old/2.png" in note for note in site.notes)


def test_images_below_a_class_are_of_that_class(tmp_path: Path) -> None:
    site = read_site(build(tmp_path, ["benign/1.png", "benign/older/2.png", "malignant/x/3.png"]))
    assert cases_of(site) == {
        "benign/1": ("benign", None, 0),
        "benign/older/2": ("benign", None, 0),
        "malignant/x/3": ("malignant", None, 0),
    }


def test_a_dry_run_shows_the_template(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    names, template, mask, _ = TREES["BraTS 2023"]
    done = run("profile", build(tmp_path / "site", names), "--dry-run", "--format", "json")
    found = json.loads(done.out)
    assert (found["template"], found["mask_template"]) == (template, mask)
    assert any("of 4 channels (t1c, t1n, t2f, t2w) t1c is read" in note for note in found["told"])
    done = run("profile", tmp_path / "site", "--dry-run", "--channel", "t2f")
    assert f"--layout '{template}'" in " ".join(done.out.split())


def nnunet(images: list[str], labels: list[str]) -> list[str]:
    return [f"imagesTr/{name}.nii.gz" for name in images] + [f"labelsTr/{name}.nii.gz" for name in labels]


ADNI = ["sub-ADNI003S4081/ses-M00/anat/sub-ADNI003S4081_ses-M00_FLAIR.nii.gz"] + [
    f"sub-ADNI003S{n}/ses-M00/{kind}/sub-ADNI003S{n}_ses-M00_{end}.nii.gz"
    for n in ("4081", "4119")
    for kind, end in (("anat", "T1w"), ("dwi", "acq-axial_dwi"))
]
FMRIPREP = [
    *("sub-01/anat/sub-01_desc-preproc_T1w.nii.gz", "sub-01/anat/sub-01_desc-brain_mask.nii.gz"),
    *(f"sub-01/ses-{s}/anat/sub-01_ses-{s}_from-orig_to-T1w_mode-image_xfm.txt" for s in ("test", "retest")),
    "sub-01/ses-test/func/sub-01_ses-test_task-x_bold.nii.gz",
]
RUNS = [f"sub-HC001/ses-02/anat/sub-HC001_ses-02_run-{n}_T1w.nii.gz" for n in (1, 2)] + [
    "sub-HC001/ses-01/anat/sub-HC001_ses-01_T1w.nii.gz"
]
SOURCES = [
    *("sub-1/anat/sub-1_T1w.nii.gz", "sourcedata/sub-1/anat/sub-1_T1w.nii.gz"),
    "derivatives/prep/sub-1/anat/sub-1_space-x_T1w.nii.gz",
]

GRADED = ("Flair", "Label", "T1", "T1c", "T2")

REPORTS: dict[str, tuple[list[str], Expected, str | None]] = {
    "MIC-DKFZ/nnUNet#729": (
        nnunet(["vert_003", "vert_004"], ["vert_003", "vert_004"]),
        {"vert_003": (None, None, 1), "vert_004": (None, None, 1)},
        None,
    ),
    "MIC-DKFZ/nnUNet#2616": (
        nnunet(["case_0000_0000", "case_0001_0000"], ["case_0000", "case_0001"]),
        {"case_0000": (None, None, 1), "case_0001": (None, None, 1)},
        None,
    ),
    "tkuanlun350/3DUnet-Tensorflow-Brats18#23": (
        [
            f"{c}/{c}{n}_{end}.nii"
            for c in ("HGG", "LGG")
            for n in (71, 72)
            for end in ["Flair", "Label", "T1", "T1c", "T2"]
        ],
        {f"{c}/{c}{n}": (c, None, 1) for c in ("HGG", "LGG") for n in (71, 72)},
        "of 4 channels (Flair, T1, T1c, T2) Flair is read",
    ),
    "FirasGit/medicaldiffusion#14": (
        [name.replace(".nii.gz", ".nii") for n in ("001", "002") for name in old_brats(f"BraTS20_Training_{n}")],
        {f"BraTS20_Training_{n}/BraTS20_Training_{n}": (None, n, 1) for n in ("001", "002")},
        "of 4 channels",
    ),
    "aramis-lab/clinica#9": (
        ADNI,
        {f"sub-ADNI003S{n}/ses-M00/sub-ADNI003S{n}_ses-M00": (None, f"ADNI003S{n}", 0) for n in ("4081", "4119")},
        "of 2 channels (FLAIR, T1w) T1w is read",
    ),
    "nilearn/nilearn#6291": (
        FMRIPREP,
        {"sub-01/sub-01_desc-preproc": (None, "01", 0)},
        "1 file is not read",
    ),
    "khanlab/hippunfold#46": (
        RUNS,
        {f"sub-HC001/{name[10:16]}/{name[22:-11]}": (None, "HC001", 0) for name in RUNS},
        None,
    ),
    "HBClab/NiBetaSeries#69": (SOURCES, {"sub-1/sub-1": (None, "1", 0)}, "2 files are not read"),
    "pytorch/vision#2831": (
        ["a/1.png", "b/2.png", ".ipynb_checkpoints/1-checkpoint.png"],
        {"a/1": ("a", None, 0), "b/2": ("b", None, 0)},
        None,
    ),
    "pytorch/vision#4925": (
        ["a/1.png", "b/2.png", "c/readme.txt"],
        {"a/1": ("a", None, 0), "b/2": ("b", None, 0)},
        None,
    ),
    "FengheTan9/CMUNeXt#3": (
        ["benign (4).png", "benign (4)_mask.png", "benign (4)_mask_1.png"],
        {"benign (4)": (None, None, 2)},
        None,
    ),
    "advaitsave/Multiclass-Semantic-Segmentation-CamVid#3": (
        [f"0016E5_0{n}{end}.png" for n in (8115, 8075) for end in ("", "_L")],
        {f"0016E5_0{n}{end}": (None, None, 0) for n in (8115, 8075) for end in ("", "_L")},
        "2 files that end in _L may be masks and are not read",
    ),
    "minar09/cp-vton-plus#8": (
        [
            f"{folder}/000{n}_0.png"
            for folder, order in (("image", (266, 258)), ("image-mask", (258, 266)))
            for n in order
        ],
        {f"000{n}_0": (None, None, 1) for n in (258, 266)},
        None,
    ),
    "divamgupta/image-segmentation-keras#204": (
        [f"original/img_{n}.jpg" for n in (1, 2)] + [f"mask/img_{n}.png" for n in (1, 2)],
        {f"img_{n}": (None, None, 1) for n in (1, 2)},
        None,
    ),
}


@pytest.mark.parametrize("report", REPORTS)
def test_a_folder_of_a_public_report(tmp_path: Path, report: str) -> None:
    names, expected, says = REPORTS[report]
    site = read_site(build(tmp_path, names))
    assert cases_of(site) == expected
    assert says is None or any(says in sentence for sentence in site.notes), site.notes
    for case in site.cases:
        assert all(mask.name[:6] == case.images[0].name[:6] for mask in case.masks)


def test_files_that_lack_their_partner_are_counted(tmp_path: Path) -> None:
    """Dhananjay42/crackseg9k#4: images without a mask stay, masks without an image are left out."""
    names = [f"imgs/Riss_{n}.jpg" for n in (1, 2)] + [f"masks/Riss_{n}.jpg" for n in (2, 3)]
    site = read_site(build(tmp_path, names))
    assert cases_of(site) == {"Riss_1": (None, None, 0), "Riss_2": (None, None, 1)}
    assert [path.name for path in site.excluded["mask_without_image"]] == ["Riss_3.jpg"]


def test_images_that_are_called_as_masks_are_reported(tmp_path: Path) -> None:
    """A preview beside image and segmentation: the folder is like no other, and nothing may be silent."""
    names = [f"case_{n}/{each}" for n in (1, 2) for each in ("imaging.nii.gz", "preview.png", "segmentation.nii.gz")]
    site = read_site(build(tmp_path, names))
    assert any("2 of 6 images are called as masks are, for example case_1/segmentation" in note for note in site.notes)


def test_a_mask_template_alone_is_refused_with_the_template_that_is_seen(tmp_path: Path) -> None:
    build(tmp_path, ["benign/1.png", "malignant/2.png"])
    with pytest.raises(InputError, match=r"such as --layout '\{class\}/\{case\}.png'"):
        read_site(tmp_path, given=Declarations(mask="{class}/{case}_m.png"))


def test_the_owner_is_believed_against_a_convention(tmp_path: Path) -> None:
    """Numbered cases need not be persons: the owner's word, or a plan's, settles it."""
    names = [f"case_{n}/{k}.png" for n in (1, 2) for k in (1, 2)]
    site = read_site(build(tmp_path, names), given=Declarations(one_file_per_patient=True))
    assert (site.patient_source, len({case.patient for case in site.cases})) == ("one_file_per_patient", 4)
    assert len({case.patient for case in read_site(tmp_path).cases}) == 2


def test_answers_repeat_the_layout_that_was_said(tmp_path: Path) -> None:
    names = [f"x/{c}/{k}.png" for c in ("amber", "beige") for k in (1, 2)]
    said = Declarations(layout="x/{class}/{case}.png", mask="m/{class}/{case}.png")
    with pytest.raises(InputError) as asked:
        require_shareable(read_site(build(tmp_path, names), given=said))
    assert "--layout 'x/{class}/{case}.png' --mask 'm/{class}/{case}.png' --classes amber,beige" in str(asked.value)


FOREIGN = {
    "MetaImage": ("a.mhd", b"ObjectType = Image\n", "1 x a MetaImage; convert it"),
    "NRRD": ("a.nrrd", b"NRRD0004\n", "1 x a NRRD; convert it"),
    "NumPy": ("a.npy", b"\x93NUMPY\x01\x00", "1 x a NumPy array; convert it"),
    "portable grey map": (
        "mdb001.pgm",
        b"P5\n2 2\n255\n\0\0\0\0",
        "1 x a portable grey or pixel map (PGM, PPM); convert it",
    ),
    "ZIP": ("a.zip", b"PK\x03\x04" + bytes(40), "1 x a ZIP archive; unpack it"),
    "gzipped DICOM": (
        "a.dcm.gz",
        gzip.compress(bytes(128) + b"DICM" + bytes(600)),
        "1 x a gzipped DICOM file; unpack it",
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_folder_of_nothing_but_another_format(tmp_path: Path, name: str) -> None:
    file, content, words = FOREIGN[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_site(tmp_path)
    assert f"nothing to read: {words}" in str(caught.value)
