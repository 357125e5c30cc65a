"""Identity marks in everything a hospital may write a name into: none comes out.

Five hundred marks and more stand in folders, names of files, manifests and every textual tag of DICOM files, private
ones too. Whatever leaves, or may be shown elsewhere, is searched for them: profiles, `--show`, plans, recommendations,
checks and reports in all formats, results, and the messages of a federated run.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.datadict import DicomDictionary

from shiftscope.phantoms import ANATOMIES, Phantom, write_dicom, write_site
from shiftscope.plans import read_plan, write_plan
from shiftscope.training.arms import arms_of
from shiftscope.training.federation.flower.client import participant
from shiftscope.training.federation.flower.inline import InlineGrid, task_identity
from shiftscope.training.federation.flower.server import coordinate
from shiftscope.training.runs.jobs import Job

pytestmark = pytest.mark.slow

MARK = re.compile(r"qz\d{4}zq", re.IGNORECASE)
PATIENTS = 22
TEXTUAL = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT", "UR"}
STRUCTURE = {"PhotometricInterpretation", "Modality", "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID"}
PRIVATE = 0x00090010


@dataclass
class Marks:
    """Hands out marks, each once."""

    given: int = 0
    by_place: dict[str, int] = field(default_factory=dict)

    def new(self, place: str) -> str:
        self.given += 1
        self.by_place[place] = self.by_place.get(place, 0) + 1
        return f"QZ{self.given:04d}ZQ"


def phantoms(anatomy: str, n: int = PATIENTS, **options: object) -> list[Phantom]:
    rng = np.random.default_rng(len(anatomy))
    labels = ["benign", "malignant"]
    return [ANATOMIES[anatomy](rng, size=48, label=labels[k % 2], **options) for k in range(n)]


def textual_tags() -> list[int]:
    """Every tag of the standard that holds text, but for those that say how to read the pixels."""
    return [
        tag
        for tag, (vr, multiplicity, _, retired, keyword) in DicomDictionary.items()
        if vr in TEXTUAL and multiplicity[0] == "1" and not retired and keyword not in STRUCTURE
        if 0x0008 <= tag >> 16 < 0x7FE0 and tag >> 16 not in (0x0028, 0x0072, 0x0070, 0x0074, 0x3006, 0x300A, 0x300C)
    ]


def dicom_tree(root: Path, marks: Marks) -> list[str]:
    """Films in folders named after patients, each textual tag marked; some marks are alike in all files of the site."""
    tags = textual_tags()
    assert len(tags) > 500
    everywhere = {tag: marks.new("tag, alike in all files") for tag in tags}
    for number, phantom in enumerate(phantoms("chest")):
        name, patient = marks.new("folder"), marks.new("PatientID")
        path = write_dicom(replace(phantom, patient=patient), root / name / f"{marks.new('file')}.dcm")
        data = dcmread(path)
        for tag in tags:
            vr = DicomDictionary[tag][0]
            own = number % 7 == 0 or tag in (0x00100010, 0x00081090)
            text = marks.new("tag") if own and tag % 5 == 0 else everywhere[tag]
            data.add_new(tag, vr, text)
        data.PatientID, data.PatientName = patient, marks.new("PatientName")
        data.AccessionNumber, data.OtherPatientIDs = marks.new("tag"), marks.new("tag")
        data.add_new(PRIVATE, "LO", marks.new("private creator"))
        data.add_new(PRIVATE + 0xFF1, "LT", marks.new("private tag"))
        data.save_as(path)
    return []


def folders_of_patients(root: Path, marks: Marks) -> list[str]:
    """A folder of pictures for each patient."""
    for phantom in phantoms("ultrasound"):
        folder = marks.new("folder")
        for _ in range(2):
            written = write_site([phantom], root.parent / "one", layout="images+masks", format="png")
            (root / "images" / folder).mkdir(parents=True, exist_ok=True)
            (root / "masks" / folder).mkdir(parents=True, exist_ok=True)
            name = marks.new("file")
            for kind in ("images", "masks"):
                picture = next((written / kind).iterdir())
                picture.rename(root / kind / folder / f"{name}.png")
    return ["--patient-regex", "^([^/]+)/"]


def classes_in_splits(root: Path, marks: Marks) -> list[str]:
    """train and test, classes inside, names of patients on the files."""
    written = write_site(phantoms("chest"), root.parent / "films", layout="classes", format="png")
    for number, path in enumerate(sorted(written.rglob("*.png"))):
        split = "test" if number % 3 == 0 else "train"
        target = root / split / path.parent.name / f"{marks.new('file')}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    (root / "train" / "benign" / f"{marks.new('bad file')}.png").write_bytes(b"\x89PNG")
    return ["--one-file-per-patient"]


def manifest(root: Path, marks: Marks) -> list[str]:
    """A table that names patients in its own columns and in others."""
    write_site(phantoms("ultrasound"), root, layout="images+masks", format="png")
    rows = ["image,mask,label,patient,date,name,remark"]
    for path in sorted((root / "images").iterdir()):
        name = marks.new("file")
        path.rename(path.with_name(f"{name}.png"))
        (root / "masks" / path.name).rename(root / "masks" / f"{name}.png")
        cells = ("2024-03-17", marks.new("cell"), marks.new("cell"))
        label = "benign" if len(rows) % 2 else "malignant"
        rows.append(f"images/{name}.png,masks/{name}.png,{label},{marks.new('patient column')},{','.join(cells)}")
    (root / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    return []


def nnunet(root: Path, marks: Marks) -> list[str]:
    """nnU-Net's folders of volumes."""
    written = write_site(phantoms("brain", depth=3), root.parent / "volumes", layout="images+masks", format="nifti")
    (root / "imagesTr").mkdir(parents=True)
    (root / "labelsTr").mkdir()
    for path in sorted((written / "images").iterdir()):
        name = marks.new("file")
        (written / "masks" / path.name).rename(root / "labelsTr" / f"{name}.nii.gz")
        path.rename(root / "imagesTr" / f"{name}_0000.nii.gz")
    return ["--one-file-per-patient"]


