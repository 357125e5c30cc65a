"""What a folder holds: files that ought to be images, folders that may hold data, and what is lost."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from shiftscope.errors import Unreadable
from shiftscope.images.file_formats import sniff
from shiftscope.sites.layouts.spellings import is_image_name, is_litter
from shiftscope.sites.listings.file_paths import opening_of
from shiftscope.sites.missing_files import MissingFile, what_is_missing

__all__ = ["files_of", "folders_of", "has_images", "listed_once", "missing_in", "walk"]

_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP)
"""Why a link cannot be followed, where nothing is at its end."""


@dataclass(frozen=True, slots=True)
class _FolderListing:
    """Of one folder, each sorted by name.

    Attributes:
        files: paths of those that ought to be images.
        folders: those that may hold data.
        lost: entries that ought to be files and are none.
    """

    files: tuple[str, ...]
    folders: tuple[Path, ...]
    lost: tuple[MissingFile, ...]


_LISTINGS: ContextVar[dict[Path, _FolderListing] | None] = ContextVar("_LISTINGS", default=None)
"""Folder -> what it holds, while a site is read."""


def files_of(folder: Path) -> Sequence[str]:
    """Paths of files that ought to be images, sorted: all but what is plainly something else by its name."""
    return _listing(folder).files


def folders_of(folder: Path) -> Sequence[Path]:
    """Subfolders that may hold data, sorted: not hidden ones, those of archive tools, and links back to above."""
    return _listing(folder).folders


def missing_in(folder: Path) -> Iterator[MissingFile]:
    """Entries under a folder that ought to be files and are none; hidden folders are passed over, as for images."""
    here = _listing(folder)
    yield from here.lost
    for inner in here.folders:
        yield from missing_in(inner)


def walk(folder: Path) -> Iterator[str]:
    """Path of every file under a folder that ought to be an image, folder by folder."""
    here = _listing(folder)
    yield from here.files
    for inner in here.folders:
        yield from walk(inner)


def has_images(folder: Path, *, deep: bool = False) -> bool:
    """Whether a folder holds at least one file that looks like an image, by its suffix or its first bytes."""
    if any(map(_is_probably_an_image, files_of(folder))):
        return True
    return deep and any(has_images(inner, deep=True) for inner in folders_of(folder))


@contextmanager
def listed_once() -> Iterator[None]:
    """List each folder once while this lasts: a site is looked at in many ways, and network drives are slow."""
    token = _LISTINGS.set({})
    try:
        yield
    finally:
        _LISTINGS.reset(token)


def _listing(folder: Path) -> _FolderListing:
    known = _LISTINGS.get()
    if known is None:
        return _listed(folder)
    if folder not in known:
        known[folder] = _listed(folder)
    return known[folder]


def _listed(folder: Path) -> _FolderListing:
    """Entries know what they are without another look at the disk, but for links. None is kept: they are large."""
    opening = opening_of(folder)
    files: list[str] = []
    folders: list[str] = []
    lost: list[tuple[str, str]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            name, linked = entry.name, entry.is_symlink()
            mode = _led_to(entry) if linked else 0
            is_folder = stat.S_ISDIR(mode) if linked else entry.is_dir()
            is_file = stat.S_ISREG(mode) if linked else entry.is_file()
            if is_folder:
                if name[0] not in ".@" and name != "__MACOSX" and not (linked and _leads_back(folder / name)):
                    folders.append(name)
            elif is_file and not is_litter(entry.path):
                files.append(opening + name)
            if (what := what_is_missing(entry, is_there=is_folder or is_file)) is not None:
                lost.append((name, what))
    return _FolderListing(
        tuple(sorted(files)),
        tuple(folder / name for name in sorted(folders)),
        tuple((folder / name, what) for name, what in sorted(lost)),
    )


def _led_to(entry: "os.DirEntry[str]") -> int:
    """The mode of what a link leads to, 0 where it leads nowhere."""
    try:
        return entry.stat().st_mode
    except OSError as problem:
        if problem.errno not in _NOWHERE:
            raise
        return 0


def _leads_back(path: Path) -> bool:
    return path.parent.resolve().is_relative_to(path.resolve())


def _is_probably_an_image(path: str) -> bool:
    if is_image_name(path):
        return True
    try:
        return sniff(Path(path)) is not None
    except Unreadable:
        return False
