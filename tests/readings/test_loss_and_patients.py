"""Every file that a folder lists ends as read, left out or missing; and who is a patient is known or asked."""

import os
import socket
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from shiftscope.errors import InputError, Unreadable, Unsettled
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.phantoms import ANATOMIES, write_dicom
from shiftscope.profiles import Options, profile_site
from shiftscope.profiles.patients.near_duplicates import ExactCopies, PictureMark
from shiftscope.sites import Case, Declarations, Site, SiteReading, fingerprint, load, read_site, require_shareable

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 90405214\n" % (b"a" * 64)
LINK = ".git/annex/objects/fW/24/MD5E-s2280000--b3b0.png/MD5E-s2280000--b3b0.png"


def pictures(root: Path, *names: str) -> Path:
    """Pictures of these names, each another."""
    for seed, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        Image.fromarray(rng.integers(0, 255, (16, 16), dtype=np.uint8)).save(root / name)
    return root


def counts(site: Site) -> dict[str, int]:
    return {reason: len(paths) for reason, paths in site.excluded.items()}


def read_all(site: Site) -> tuple[int, dict[str, int]]:
    """How many cases are read, and by reason how many files are not."""
    out, read = counts(site), 0
    for case in site.cases:
        try:
            load(case)
        except Unreadable as problem:
            out[problem.reason] = out.get(problem.reason, 0) + 1
        else:
            read += 1
    return read, out


def broken(path: Path) -> None:
    path.symlink_to("/nowhere/" + path.name)


LOST = {
    "a link without its target": broken,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link of git-annex": lambda path: path.symlink_to(LINK),
    "a link to a folder that is gone": lambda path: path.with_suffix("").symlink_to("/nowhere/p7"),
    "a pipe": os.mkfifo,
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a placeholder of iCloud": lambda path: path.with_name(f".{path.name}.icloud").write_bytes(b"bplist00"),
    "a shortcut of Windows": lambda path: path.with_name(f"{path.name}.lnk").write_bytes(b"L\x00\x00\x00"),
    "a download that did not end": lambda path: path.with_name(f"{path.name}.part").write_bytes(b"\x89PNG"),
    "a download of a browser": lambda path: path.with_name(f"{path.name}.crdownload").write_bytes(b"\x89PNG"),
    "a pointer of git-lfs": lambda path: path.write_bytes(POINTER),
    "a pointer of git-annex": lambda path: path.write_bytes(b"/annex/objects/MD5E-s9--b3b0.png\n"),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("lose", LOST.values(), ids=LOST)
def test_what_is_not_there_is_missing(tmp_path: Path, lose) -> None:  # type: ignore[no-untyped-def]
    """30 listed, 22 read, 8 missing; and nothing waits for a pipe."""
    root = pictures(tmp_path, *(f"{k:02d}.png" for k in range(22)))
    for k in range(22, 30):
        lose(root / f"{k}.png")
    site = read_site(root)
    assert read_all(site) == (22, {"missing": 8})
    fingerprint(site)


def test_a_socket_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path, "1.png")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("2.png")
        site = read_site(tmp_path)
    assert read_all(site) == (1, {"missing": 1})
    assert "1 x pipes, sockets or devices, which are not opened: move them away; the first is" in site.notes[0]


def test_a_file_of_no_bytes_is_empty(tmp_path: Path) -> None:
    """As cloud drives leave them, too."""
    (pictures(tmp_path, "1.png", "2.png") / "3.png").touch()
    assert read_all(read_site(tmp_path)) == (2, {"empty": 1})


def test_the_way_out_is_told_with_the_first(tmp_path: Path) -> None:
    broken(pictures(tmp_path, "1.png") / "2.png")
    notes = read_site(tmp_path).notes
    assert len(notes) == 1
    assert notes[0].startswith("1 x links that lead nowhere: the files they stand for were not copied")
    assert notes[0].endswith("2.png")


def test_an_ending_beside_the_file_itself_is_litter(tmp_path: Path) -> None:
    (pictures(tmp_path, "1.png") / "1.png.part").write_bytes(b"x")
    (tmp_path / "notes.txt.lnk").write_bytes(b"x")
    broken(tmp_path / "README")
    assert read_all(read_site(tmp_path)) == (1, {})


def test_a_class_whose_files_are_all_gone_is_counted(tmp_path: Path) -> None:
    pictures(tmp_path, "benign/1.png", "benign/2.png")
    (tmp_path / "malignant").mkdir()
    for k in range(3):
        broken(tmp_path / "malignant" / f"{k}.png")
    assert counts(read_site(tmp_path)) == {"missing": 3}


def test_a_mask_that_is_gone_is_counted(tmp_path: Path) -> None:
    pictures(tmp_path, "images/1.png", "images/2.png", "masks/1.png")
    broken(tmp_path / "masks" / "2.png")
    site = read_site(tmp_path)
    assert counts(site) == {"missing": 1}
    assert [len(case.masks) for case in site.cases] == [1, 0]


