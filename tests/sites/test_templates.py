"""Layout templates: what they mean, what is refused, and that none is slow."""

import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread

from shiftscope.errors import InputError
from shiftscope.phantoms import ANATOMIES, write_dicom
from shiftscope.sites import Declarations, Site, read_site
from shiftscope.sites.templates.template import Template
from shiftscope.sites.templates.template_names import FIELDS, month_of


def pictures(root: Path, *names: str) -> Path:
    """A picture for each name, each with a grey level of its own."""
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.arange(64, dtype=np.uint8).reshape(8, 8) + number
        Image.fromarray(pixels).save(root / name, "png")
    return root


def read(root: Path, layout: str, mask: str | None = None, channel: str | None = None) -> Site:
    return read_site(root, given=Declarations(layout=layout, mask=mask, channel=channel))


FITS = {
    "folders are fields": ("{class}/{patient}/{case}.png", "benign/p1/a.png", "benign p1 a"),
    "suffix in capitals": ("{case}.png", "a.PNG", "a"),
    "folder in capitals": ("images/{case}.png", "Images/a.png", "a"),
    "double suffix": ("{case}.nii.gz", "sub-1.b.nii.gz", "sub-1.b"),
    "any suffix": ("{case}.*", "a.b.nii.gz", "a.b"),
    "no suffix": ("{case}.*", "IM0001", "IM0001"),
    "no suffix said": ("{class}/{case}", "benign/a.b.png", "benign a.b"),
    "no suffix said after a star": ("{case}_mask*", "a_mask_1.png", "a"),
    "case takes the most": ("{case}_{channel}.nii.gz", "la_003_0000.nii.gz", "la_003 0000"),
    "channel is without its sign": ("{case}-{channel}.nii.gz", "B-0-t1c.nii.gz", "B-0 t1c"),
    "patient takes the least": ("{patient}_{case}.png", "p1_left_3.png", "p1 left_3"),
    "plain text means itself": ("{case} (.+)[a].png", "x (.+)[a].png", "x"),
    "star is nothing, too": ("{case}_mask*.png", "a_mask.png", "a"),
    "same field, same text": ("{case}/{case}_{channel}.png", "c1/c1_t1.png", "c1 t1"),
    "any folders": ("**/{case}.png", "x/y/a.png", "a"),
    "no folder": ("**/{case}.png", "a.png", "a"),
    "folders in between": ("{patient}/**/v/{case}.png", "p/1/2/v/a.png", "p a"),
    "split by its word": ("{split}_{case}.png", "Valid_a_b.png", "Valid a_b"),
    "date by its form": ("{patient}_{date}_{case}.png", "p_1_2023-05-17_x.png", "p_1 2023-05-17 x"),
    "composed letters": ("{class}/{case}.png", "mu\u0308ll/a.png", "m\u00fcll a"),
}


@pytest.mark.parametrize(("template", "path", "expected"), FITS.values(), ids=FITS)
def test_a_name_fits(template: str, path: str, expected: str) -> None:
    found = Template.of(template).match(path.split("/"))
    assert found is not None
    order = sorted(found.fields, key=template.index)
    assert " ".join(found.fields[name] for name in order) == expected


MISFITS = {
    "another depth": ("{class}/{case}.png", "a.png"),
    "no slash in a field": ("{case}.png", "a/b.png"),
    "no slash in a star": ("{case}_*.png", "a_/b.png"),
    "another suffix": ("{case}.png", "a.png.bak"),
    "no text for a field": ("{case}_mask.png", "_mask.png"),
    "a dot is a dot": ("{case}.png", "aXpng"),
    "unequal texts of a field": ("{case}/{case}_{channel}.png", "c1/c2_t1.png"),
    "no split": ("{split}/{case}.png", "fold1/a.png"),
    "no date": ("{date}/{case}.png", "2023-13/a.png"),
    "a year is no month": ("{date}/{case}.png", "2023/a.png"),
}


@pytest.mark.parametrize(("template", "path"), MISFITS.values(), ids=MISFITS)
def test_a_name_does_not_fit(template: str, path: str) -> None:
    assert Template.of(template).match(path.split("/")) is None


