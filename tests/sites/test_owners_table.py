"""The owner's table: joined to the cases of a folder, or refused with what it has and what the cases are called."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shiftscope.errors import InputError, TableError
from shiftscope.sites import Declarations, Site, read_site

HAM = "lesion_id,image_id,dx\nHAM_1,ISIC_1,mel\nHAM_1,ISIC_2,mel\nHAM_2,ISIC_3,nv\n"
HAM_FILES = (
    "HAM10000_images_part_1/ISIC_1.jpg",
    "HAM10000_images_part_1/ISIC_2.jpg",
    "HAM10000_images_part_2/ISIC_3.jpg",
)
COLUMNS = {"label_column": "dx", "case_column": "image_id"}


def pictures(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((np.add.outer(np.arange(12), np.arange(16)) * 9).astype(np.uint8)).save(root / name)
    return root


def joined(tmp_path: Path, names: tuple[str, ...], table: str, name: str = "table.csv", **said: str) -> Site:
    """A folder of these pictures, read with a table that lies elsewhere."""
    target = tmp_path / "desk" / name
    target.parent.mkdir(exist_ok=True)
    target.write_text(table, encoding="utf-8")
    given = Declarations.model_validate({"labels": str(target), **said})
    return read_site(pictures(tmp_path / "site", *names), given=given)


def found(site: Site) -> list[tuple[str, str | None, str]]:
    return [(case.name.split("/")[-1], case.label, case.patient) for case in site.cases]


def test_classes_and_patients_of_ham10000(tmp_path: Path) -> None:
    """Folders that are parts are no classes where a table says what are; two images of a lesion are one patient's."""
    site = joined(tmp_path, HAM_FILES, HAM, **COLUMNS, patient_column="lesion_id")
    assert found(site) == [("ISIC_1", "mel", "HAM_1"), ("ISIC_2", "mel", "HAM_1"), ("ISIC_3", "nv", "HAM_2")]
    assert (site.classes, site.patient_source) == (("mel", "nv"), "manifest")


CELLS = {
    "the name without suffix": ("a/x.png", "x"),
    "the name with suffix": ("a/x.png", "x.png"),
    "the suffix of another export": ("a/x.png", "x.jpg"),
    "another case": ("a/X.PNG", "x.png"),
    "the path": ("a/x.png", "a/x.png"),
    "the path without suffix": ("a/x.png", "a/x"),
    "a path with backslashes": ("a/x.png", "a\\x.png"),
    "the path of another machine": ("a/x.png", "C:\\data\\a\\x.png"),
    "another folder, and one such name": ("a/x.png", "old/x.png"),
    "%20": ("a/x y.png", "x%20y.png"),
    "Unicode forms": ("a/\u00e9.png", "e\u0301.png"),
    "a file's name with dots": ("a/1.2.840.png", "1.2.840"),
}


@pytest.mark.parametrize(("name", "cell"), CELLS.values(), ids=CELLS)
def test_a_cell_names_a_file(tmp_path: Path, name: str, cell: str) -> None:
    site = joined(tmp_path, (name, "b/other.png"), f"f;l\n{cell};sick\nother;well\n", label_column="l", case_column="f")
    assert {case.label for case in site.cases if case.name.startswith("a/")} == {"sick"}
    assert {case.label for case in site.cases if case.name.startswith("b/")} == {"well"}


def test_the_longest_common_end_of_two_paths_decides(tmp_path: Path) -> None:
    """CheXpert calls all its images alike and begins paths with its own name."""
    files = ("train/p1/study1/view1.jpg", "train/p2/study1/view1.jpg", "train/p2/study2/view1.jpg")
    table = "Path,Pneumonia\n" + "".join(f"CheXpert-v1.0-small/{file},{k}.0\n" for k, file in enumerate(files))
    root = pictures(tmp_path / "site", *files)
    (root / "manifest.csv").write_text("image\n" + "\n".join(files))
    (tmp_path / "t.csv").write_text(table)
    given = Declarations(labels=str(tmp_path / "t.csv"), label_column="pneumonia", case_column="Path")
    assert [case.label for case in read_site(root, given=given).cases] == ["0", "1", "2"]


def test_a_row_may_stand_for_a_folder(tmp_path: Path) -> None:
    table = "participant_id\tgroup\nsub-01\tsick\nsub-02\twell\n"
    files = ("sub-01/1.png", "sub-01/2.png", "sub-02/1.png")
    site = joined(tmp_path, files, table, "participants.tsv", label_column="group", case_column="participant_id")
    assert [case.label for case in site.cases] == ["sick", "sick", "well"]


