"""Which code a package holds: where it is installed, its version, and a SHA-256 over its files. Nothing is imported."""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from shiftscope.errors import PlanError
from shiftscope.plans import OwnCode, Plan
from shiftscope.training.own_code.own_names import packages_of

__all__ = ["code_digest", "mark_of", "marks_of", "root_of"]

_INSTALL = "install it at every site, from the folder that you trust: pip install ./FOLDER"


def marks_of(plan: Plan) -> dict[str, OwnCode]:
    """Package -> version and digest of the code that is installed here, for every package of own code in the plan.

    Raises:
        PlanError: a package is not installed as ordinary files, or a name in the plan cannot be one.
    """
    return {package: mark_of(package) for package in packages_of(plan)}


def mark_of(package: str) -> OwnCode:
    """The version of the installed distribution, empty where there is none, and a digest of the package's files.

    Raises:
        PlanError: as `code_digest`.
    """
    return OwnCode(version=_version(package), sha256=code_digest(package))


def code_digest(package: str) -> str:
    """A digest of the package's files.

    It is SHA-256 over the relative path and the SHA-256 of each file, in the order of the paths: all files of
    the package but compiled ones in `__pycache__`, and for a module that is one file that file.

    Raises:
        PlanError: the package is not installed as ordinary files.
    """
    root = root_of(package)
    try:
        files = {path.relative_to(root if root.is_dir() else root.parent).as_posix(): path for path in _files(root)}
        total = hashlib.sha256()
        for name in sorted(files):
            total.update(name.encode() + b"\0" + hashlib.sha256(files[name].read_bytes()).digest())
    except OSError as problem:
        raise PlanError(f"package {package}: {problem.filename} cannot be read: {problem.strerror}") from None
    return total.hexdigest()


def root_of(package: str) -> Path:
    """The folder of an installed package, or the file of a module, where Python would import it from.

    Raises:
        PlanError: there is none, it has no files of its own, or it merely lies in the current folder.
    """
    importlib.invalidate_caches()
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise PlanError(f"package {package}: it is not installed here; {_INSTALL}")
    origin = Path(spec.origin) if spec.origin and spec.has_location else None
    if origin is None or not origin.is_file():
        raise PlanError(
            f"package {package}: it is no ordinary package (it has no __init__.py, or lies in an archive), so nobody"
            f" can say which code it is; add the file, and {_INSTALL}"
        )
    folders = spec.submodule_search_locations
    root = origin if folders is None else origin.parent
    if folders is not None and [Path(folder) for folder in folders] != [root]:
        raise PlanError(f"package {package}: it lies in {len(folders)} folders; expected one; install it anew")
    if _only_beside_us(root):
        raise PlanError(
            f"package {package}: {root} lies in the current folder and is not installed: whoever fills this folder"
            f" could put other code in its place; {_INSTALL}, or start shiftscope elsewhere"
        )
    return root


def _only_beside_us(root: Path) -> bool:
    """Whether Python finds it for no other reason than where it was started."""
    here = Path.cwd()
    implied = "" in sys.path or "." in sys.path or Path(sys.path[0]).resolve() == here
    said = {Path(entry).resolve() for entry in sys.path[1:] if entry not in ("", ".")}
    return implied and root.parent.resolve() == here and here not in said


def _files(root: Path) -> Iterator[Path]:
    """The files that make up the package.

    Raises:
        PlanError: a link, or something else whose content is not its own.
    """
    for path in [root] if root.is_file() else root.rglob("*"):
        if path != root and path.is_symlink():
            raise PlanError(
                f"{path}: a symbolic link inside a package can lead to other code any day; put a copy there"
            )
        if path.is_dir():
            continue
        if not path.is_file():
            raise PlanError(f"{path}: expected an ordinary file in a package; remove it")
        if path.parent.name == "__pycache__" and path.suffix == ".pyc":
            _require_bound(path)
            continue
        yield path


def _require_bound(compiled: Path) -> None:
    """Python has to look at the source before it takes the compiled code.

    Raises:
        PlanError: compiled code that it takes unchecked (PEP 552): a digest of the source would not speak of it.
    """
    with compiled.open("rb") as file:
        flags = int.from_bytes(file.read(8)[4:], "little")
    if flags & 0b11 == 0b01:
        raise PlanError(f"{compiled}: compiled code that Python takes whatever its source says; delete the file")


def _version(package: str) -> str:
    names = metadata.packages_distributions().get(package, [])
    return ", ".join(sorted({metadata.version(name) or "" for name in names} - {""}))
