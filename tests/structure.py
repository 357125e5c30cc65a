"""What a reader finds in the package's source: files to a folder, long modules, names that stand twice, passages too.

    python tests/structure.py PATH_OF_THE_PACKAGE

prints the figures of any checkout as a Markdown table; `test_structure.py` holds the present one to them.
"""

import ast
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

FAMILIES = {"cli", "api", "phantoms", "harmonizers", "training/algorithms/methods"}
"""Folders of one member a file, in which there may be as many files as there are members."""

MOST_FILES = 12
MOST_LINES = 12  # of a passage that is written twice
LONG = 250  # lines of a module

FORGOTTEN = {
    *("Side", "side", "sides", "Tally", "Sums", "Yardstick", "yardstick", "yardsticks", "Curve", "Reach"),
    *("reach", "moves", "Way", "answers_told", "moves_told", "odd_sites", "standouts_told", "Views", "views", "seen"),
    *("Look", "look", "looks", "Belief", "belief", "beliefs", "believed", "Parcel", "parcel", "parcels"),
    *("word", "told", "besides"),
}
"""Words of our own that nobody in the field uses; none of them names anything. `tally` is a key of parts, and stays."""

Trees = Mapping[Path, ast.Module]


def trees(package: Path) -> dict[Path, ast.Module]:
    """Path -> syntax tree of every module."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(package.rglob("*.py"))}


def names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every identifier that a module defines or uses, with its line; keywords of calls are defined elsewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword):
            continue
        for field in ("id", "attr", "arg", "name", "asname"):
            found = getattr(node, field, None)
            if isinstance(found, str):
                yield found, getattr(node, "lineno", 0)


def forgotten(package: Path, modules: Trees) -> list[str]:
    """Where a forgotten word still names something."""
    return [
        f"{path.relative_to(package).as_posix()}:{line} {name}"
        for path, tree in modules.items()
        for name, line in names(tree)
        if name.strip("_") in FORGOTTEN or name.endswith("_told")
    ]


def twice(package: Path, modules: Trees) -> dict[str, list[str]]:
    """Names of modules, packages and classes that stand in several places; a command may be called like its subject."""
    places = defaultdict(list)
    for path, tree in modules.items():
        where = path.relative_to(package).as_posix()
        places[path.parent.name if path.name == "__init__.py" else path.stem].append(where)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[f"class {node.name}"].append(where)
    return {name: found for name, found in places.items() if len(found) > 1}


def files_in(folder: Path) -> list[Path]:
    """The modules beside one another in a folder."""
    return [path for path in sorted(folder.glob("*.py")) if path.name not in ("__init__.py", "__main__.py")]


class _Anonymous(ast.NodeTransformer):
    """Variables by the order in which they come, constants by their kind; what is called stays: that is the logic."""

    def __init__(self) -> None:
        self.order: dict[str, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.order.setdefault(node.id, f"v{len(self.order)}"), node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        called = node.func if isinstance(node.func, ast.Name) else self.visit(node.func)
        return ast.Call(called, [self.visit(item) for item in node.args], [self.visit(item) for item in node.keywords])

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(self.order.setdefault(node.arg, f"v{len(self.order)}"))

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(type(node.value).__name__)


def _passages(tree: ast.Module) -> Iterator[tuple[str, int]]:
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


def repeated(package: Path, modules: Trees) -> list[list[str]]:
    """Places of passages longer than `MOST_LINES` whose logic is the same, whatever their variables are called."""
    places = defaultdict(set)
    for path, tree in modules.items():
        for logic, line in _passages(tree):
            places[logic].add(f"{path.relative_to(package).as_posix()}:{line}")
    return [sorted(found) for found in places.values() if len(found) > 1]


def _main(package: Path) -> None:
    modules = trees(package)
    folders = sorted({path.parent for path in modules})
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    long = [path for path, count in lines.items() if count > LONG]
    crowded = {folder: len(files_in(folder)) for folder in folders if len(files_in(folder)) > MOST_FILES}
    doubled = twice(package, modules)
    rows = {
        "modules": len(modules),
        "folders": len(folders),
        "lines": sum(lines.values()),
        "median lines of a module": int(statistics.median(lines.values())),
        f"modules above {LONG} lines": len(long),
        f"folders of more than {MOST_FILES} files": ", ".join(
            f"{folder.relative_to(package).as_posix()} {count}" for folder, count in crowded.items()
        ),
        "names of modules and packages that stand twice": sum(not name.startswith("class") for name in doubled),
        "names of classes that stand twice": sum(name.startswith("class") for name in doubled),
        "places where a forgotten word names something": len(forgotten(package, modules)),
        f"passages above {MOST_LINES} lines with the same logic": len(repeated(package, modules)),
    }
    print("\n".join(["| | |", "|---|---|", *(f"| {what} | {count} |" for what, count in rows.items())]))  # noqa: T201


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