WRONG = {
    "no such field": ("{label}/{case}.png", r"\{label\}, which is no field"),
    "empty field": ("{}.png", r"\{\}, which is no field"),
    "open brace": ("{case.png", "brace '{' without its other half"),
    "closing brace": ("case}.png", "brace '}' without its other half"),
    "absolute": ("/data/{case}.png", "begins with / or a drive"),
    "drive": ("C:/{case}.png", "begins with / or a drive"),
    "home": ("~/{case}.png", "begins with / or a drive"),
    "backslash": ("{class}\\{case}.png", "folders are parted by /"),
    "upwards": ("../{case}.png", r"holds '\.\.' for a folder"),
    "empty folder": ("a//{case}.png", "has no name"),
    "ends in a folder": ("{case}/", "has no name"),
    "nothing parts them": ("{class}{case}.png", "nothing parts {case}"),
    "nothing parts a star": ("{case}*.png", r"nothing parts \*"),
    "twice in a name": ("{case}_{case}.png", "twice in one name"),
    "stars in a name": ("{case}**.png", "stands for folders alone"),
    "ends in stars": ("{case}/**", r"ends in \*\*"),
    "three times any folders": ("**/a/**/b/**/{case}", "more than two"),
    "too long": ("{case}" + "a" * 500, "506 characters, more than 500"),
    "too deep": ("a/" * 20 + "{case}", "21 names, more than 20"),
    "moves the cursor": ("{case}\x1b[2J", "cannot be shown"),
}


