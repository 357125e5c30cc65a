"""Manifests as programs and people write them: the right value of each, or a refusal with the way out.

What a cell means is known from who wrote it: Excel, pandas, R, BIDS, SQL. What is written twice here means the same.
"""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shiftscope.errors import InputError, TableError
from shiftscope.sites import Declarations, Site, read_site

PLAIN = [("1", "benign", "p1"), ("2", "malignant", "p2")]
ROWS = "image,label,patient\n1.png,benign,p1\n2.png,malignant,p2\n"
MUELLER = "M\u00fcller"


def pictures(root: Path, *names: str) -> Path:
    """Pictures of these names; nobody looks at their pixels here."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((np.add.outer(np.arange(12), np.arange(16)) * 9).astype(np.uint8)).save(root / name)
    return root


def found(site: Site) -> list[tuple[str, str | None, str]]:
    return [(case.name, case.label, case.patient) for case in site.cases]


WRITTEN: dict[str, bytes] = {
    "sep= in the first line": b"sep=;\r\n" + ROWS.replace(",", ";").encode(),
    "sep= in quotes, a tab": b'"sep=\\t"\n' + ROWS.replace(",", "\t").encode(),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + ROWS.encode(),
    "a mark before a quoted head": b'\xef\xbb\xbf"image","label","patient"\n' + ROWS.split("\n", 1)[1].encode(),
    "Unicode text of Excel": ROWS.replace(",", "\t").encode("utf-16"),
    "UTF-16, the other order": b"\xfe\xff" + ROWS.encode("utf-16-be"),
    "UTF-16 without a mark": ROWS.encode("utf-16-le"),
    "line ends of Windows": ROWS.replace("\n", "\r\n").encode(),
    "line ends of old Macs": ROWS.replace("\n", "\r").encode(),
    "semicolons": ROWS.replace(",", ";").encode(),
    "bars": ROWS.replace(",", "|").encode(),
    "heads in capitals, quotes and blanks": ROWS.replace("image,label", "\" Image \",'LABEL'").encode(),
    "heads with a line break": ROWS.replace("patient\n", 'patient,"a\nnote"\n').encode(),
    "a note with a line break": ROWS.replace("patient\n", "patient,note\n").replace("p1\n", 'p1,"one\ntwo"\n').encode(),
    "comments before the heads": b"# exported 2024\n#\n" + ROWS.encode(),
    "a comment among the rows": ROWS.replace("2.png", "# checked\n2.png").encode(),
    "# before the first head": b"#" + ROWS.encode(),
    "empty lines before the heads": b"\n,,\n" + ROWS.encode(),
    "empty columns and rows at the end": (ROWS.replace("\n", ",,\n") + ",,,,\n,,,,\n").encode(),
    "cells cut off at the end": b"image,label,patient,note,more\n" + ROWS.split("\n", 1)[1].encode(),
    "the delimiter in quotes": ROWS.replace("patient\n", "patient,note\n").replace("p1\n", 'p1,"a, b"\n').encode(),
    "blanks around cells": ROWS.replace("benign", " benign\u00a0").replace("p2", "\u200bp2 ").encode(),
    "text kept as text": ROWS.replace("p1", '"=""p1"""').encode(),
    "cells in single quotes": ROWS.replace("benign", "'benign'").encode(),
    "a head twice that nobody needs": ROWS.replace("patient\n", "patient,x,x\n").encode(),
}


@pytest.mark.parametrize("data", WRITTEN.values(), ids=WRITTEN)
def test_written_by_programs(tmp_path: Path, data: bytes) -> None:
    (pictures(tmp_path, "1.png", "2.png") / "manifest.csv").write_bytes(data)
    assert found(read_site(tmp_path)) == PLAIN


def test_heads_in_another_case_of_the_file_itself(tmp_path: Path) -> None:
    (pictures(tmp_path, "1.png", "2.png") / "Manifest.CSV").write_text(ROWS)
    assert found(read_site(tmp_path)) == PLAIN


