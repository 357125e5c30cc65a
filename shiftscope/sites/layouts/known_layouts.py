"""Which of the known layouts a folder has, and the cases it then holds."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from shiftscope.sites.dicom_tree import dicom_cases, holds_patients, is_dicom
from shiftscope.sites.layouts.case_folders import folder_each, sequences
from shiftscope.sites.layouts.conventions import bids, nnunet
from shiftscope.sites.layouts.folder_names import are_months, are_parts, names_masks
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.image_mask_folders import images_and_masks, one_folder
from shiftscope.sites.layouts.pairings import pairing
from shiftscope.sites.layouts.sibling_folders import beside_folders
from shiftscope.sites.layouts.spellings import IMAGES, ROLES, SPLITS, named_otherwise, stem_of
from shiftscope.sites.listings.file_paths import name_of
from shiftscope.sites.listings.folder_listings import files_of, folders_of, has_images, walk
from shiftscope.sites.publishable_names import is_class_name
from shiftscope.sites.templates.proposals import parted, read_by, suffix_of

__all__ = ["LAYOUTS", "FoundCases", "find_cases"]

_LISTED = 3


def find_cases(root: Path, classes: Collection[str] = ()) -> FoundCases | None:
    """Try the layouts in order; None when none fits.

    Args:
        root: the folder.
        classes: what the owner calls classes: folders that are all called so are classes, whatever they seem to be.
    """
    if classes and {folder.name for folder in folders_of(root) if has_images(folder, deep=True)} <= {*classes}:
        found = _classes(root)
        if found is not None:
            return found
    for recognise in LAYOUTS.values():
        found = recognise(root)
        if found is not None:
            return found
    return None


def _images_alone(root: Path) -> FoundCases | None:
    """A folder of images without masks is a layout of its own."""
    inner = {path.name.lower(): path for path in folders_of(root)}
    images = next((inner[name] for name in IMAGES if name in inner), None)
    found = find_cases(images) if images else None
    if images is not None and found is not None and found.template is not None:
        part, found.choices = replace(found), []
        found.describe([part], images.name)
    return found


def _splits(root: Path) -> FoundCases | None:
    """train|val|test, each with a layout of its own."""
    folders = [folder for folder in folders_of(root) if has_images(folder, deep=True)]
    if not folders or not all(folder.name.lower() in SPLITS for folder in folders):
        return None
    whole, parts = None, []
    for folder in folders:
        part = find_cases(folder)
        if part is None:
            continue
        part.choices = [
            (what, _with_split(image, folder), _with_split(mask, folder)) for what, image, mask in part.choices
        ]
        parts.append(part)
        whole = whole or FoundCases("split-classes" if part.layout == "classes" else part.layout)
        whole.take(part, folder, split=SPLITS[folder.name.lower()])
    if whole is not None:
        whole.describe(parts, "{split}")
    return whole


def _with_split(template: str, folder: Path) -> str:
    """A template with {split} where names say the folder's word again: "21_training"."""
    return re.sub(rf"(?<![^\W_]){re.escape(folder.name)}(?![^\W_])", "{split}", template)


def _parts(root: Path) -> FoundCases | None:
    """Years, days or numbered parts of one delivery: each has a layout of its own, and none is a class."""
    folders = [folder for folder in folders_of(root) if has_images(folder, deep=True)]
    return _in_parts(folders) if are_parts([folder.name for folder in folders]) else None


def _in_parts(folders: Sequence[Path]) -> FoundCases | None:
    """What lies in parts; numbers from 01 to 12 in a year are its months, and parts again."""
    found = []
    for folder in folders:
        inner = [each for each in folders_of(folder) if has_images(each, deep=True)]
        months = are_months(folder.name, [each.name for each in inner])
        part = _in_parts(inner) if months else find_cases(folder)
        found += [] if part is None else [(folder, part)]
    if not found:
        return None
    whole = FoundCases(found[0][1].layout)
    for folder, part in found:
        whole.take(part, folder)
    whole.describe([part for _, part in found], "**")
    whole.note(f"{_several(folders)} are taken for parts of one delivery, and for no classes")
    return whole


def _dicom(root: Path) -> FoundCases | None:
    """Mostly DICOM files, at any depth, unless they lie in class folders (several patients in each)."""
    paths = list(walk(root))
    others = sum(named_otherwise(path) for path in paths)
    if 2 * others >= len(paths) or sum(map(is_dicom, paths)) <= others or _class_folders(root, dicom=True):
        return None
    found = FoundCases("dicom")
    found.cases = dicom_cases(root, paths, found.leave_out, found.notes.append)
    return found


