"""Manifests, and where patients come from."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from shiftscope.errors import InputError, Unreadable
from shiftscope.sites import Declarations, load, read_site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """pics/1.png .. pics/4.png and one mask."""
    (tmp_path / "pics").mkdir()
    picture = (np.add.outer(np.arange(12), np.arange(16)) * 9).astype(np.uint8)
    for name in ("1", "2", "3", "4", "m"):
        Pillow.fromarray(picture).save(tmp_path / "pics" / f"{name}.png")
    return tmp_path


def test_every_column(folder: Path) -> None:
    (folder / "manifest.csv").write_text(
        "Image , mask,label,patient,split,date,comment\n"
        "pics/1.png,pics/m.png,sick,p1,train,2023-05-17,x\n"
        "pics/2.png,,well,p1,valid,2023-06,\n"
        "pics/3.png,,,p2,test,20230701\n"
    )
    site = read_site(folder)
    assert site.layout == "manifest"
    assert site.patient_source == "manifest"
    assert site.classes == ("sick", "well")
    assert [(c.name, c.label, c.patient, c.split, c.date) for c in site.cases] == [
        ("pics/1", "sick", "p1", "train", "2023-05"),
        ("pics/2", "well", "p1", "val", "2023-06"),
        ("pics/3", None, "p2", "test", "2023-07"),
    ]
    assert site.cases[0].masks == (folder / "pics" / "m.png",)
    assert read_site(folder / "manifest.csv").cases == site.cases


@pytest.mark.parametrize(("name", "delimiter"), [("manifest.tsv", "\t"), ("manifest.csv", ";"), ("other.csv", ",")])
def test_delimiters_and_byte_order_mark(folder: Path, name: str, delimiter: str) -> None:
    rows = [["image", "patient"], ["pics\\1.png", "Müller, 1" if delimiter != "," else "Müller 1"], ["pics/2.png", "b"]]
    text = "\n".join(delimiter.join(row) for row in rows)
    (folder / name).write_text("\ufeff" + text, encoding="utf-8")
    site = read_site(folder / name)
    assert [case.images[0] for case in site.cases] == [folder / "pics" / "1.png", folder / "pics" / "2.png"]
    assert site.cases[0].patient.startswith("Müller")


def test_files_that_are_not_there_are_left_out(folder: Path) -> None:
    (folder / "manifest.csv").write_text("image,mask\npics/1.png,\npics/9.png,\npics/2.png,pics/none.png\n")
    site = read_site(folder)
    assert [case.name for case in site.cases] == ["pics/1"]
    assert site.excluded == {"missing": (folder / "pics" / "9.png", folder / "pics" / "none.png")}
    assert site.patient_source == "file"


def test_a_folder_in_the_manifest_is_a_series(folder: Path) -> None:
    (folder / "manifest.csv").write_text("image\npics\n")
    assert len(read_site(folder).cases[0].images) == 5


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("file,label\npics/1.png,a\n", r"no column 'image' \(found: file, label\)"),
        ("image,label\n", "no rows"),
        ("", "no column 'image'"),
        ("image,label\n,a\n", "line 2: the image cell is empty"),
        ("image\npics/1.png\npics/1.png\n", "line 3: pics/1.png is named in line 2"),
        ("image,patient\npics/1.png,a\npics/2.png,\n", "line 3: the patient cell is empty"),
        ("image,split\npics/1.png,holdout\n", "split 'holdout'; expected train, val or test"),
        ("image,split\npics/1.png,train\npics/2.png,\n", "pics/2 has no split"),
        ("image,date\npics/1.png,17.5.2023\n", r"date '17\.5\.2023'; expected YYYY-MM"),
    ],
)
def test_manifests_that_cannot_be_used(folder: Path, text: str, complaint: str) -> None:
    (folder / "manifest.csv").write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_site(folder)


def test_a_manifest_in_another_encoding(folder: Path) -> None:
    (folder / "manifest.csv").write_bytes("image,patient\npics/1.png,Müller\n".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        read_site(folder)


def test_pattern_takes_the_first_group_or_the_whole_match(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("bus_0001-l", "bus_0001-r", "bus_0002-s"):
        Pillow.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "images" / f"{name}.png")
    site = read_site(tmp_path, given=Declarations(patient_regex=r"bus_(\d+)"))
    assert [case.patient for case in site.cases] == ["0001", "0001", "0002"]
    assert site.patient_source == "regex"
    assert [case.patient for case in read_site(tmp_path, given=Declarations(patient_regex=r"^bus_\d+")).cases][1:] == [
        "bus_0001",
        "bus_0002",
    ]


def test_pattern_that_misses_a_name(tmp_path: Path) -> None:
    for name in ("bus_0001", "other"):
        Pillow.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / f"{name}.png")
    with pytest.raises(InputError, match=r"no patient in 1 of 2 names, first 'other'"):
        read_site(tmp_path, given=Declarations(patient_regex=r"bus_(\d+)"))
    with pytest.raises(InputError, match="no patient in 1 of 2"):
        read_site(
            tmp_path, given=Declarations(patient_regex=r"o(ther)|bus()")
        )  # a group that matches nothing names nobody
    with pytest.raises(ValueError, match="not a regular expression"):
        Declarations(patient_regex="bus_(")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["a" * 40 + "b", "bus_0001"])
def test_a_pattern_without_an_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    Pillow.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / f"{name}.png")
    monkeypatch.setattr("shiftscope.sites.people.patterns.SECONDS", 0.3)
    handler = signal.getsignal(signal.SIGALRM)
    if name.startswith("a"):
        with pytest.raises(InputError, match=r"the pattern for patients, '\(a\+\)\+\$', takes more than 0.3 s"):
            read_site(tmp_path, given=Declarations(patient_regex="(a+)+$"))
    else:
        assert read_site(tmp_path, given=Declarations(patient_regex=r"_(\d+)")).cases[0].patient == "0001"
    assert signal.getsignal(signal.SIGALRM) is handler
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60, "the timer of this test goes on"


@pytest.mark.parametrize(
    "pattern",
    ["a{99999999999999999999}", "(" * 5000, "x" * 501, "(?<=a*)b", "(\\d+)(?(100)a|b)", "a(?i)"],
)
def test_patterns_that_are_none_are_refused_by_their_file(run, folder: Path, pattern: str) -> None:
    (folder / "site.toml").write_text(f"patient_regex = '{pattern}'")
    for options in ((), ("--patient-regex", pattern)):
        done = run("profile", folder / "pics", "--site-file", folder / "site.toml", "--dry-run", *options)
        assert done.code == 2
        assert f"error: {'options' if options else folder / 'site.toml'}: key 'patient_regex'" in done.err
        assert "regular expression" in done.err
        assert len(done.err) < 600


def test_a_pattern_that_later_versions_read_otherwise_is_one_of_today() -> None:
    assert Declarations(patient_regex="[[a]]").patient_regex == "[[a]]"


def test_pattern_wins_over_the_manifest(folder: Path) -> None:
    (folder / "manifest.csv").write_text("image,patient\npics/1.png,a\npics/2.png,a\n")
    site = read_site(folder, given=Declarations(patient_regex=r"pics/(\d)"))
    assert [case.patient for case in site.cases] == ["1", "2"]
    assert site.patient_source == "regex"


def test_without_a_source_every_file_is_a_patient(folder: Path) -> None:
    site = read_site(folder / "pics")
    assert site.patient_source == "file"
    assert len({case.patient for case in site.cases}) == len(site.cases) == 5


@pytest.mark.parametrize("name", ["a\x1b[31m", "ab\u202ecd", " ", "x" * 201])
def test_a_name_that_no_profile_may_hold_is_refused_at_the_site(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match="the site's name is .*expected .*; give another one with --site"):
        read_site(folder, name=name)


def test_a_class_that_no_profile_may_hold_is_refused_at_the_site(folder: Path) -> None:
    (folder / "manifest.csv").write_text("image,label\npics/1.png,si\u200bck\npics/2.png,well\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"the class is 'si\\u200bck': expected .*; rename it"):
        read_site(folder)


@pytest.mark.timeout(20)
def test_a_cell_that_names_no_file_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pics" / "pipe.png")
    for row in ("pics/pipe.png,", "/dev/zero,", "pics/1.png,pics/pipe.png"):
        (folder / "manifest.csv").write_text(f"image,mask\n{row}\n")
        with pytest.raises(InputError, match="line 2: .*is a pipe or a device"):
            read_site(folder)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("image\n" + "x" * 200_000, "line 2: expected a table, found something else: field larger"),
        ("image" + "," * 1_000 + "\n1", "1001 columns; expected 1000 at the most"),
        ("image" + "x" * 200, r"found: image[x]{55}\)"),
    ],
)
def test_tables_nobody_writes(folder: Path, text: str, says: str) -> None:
    (folder / "manifest.csv").write_text(text)
    with pytest.raises(InputError, match=says):
        read_site(folder)


def test_tables_have_an_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "manifest.csv").write_text("image\npics/1.png\npics/2.png\npics\n")
    for name, most, says in (
        ("rows.MOST_ROWS", 2, "2 rows at the most"),
        ("manifests.MOST_FILES", 3, "more than 3 files"),
        ("rows.MOST_BYTES", 9, "got a larger file"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"shiftscope.sites.tables.{name}", most)
            with pytest.raises(InputError, match=says):
                read_site(folder)


def test_no_byte_of_what_a_table_names_is_quoted(folder: Path) -> None:
    (folder / "secret").write_text("root:x:0:0:root")
    (folder / "manifest.csv").write_text("image\nsecret\n")
    case = read_site(folder).cases[0]
    with pytest.raises(Unreadable, match="its first bytes are text") as caught:
        load(case)
    assert "root" not in str(caught.value).replace(str(folder), "")
