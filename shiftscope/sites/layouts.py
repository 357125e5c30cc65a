"""Which of the known layouts a folder has, and the cases it then holds."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from shiftscope.sites.dicom_tree import dicom_cases, holds_patients, is_dicom
from shiftscope.sites.site import Case
from shiftscope.sites.spellings import (
    IMAGES,
    MASKS,
    ROLES,
    SPLITS,
    files_of,
    folders_of,
    has_images,
    mask_target,
    named_otherwise,
    stem_of,
    walk,
)

__all__ = ["LAYOUTS", "Found", "find_cases"]


@dataclass(slots=True)
class Found:
    """What a layout yields: cases whose patient is still to be told (unless DICOM said), and what was left out."""

    layout: str
    cases: list[Case] = field(default_factory=list)
    excluded: dict[str, list[Path]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def leave_out(self, reason: str, path: Path) -> None:
        self.excluded.setdefault(reason, []).append(path)

    def take(self, part: "Found", folder: Path, **told: str) -> None:
        """Add what a subfolder holds, with what the subfolder's name tells of it."""
        self.cases += [replace(case, name=f"{folder.name}/{case.name}", **told) for case in part.cases]  # type: ignore[arg-type]
        for reason, paths in part.excluded.items():
            self.excluded.setdefault(reason, []).extend(paths)
        self.told += [sentence for sentence in part.told if sentence not in self.told]


def find_cases(root: Path) -> Found | None:
    """Try the layouts in order; None when none fits."""
    for recognise in LAYOUTS.values():
        found = recognise(root)
        if found is not None:
            return found
    return None


def _nnunet(root: Path) -> Found | None:
    """imagesTr/CASE_0000.*, labelsTr/CASE.*: the first channel is the image; imagesTs only where labelsTs is there."""
    if not (root / "imagesTr").is_dir():
        return None
    found = Found("nnunet")
    tested = (root / "imagesTs").is_dir() and (root / "labelsTs").is_dir()
    for tail, split in (("Tr", "train" if tested else None), ("Ts", "test")):
        if tail == "Ts" and not tested:
            continue
        channels: dict[str, Path] = {}
        for path in files_of(root / f"images{tail}"):
            channels.setdefault(re.sub(r"_\d{4}$", "", stem_of(path.name)), path)
        folder = root / f"labels{tail}"
        masks = {stem_of(path.name): path for path in files_of(folder)} if folder.is_dir() else {}
        for name, path in channels.items():
            found.cases.append(Case(name, (path,), masks=_one(masks.pop(name, None)), split=split))
        for path in masks.values():
            found.leave_out("mask_without_image", path)
    return found


def _images_and_masks(root: Path) -> Found | None:
    """A folder of images beside a folder of masks, however spelled, subfolders alike in both.

    Without masks, what lies in the folder of images is a layout of its own. Masks alone are all left out.
    """
    inner = {path.name.lower(): path for path in folders_of(root)}
    images = next((inner[name] for name in IMAGES if name in inner), None)
    folder = next((inner[name] for name in MASKS if name in inner), None)
    if folder is None or not has_images(folder, deep=True):
        return find_cases(images) if images else None
    if images is None and len(inner) > 1:
        return None
    found = Found("images+masks")
    masks: dict[str, Path] = {}
    for path in walk(folder):
        if masks.setdefault(_relative(path, folder), path) is not path:
            found.leave_out("unsupported", path)
    pairs = _pair(_image_files(images, masks, found) if images else {}, masks, found)
    found.cases += [Case(name, files, masks=_one(mask)) for name, (files, mask) in pairs.items()]
    found.cases = [replace(case, split=_split_in(case.name)) for case in found.cases]
    return found


def _image_files(images: Path, masks: dict[str, Path], found: Found) -> dict[str, tuple[Path, ...]]:
    """Name -> the files to pair with masks.

    A subfolder of DICOM files is one series where a mask has its name; other DICOM files in subfolders that have no
    mask of their own are grouped as in a DICOM tree, and need no pairing. Anything else is an image by itself.
    """
    wanted = {*masks, *filter(None, map(mask_target, masks))}
    files: dict[str, list[Path]] = {}
    loose: list[Path] = []
    for path in walk(images):
        folder = path.parent.relative_to(images).as_posix()
        inside = folder != "." and _relative(path, images) not in wanted and is_dicom(path)
        if inside and folder not in wanted:
            loose.append(path)
        else:
            files.setdefault(folder if inside else _unique(path, images, files), []).append(path)
    found.cases += dicom_cases(images, loose, found.leave_out, found.told.append)
    return {name: tuple(paths) for name, paths in files.items()}