SPELLED = {
    "backslashes": ("a b/1.PNG", "a b\\1.PNG"),
    "another case": ("a b/1.PNG", "A B/1.png"),
    "the suffix in another case": ("1.PNG", "1.png"),
    "%20": ("a b/1.png", "a%20b/1.png"),
    "file://": ("a b/1.png", "file:///home/x/study/a%20b/1.png"),
    "a drive": ("a/1.png", "D:\\export\\study\\a\\1.png"),
    "a server": ("a/1.png", "\\\\pacs\\export\\a\\1.png"),
    "the path of another machine": ("a/1.png", "/home/somebody/study/a/1.png"),
    "the folder's own name before": ("a/1.png", "study/a/1.png"),
    "no suffix": ("a/1.png", "a/1"),
    "./ before": ("a/1.png", "./a/1.png"),
    "decomposed on the disk": (unicodedata.normalize("NFD", f"{MUELLER}.png"), f"{MUELLER}.png"),
    "decomposed in the table": (f"{MUELLER}.png", unicodedata.normalize("NFD", f"{MUELLER}.png")),
    "a % that is one": ("50%20.png", "50%20.png"),
}


@pytest.mark.parametrize(("name", "cell"), SPELLED.values(), ids=SPELLED)
def test_paths_are_found_where_one_file_is_meant(tmp_path: Path, name: str, cell: str) -> None:
    root = pictures(tmp_path / "study", name, "other/2.png")
    (root / "manifest.csv").write_text(f"image,label\n{cell},benign\n", encoding="utf-8")
    site = read_site(root)
    assert [(case.name, case.images) for case in site.cases] == [(name.rpartition(".")[0], (root / name,))]
    exact = (root / cell.replace("\\", "/")).exists()
    assert any("spelled otherwise than on the disk, first" in sentence for sentence in site.notes) != exact


REFUSED: dict[str, tuple[bytes, str]] = {
    "a code page": (
        "image,patient\n1.png,M\u00fcller\n".encode("cp1252"),
        "line 2: expected a UTF-8 table.*code page.*save it as CSV UTF-8",
    ),
    "a workbook": (b"PK\x03\x04" + b"\x00" * 90, "is a workbook or an archive; .*save it as CSV UTF-8"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + b"\x00" * 90, "an old Excel workbook"),
    "null bytes": (ROWS.encode() + b"x" * 200 + b"\x00", "null bytes"),
    "more cells than heads": (
        b"image,label\n1.png,benign, left\n",
        "line 2: 3 cells, and the table has 2 columns; put cells",
    ),
    "names of rows without a head": (b"image,label\nr1,1.png,benign\n", "line 2: 3 cells.*without a head"),
    "a quote that is not closed": (
        ROWS.replace("benign", '"benign').encode(),
        "expected a table, found something else",
    ),
    "rows swallowed by two stray quotes": (
        b'image,note\n1.png,"to see\n2.png,benign\n3.png,x"\n',
        "line 4: one cell holds what looks like rows",
    ),
    "a head twice": (b"image,label,Label \n1.png,a,b\n", "2 columns are called 'label'"),
    "an image twice": (b"image\n1.png\n./1.png\n", "line 3: ./1.png is named in line 2"),
    "an image twice, in two spellings": (b"image\n1.png\n1.PNG\n", "line 3: 1.PNG is named in line 2"),
    "an image twice, with and without suffix": (b"image\n1.png\n1\n", "line 3: 1 is named in line 2"),
    "an image that is NaN": (b"image,label\nNaN,a\n", "line 2: the image cell is empty"),
    "a patient that is nan": (b"image,patient\n1.png,nan\n", "line 2: the patient cell is empty"),
    "a formula's error": (b"image,label\n1.png,#REF!\n", "line 2: the label '#REF!' is the error of a formula"),
    "long numbers by powers of ten": (
        b"image,patient\n1.png,1.23457E+15\n2.png,1.23457E+15\n",
        r"line 2: '1.23457E\+15' is a long number of which.*export the table anew with that column as text",
    ),
    "long numbers that were fractions": (
        b"image,patient\n1.png,1577134800018226944.0\n2.png,1577134800018226944.0\n",
        "is a long number with decimals",
    ),
    "long numbers cut to fifteen digits": (
        b"image,patient\n1.png,12345678901234500\n2.png,12345678901234600\n3.png,12345678901234700\n",
        "3 numbers of more than 15 digits all end in zeros",
    ),
    "identifiers that became dates": (
        b"image,patient\n1.png,3-40\n2.png,2-Jan\n3.png,3-41\n",
        "line 3: '2-Jan' is a date that a spreadsheet may have made of an identifier",
    ),
    "one nobody for most rows": (
        b"image,patient\n1.png,ANONYMOUS\n2.png,ANONYMOUS\n3.png,p3\n",
        "2 cases name a patient that is nobody",
    ),
}


