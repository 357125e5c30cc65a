"""Who is a person and what is a class: said, or asked for with the commands that settle it."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from shiftscope.errors import InputError
from shiftscope.phantoms import ANATOMIES, write_dicom
from shiftscope.sites import Declarations, Site, fingerprint, read_site, require_shareable

ONE_EACH = Declarations(one_file_per_patient=True)
FOLDERS = Declarations(patient_regex="^([^/]+)/")


def folder_of(root: Path, names: list[str]) -> Path:
    """Pictures of these names; equal, for nobody looks at their pixels here."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(root / name)
    return root


def refused(site: Site) -> str:
    with pytest.raises(InputError) as caught:
        require_shareable(site)
    return str(caught.value)


def people(root: Path) -> Path:
    return folder_of(
        root, [f"{name}_19{k}0/im{n}.png" for k, name in enumerate(("SMITH", "DOE", "ROE")) for n in (1, 2)]
    )


def test_folders_of_patients_are_no_classes(tmp_path: Path) -> None:
    """The question names the way out, with what it finds; and the way out settles it."""
    said = refused(read_site(people(tmp_path)))
    assert "--patient-regex '^([^/]+)/'  " in said
    assert "folders are patients: 3 of them, no classes" in said
    assert "--no-classes --one-file-per-patient" in said
    assert "--classes DOE_1910,ROE_1920,SMITH_1900" in said
    site = read_site(tmp_path, given=FOLDERS)
    require_shareable(site)
    assert (site.classes, site.patient_source) == ((), "regex")
    assert {case.patient for case in site.cases} == {"SMITH_1900", "DOE_1910", "ROE_1920"}


@pytest.mark.parametrize(
    ("names", "says"),
    [(("2023", "2024"), "2023/"), (("part_1", "part_2"), "part_1/"), (("ward A", "ward B"), "'ward A'")],
)
def test_exports_in_folders_are_no_classes(tmp_path: Path, names: tuple[str, str], says: str) -> None:
    """Years and parts are known as such; what other folders are is asked."""
    folder_of(tmp_path, [f"{name}/{k}{n}.png" for k, name in enumerate(names) for n in range(5)])
    said = refused(read_site(tmp_path))
    assert says in said
    assert "several files" in refused(read_site(tmp_path, given=Declarations(classes=())))
    site = read_site(tmp_path, given=Declarations(classes=(), one_file_per_patient=True))
    require_shareable(site)
    assert site.classes == ()
    require_shareable(read_site(tmp_path, given=Declarations(classes=names)))


