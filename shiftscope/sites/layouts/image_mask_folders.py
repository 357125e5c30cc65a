"""Masks beside images: in a folder of their own, or in the same one, called alike."""

from dataclasses import replace
from pathlib import Path

from shiftscope.sites.dicom_tree import dicom_cases, is_dicom
from shiftscope.sites.layouts.folder_names import mask_kind, names_masks
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.pairings import pairing
from shiftscope.sites.layouts.sibling_folders import in_one_folder, several_kinds
from shiftscope.sites.layouts.spellings import (
    IMAGES,
    MASKS,
    SPLITS,
    files_of,
    folders_of,
    has_images,
    mask_target,
    stem_of,
    walk,
)
from shiftscope.sites.site import Case
from shiftscope.sites.templates.proposals import parted, read_by, suffix_of

__all__ = ["images_and_masks", "one_folder"]


def images_and_masks(root: Path) -> FoundCases | None:
    """A folder of images beside a folder of masks, however spelled, subfolders alike in both.

    Masks alone are all left out. Without masks this is another layout.
    """
    inner = {path.name.lower(): path for path in folders_of(root)}
    images = next((inner[name] for name in IMAGES if name in inner), None)
    folder = next((inner[name] for name in MASKS if name in inner), None)
    if folder is None or not has_images(folder, deep=True) or (images is None and len(inner) > 1):
        return None
    if images is None and (below := _masks_below(root, folder)) is not None:
        return below
    if images is not None and (kinds := _kinds(images, [*inner.values()])):
        return several_kinds(root, kinds)
    found = FoundCases("images+masks")
    masks: dict[str, Path] = {}
    for path in walk(folder):
        if masks.setdefault(_relative(path, folder), path) is not path:
            found.leave_out("unsupported", path)
    pairs = pair(_image_files(images, masks, found) if images else {}, masks, found)
    if images is not None and masks and not any(paths for _, paths in pairs.values()):
        other = _paired_otherwise(root, images, folder, set(pairs), set(masks))
        if other is not None:
            return other
    found.cases += [Case(name, files, masks=masks_) for name, (files, masks_) in pairs.items()]
    found.cases = [replace(case, split=_split_in(case.name)) for case in found.cases]
    if images is not None:
        _describe(found, images, folder)
    return found


def one_folder(root: Path) -> FoundCases | None:
    """A folder of images; "x_mask" or "x_seg" beside "x" is its mask. Files that are all called so are masks too."""
    if not has_images(root):
        return None
    if (by_opening := in_one_folder(root)) is not None:
        return by_opening
    paths = files_of(root)
    names: dict[str, list[Path]] = {}
    for path in paths:
        names.setdefault(_unique(path, root, names), []).append(path)
    stems = {stem_of(name) for name in names}
    targets = {name: mask_target(stem_of(name)) for name in names}
    paired = any(target in stems for target in targets.values()) or all(targets.values())
    masks = {name: inside[0] for name, inside in names.items() if paired and targets[name]}
    found = FoundCases("images+masks" if masks else "images")
    images = {name: tuple(inside) for name, inside in names.items() if name not in masks}
    for name, (files, drawn) in pair(images, masks, found).items():
        found.cases.append(Case(name, files, masks=drawn))
    if not masks:
        found.choices = _companions(names)
    plain, marked, tail = parted(paths)
    found.template = f"{{case}}{suffix_of(plain)}"
    if tail is not None:
        found.mask_template = f"{{case}}{tail}{suffix_of(marked)}"
    return found


def _companions(names: dict[str, list[Path]]) -> list[tuple[str, str, str]]:
    """Files that are called after another with one more word: "01L" and "01L_1stHO". They may be masks."""
    paths = {stem_of(name): inside[0] for name, inside in names.items()}
    tails: dict[str, list[tuple[str, str]]] = {}
    for stem in paths:
        at = max(stem.rfind(sign) for sign in " _-.")
        if at > 0 and stem[:at] in paths and not stem[at + 1 :].isdecimal():
            tails.setdefault(stem[at:], []).append((stem[:at], stem))
    return [
        (
            f"{len(pairs)} files that end in {tail}",
            f"{{case}}{suffix_of(paths[plain] for plain, _ in pairs)}",
            f"{{case}}{tail}{suffix_of(paths[drawn] for _, drawn in pairs)}",
        )
        for tail, pairs in sorted(tails.items())
        if len(pairs) > 1 and 2 * len(pairs) * (len(tails) + 1) >= len(paths)
    ]