@pytest.mark.parametrize(("template", "says"), WRONG.values(), ids=WRONG)
def test_what_is_no_template_is_refused_with_the_fields(template: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        Template.of(template)
    assert all(f"{{{name}}}" in str(caught.value) for name in FIELDS)


@given(st.text(alphabet="{}case*/._-a\\(|[", max_size=30), st.text(alphabet="ac._-/", max_size=30))
def test_any_text_is_a_template_or_refused_and_matching_ends(text: str, path: str) -> None:
    try:
        template = Template.of(text)
    except ValueError:
        return
    found = template.match(path.split("/"))
    assert found is None or set(found.fields) <= set(FIELDS)


@pytest.mark.parametrize(
    "template",
    [
        "{patient}a*a{class}a*a{case}a*a{date}b.png",
        "{patient}_*_{class}_*_{case}_*x.png",
        "**/{patient}_{case}/**/{class}_{case}_*_*_x.png",
        "*a*a*a*a*a*a*a{case}b.png",
    ],
)
@pytest.mark.parametrize("letter", "a_")
def test_no_template_is_slow(template: str, letter: str) -> None:
    """Ten thousand names of 200 characters that nearly fit."""
    asked = Template.of(template)
    start = time.process_time()
    with suppress(InputError):  # that it fits in too many ways
        for number in range(10_000):
            asked.match(("a_b", letter * 200 + f"{number}x.png"))
    assert time.process_time() - start < 30


@pytest.mark.parametrize(
    ("text", "month"),
    [("2023-05", "2023-05"), ("202305", "2023-05"), ("20230517", "2023-05"), ("2023.05.17", "2023-05"), ("0", None)],
)
def test_dates_are_months(text: str, month: str | None) -> None:
    assert month_of(text) == month


def test_classes_patients_and_several_masks(tmp_path: Path) -> None:
    """The example of the documentation."""
    pictures(tmp_path, "benign/p1/a.png", "benign/p1/a_mask.png", "benign/p1/a_mask_1.png")
    pictures(tmp_path, "malignant/p2/a.png", "malignant/p2/b_mask.png", "malignant/cover.png", "notes.txt")
    site = read(tmp_path, "{class}/{patient}/{case}.png", "{class}/{patient}/{case}_mask*.png")
    assert [(case.name, case.label, case.patient, [path.name for path in case.masks]) for case in site.cases] == [
        ("benign/p1/a", "benign", "p1", ["a_mask.png", "a_mask_1.png"]),
        ("malignant/p2/a", "malignant", "p2", []),
    ]
    assert (site.layout, site.patient_source, site.classes) == ("classes", "regex", ("benign", "malignant"))
    assert [path.name for path in site.excluded["mask_without_image"]] == ["b_mask.png"]
    assert any("1 file is not read" in note and "cover.png" in note for note in site.notes)


def test_splits_and_dates(tmp_path: Path) -> None:
    pictures(tmp_path, "train/p1_20230517_1.png", "Test/p2_202306_1.png")
    site = read(tmp_path, "{split}/{patient}_{date}_{case}.png")
    assert {(case.patient, case.split, case.date) for case in site.cases} == {
        ("p1", "train", "2023-05"),
        ("p2", "test", "2023-06"),
    }


def test_masks_in_another_tree(tmp_path: Path) -> None:
    """Fields that both have name the image, and so do the folders of the last **."""
    pictures(tmp_path, "raw/x/1.png", "raw/y/1.png", "drawn/x/1_m.png", "drawn/z/1_m.png")
    site = read(tmp_path, "raw/**/{case}.png", "drawn/**/{case}_m.png")
    assert [(case.name, len(case.masks)) for case in site.cases] == [("x/1", 1), ("y/1", 0)]
    assert [path.parent.name for path in site.excluded["mask_without_image"]] == ["z"]


def test_a_mask_is_read_in_the_way_that_names_an_image(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "a_mask_b.png", "a_mask_b_mask_c.png")
    site = read(tmp_path, "{case}.png", "{case}_mask*.png")
    assert [(case.name, len(case.masks)) for case in site.cases] == [("a", 2)]


def test_one_channel_is_read_and_reported(tmp_path: Path) -> None:
    pictures(tmp_path, *(f"{case}/{case}-{channel}.png" for case in ("c1", "c2") for channel in ("t2", "t1", "seg")))
    pictures(tmp_path, "c3/c3-t2.png")
    layout, mask = "{case}/{case}-{channel}.png", "{case}/{case}-seg.png"
    site = read(tmp_path, layout, mask)
    assert {path.name for case in site.cases for path in case.images} == {"c1-t2.png", "c2-t2.png", "c3-t2.png"}
    assert any("of 2 channels (t1, t2) t2 is read" in note for note in site.notes)
    site = read(tmp_path, layout, mask, "t1")
    assert {path.name for case in site.cases for path in case.images} == {"c1-t1.png", "c2-t1.png"}
    assert any("1 cases lack the channel t1" in note and "c3/c3" in note for note in site.notes)
    with pytest.raises(InputError, match="no case has the channel 'flair'; expected one of t1, t2"):
        read(tmp_path, layout, mask, "flair")
    with pytest.raises(InputError, match="no case of this folder has several"):
        read(pictures(tmp_path / "plain", "a.png"), "{case}.png", channel="t1")


def test_a_dicom_series_is_one_image(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for patient in ("p1", "p2"):
        for place in range(3):
            path = write_dicom(ANATOMIES["chest"](rng, size=16), tmp_path / patient / "scan" / f"{place}.dcm")
            data = dcmread(path)
            data.Modality, data.SeriesInstanceUID = "MR", f"1.2.{patient[1]}"
            data.StudyInstanceUID, data.PatientID = f"1.3.{patient[1]}", "ANON"
            data.ImageOrientationPatient, data.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, place]
            data.save_as(path)
    site = read(tmp_path, "{patient}/{case}/*.dcm")
    assert [(case.name, case.patient, len(case.images)) for case in site.cases] == [
        ("p1/scan", "p1", 3),
        ("p2/scan", "p2", 3),
    ]


def test_files_that_differ_in_nothing_but_a_star_are_refused(tmp_path: Path) -> None:
    pictures(tmp_path, "p1/1/a.png", "p1/2/a.png")
    with pytest.raises(InputError, match=r"p1/1/a.png and p1/2/a.png are one image"):
        read(tmp_path, "{patient}/*/{case}.png")


def test_a_mask_of_several_images_is_refused(tmp_path: Path) -> None:
    pictures(tmp_path, "p1/a.png", "p1/b.png", "p1/mask.tif")
    with pytest.raises(InputError, match="is a mask of 2 images, a.png and b.png among them"):
        read(tmp_path, "{patient}/{case}.png", "{patient}/mask.tif")


@pytest.mark.parametrize(
    ("layout", "mask", "says"),
    [
        ("{case}.png", "{patient}/{case}_m.png", r"masks has \{patient\}, by which no image can be found"),
        ("{case}.png", "masks/*.png", r"no field of \{case\}.png"),
        ("{case}_{channel}.png", "{case}_{channel}_m.png", r"masks has \{channel\}"),
    ],
)
def test_masks_need_fields_of_their_images(tmp_path: Path, layout: str, mask: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(pictures(tmp_path, "a.png"), layout, mask)


def test_names_that_fit_in_several_ways_are_reported(tmp_path: Path) -> None:
    site = read(pictures(tmp_path, "p1_left_1.png", "p2_1.png"), "{patient}_{case}.png")
    assert {case.patient for case in site.cases} == {"p1", "p2"}
    assert any("1 names fit" in note and "{patient} could be p1 or p1_left" in note for note in site.notes)


def test_nothing_that_fits_shows_the_nearest_templates(tmp_path: Path) -> None:
    pictures(tmp_path, *(f"benign/p{number}/a.png" for number in range(3)))
    with pytest.raises(InputError) as caught:
        read(tmp_path, "{class}/{case}.png")
    said = str(caught.value)
    assert "no image fits the template {class}/{case}.png, and the first file, benign/p0/a.png, does not fit" in said
    assert f"shiftscope profile {tmp_path} --dry-run --layout '{{class}}/{{patient}}/{{case}}.png'" in said
    assert "# would find 3 images" in said


def test_without_a_case_every_file_is_one(tmp_path: Path) -> None:
    site = read(pictures(tmp_path, "p1/a.png", "p1/b.png", "p2/a.png"), "{patient}/*.png")
    assert [(case.name, case.patient) for case in site.cases] == [("p1/a", "p1"), ("p1/b", "p1"), ("p2/a", "p2")]


def test_the_site_file_says_it_once(tmp_path: Path) -> None:
    """And options win over it; a template of masks belongs to its template of images."""
    pictures(tmp_path, "benign/a.png", "benign/a_m.png", "malignant/b.png", "malignant/b_m.png")
    text = "layout = '{class}/{case}.png'\nmask = '{class}/{case}_m.png'\n"
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    assert [len(case.masks) for case in read_site(tmp_path).cases] == [1, 1]
    assert [len(case.masks) for case in read(tmp_path, "{class}/{case}.png").cases] == [0, 0, 0, 0]
    with pytest.raises(InputError, match="goes with one of images"):
        read_site(tmp_path, given=Declarations(layout="classes", mask="{class}/{case}_m.png"))


def test_a_table_and_a_template_are_one_too_many(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png")
    (tmp_path / "manifest.csv").write_text("image\na.png\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"manifest.csv: the table lists the cases, and a template"):
        read(tmp_path, "{case}.png")


def test_patients_of_a_template_win_over_weaker_words(tmp_path: Path) -> None:
    pictures(tmp_path, "p1/a.png", "p1/b.png", "p2/a.png")
    known = Declarations(one_file_per_patient=True)
    site = read_site(tmp_path, given=Declarations(layout="{patient}/{case}.png"), known=known)
    assert (site.patient_source, len({case.patient for case in site.cases})) == ("regex", 2)
    site = read_site(tmp_path, given=Declarations(layout="{patient}/{case}.png", patient_regex="(.)$"))
    assert {case.patient for case in site.cases} == {"a", "b"}


def test_a_template_never_leaves(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    """Folders can be called after people; neither profile nor plan repeats how they were written."""
    rng = np.random.default_rng(3)
    for number in range(24):
        pixels = (ANATOMIES["chest"](rng, size=32).pixels * 255).astype(np.uint8)
        target = tmp_path / "ward" / "dr_zebra" / f"{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(target)
    profile = tmp_path / "a.profile.json"
    layout = ("--layout", "dr_zebra/{case}.png", "--one-file-per-patient")
    done = run("profile", tmp_path / "ward", "-o", profile, *layout)
    assert done.code == 0, done.err
    assert "zebra" not in profile.read_text(encoding="utf-8")
    asked = run("check", tmp_path / "ward", "--against", profile, "--layout", "dr_zebra/{case}.jpg")
    assert asked.code == 2
    assert "no image fits the template of its layout" in asked.err
    assert "zebra" not in asked.err.replace(str(tmp_path), "")
    said = "layout = 'dr_zebra/{case}.png'\none_file_per_patient = true\n"
    (tmp_path / "ward" / "site.toml").write_text(said, encoding="utf-8")
    done = run("check", tmp_path / "ward", "--against", profile, "--format", "json", "--exit-zero")
    assert done.code in (0, 3), done.err
    assert "zebra" not in done.out.replace(str(tmp_path), "")


def test_masks_of_which_none_finds_an_image_are_refused(tmp_path: Path) -> None:
    """The owner's template of masks is wrong: `0` beside `000`, or folders that differ."""
    pictures(tmp_path, "000_image.png", "001_image.png", "0_label.png", "1_label.png")
    with pytest.raises(InputError, match=r"0_label.png \{case\} is '0', and of the first image '000'"):
        read(tmp_path, "{case}_image.png", "{case}_label.png")


def test_templates_without_a_suffix_pair_images_with_masks_of_another(tmp_path: Path) -> None:
    pictures(tmp_path, "benign/a.jpg", "benign/a_mask.png", "benign/a_mask_1.png")
    (case,) = read(tmp_path, "{class}/{case}", "{class}/{case}_mask*").cases
    assert (case.name, case.label, len(case.masks)) == ("benign/a", "benign", 2)