def test_a_lost_file_does_not_hide_what_is_there(tmp_path: Path) -> None:
    """Images that no layout knows, beside a link that leads nowhere: the layout is what has to be said."""
    pictures(tmp_path, *(f"ward/room {number}/left/{number}.png" for number in range(6)))
    (tmp_path / "ward" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(InputError, match="--layout"):
        read_site(tmp_path)


def test_a_folder_of_which_nothing_is_there_says_so(tmp_path: Path) -> None:
    broken(tmp_path / "1.png")
    with pytest.raises(InputError, match=r"nothing to read: 1 x links that lead nowhere.*get.*1\.png"):
        read_site(tmp_path)


def series(root: Path) -> Path:
    return write_dicom(ANATOMIES["brain"](np.random.default_rng(0), size=24, depth=4), root / f"{root.name}.dcm")


def test_a_series_that_lacks_a_slice_is_left_out(tmp_path: Path) -> None:
    """As one with a slice that cannot be read is; the other series stays."""
    folder = series(tmp_path / "a")
    series(tmp_path / "b")
    slices = sorted(folder.iterdir())
    slices[1].unlink()
    broken(slices[1])
    site = read_site(tmp_path)
    assert [case.name.split("/")[0] for case in site.cases] == ["b"]
    assert counts(site) == {"missing": 2}
    (tmp_path / "manifest.csv").write_text("image\na/a\nb/b\n")
    site = read_site(tmp_path)
    assert ([case.name for case in site.cases], counts(site)) == (["b/b"], {"missing": 1})


def test_a_file_that_vanishes_while_it_is_read_is_missing(tmp_path: Path) -> None:
    site = read_site(pictures(tmp_path, "1.png", "2.png"))
    (tmp_path / "2.png").unlink()
    assert read_all(site) == (1, {"missing": 1})
    fingerprint(site)


def test_a_file_without_permission_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The administrator may read everything, so the system's answer is given here."""
    site = read_site(pictures(tmp_path, "1.png", "2.png"))
    opened = os.open

    def refusing(path: str, flags: int, *more: int) -> int:
        if str(path).endswith("2.png"):
            raise PermissionError(13, "Permission denied", path)
        return opened(path, flags, *more)

    monkeypatch.setattr("shiftscope.files.os.open", refusing)
    assert read_all(site) == (1, {"missing": 1})


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path, "1.png", "inner/2.png")
    listing = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("inner"):
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr("shiftscope.sites.missing_files.os.scandir", refusing)
    with pytest.raises(InputError, match=r"inner: cannot be listed: Permission denied"):
        read_site(tmp_path)


# ------------------------------------------------------------------ patients


def films(folder: Path, patients: list[str], **tags: list[str]) -> Path:
    """Radiographs, each of an examination of its own unless said otherwise."""
    rng = np.random.default_rng(1)
    for k, patient in enumerate(patients):
        path = write_dicom(ANATOMIES["chest"](rng, size=16), folder / f"{k:02d}.dcm")
        data = pydicom.dcmread(path)
        data.PatientID, data.PatientName, data.StudyInstanceUID = patient, "", f"1.2.{k}"
        for tag, values in tags.items():
            setattr(data, tag, values[k])
        data.save_as(path)
    return folder


def people(site: Site) -> list[str]:
    return [case.patient for case in site.cases]


def asked(site: Site) -> str:
    with pytest.raises(Unsettled) as caught:
        require_shareable(site)
    return str(caught.value)


@pytest.mark.parametrize("name", ["ANONYMOUS", "anon", "unknown", "XXX", "0000", "NA", "<removed>", "Patient"])
def test_a_word_for_most_patients_is_asked(tmp_path: Path, name: str) -> None:
    """They may be one person's films or everybody's."""
    site = read_site(films(tmp_path, [name] * 4))
    assert "most files name a patient that is nobody, as after an anonymiser" in asked(site)
    require_shareable(read_site(tmp_path, given=Declarations(one_file_per_patient=True)))


@pytest.mark.parametrize("name", ["ANONYMOUS", "unknown", "XXX"])
def test_a_word_for_some_patients_is_no_identifier(tmp_path: Path, name: str) -> None:
    site = read_site(films(tmp_path, [name, "p1", "p2", name, "p2", "p3"]))
    assert people(site) == ["p1", "p2", "p2", "p3"]
    assert counts(site) == {"no_patient": 2}
    assert any(f"2 cases name a patient that is nobody ('{name}')" in sentence for sentence in site.notes)


def test_a_zero_among_numbers_is_a_number(tmp_path: Path) -> None:
    assert people(read_site(films(tmp_path, ["0", "0", "1", "2"]))) == ["0", "0", "1", "2"]


def test_one_identifier_for_many_examinations_is_asked(tmp_path: Path) -> None:
    site = read_site(films(tmp_path, ["P1"] * 10))
    assert "all 10 examinations name one patient, as after an anonymiser" in asked(site)