def _split_in(name: str) -> str | None:
    """The split that the first folder of a name says, as in images/train/..."""
    return SPLITS.get(name.split("/")[0].lower()) if "/" in name else None


def _pair(
    images: dict[str, tuple[Path, ...]], masks: dict[str, Path], found: Found
) -> dict[str, tuple[tuple[Path, ...], Path | None]]:
    """Give each image the mask of its stem, or of its stem with a tail such as "_segmentation"."""
    by_target: dict[str, Path] = {}
    stems = {stem_of(name): None for name in images}
    for stem, path in masks.items():
        target = stem if stem in stems else mask_target(stem)
        if target is None or target not in stems:
            found.leave_out("mask_without_image", path)
        elif by_target.setdefault(target, path) is not path:
            if stem == target:
                by_target[target], path = path, by_target[target]
            found.leave_out("unsupported", path)
    return {name: (files, by_target.get(stem_of(name))) for name, files in images.items()}


def _splits(root: Path) -> Found | None:
    """train|val|test, each with a layout of its own."""
    folders = [folder for folder in folders_of(root) if has_images(folder, deep=True)]
    if not folders or not all(folder.name.lower() in SPLITS for folder in folders):
        return None
    whole: Found | None = None
    for folder in folders:
        part = find_cases(folder)
        if part is None:
            continue
        whole = whole or Found("split-classes" if part.layout == "classes" else part.layout)
        whole.take(part, folder, split=SPLITS[folder.name.lower()])
    return whole


def _dicom(root: Path) -> Found | None:
    """Mostly DICOM files, at any depth, unless they lie in class folders (several patients in each)."""
    paths = list(walk(root))
    others = sum(named_otherwise(path) for path in paths)
    if 2 * others >= len(paths) or sum(map(is_dicom, paths)) <= others or _class_folders(root, dicom=True):
        return None
    found = Found("dicom")
    found.cases = dicom_cases(root, paths, found.leave_out, found.told.append)
    return found


def _classes(root: Path) -> Found | None:
    """One folder of images per class."""
    folders = _class_folders(root) or _class_folders(root, dicom=True)
    if not folders:
        return None
    found = Found("classes")
    for path in files_of(root):
        found.leave_out("unsupported", path)  # an image beside the class folders has no class
    for folder in folders:
        part = _dicom(folder) or _flat(folder)
        if part is not None:
            found.take(part, folder, label=folder.name)
    return found


def _class_folders(root: Path, *, dicom: bool = False) -> list[Path]:
    """Folders that are classes; of DICOM files, at any depth below, only with two or more patients in each."""
    named = [folder for folder in folders_of(root) if folder.name.lower() not in ROLES]
    folders = [folder for folder in named if has_images(folder, deep=dicom)]
    if dicom and (len(folders) < 2 or not all(holds_patients(folder, 2) for folder in folders)):
        return []
    return folders


def _flat(root: Path) -> Found | None:
    """A folder of images; "x_mask" or "x_seg" beside "x" is its mask. Files that are all called so are masks too."""
    if not has_images(root):
        return None
    names: dict[str, list[Path]] = {}
    for path in files_of(root):
        names.setdefault(_unique(path, root, names), []).append(path)
    stems = {stem_of(name) for name in names}
    targets = {name: mask_target(stem_of(name)) for name in names}
    paired = any(target in stems for target in targets.values()) or all(targets.values())
    masks = {name: paths[0] for name, paths in names.items() if paired and targets[name]}
    found = Found("images+masks" if masks else "images")
    images = {name: tuple(paths) for name, paths in names.items() if name not in masks}
    for name, (files, mask) in _pair(images, masks, found).items():
        found.cases.append(Case(name, files, masks=_one(mask)))
    return found


def _one(mask: Path | None) -> tuple[Path, ...]:
    return () if mask is None else (mask,)


def _relative(path: Path, root: Path) -> str:
    """The relative path without its suffix, with forward slashes."""
    inner = path.relative_to(root)
    return (inner.parent / stem_of(inner.name)).as_posix()


def _unique(path: Path, root: Path, taken: dict[str, list[Path]]) -> str:
    """The relative stem, or with its suffix when a file of another suffix has that stem already."""
    stem = _relative(path, root)
    return path.relative_to(root).as_posix() if stem in taken else stem


LAYOUTS: dict[str, Callable[[Path], Found | None]] = {
    "nnU-Net (imagesTr/, labelsTr/)": _nnunet,
    "images/ + masks/": _images_and_masks,
    "train|val|test/ with one of these inside": _splits,
    "a tree of DICOM files": _dicom,
    "<class>/*": _classes,
    "a folder of images": _flat,
}
"""Description for people -> recogniser, in the order they are tried."""