@pytest.mark.parametrize(("data", "says"), REFUSED.values(), ids=REFUSED)
def test_refused_with_the_way(tmp_path: Path, data: bytes, says: str) -> None:
    (pictures(tmp_path, "1.png", "2.png", "3.png") / "manifest.csv").write_bytes(data)
    with pytest.raises(InputError, match=f"(?s){says}"):
        read_site(tmp_path)


def test_a_name_that_two_files_have_but_for_case_is_refused(tmp_path: Path) -> None:
    (pictures(tmp_path, "a.png", "A.png") / "manifest.csv").write_text("image\nA.PNG\n")
    with pytest.raises(TableError, match=r"line 2: 'A.PNG' is not there to the letter, and 2 names .* are like it"):
        read_site(tmp_path)


def test_a_workbook_as_the_site_is_refused_with_the_way(tmp_path: Path) -> None:
    (tmp_path / "site.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="save workbooks as CSV UTF-8"):
        read_site(tmp_path / "site.xlsx")


# labels as written -> the class of each; None is no label
LABELS: dict[str, tuple[list[str], list[str | None]]] = {
    "whole numbers with decimals": (["0", "0.0", "1", "1.0", "0.", "0,0"], ["0", "0", "1", "1", "0", "0"]),
    "decimals alone": (["0.0", "1.0"], ["0", "1"]),
    "three zeros may be thousands": (["1.000", "1"], ["1.000", "1"]),
    "zeros before, beside none": (["01", "1", "02"], ["1", "1", "02"]),
    "minus one": (["-1.0", "-1", "-0.0"], ["-1", "-1", "0"]),
    "case": (["Benign", "benign", "benign"], ["benign"] * 3),
    "yes and no of programs": (["TRUE", "True", "FALSE", "true"], ["TRUE", "TRUE", "FALSE", "TRUE"]),
    "decomposed alone": (["e\u0301"], ["\u00e9"]),
    "blanks inside": (["no  finding", "no finding", "no\u00a0finding", "no finding"], ["no finding"] * 4),
    "Unicode forms": (["n\u00e6vus e\u0301", "n\u00e6vus \u00e9"], ["n\u00e6vus \u00e9"] * 2),
    "no value": (["nan", "NaN", "N/A", "#N/A", "null", "-", "", "NA", "<NA>", "n/a"], [None] * 10),
    "None is a class": (["None", "mild"], ["None", "mild"]),
    "signs make classes": (["HER2+", "HER2-"], ["HER2+", "HER2-"]),
    "halves are no whole": (["0.5", "0"], ["0.5", "0"]),
}


@pytest.mark.parametrize(("written", "right"), LABELS.values(), ids=LABELS)
def test_labels_that_are_one_class(tmp_path: Path, written: list[str], right: list[str | None]) -> None:
    root = pictures(tmp_path, *(f"{k:02d}.png" for k in range(len(written))))
    rows = [f'{k:02d}.png,"{label}"' for k, label in enumerate(written)]
    (root / "manifest.csv").write_text("\n".join(["image,label", *rows]), encoding="utf-8")
    site = read_site(root)
    assert [case.label for case in site.cases] == right
    others = {label for label, name in zip(written, right, strict=True) if name and label not in (name, name.strip())}
    assert any("is also written" in sentence for sentence in site.notes) == bool(others)


def test_a_class_is_called_as_its_owner_calls_it(tmp_path: Path) -> None:
    """And what reads like an empty cell is a class where the owner says so."""
    (pictures(tmp_path, "1.png", "2.png", "3.png") / "manifest.csv").write_text(
        "image,label\n1.png,MALIGNANT\n2.png,malignant\n3.png,NA\n"
    )
    site = read_site(tmp_path, given=Declarations(classes=("Malignant", "NA")))
    assert [case.label for case in site.cases] == ["Malignant", "Malignant", "NA"]


def test_folders_that_differ_in_case_alone_are_one_class(tmp_path: Path) -> None:
    site = read_site(pictures(tmp_path, "Benign/1.png", "benign/2.png", "benign/3.png", "malignant/1.png"))
    assert [case.label for case in site.cases] == ["benign", "benign", "benign", "malignant"]
    assert site.notes[0] == "the class 'benign' is also written 'Benign', in 1 cases: one class"


def test_classes_that_differ_in_signs_are_reported(tmp_path: Path) -> None:
    site = read_site(pictures(tmp_path, "no_finding/1.png", "no-finding/2.png", "normal/3.png"))
    assert site.classes == ("no-finding", "no_finding", "normal")
    assert any("differ in signs alone, and are counted apart" in sentence for sentence in site.notes)


def test_a_class_called_none_and_labels_that_are_none_are_reported(tmp_path: Path) -> None:
    (pictures(tmp_path, "1.png", "2.png", "3.png") / "manifest.csv").write_text(
        "image,label\n1.png,None\n2.png,NA\n3.png,\n"
    )
    notes = read_site(tmp_path).notes
    assert notes[0] == "'None' is counted as a class; leave the cell empty where it means that there is no label"
    assert notes[1].startswith("1 labels say that there is none")


def test_a_list_of_checksums_is_no_manifest(tmp_path: Path) -> None:
    """Only the name as it is documented is taken whatever it holds."""
    (pictures(tmp_path, "1.png", "2.png") / "MANIFEST.csv").write_text("file,sha256\n1.png,abc\n")
    site = read_site(tmp_path)
    assert site.layout == "images"
    assert any("MANIFEST.csv beside the images: not read" in sentence for sentence in site.notes)


def test_a_mask_split_or_date_that_is_nan_is_none(tmp_path: Path) -> None:
    (pictures(tmp_path, "1.png") / "manifest.csv").write_text("image,mask,split,date\n1.png,NaN,None,n/a\n")
    case = read_site(tmp_path).cases[0]
    assert (case.masks, case.split, case.date) == ((), None, None)


def test_one_patient_written_in_several_ways(tmp_path: Path) -> None:
    """Case, blanks, decimals of a number: one person. Zeros before a number: noted, for codes may differ in them."""
    names = [f"{k}.png" for k in range(6)]
    patients = ["P001", "p001", "12.0", "12", "0012", "P001 "]
    rows = [f"{name},{patient}" for name, patient in zip(names, patients, strict=True)]
    (pictures(tmp_path, *names) / "manifest.csv").write_text("\n".join(["image,patient", *rows]))
    site = read_site(tmp_path)
    assert [case.patient for case in site.cases] == ["P001", "P001", "12.0", "12.0", "0012", "P001"]
    assert any("2 patients are written in several ways" in sentence for sentence in site.notes)
    assert any("zeros before a number alone" in sentence for sentence in site.notes)


def test_a_row_without_its_file_is_counted(tmp_path: Path) -> None:
    (pictures(tmp_path, "1.png") / "manifest.csv").write_text("image\n1.png\nsub/2.png\nC:\\x\\3.png\n")
    assert [len(paths) for paths in read_site(tmp_path).excluded.values()] == [2]


def test_a_table_that_nobody_reads_is_reported(tmp_path: Path) -> None:
    (pictures(tmp_path, "1.png", "2.png") / "HAM10000_metadata.csv").write_text("image_id,dx\n1,nv\n")
    assert any(
        "HAM10000_metadata.csv beside the images: not read" in sentence for sentence in read_site(tmp_path).notes
    )