def test_one_identifier_for_few_is_told_first(tmp_path: Path) -> None:
    """One patient's folder is no fault; --patient-regex is shown where names part the files."""
    for k in range(4):
        films(tmp_path / f"s{k % 2}_{k}", ["P1"], StudyInstanceUID=["1.9"])
    site = read_site(tmp_path)
    require_shareable(site)
    assert site.notes[0].startswith("all 4 cases name one patient")


def test_identifiers_that_differ_in_case_and_blanks_are_one_person(tmp_path: Path) -> None:
    site = read_site(films(tmp_path, ["ab 1", "AB 1 ", "ab  1", "cd"]))
    assert len({*people(site)}) == 2
    assert any("1 patients are written in several ways" in sentence for sentence in site.notes)


def test_identifiers_that_differ_in_zeros_are_reported(tmp_path: Path) -> None:
    site = read_site(films(tmp_path, ["P07", "P7", "P8"]))
    assert len({*people(site)}) == 3
    assert any("differ from another in zeros before a number alone" in sentence for sentence in site.notes)


@pytest.mark.parametrize(
    ("patients", "says"),
    [
        (["0", "1", "2", "3"], "in 4 of 4 cases the patient is the number or name of the file"),
        (["00", "01", "02", "03"], "in 4 of 4 cases the patient is the number or name of the file"),
        ([f"1.2.826.0.1.3680043.8.498.{k}" for k in range(4)], "in 4 of 4 cases the patient is a UID"),
    ],
    ids=["counted", "the file's name", "a UID a file"],
)
def test_imported_numbers_are_reported(tmp_path: Path, patients: list[str], says: str) -> None:
    assert any(says in sentence for sentence in read_site(films(tmp_path, patients)).notes)


def test_many_identifiers_for_one_name_are_told_first(tmp_path: Path) -> None:
    site = read_site(films(tmp_path, list("abcd"), PatientName=["Doe", "Doe", "Roe", "Roe"]))
    assert site.notes[0].startswith("each case has an identifier of its own, and yet 4 files are of one person")


def test_a_manifest_that_repeats_its_images_as_patients_is_reported(tmp_path: Path) -> None:
    pictures(tmp_path, "left_1.png", "right_1.png", "left_2.png")
    (tmp_path / "manifest.csv").write_text(
        "image,patient\n" + "".join(f"{n},{n}\n" for n in ("left_1.png", "right_1.png", "left_2.png"))
    )
    assert any("the patient is the number or name of the file" in sentence for sentence in read_site(tmp_path).notes)


def test_ordinary_patients_are_no_matter(tmp_path: Path) -> None:
    assert read_site(films(tmp_path, ["a7", "a7", "b2", "c9"])).notes == ()


# ------------------------------------------------------------------ copies


def copies(root: Path, patients: int, twice: int) -> Path:
    """Phantoms of so many patients, two pictures each, and this many pictures once more."""
    rng = np.random.default_rng(3)
    rows = ["image,patient"]
    root.mkdir()
    for k in range(2 * patients):
        Image.fromarray((ANATOMIES["chest"](rng, size=48).pixels * 255).astype(np.uint8)).save(root / f"{k}.png")
        rows.append(f"{k}.png,q{k // 2}x")
    for k in range(twice):
        (root / f"copy{k}.png").write_bytes((root / f"{k}.png").read_bytes())
        rows.append(f"copy{k}.png,q{k // 2}x")
    (root / "manifest.csv").write_text("\n".join(rows))
    return root


def test_copies_within_patients_are_told_with_their_number(tmp_path: Path) -> None:
    site = read_site(copies(tmp_path / "site", 12, 5))
    reading = SiteReading(site)
    made, _ = profile_site(site, load_extractor(), Options(), reading=reading)
    assert (made.patients, made.cases) == (12, 29)
    assert reading.oddities()[0].startswith("5 pictures are exact copies of another, and count as often as they come")


def test_thirty_of_fifteen_pictures_are_refused(tmp_path: Path) -> None:
    """Where each file is said to be another patient's, copies say otherwise."""
    (copies(tmp_path / "site", 8, 15) / "manifest.csv").unlink()
    site = read_site(tmp_path / "site", given=Declarations(one_file_per_patient=True))
    with pytest.raises(InputError, match="30 of 31 patients hold the very picture of another"):
        profile_site(site, load_extractor(), Options())


def test_a_small_share_of_copies_is_reported() -> None:
    found = ExactCopies([Case(str(k), (), patient=f"p{k}") for k in range(40)])
    for k in range(40):
        found.add(k, PictureMark.of(np.full((1, 1, 4, 4), float(k or 39)), thumbnail=False))
    assert found.suspicion() is None
    assert found.copies_text() == "1 pictures are exact copies of another, and count as often as they come: 0 and 39"