def pair(
    images: dict[str, tuple[Path, ...]], masks: dict[str, Path], found: FoundCases
) -> dict[str, tuple[tuple[Path, ...], tuple[Path, ...]]]:
    """Give each image the masks of its stem, or of its stem with a tail such as "_segmentation".

    Tails that differ in a number alone ("_mask", "_mask_1") are masks of one kind, and all of them are the image's.
    Of several kinds the first stands, and the one of the image's own stem before all others.
    """
    by_target: dict[str, dict[str, Path]] = {}
    stems = {stem_of(name) for name in images}
    for stem, path in masks.items():
        target = stem if stem in stems else mask_target(stem)
        if target is None or target not in stems:
            found.leave_out("mask_without_image", path)
        else:
            by_target.setdefault(target, {})[stem] = path
    drawn = {target: _of_one_kind(target, paths, found) for target, paths in by_target.items()}
    return {name: (files, drawn.get(stem_of(name), ())) for name, files in images.items()}


def _of_one_kind(target: str, paths: dict[str, Path], found: FoundCases) -> tuple[Path, ...]:
    kinds = {stem: mask_kind(stem[len(target) :]) or "" for stem in sorted(paths)}
    first = next(iter(kinds.values()))
    kept = [stem for stem, kind in kinds.items() if kind == first and (first or stem == target)]
    for stem, path in paths.items():
        if stem not in kept:
            found.leave_out("unsupported", path)
    return tuple(paths[stem] for stem in kept)


def _kinds(images: Path, folders: list[Path]) -> list[tuple[Path, Path]]:
    """The pairs of folders where more than one folder holds masks of these images; none where one does."""
    masked = [folder for folder in folders if folder != images and names_masks(folder.name)]
    if len(masked) < 2:
        return []
    stems = {stem_of(path.name) for path in walk(images)}
    fitting = [folder for folder in masked if pairing(stems, {stem_of(path.name) for path in walk(folder)})]
    return [(images, folder) for folder in fitting] if len(fitting) > 1 else []


def _masks_below(root: Path, folder: Path) -> FoundCases | None:
    """Images in one folder with a folder of their masks in it."""
    paths = files_of(root)
    made = pairing({stem_of(path.name) for path in paths}, {stem_of(path.name) for path in walk(folder)})
    if not paths or made is None:
        return None
    deep = "**/" if folders_of(folder) else ""
    image = f"{made.image_name()}{suffix_of(paths)}"
    return read_by(root, image, f"{folder.name}/{deep}{made.mask_name()}{suffix_of(walk(folder))}")


def _paired_otherwise(root: Path, images: Path, folder: Path, stems: set[str], masks: set[str]) -> FoundCases | None:
    """Images and masks whose names differ in how they begin or end: "volume-1" and "segmentation-1"."""
    made = pairing({stem_of(name).rpartition("/")[2] for name in stems}, {name.rpartition("/")[2] for name in masks})
    if made is None:
        return None
    deep = "**/" if folders_of(images) or folders_of(folder) else ""
    image = f"{images.name}/{deep}{made.image_name()}{suffix_of(walk(images))}"
    found = read_by(root, image, f"{folder.name}/{deep}{made.mask_name()}{suffix_of(walk(folder))}")
    if found is not None:
        found.note(f"images are called {made.image_name('*')}, their masks {made.mask_name('*')}")
    return found


def _describe(found: FoundCases, images: Path, masks: Path) -> None:
    """Propose templates."""
    tails = {stem_of(path.name)[len(stem_of(case.images[0].name)) :] for case in found.cases for path in case.masks}
    split = "{split}/" if found.cases and all(case.split for case in found.cases) else ""
    deep = "**/" if any("/" in case.name for case in found.cases) else ""
    if len(tails) <= 1:
        tail = tails.pop() if tails else ""
        found.template = f"{images.name}/{split}{deep}{{case}}{suffix_of(walk(images))}"
        found.mask_template = f"{masks.name}/{split}{deep}{{case}}{tail}{suffix_of(walk(masks))}"


def _image_files(images: Path, masks: dict[str, Path], found: FoundCases) -> dict[str, tuple[Path, ...]]:
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
    found.cases += dicom_cases(images, loose, found.leave_out, found.notes.append)
    return {name: tuple(paths) for name, paths in files.items()}


def _split_in(name: str) -> str | None:
    """The split that the first folder of a name says, as in images/train/..."""
    return SPLITS.get(name.split("/")[0].lower()) if "/" in name else None


def _relative(path: Path, root: Path) -> str:
    """The relative path without its suffix, with forward slashes."""
    inner = path.relative_to(root)
    return (inner.parent / stem_of(inner.name)).as_posix()


def _unique(path: Path, root: Path, taken: dict[str, list[Path]]) -> str:
    """The relative stem, or with its suffix when a file of another suffix has that stem already."""
    stem = _relative(path, root)
    return path.relative_to(root).as_posix() if stem in taken else stem
