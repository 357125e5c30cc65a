"""Where federations lie on a machine, and what their files are called."""

import os
from collections.abc import Mapping
from pathlib import Path

from shiftscope.errors import FederationError
from shiftscope.federations.federation_names import check_folder_name

__all__ = [
    "HOME_VARIABLE",
    "POLICY",
    "RELEASES",
    "RUNS",
    "coordinator_path",
    "home_of",
    "only_name",
    "require_files",
    "site_path",
]

HOME_VARIABLE = "SHIFTSCOPE_HOME"
"""The environment variable that replaces `~/.shiftscope`."""

POLICY = "policy.toml"
"""What a site lets out, in the site's folder. Without this file nothing leaves."""

RELEASES = "releases"
"""The log of all that left a site, and of what was kept, in the site's folder."""

RUNS = "runs"
"""What runs keep at a site, in the site's folder: personal layers, patients' scores, models, features."""

_COORDINATED, _JOINED = "federations", "joined"


def home_of(given: Path | None) -> Path:
    """The folder of all federations: the one given, else that of the environment, else `~/.shiftscope`."""
    return (given or Path(os.environ.get(HOME_VARIABLE) or Path.home() / ".shiftscope")).expanduser().absolute()


def coordinator_path(home: Path, name: str) -> Path:
    """The coordinator's folder of a federation."""
    return home / _COORDINATED / check_folder_name("federation", name)


def site_path(home: Path, name: str) -> Path:
    """A site's folder of a federation that it joined."""
    return home / _JOINED / check_folder_name("federation", name)


def only_name(home: Path, name: str | None) -> str:
    """`name`, or that of the only federation here.

    Raises:
        FederationError: none was given, and there is none or more than one.
    """
    if name is not None:
        return check_folder_name("federation", name)
    found = sorted({*_names(home / _COORDINATED), *_names(home / _JOINED)})
    if len(found) == 1:
        return found[0]
    if found:
        raise FederationError(f"{home}: holds several federations; say which: {', '.join(found)}")
    raise FederationError(
        f"{home}: holds no federation; a coordinator begins with: shiftscope federation init NAME --address HOST:PORT;"
        " a site with: shiftscope federation join invitation.json --site NAME --data DIR"
    )


def require_files(folder: Path, files: Mapping[str, str], otherwise: str) -> None:
    """Refuse a folder that is not whole.

    Args:
        files: what must be in it: file -> what it is.
        otherwise: what to do without a backup.

    Raises:
        FederationError: naming what is missing.
    """
    missing = [f"{file} ({what})" for file, what in files.items() if not (folder / file).is_file()]
    if missing:
        raise FederationError(
            f"{folder}: {', '.join(missing)} is missing; restore the folder from its backup, or, where there is none,"
            f" {otherwise}"
        )


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
