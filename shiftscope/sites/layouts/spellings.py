"""How hospitals spell the names of folders, suffixes and splits, and which files are evidently no images."""

import re
from pathlib import Path

from shiftscope.sites.listings.file_paths import name_of

__all__ = [
    "IMAGES",
    "MASKS",
    "ROLES",
    "SPLITS",
    "VOLUMES",
    "is_image_name",
    "is_litter",
    "mask_target",
    "named_otherwise",
    "stem_of",
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
_KNOWN_SUFFIXES = frozenset(_SUFFIXES)
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
    *(".bval", ".bvec", ".md5", ".sha1", ".sha256", ".part", ".tmp", ".bak", ".key", ".unfinished"),
    *(".url", ".gdoc", ".cloudf", ".partial", ".crdownload", ".download", ".filepart"),
}
_LITTER_NAMES = {"thumbs.db", "desktop.ini", "dicomdir", "lockfile", "version"}
_LITTER_OPENINGS = (".", "~$", "readme", "license", "licence", "copying", "makefile", "md5sum", "sha256sum")
_MASK_TAIL = re.compile(
    r"[ _.-](?:[a-z]*masks?|[a-z]*seg|segmentations?|labels?|gt|ground[ _-]?truth|anno|annotations?)"
    r"(?:[ _-]?(?:manual|\d+))?$",
    re.IGNORECASE,
)


def stem_of(name: str) -> str:
    """A file's name without its suffix, when the suffix is one of an image: "case.nii.gz" -> "case"."""
    at = name.rfind(".")
    if name[at:].lower() == ".gz":
        at = name.rfind(".", 0, at)
    return name[:at] if at > 0 and name[at:].lower() in _KNOWN_SUFFIXES else name


def mask_target(stem: str) -> str | None:
    """The stem of the image that a mask says it belongs to: "a_seg-manual" -> "a"; None without such a tail."""
    target = _MASK_TAIL.sub("", stem)
    return target if target and target != stem else None


def named_otherwise(path: str) -> bool:
    """Whether the suffix says that a file is not DICOM: such files need not be opened to know."""
    return path.lower().endswith(_OTHERS)


def is_image_name(name: str) -> bool:
    """Whether a name ends as those of images do."""
    return name.lower().endswith(_SUFFIXES)


def is_litter(path: str) -> bool:
    """Whether a file is plainly something else than an image, by its name."""
    name = name_of(path).lower()
    if name in _LITTER_NAMES or name.startswith(_LITTER_OPENINGS):
        return True
    if name.endswith(_SUFFIXES):
        return False
    if name.endswith(".img"):
        return Path(path).with_suffix(".hdr").exists()  # the pixels of a NIfTI pair: the header stands for both
    return name[max(name.rfind("."), 0) :] in _LITTER_SUFFIXES