def test_every_answer_of_the_question_settles_it(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    """Each proposed command ends without another question."""
    folder_of(tmp_path / "site", [f"{name}/{k}.png" for name in ("ward A", "ward B") for k in range(3)])
    said = run("profile", tmp_path / "site", "-o", tmp_path / "a.profile.json").err
    commands = re.findall(r"^  shiftscope (profile .*?)\s+# ", said, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        done = run(*shlex.split(command), "--dry-run")
        assert done.code == 0
        assert "One of these settles it" not in done.err


def test_a_label_for_each_patient_is_no_class(tmp_path: Path) -> None:
    rows = [f"{n}.png,Smith {n // 2},id{n // 2}" for n in range(6)]
    folder_of(tmp_path, [f"{n}.png" for n in range(6)])
    (tmp_path / "manifest.csv").write_text("image,label,patient\n" + "\n".join(rows), encoding="utf-8")
    said = refused(read_site(tmp_path))
    assert "'Smith 0', 'Smith 1', 'Smith 2'" in said
    assert "--patient-regex" not in said
    require_shareable(read_site(tmp_path, given=Declarations(classes=())))
    same = "image,label,patient\n" + "\n".join(f"{n}.png,{n // 2},{n // 2}" for n in range(6))
    (tmp_path / "manifest.csv").write_text(same, encoding="utf-8")
    assert read_site(tmp_path).classes == ()


def test_dicom_folders_of_two_patients_each_are_no_classes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder in ("SMITH", "DOE"):
        for k in range(2):
            drawn = replace(ANATOMIES["chest"](rng, size=16), patient=f"{folder}{k}")
            write_dicom(drawn, tmp_path / folder / f"{k}.dcm")
    assert "'DOE', 'SMITH'" in refused(read_site(tmp_path))
    site = read_site(tmp_path, given=Declarations(classes=()))
    require_shareable(site)
    assert (site.patient_source, len({case.patient for case in site.cases})) == ("dicom", 4)


SHARING = {
    "a folder for each": [f"{kind}/{name}/{k}.png" for kind in ("images", "masks") for name in "ab" for k in (1, 2)],
    "side": ["bus_0993-l.png", "bus_0993-r.png", "bus_0994-l.png"],
    "bids": ["sub-01_T1w.png", "sub-01_T2w.png", "sub-02_T1w.png"],
    "two numbers": ["001_01.png", "001_02.png", "002_01.png"],
    "a name and a number": ["smith_1.png", "smith_2.png", "jones_1.png"],
    "a number and a name": ["001_smith.png", "002_smith.png", "003_jones.png"],
    "run together": ["smith1.png", "smith2.png", "jones1.png"],
    "one stem": [f"brewster_{k:03d}.png" for k in range(5)],
    "dates": ["20230105_001.png", "20230105_002.png", "20230106_001.png"],
    "upper and lower case": ["SMITH 1.png", "smith 2.png", "doe.png"],
    "bracketed": ["smith (1).png", "smith (2).png"],
}


@pytest.mark.parametrize("names", SHARING.values(), ids=SHARING)
def test_files_that_may_share_a_patient_are_asked_for(tmp_path: Path, names: list[str]) -> None:
    site = read_site(folder_of(tmp_path / "clinic", names))
    said = refused(site)
    assert "--one-file-per-patient" in said
    declared = read_site(tmp_path / "clinic", given=ONE_EACH)
    require_shareable(declared)
    assert declared.patient_source == "one_file_per_patient"
    assert fingerprint(declared) == fingerprint(site)


ORDINARY = {
    "numbers": [f"{k}.png" for k in range(5)],
    "pictures": [f"IMG_{k:04d}.png" for k in range(5)],
    "the site's name": [f"clinic_{k}.png" for k in range(5)],
    "what they show": [f"chest-xray ({k}).png" for k in range(5)],
    "patients": [f"p{k:03d}.png" for k in range(5)],
    "subjects": [f"sub-{k:02d}_T1w.png" for k in range(5)],
    "classes": [f"{label}/{label}_{k}.png" for label in ("benign", "malignant") for k in range(3)],
    "random": ["cju0qkwl35piu.png", "cju0qoxqj9q6s.png", "cju1f4hcf.png"],
    "splits": [f"{split}/images/{k}.png" for split in ("train", "test") for k in range(3)],
}


@pytest.mark.parametrize("names", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_names_pass_as_a_file_each(tmp_path: Path, names: list[str]) -> None:
    site = read_site(folder_of(tmp_path / "clinic", names))
    assert site.patient_source == "file"
    require_shareable(site)


def dicoms(folder: Path, **tags: list[str]) -> Path:
    """Films without identifiers of any kind, each tag with the values of the files in turn."""
    rng = np.random.default_rng(1)
    for k in range(len(next(iter(tags.values())))):
        path = write_dicom(ANATOMIES["chest"](rng, size=16), folder / f"{k}.dcm")
        data = dcmread(path)
        data.PatientID, data.PatientName, data.StudyInstanceUID = "", "", f"1.2.{k}"
        for tag, values in tags.items():
            setattr(data, tag, values[k])
        data.save_as(path)
    return folder


def test_films_of_one_examination_or_one_name_may_be_of_one_patient(tmp_path: Path) -> None:
    one_study = dicoms(tmp_path / "a", StudyInstanceUID=["1.9", "1.9", "1.8"])
    assert "are of one examination (StudyInstanceUID), for example 0 and 1" in refused(read_site(one_study))
    one_name = dicoms(tmp_path / "b", PatientName=["Doe^Jane", "Roe^Richard", "Doe^Jane"])
    said = refused(read_site(one_name))
    assert "are of one person (PatientName), for example 0 and 2" in said
    assert "Jane" not in said
    require_shareable(read_site(dicoms(tmp_path / "c", PatientID=["", "", ""])))


def test_a_film_without_a_patient_among_films_with_one_is_left_out(tmp_path: Path) -> None:
    site = read_site(dicoms(tmp_path, PatientID=["1", "2", "", "4", ""]))
    assert site.patient_source == "dicom"
    assert (len(site.cases), {key: len(paths) for key, paths in site.excluded.items()}) == (3, {"no_patient": 2})


def test_the_owner_is_not_believed_against_identifiers(tmp_path: Path) -> None:
    """But one identifier for all, as some archives write, is none."""
    with pytest.raises(InputError, match=r"5 files name 2 patients, one of them in 3 files"):
        read_site(dicoms(tmp_path / "a", PatientID=["1", "1", "1", "2", "2"]), given=ONE_EACH)
    site = read_site(dicoms(tmp_path / "b", PatientID=["ANON"] * 4), given=ONE_EACH)
    assert (site.patient_source, len({case.patient for case in site.cases})) == ("one_file_per_patient", 4)
    assert len({case.patient for case in read_site(tmp_path / "b").cases}) == 1


def test_one_examination_is_of_one_patient(tmp_path: Path) -> None:
    """An anonymiser that numbers files makes patients of one person's films."""
    folder = dicoms(tmp_path, PatientID=[f"ANON{k}" for k in range(4)], StudyInstanceUID=["1.2"] * 4)
    with pytest.raises(InputError, match=r"1 examinations \(StudyInstanceUID\) name several patients.*ANON0, ANON1"):
        read_site(folder)
    assert read_site(folder, given=Declarations(patient_regex=r"^(\d)")).patient_source == "regex"


@pytest.mark.parametrize(
    ("tag", "says"), [("AccessionNumber", r"order \(Acc"), ("FrameOfReferenceUID", r"frame of reference \(Frame")]
)
def test_other_marks_of_one_person(tmp_path: Path, tag: str, says: str) -> None:
    folder = dicoms(tmp_path, **{tag: ["1.7", "1.8", "1.7"]})
    with pytest.raises(InputError, match=says):
        require_shareable(read_site(folder))
