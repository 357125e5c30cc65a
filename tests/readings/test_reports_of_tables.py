"""Public bug reports about tables, names and copies, rebuilt small: what became wrong elsewhere in silence.

Each is named by its repository and number, as docs/reading/tables.md lists them.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shiftscope.errors import TableError, Unreadable
from shiftscope.profiles.patients.near_duplicates import ExactCopies, PictureMark
from shiftscope.sites import Case, Declarations, Site, load, read_site


def pictures(root: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 255, (16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(root / name)
    return root


def manifest(tmp_path: Path, table: str | bytes, *names: str) -> Site:
    data = table if isinstance(table, bytes) else table.encode()
    (pictures(tmp_path, *(names or ("1.png", "2.png", "3.png"))) / "manifest.csv").write_bytes(data)
    return read_site(tmp_path)


def joined(tmp_path: Path, table: str, names: tuple[str, ...], **said: str) -> Site:
    (tmp_path / "table.tsv").write_bytes(table.encode())
    given = Declarations.model_validate({"labels": str(tmp_path / "table.tsv"), **said})
    return read_site(pictures(tmp_path / "site", *names), given=given)


GROUPS = {"case_column": "participant_id", "label_column": "group"}
SUBJECTS = ("sub-01/1.png", "sub-02/1.png")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        pytest.param(
            "image,patient\n1.png,135217135789158401\n2.png,1.352171E+17\n",
            "line 3: '1.352171E.17' is a long number of which a spreadsheet kept the first digits",
            id="pandas-dev/pandas#2697",
        ),
        pytest.param(
            "image,patient\n1.png,1234567890123456768.0\n2.png,1234567890123456768.0\n",
            "line 2: '1234567890123456768.0' is a long number with decimals",
            id="pandas-dev/pandas#48170",
        ),
    ],
)
def test_numbers_that_lost_digits_are_refused(tmp_path: Path, table: str, says: str) -> None:
    with pytest.raises(TableError, match=says):
        manifest(tmp_path, table)


@pytest.mark.parametrize(
    ("table", "classes"),
    [
        pytest.param(
            'image,label\n1.png,"NA"\n2.png,NA\n3.png,foo\n', [None, None, "foo"], id="pandas-dev/pandas#10647"
        ),
        pytest.param(
            "image,label\n1.png,None\n2.png,Done\n3.png,Cone\n", ["None", "Done", "Cone"], id="pandas-dev/pandas#61788"
        ),
        pytest.param(
            '\ufeff"image","label"\n1.png,a\n2.png,b\n3.png,c\n', ["a", "b", "c"], id="pandas-dev/pandas#4793"
        ),
        pytest.param("image;label\n1.png;a\n2.png;b,c\n3.png;a\n", ["a", "b,c", "a"], id="pandas-dev/pandas#40201"),
    ],
)
def test_labels(tmp_path: Path, table: str, classes: list[str | None]) -> None:
    assert [case.label for case in manifest(tmp_path, table).cases] == classes


def test_na_is_a_class_where_its_owner_says_so(tmp_path: Path) -> None:
    """pandas-dev/pandas#10647, the other way: sodium, North America, a score of a survey."""
    manifest(tmp_path, "image,label\n1.png,NA\n2.png,foo\n")
    site = read_site(tmp_path, given=Declarations(classes=("NA", "foo")))
    assert [case.label for case in site.cases] == ["NA", "foo"]


def test_a_suffix_that_the_table_lacks(tmp_path: Path) -> None:
    """ieee8023/covid-chestxray-dataset#96"""
    site = manifest(
        tmp_path,
        "image,label\nimages/RA-1,COVID\nimages/2-chest-filmc,none\n",
        "images/RA-1.jpg",
        "images/2-chest-filmc.png",
    )
    assert {case.images[0].name: case.label for case in site.cases} == {
        "RA-1.jpg": "COVID",
        "2-chest-filmc.png": "none",
    }
    assert any("2 files are spelled otherwise" in note for note in site.notes)


def test_rows_of_files_that_are_kept_elsewhere(tmp_path: Path) -> None:
    """ieee8023/covid-chestxray-dataset#152"""
    table = "filename,finding\n1.png,COVID\nvolume.zip,COVID\n"
    site = joined(tmp_path, table, ("1.png",), case_column="filename", label_column="finding")
    assert [case.label for case in site.cases] == ["COVID"]
    assert any("1 of 2 rows name no case here, first line 3, 'volume.zip'" in note for note in site.notes)


def test_paths_below_train_and_valid(tmp_path: Path) -> None:
    """mlmed/torchxrayvision#39"""
    files = ("train/patient1/study1/view1.jpg", "valid/patient1/study1/view1.jpg")
    root = pictures(tmp_path / "CheXpert-v1.0-small", *files)
    rows = [f"CheXpert-v1.0-small/{file},{k}.0" for k, file in enumerate(files)]
    (root / "manifest.csv").write_text("\n".join(["image,label", *rows]))
    assert [(case.images[0], case.label) for case in read_site(root).cases] == [
        (root / files[0], "0"),
        (root / files[1], "1"),
    ]


