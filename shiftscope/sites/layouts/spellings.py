"""How hospitals spell the names of folders, suffixes and splits, and which files are evidently no images."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from shiftscope.errors import Unreadable
from shiftscope.images.file_formats import sniff

__all__ = [
    "IMAGES",
    "MASKS",
    "ROLES",
    "SPLITS",
    "VOLUMES",
    "files_of",
    "folders_of",
    "has_images",
    "is_image_name",
    "is_litter",
    "listed_once",
    "mask_target",
    "named_otherwise",
    "stem_of",
    "walk",
]

IMAGES = ("images", "image", "imgs", "img", "original", "originals")
MASKS = (
    *("masks", "mask", "labels", "label", "segmentations", "segmentation"),
    *("ground truth", "ground_truth", "groundtruth", "gt"),
)
ROLES = frozenset({*IMAGES, *MASKS, "imagestr", "labelstr", "imagests", "labelsts"})
"""Names of folders that state what their files are for, and are therefore no classes."""

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Folder name, lower case -> split."""

VOLUMES = (".nii.gz", ".nii", ".mgh.gz", ".mgz", ".mgh", ".hdr")
_OTHERS = (
    *VOLUMES,
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".webp", ".jp2", ".j2k"),
)
_SUFFIXES = (*_OTHERS, ".dcm", ".dicom", ".ima")
_LITTER_SUFFIXES = {
    *(".txt", ".md", ".rst", ".json", ".csv", ".tsv", ".xml", ".html", ".htm", ".yaml", ".yml", ".toml", ".log"),
    *(
        ".ini",
        ".cfg",
        ".db",
        ".py",
        ".ipynb",
        ".sh",
        ".m",
        ".r",
        ".pdf",
        ".doc",
        ".docx",
        ".xls",
        ".xlsx",
        ".pptx",
        ".lnk",
    ),
    *(".bval", ".bvec", ".md5", ".sha1", ".sha256", ".part", ".tmp", ".bak", ".key"),
    *(".url", ".gdoc", ".cloudf", ".partial", ".crdownload", ".download", ".filepart"),
}
_LITTER_NAMES = {"thumbs.db", "desktop.ini", "dicomdir", "lockfile", "version"}
_LITTER_OPENINGS = (".", "~$", "readme", "license", "licence", "copying", "makefile", "md5sum", "sha256sum")
_MASK_TAIL = re.compile(
    r"[ _.-](?:[a-z]*masks?|[a-z]*seg|segmentations?|labels?|gt|ground[ _-]?truth|anno|annotations?)"
    r"(?:[ _-]?(?:manual|\d+))?$",
    re.IGNORECASE,
)

_Listing = tuple[tuple[Path, ...], tuple[Path, ...]]
_LISTINGS: ContextVar[dict[Path, _Listing] | None] = ContextVar("_LISTINGS", default=None)
"""Folder -> its files and folders, while a site is read."""


def stem_of(name: str) -> str:
    """A file's name without its suffix, when the suffix is one of an image: "case.nii.gz" -> "case"."""
    lower = name.lower()
    if not lower.endswith(_SUFFIXES):
        return name
    return name[: name.rfind(".", 0, -len(".gz") if lower.endswith(".gz") else None)] or name


def mask_target(stem: str) -> str | None:
    """The stem of the image that a mask says it belongs to: "a_seg-manual" -> "a"; None without such a tail."""
    target = _MASK_TAIL.sub("", stem)
    return target if target and target != stem else None


def files_of(folder: Path) -> list[Path]:
    """Files that ought to be images, sorted: all but what is plainly something else by its name."""
    return list(_listing(folder)[0])


def folders_of(folder: Path) -> list[Path]:
    """Subfolders that may hold data, sorted: not hidden ones, those of archive tools, and links back to above."""
    return list(_listing(folder)[1])


@contextmanager
def listed_once() -> Iterator[None]:
    """List each folder once while this lasts: a site is looked at in many ways, and network drives are slow."""
    token = _LISTINGS.set({})
    try:
        yield
    finally:
        _LISTINGS.reset(token)


def has_images(folder: Path, *, deep: bool = False) -> bool:
    """Whether a folder holds at least one file that looks like an image, by its suffix or its first bytes."""
    if any(_is_probably_an_image(path) for path in files_of(folder)):
        return True
    return deep and any(has_images(inner, deep=True) for inner in folders_of(folder))


def named_otherwise(path: Path) -> bool:
    """Whether the suffix says that a file is not DICOM: such files need not be opened to know."""
    return path.name.lower().endswith(_OTHERS)


def walk(folder: Path) -> Iterator[Path]:
    """Every file under a folder that ought to be an image, folder by folder."""
    yield from files_of(folder)
    for inner in folders_of(folder):
        yield from walk(inner)


def _listing(folder: Path) -> _Listing:
    known = _LISTINGS.get()
    if known is None:
        return _listed(folder)
    if folder not in known:
        known[folder] = _listed(folder)
    return known[folder]


def _listed(folder: Path) -> _Listing:
    """What a folder holds; entries know what they are without another look at the disk, but for links."""
    files, folders = [], []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):  # paths themselves compare slowly
            path, linked = folder / entry.name, entry.is_symlink()
            if path.is_dir() if linked else entry.is_dir():
                if entry.name[0] not in ".@" and entry.name != "__MACOSX" and not (linked and _leads_back(path)):
                    folders.append(path)
            elif (path.is_file() if linked else entry.is_file()) and not is_litter(path):
                files.append(path)
    return tuple(files), tuple(folders)


def _leads_back(path: Path) -> bool:
    return path.parent.resolve().is_relative_to(path.resolve())


def is_image_name(name: str) -> bool:
    """Whether a name ends as those of images do."""
    return name.lower().endswith(_SUFFIXES)


def is_litter(path: Path) -> bool:
    """Whether a file is plainly something else than an image, by its name."""
    name = path.name.lower()
    if name in _LITTER_NAMES or name.startswith(_LITTER_OPENINGS):
        return True
    if name.endswith(".img"):
        return path.with_suffix(".hdr").exists()  # the pixels of a NIfTI pair: the header stands for both
    return path.suffix.lower() in _LITTER_SUFFIXES


def _is_probably_an_image(path: Path) -> bool:
    if is_image_name(path.name):
        return True
    try:
        return sniff(path) is not None
    except Unreadable:
        return False
