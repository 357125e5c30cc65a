"""What a site's owner says: in options, in site.toml, in a plan or baseline; the first wins."""

import shutil
from pathlib import Path

import pytest

from shiftscope.errors import InputError
from shiftscope.plans import PlannedSite
from shiftscope.sites import NOTHING_SAID, Declarations, allowed_code, read_site
from shiftscope.sites.declarations import read_declarations

FULL = """\
classes = ["benign", "malignant"]
patient_regex = '(p\\d+)'
depth = "2-D"
colour = false
has_masks = true
"""


def test_a_site_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(FULL, encoding="utf-8")
    read = read_declarations(tmp_path / "site.toml")
    assert read == Declarations(
        classes=("benign", "malignant"), patient_regex=r"(p\d+)", depth="2-D", colour=False, has_masks=True
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("classes = 'benign'", r"key 'classes'.*got 'benign'"),
        ("clases = []", r"key 'clases'.*its keys are classes, one_file_per_patient"),
        (f"classes = {[f'c{k}' for k in range(101)]}", "expected 100 classes at the most, not 101"),
        ("depth = '4-D'", r"key 'depth'"),
        ("one_file_per_patient = true\npatient_regex = 'p'", "by a pattern on names or by one file each, not by both"),
        ("classes = [", "expected a site file in TOML"),
        ("\x00", "expected a site file in TOML"),
        ("# " + "x" * (1 << 20), "expected a site file in TOML of 0.1 MB at the most"),
        ("a = " + "[" * 10_000, "expected a site file, 200 dots or brackets a line at the most"),
        ('classes = ["a\\u001b[2J"]', "without control"),
    ],
)
def test_a_site_file_with_a_mistake_is_an_error(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_declarations(tmp_path / "site.toml")


def test_every_key_of_a_site_file_is_on_its_page() -> None:
    text = (Path(__file__).parents[2] / "docs" / "profile.md").read_text(encoding="utf-8")
    for key in Declarations.model_fields:
        assert f"{key} = " in text, key


def test_allowed_code_is_read_where_it_is_needed_and_goes_no_further(run, tmp_path: Path, fixtures: Path) -> None:
    """Neither what is known of a site elsewhere can allow code, nor does the permission become part of a site."""
    folder = tmp_path / "east"
    shutil.copytree(fixtures / "brighter" / "east", folder)
    assert allowed_code(folder) == ()
    (folder / "site.toml").write_text('allow_code = ["hospital_models"]\n', encoding="utf-8")
    assert allowed_code(folder) == ("hospital_models",)
    table = folder / "manifest.csv"
    table.write_text("image\n", encoding="utf-8")
    assert allowed_code(table) == ("hospital_models",)
    table.unlink()
    known = Declarations(allow_code=("os",))
    assert read_site(folder, known=known).declared.allow_code is None
    assert NOTHING_SAID.over(known) == NOTHING_SAID
    assert "allow_code" not in PlannedSite.model_fields
    for option, name in (("-o", "east.profile.json"), ("--part", "east.part.json")):
        done = run("profile", folder, option, tmp_path / name)
        assert done.code == 0, done.err
        assert "hospital_models" not in (tmp_path / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["hospital_models.nets", "a b", "", "../x", "hospital-models", "é"])
def test_what_is_allowed_is_a_package_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "site.toml").write_text(f"allow_code = [{name!r}]\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"key 'allow_code.0': expected the name of a package"):
        allowed_code(tmp_path)


def test_a_site_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"FILE.*cannot be read"):
        read_declarations(tmp_path / "FILE")


def test_options_win_over_the_file_and_the_file_over_what_is_known(tmp_path: Path, fixtures: Path) -> None:
    said = tmp_path / "owner.toml"
    said.write_text("classes = []\none_file_per_patient = true\n", encoding="utf-8")
    folder = fixtures / "brighter" / "east"
    known = Declarations(classes=("normal", "abnormal"), depth="3-D")
    assert read_site(folder, known=known).classes == ("abnormal", "normal")
    site = read_site(folder, known=known, site_file=said)
    assert (site.classes, site.patient_source, site.declared.depth) == ((), "one_file_per_patient", "3-D")
    given = Declarations(patient_regex=r"(p\d+)")
    assert read_site(folder, given=given, site_file=said).patient_source == "regex"


def test_how_patients_are_told_is_one_saying() -> None:
    pattern, one_each = Declarations(patient_regex="p"), Declarations(one_file_per_patient=True, colour=True)
    assert pattern.over(one_each) == Declarations(patient_regex="p", colour=True)
    assert one_each.over(pattern) == one_each
    assert NOTHING_SAID.over(pattern) == pattern == pattern.over(NOTHING_SAID)


def test_a_site_file_beside_the_images_is_no_image(fixtures: Path) -> None:
    site = read_site(fixtures / "broken" / "wreck")
    assert site.declared.one_file_per_patient
    assert not any(path.suffix == ".toml" for paths in site.excluded.values() for path in paths)
