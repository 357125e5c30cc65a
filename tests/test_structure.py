"""The house stays as `docs/design.md` draws it: rooms one can find, words of the field, nothing said twice."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import shiftscope

PACKAGE = Path(shiftscope.__file__).parent
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
FOLDERS = sorted({path.parent for path in TREES})

FAMILIES = {"cli", "phantoms", "harmonizers", "training/algorithms/methods"}
"""Folders of one member a file."""

MOST_FILES = 12
MOST_LINES = 12  # of a passage that is written twice
MOST_INTRODUCED = 6  # lines of a package's docstring

FORGOTTEN = {
    *("Side", "side", "sides", "Tally", "tally", "Sums", "Yardstick", "yardstick", "yardsticks", "Curve", "Reach"),
    *("reach", "moves", "Way", "answers_told", "moves_told", "odd_sites", "standouts_told", "Views", "views", "seen"),
    *("Look", "look", "looks", "Belief", "belief", "beliefs", "believed", "Parcel", "parcel", "parcels"),
    *("word", "told", "besides"),
}
"""Words of our own that nobody in the field uses; none of them names anything."""


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every identifier in a module, with its line."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "asname"):
            found = getattr(node, field, None)
            if isinstance(found, str):
                yield found, getattr(node, "lineno", 0)


def test_nothing_has_a_forgotten_name() -> None:
    found = [
        f"{relative(path)}:{line} {name}"
        for path, tree in TREES.items()
        for name, line in names(tree)
        if name.strip("_") in FORGOTTEN or name.endswith("_told")
    ]
    assert not found


def test_no_module_and_no_class_stands_twice() -> None:
    places = defaultdict(list)
    for path, tree in TREES.items():
        places[path.parent.name if path.name == "__init__.py" else path.stem].append(relative(path))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[f"class {node.name}"].append(relative(path))
    commands = {path.stem for path in (PACKAGE / "cli").glob("*.py")}
    twice = {name: found for name, found in places.items() if len(found) > 1 and name not in commands}
    assert not twice


@pytest.mark.parametrize("folder", FOLDERS, ids=relative)
def test_a_folder_is_looked_over_at_a_glance(folder: Path) -> None:
    files = [path for path in folder.glob("*.py") if path.name not in ("__init__.py", "__main__.py")]
    assert relative(folder) in FAMILIES or len(files) <= MOST_FILES


@pytest.mark.parametrize("folder", FOLDERS, ids=relative)
def test_every_package_says_what_it_is_for(folder: Path) -> None:
    text = ast.get_docstring(TREES[folder / "__init__.py"])
    assert text
    assert len([line for line in text.splitlines() if line]) <= MOST_INTRODUCED or folder == PACKAGE


def test_the_plan_of_the_house_names_what_is_there() -> None:
    text = (PACKAGE.parent / "docs" / "design.md").read_text(encoding="utf-8")
    known = {name for tree in TREES.values() for name, _ in names(tree)}
    known |= {path.stem for path in TREES} | {folder.name for folder in FOLDERS}
    known |= {path.stem for folder in ("benchmarks", "tests", "fixtures") for path in Path(folder).rglob("*.py")}
    mentioned = set(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", text))
    assert mentioned
    assert not mentioned - known


class _Anonymous(ast.NodeTransformer):
    """Variables by the order in which they come, constants by their kind: what is left is the logic."""

    def __init__(self) -> None:
        self.order: dict[str, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.order.setdefault(node.id, f"v{len(self.order)}"), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(self.order.setdefault(node.arg, f"v{len(self.order)}"))

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(type(node.value).__name__)


def passages(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Logic of every run of statements of a function that is just long enough to count, with its line."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        for inner in ast.walk(node):
            body = getattr(inner, "body", None)
            if not isinstance(body, list):
                continue
            statements = body[1:] if inner is node and ast.get_docstring(node) else body
            for first in range(len(statements)):
                for last in range(first, len(statements)):
                    if statements[last].end_lineno - statements[first].lineno + 1 > MOST_LINES:
                        copy = ast.parse(ast.unparse(ast.Module(statements[first : last + 1], [])))
                        yield ast.dump(_Anonymous().visit(copy)), statements[first].lineno
                        break


def test_no_long_passage_is_written_twice() -> None:
    places = defaultdict(set)
    for path, tree in TREES.items():
        for logic, line in passages(tree):
            places[logic].add(f"{relative(path)}:{line}")
    assert not [sorted(found) for found in places.values() if len(found) > 1]