SITES = {
    "ashford": dicom_tree,
    "borough": folders_of_patients,
    "carrow": classes_in_splits,
    "denby": manifest,
    "elford": nnunet,
}


@pytest.fixture
def hospitals(tmp_path: Path) -> tuple[dict[str, tuple[Path, list[str]]], Marks]:
    """Site -> its folder and the options that its owner gives; and the marks."""
    marks = Marks()
    out = {}
    for name, build in SITES.items():
        folder = tmp_path / name / name
        folder.mkdir(parents=True)
        out[name] = (folder, build(folder, marks))
        (folder / "site.toml").write_text(f"# {marks.new('site file')}\ncolour = false\n", encoding="utf-8")
    return out, marks


def marks_in(*texts: str) -> list[str]:
    return [found for text in texts for found in MARK.findall(text)]


def written_below(folder: Path, *, but: str = "") -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (not but or but not in path.relative_to(folder).parts):
            yield str(path.relative_to(folder)), path.read_bytes().decode("latin-1") + path.name


def test_no_mark_leaves(hospitals, tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    folders, marks = hospitals
    assert marks.given > 500, marks.by_place
    shared = tmp_path / "shared"
    for name, (folder, options) in folders.items():
        done = run("profile", folder, "--site", name, *options, "-o", shared / f"{name}.profile.json", "--show")
        assert done.code == 0, done.err
        assert not marks_in(done.out)
        assert (shared / f"{name}.profile.json").read_text() == done.out
    values = json.loads((shared / "ashford.profile.json").read_text())
    assert values["acquisition"]["scanner"] == {"other": PATIENTS}

    profiles = sorted(shared.glob("*.profile.json"))
    for form in ("table", "json", "markdown"):
        done = run("recommend", *profiles, "-o", shared / "plan.toml", "--format", form)
        assert done.code == 0, done.err
        assert not marks_in(done.out, done.err)
    assert run("report", *profiles, "-o", shared / "report.html").code == 0

    folder, _ = folders["carrow"]
    against = shared / "carrow.profile.json"
    for form in ("table", "json", "markdown", "junit", "sarif", "github"):
        new = folder if form in ("json", "sarif", "github") else against
        done = run("check", new, "--against", against, "--format", form, "-o", shared / f"check-{form}.xml")
        assert done.code in (0, 3), done.err
        assert not marks_in(done.out), form
    for path, text in written_below(shared):
        assert not marks_in(text), path


def test_no_mark_is_sent_or_kept_where_the_federation_reads(hospitals, tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    """Every message both ways, the log of a site's failure left at the site, and all files but the sites' own."""
    folders, _ = hospitals
    profiles = []
    for name in ("borough", "denby"):
        folder, options = folders[name]
        profiles.append(tmp_path / f"{name}.profile.json")
        assert run("profile", folder, "--site", name, *options, "-o", profiles[-1]).code == 0
    assert run("recommend", *profiles, "-o", tmp_path / "plan.toml").code == 0
    plan = read_plan(tmp_path / "plan.toml").model_copy(
        update={
            "rounds": 1,
            "local_steps": 1,
            "image_size": 32,
            "seeds": (0,),
            "harmonizer": "quantile_map",
            "model": "unet",
            "encoder": None,
            "weights": None,
            "weights_sha256": None,
        }
    )
    write_plan(plan, tmp_path / "small.toml")
    assert not marks_in((tmp_path / "small.toml").read_text())
    data = {name: str(folders[name][0]) for name in plan.sites}
    job = Job(
        plan=plan, arms=arms_of(plan), data=data, patient_regex=None, out=tmp_path / "run", timeout_s=60, device="cpu"
    )
    job.write(job.path)
    grid = InlineGrid(job, log=[])
    with pytest.MonkeyPatch.context() as patch, task_identity():
        patch.setattr(logging.getLogger("flwr"), "level", logging.ERROR)
        try:
            coordinate(grid, job, "inline")
        finally:
            participant.cache_clear()
    assert grid.log
    for sent, reply in grid.log:
        assert not marks_in(repr(sent.content), *map(str, sent.content.config_records.values()))
        assert not marks_in(repr(reply.content), *map(str, reply.content.config_records.values()))
        for record in reply.content.array_records.values():
            assert not marks_in(*(array.data.decode("latin-1") for array in record.values()))
    for path, text in written_below(job.out, but="sites"):
        assert not marks_in(text), path
    result = run("report", *profiles, "--result", job.out / "result.json", "-o", tmp_path / "report.html")
    assert result.code == 0, result.err
    assert not marks_in((tmp_path / "report.html").read_text())


def test_without_the_owners_word_nothing_is_written(hospitals, tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    """Whatever is open is asked on stderr, at the site, and no file is made."""
    folders, marks = hospitals
    patients = tmp_path / "gallery"
    for phantom in phantoms("chest", 12):
        folder = patients / marks.new("folder")
        folder.mkdir(parents=True)
        for n in range(2):
            Image.fromarray((phantom.pixels * 255).astype(np.uint8)).save(folder / f"{n}.png")
    for folder in (patients, folders["borough"][0]):
        done = run("profile", folder, "-o", tmp_path / "out.profile.json", "--show")
        assert (done.code, done.out) == (2, ""), done.out
        assert "--one-file-per-patient" in done.err
        assert not (tmp_path / "out.profile.json").exists()