@pytest.mark.parametrize(
    ("table", "said", "says"),
    [
        (
            HAM,
            {"label_column": "DX ", "case_column": "image"},
            "no column 'image'; .*has: lesion_id, image_id, dx. Likely: image_id",
        ),
        (HAM, {"label_column": "diagnosis", "case_column": "image_id"}, "no column 'diagnosis'; .*Likely: dx"),
        (HAM, {"label_column": "dx"}, "--case-column is not said; .*Likely: image_id"),
        (HAM, {"case_column": "image_id"}, "--label-column is not said; .*Likely: dx"),
        (
            HAM,
            {"label_column": "dx", "case_column": "lesion_id"},
            "none of 3 rows names a case: column 'lesion_id' holds 'HAM_1', and the first case is 'HAM.*/ISIC_1'",
        ),
        (
            HAM + "HAM_1,isic_1.jpg,nv\n",
            COLUMNS,
            "lines 2 and 5: both name '.*ISIC_1', and column 'dx' says 'mel' and 'nv'",
        ),
        (
            HAM + "HAM_7,ISIC_1,mel\n",
            {**COLUMNS, "patient_column": "lesion_id"},
            "column 'lesion_id' says 'HAM_1' and 'HAM_7'",
        ),
        ("lesion_id,image_id,dx\n", COLUMNS, "the table has no rows"),
        (
            HAM.replace("HAM_2", "1.2E+17"),
            {**COLUMNS, "patient_column": "lesion_id"},
            r"line 4: '1.2E\+17' is a long number",
        ),
        (HAM.replace("dx", "dx,DX").replace("mel", "mel,nv"), COLUMNS, "2 columns are called 'dx'"),
        (HAM.replace("nv", "#REF!"), COLUMNS, "line 4: the label '#REF!' is the error of a formula"),
    ],
)
def test_a_table_that_cannot_be_joined(tmp_path: Path, table: str, said: dict[str, str], says: str) -> None:
    with pytest.raises(TableError, match=says):
        joined(tmp_path, HAM_FILES, table, **said)


def test_a_name_that_two_cases_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="line 2: 'x' names 2 cases .'a/x', 'b/x'.; write paths"):
        joined(tmp_path, ("a/x.png", "b/x.png"), "f,l\nx,sick\n", label_column="l", case_column="f")


def test_numbers_of_files_and_of_patients_are_not_mixed_up(tmp_path: Path) -> None:
    """Folders 1 to 3 hold files 1 to 3, one each, in another order: either may be meant."""
    files, table = ("1/3.png", "2/1.png", "3/2.png"), "id;l\n1;sick\n2;well\n3;well\n"
    with pytest.raises(TableError, match="line 2: column 'id' holds '1', and both a file and another folder"):
        joined(tmp_path, files, table, label_column="l", case_column="id")
    site = joined(
        tmp_path, files, table.replace(";s", ".png;s").replace(";w", ".png;w"), label_column="l", case_column="id"
    )
    assert [(case.name, case.label) for case in site.cases] == [("1/3", "well"), ("2/1", "sick"), ("3/2", "well")]


MENDS = {
    "zeros lost": (("0007.png", "0008.png"), "7", "perhaps zeros before a number are lost .'7' for '0007'"),
    "decimals": (("7.png", "8.png"), "7.0", "perhaps decimals were added"),
    "thousands": (("1234.png", "8.png"), "1,234", "perhaps thousands were separated"),
    "sub-": (("sub-01.png", "sub-02.png"), "01", "perhaps `sub-` is lacking .'01' for 'sub-01'"),
}


@pytest.mark.parametrize(("names", "cell", "says"), MENDS.values(), ids=MENDS)
def test_what_happened_to_names_is_proposed_and_not_assumed(
    tmp_path: Path, names: tuple[str, ...], cell: str, says: str
) -> None:
    with pytest.raises(TableError, match=says):
        joined(tmp_path, names, f"id;l\n{cell};sick\n", label_column="l", case_column="id")
    right = names[1].partition("/")[0]
    site = joined(tmp_path, (), f"id;l\n{cell};sick\n{right};well\n", label_column="l", case_column="id")
    assert site.classes == ("well",)
    assert any("1 of 2 rows name no case here, first line 2" in note for note in site.notes)


def test_rows_without_a_case_and_cases_without_a_row_are_reported(tmp_path: Path) -> None:
    files = (*HAM_FILES, "HAM10000_images_part_2/ISIC_8.jpg")
    site = joined(tmp_path, files, HAM + "HAM_9,ISIC_9,nv\n" + "HAM_2,ISIC_3,nv\n", **COLUMNS)
    assert [case.label for case in site.cases] == ["mel", "mel", "nv", None]
    notes = " ".join(site.notes)
    assert "1 of 5 rows name no case here, first line 5, 'ISIC_9'" in notes
    assert "1 of 4 cases have no row, first 'HAM10000_images_part_2/ISIC_8'" in notes
    assert "1 cases have several rows, which say the same" in notes


def test_a_table_says_more_than_folders(tmp_path: Path) -> None:
    table = "image_id,dx\na,mel\nb,nv\n"
    site = joined(tmp_path, ("benign/a.png", "malignant/b.png"), table, label_column="dx", case_column="image_id")
    assert site.classes == ("mel", "nv")
    assert any("its labels stand in place of the names of folders" in sentence for sentence in site.notes)


def test_where_a_table_tells_patients_a_case_without_one_is_left_out(tmp_path: Path) -> None:
    site = joined(tmp_path, (*HAM_FILES, "x/ISIC_8.jpg"), HAM, **COLUMNS, patient_column="lesion_id")
    assert [(reason, [path.name for path in paths]) for reason, paths in site.excluded.items()] == [
        ("no_patient", ["ISIC_8.jpg"])
    ]


