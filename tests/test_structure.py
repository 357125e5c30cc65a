"""The house stays as `docs/design.md` draws it: rooms one can find, words of the field, nothing said twice."""

import ast
import re
from pathlib import Path

import pytest
from structure import FAMILIES, MOST_FILES, files_in, forgotten, names, repeated, trees, twice

import shiftscope

PACKAGE = Path(shiftscope.__file__).parent
ROOT = PACKAGE.parent
MODULES = trees(PACKAGE)
FOLDERS = sorted({path.parent for path in MODULES})

MOST_INTRODUCED = 6  # lines of a package's docstring


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("folder", ["shiftscope", "tests", "benchmarks", "fixtures", "typing_tests"])
def test_nothing_has_a_forgotten_name(folder: str) -> None:
    assert not forgotten(ROOT / folder, trees(ROOT / folder))


def test_no_module_and_no_class_stands_twice() -> None:
    commands = {path.stem for path in files_in(PACKAGE / "cli")}
    assert not {name: found for name, found in twice(PACKAGE, MODULES).items() if name not in commands}


@pytest.mark.parametrize("folder", FOLDERS, ids=relative)
def test_a_folder_is_looked_over_at_a_glance(folder: Path) -> None:
    assert relative(folder) in FAMILIES or len(files_in(folder)) <= MOST_FILES


@pytest.mark.parametrize("folder", FOLDERS, ids=relative)
def test_every_package_says_what_it_is_for(folder: Path) -> None:
    text = ast.get_docstring(MODULES[folder / "__init__.py"])
    assert text
    assert len([line for line in text.splitlines() if line]) <= MOST_INTRODUCED


def test_the_plan_of_the_house_names_what_is_there() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    known = {name for tree in MODULES.values() for name, _ in names(tree)}
    known |= {path.stem for path in MODULES} | {folder.name for folder in FOLDERS}
    known |= {path.stem for folder in ("benchmarks", "tests", "fixtures") for path in (ROOT / folder).rglob("*.py")}
    mentioned = set(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", text))
    assert mentioned
    assert not mentioned - known


@pytest.mark.parametrize("other", [False, True])
def test_a_passage_written_twice_is_found_whatever_its_variables_are_called(tmp_path: Path, other: bool) -> None:
    lines = [f"    a{k} = max({', '.join(['b'] * k)}, 1) + a{k - 1}" for k in range(1, 15)]
    one = "\n".join(["def one(b, a0):", *lines])
    two = one.replace("one", "two").replace("a", "c").replace("b", "d").replace("mcx", "min" if other else "max")
    (tmp_path / "one.py").write_text(one)
    (tmp_path / "two.py").write_text(two)
    assert bool(repeated(tmp_path, trees(tmp_path))) is not other


def test_no_long_passage_is_written_twice() -> None:
    assert not repeated(PACKAGE, MODULES)