def _classes(root: Path) -> FoundCases | None:
    """One folder per class: of images, or, where folders are called after classes, of images deeper below."""
    folders = _called_after_classes(root) or _class_folders(root) or _class_folders(root, dicom=True)
    if not folders:
        return None
    found = FoundCases("classes")
    for path in files_of(root):
        found.leave_out("unsupported", path)  # an image beside the class folders has no class
    parts = []
    for folder in folders:
        part = _dicom(folder) or _of_one_class(folder)
        if part is not None:
            parts.append(part)
            found.take(part, folder, label=folder.name)
    if any(case.split for case in found.cases):
        found.layout = "split-classes"
    found.describe(parts, "{class}")
    return _with_masks_of_classes(root, found, folders) or found


def _with_masks_of_classes(root: Path, found: FoundCases, folders: Sequence[Path]) -> FoundCases | None:
    """The same with the masks of a folder beside the classes', a folder for each ("masks/benign") or all together."""
    names = {folder.name for folder in folders}
    masked = [folder for folder in folders_of(root) if folder not in folders and names_masks(folder.name)]
    inner = {folder: {each.name for each in folders_of(folder)} for folder in masked}
    masked = [folder for folder in masked if names <= inner[folder] or (not inner[folder] and has_images(folder))]
    if len(masked) != 1 or found.template is None or found.mask_template is not None:
        return None
    stems = {stem_of(name_of(path)) for folder in folders for path in walk(folder)}
    made = pairing(stems, {stem_of(name_of(path)) for path in walk(masked[0])})
    if made is None or made.image != ("", ""):
        return None
    place = f"{masked[0].name}/{{class}}" if inner[masked[0]] else masked[0].name
    whole = read_by(root, found.template, f"{place}/{made.mask_name()}{suffix_of(walk(masked[0]))}")
    if whole is None or {case.name for case in whole.cases} != {case.name for case in found.cases}:
        return None
    whole.excluded |= {reason: paths for reason, paths in found.excluded.items() if reason not in whole.excluded}
    return whole


def _of_one_class(folder: Path) -> FoundCases | None:
    """What a class's folder holds; below folders in it only where it is called after a class."""
    deeper = any(has_images(inner, deep=True) for inner in folders_of(folder))
    if not deeper or not is_class_name(folder.name):
        return sequences(folder) or one_folder(folder)
    images, masks, tail = parted([*walk(folder)])
    return (
        _splits(folder)
        or images_and_masks(folder)
        or folder_each(folder)
        or read_by(
            folder,
            f"**/{{case}}{suffix_of(images)}",
            None if tail is None else f"**/{{case}}{tail}{suffix_of(masks)}",
        )
        or one_folder(folder)
    )


def _class_folders(root: Path, *, dicom: bool = False) -> list[Path]:
    """Folders that are classes; of DICOM files, at any depth below, only with two or more patients in each."""
    named = [folder for folder in folders_of(root) if folder.name.lower() not in ROLES]
    folders = [folder for folder in named if has_images(folder, deep=dicom)]
    if dicom and (len(folders) < 2 or not all(holds_patients(folder, 2) for folder in folders)):
        return []
    return folders


def _called_after_classes(root: Path) -> list[Path]:
    """Two or more folders, all of them called after classes, with images at any depth."""
    folders = [folder for folder in folders_of(root) if has_images(folder, deep=True)]
    return folders if len(folders) > 1 and all(is_class_name(folder.name) for folder in folders) else []


def _several(folders: Sequence[Path]) -> str:
    listed = ", ".join(folder.name for folder in folders[:_LISTED]) + (", ..." if len(folders) > _LISTED else "")
    return f"{len(folders)} folders ({listed})" if len(folders) > 1 else f"what lies in {listed}"


LAYOUTS: dict[str, Callable[[Path], FoundCases | None]] = {
    "nnU-Net (imagesTr/, labelsTr/)": nnunet,
    "BIDS (sub-*/anat/)": bids,
    "images/ + masks/": images_and_masks,
    "masks in a folder beside the images'": beside_folders,
    "images/ alone": _images_alone,
    "train|val|test/ with one of these inside": _splits,
    "years or parts (part_1/, part_2/) with one of these inside": _parts,
    "a tree of DICOM files": _dicom,
    "a folder for each case or patient": folder_each,
    "<class>/*": _classes,
    "volumes of several sequences": sequences,
    "a folder of images": one_folder,
}
"""Description for people -> recogniser, in the order they are tried."""