def test_zeros_lost_in_the_list_of_participants(tmp_path: Path) -> None:
    """bids-standard/legacy-validator#1674"""
    with pytest.raises(
        TableError, match=r"names a case: .*holds 'sub-1', .* zeros before a number are lost \('sub-1' for 'sub-01'\)"
    ):
        joined(tmp_path, "participant_id\tgroup\nsub-1\ta\nsub-2\tb\n", SUBJECTS, **GROUPS)


def test_line_ends_of_old_macs(tmp_path: Path) -> None:
    """bids-standard/legacy-validator#1901"""
    site = joined(tmp_path, "participant_id\tgroup\rsub-01\ta\rsub-02\tb\r", SUBJECTS, **GROUPS)
    assert [case.label for case in site.cases] == ["a", "b"]


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    """bids-standard/legacy-validator#1530"""
    with pytest.raises(TableError, match="2 columns are called 'participant_id'"):
        joined(tmp_path, "participant_id\tparticipant_id\tgroup\nsub-01\tCQ2\ta\n", SUBJECTS, **GROUPS)


@pytest.mark.parametrize(("other", "refused"), [("a", False), ("b", True)])
def test_several_rows_a_participant(tmp_path: Path, other: str, refused: bool) -> None:
    """bids-standard/legacy-validator#820: a row for each session."""
    table = f"participant_id\tsession\tgroup\nsub-01\t1\ta\nsub-01\t2\t{other}\nsub-02\t1\tb\n"
    if refused:
        with pytest.raises(
            TableError, match="lines 2 and 3: both name 'sub-01/1', and column 'group' says 'a' and 'b'"
        ):
            joined(tmp_path, table, SUBJECTS, **GROUPS)
    else:
        assert [case.label for case in joined(tmp_path, table, SUBJECTS, **GROUPS).cases] == ["a", "b"]


def test_a_participant_without_a_row(tmp_path: Path) -> None:
    """bids-standard/bids-examples#14"""
    site = joined(tmp_path, "participant_id\tgroup\nsub-01\ta\n", SUBJECTS, **GROUPS)
    assert [case.label for case in site.cases] == ["a", None]
    assert any("1 of 2 cases have no row, first 'sub-02/1'" in note for note in site.notes)


def test_contents_that_were_dropped(tmp_path: Path) -> None:
    """bids-standard/legacy-validator#1029: links of git-annex without what they point to."""
    root = pictures(tmp_path, "1.png")
    for k in (2, 3):
        (root / f"{k}.png").symlink_to(f".git/annex/objects/Kj/0P/MD5E-s97{k}.png/MD5E-s97{k}.png")
    site = read_site(root)
    assert {reason: len(paths) for reason, paths in site.excluded.items()} == {"missing": 2}
    assert "datalad: get" in site.notes[0]


def test_pointers_in_place_of_files(tmp_path: Path) -> None:
    """git-lfs/git-lfs#4240"""
    (pictures(tmp_path, "1.png") / "2.png").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:2d6c\nsize 10\n"
    )
    with pytest.raises(Unreadable, match="missing: it stands for a file that was not fetched; run `git lfs pull`"):
        load(read_site(tmp_path).cases[1])


def test_one_picture_under_several_identifiers() -> None:
    """sartorius-research/LIVECell#26: few of many are noted; more than a quarter is refused."""
    copies = ExactCopies([Case(f"{k}", (), patient=f"p{k}") for k in range(400)])
    for k in range(400):
        copies.add(k, PictureMark.of(np.full((1, 1, 2, 2), float(k % 385)), thumbnail=False))
    assert copies.suspicion() is None
    assert (copies.copies_text() or "").startswith("15 pictures are exact copies of another")


def test_images_of_one_lesion_are_of_one_patient(tmp_path: Path) -> None:
    """ngessert/isic2018#1"""
    table = "image\tlesion_id\tdx\nISIC_1\tHAM_7\tnv\nISIC_2\tHAM_7\tnv\nISIC_3\tHAM_8\tmel\n"
    said = {"case_column": "image", "label_column": "dx", "patient_column": "lesion_id"}
    site = joined(tmp_path, table, ("ISIC_1.jpg", "ISIC_2.jpg", "ISIC_3.jpg"), **said)
    assert [case.patient for case in site.cases] == ["HAM_7", "HAM_7", "HAM_8"]


def test_several_findings_in_one_cell(tmp_path: Path) -> None:
    """jrzech/reproduce-chexnet#2: the labels are those of the table that is given, and joined ones are noted."""
    rows = ("Image Index\tFinding Labels", "150_002.png\tAtelectasis|Infiltration|Pneumonia", "193_019.png\tPneumonia")
    table = "\n".join(rows)
    said = {"case_column": "image index", "label_column": "finding labels"}
    site = joined(tmp_path, table, ("150_002.png", "193_019.png"), **said)
    assert site.classes == ("Atelectasis|Infiltration|Pneumonia", "Pneumonia")
    assert any("1 cases have several findings in one label" in note for note in site.notes)