def test_a_row_of_a_file_that_was_left_out_is_no_row_without_a_case(tmp_path: Path) -> None:
    root = pictures(tmp_path / "site", "ISIC_1.jpg", "ISIC_2.jpg")
    (root / "ISIC_3.jpg").symlink_to(tmp_path / "gone.jpg")
    site = joined(tmp_path, (), HAM, **COLUMNS)
    assert {reason: len(paths) for reason, paths in site.excluded.items()} == {"missing": 1}
    assert not any("name no case" in note for note in site.notes)


def test_several_findings_in_a_label_are_reported(tmp_path: Path) -> None:
    """As NIH ChestX-ray14 writes them."""
    table = "Image Index,Finding Labels\n1.png,Edema|Effusion\n2.png,Edema\n"
    site = joined(tmp_path, ("1.png", "2.png"), table, label_column="Finding Labels", case_column="Image Index")
    assert site.classes == ("Edema", "Edema|Effusion")
    assert any("1 cases have several findings in one label" in note for note in site.notes)


def test_splits_and_months_come_from_the_site_file(tmp_path: Path) -> None:
    """Its path is relative to the site file, wherever the program is started."""
    root = pictures(tmp_path / "site", "1.png", "2.png")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "all.csv").write_text("f,set,when,who\n1,train,2023-05-02,p1\n2,TEST,2023/06/01,p2\n")
    (root / "site.toml").write_text(
        'labels = "../tables/all.csv"\ncase_column = "f"\nsplit_column = "set"\ndate_column = "when"\n'
        'patient_column = "who"\n'
    )
    site = read_site(root)
    assert [(case.split, case.date, case.patient) for case in site.cases] == [
        ("train", "2023-05", "p1"),
        ("test", "2023-06", "p2"),
    ]


def test_options_win_over_how_the_site_file_tells_patients(tmp_path: Path) -> None:
    root = pictures(tmp_path / "site", "1.png", "2.png")
    (root / "t.csv").write_text("f,who,l\n1,p1,a\n2,p1,b\n")
    (root / "site.toml").write_text('labels = "t.csv"\ncase_column = "f"\nlabel_column = "l"\npatient_column = "who"\n')
    assert {case.patient for case in read_site(root).cases} == {"p1"}
    site = read_site(root, given=Declarations(patient_regex=r"(\d)"))
    assert ([case.patient for case in site.cases], site.classes) == (["1", "2"], ("a", "b"))
    known = read_site(root, known=Declarations(one_file_per_patient=True))
    assert known.patient_source == "manifest"


def test_columns_without_a_table_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="label_column is said, and no table; give the table with --labels"):
        read_site(pictures(tmp_path, "1.png"), given=Declarations(label_column="dx"))


def test_the_command_line(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    root = pictures(tmp_path / "site", *HAM_FILES)
    (tmp_path / "t.csv").write_text(HAM)
    options = ("--labels", tmp_path / "t.csv", "--label-column", "dx", "--case-column", "image_id")
    done = run("profile", root, *options, "--patient-column", "lesion_id", "--dry-run")
    assert done.code == 0, done.err
    assert "mel 2, nv 1" in done.out
    both = run("profile", root, *options, "--patient-column", "lesion_id", "--patient-regex", "x")
    assert (both.code, "--patient-column and --patient-regex: expected one of them" in both.err) == (2, True)
    absent = run("profile", root, "--labels", tmp_path / "none.csv", "--label-column", "dx", "--case-column", "f")
    assert (absent.code, "none.csv: cannot be read" in absent.err) == (2, True)


def test_a_check_says_nothing_of_what_cells_hold(tmp_path: Path, run, fixtures: Path) -> None:  # type: ignore[no-untyped-def]
    """Others read its log."""
    made = tmp_path / "a.profile.json"
    assert run("profile", fixtures / "brighter" / "east", "-o", made).code == 0
    root = pictures(tmp_path / "site", "SMITH.png")
    (tmp_path / "t.csv").write_text("f,l\nSMITH,#REF!\n")
    options = ("--labels", tmp_path / "t.csv", "--label-column", "l", "--case-column", "f")
    done = run("check", root, "--against", made, *options)
    assert (done.code, "SMITH" in done.err + done.out, "#REF!" in done.err) == (2, False, False)
    assert "at the site, says why" in " ".join(done.err.split())
    assert "#REF!" in run("check", root, "--against", made, *options, "--name-files").err


def test_names_with_percent_signs_are_themselves_first(tmp_path: Path) -> None:
    """Archives of articles' figures have such names: `p6-52%20.png` is no blank."""
    table = "image_id,dx\nfig%201.png,a\nfig%202,b\nfig 3,c\nfig%204.png,d\n"
    site = joined(tmp_path, ("fig%201.png", "fig%202.png", "fig 3.png", "fig 4.png"), table, **COLUMNS)
    assert {case.name: case.label for case in site.cases} == {
        "fig%201": "a",
        "fig%202": "b",
        "fig 3": "c",
        "fig 4": "d",
    }
