"""Masks beside images: in a folder of their own, or in the same one, called alike."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from shiftscope.sites.dicom_tree import dicom_cases, is_dicom
from shiftscope.sites.layouts.folder_names import mask_kind, names_masks
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.pairings import pairing
from shiftscope.sites.layouts.sibling_folders import in_one_folder, several_kinds
from shiftscope.sites.layouts.spellings import IMAGES, MASKS, SPLITS, mask_target, stem_of
from shiftscope.sites.listings.file_paths import FilePaths, below, name_of, opening_of, texts_of
from shiftscope.sites.listings.folder_listings import files_of, folders_of, has_images, walk
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
    if images is None and (inside := _masks_below(root, folder)) is not None:
        return inside
    if images is not None and (kinds := _kinds(images, [*inner.values()])):
        return several_kinds(root, kinds)
    found = FoundCases("images+masks")
    masks: dict[str, str] = {}
    opening = opening_of(folder)
    for path in walk(folder):
        if masks.setdefault(stem_of(below(path, opening)), path) is not path:
            found.leave_out("unsupported", path)
    files = _image_files(images, masks, found) if images else {}
    drawn = pair(files, masks, found)
    if images is not None and masks and not any(drawn.values()):
        other = _paired_otherwise(root, images, folder, set(files), set(masks))
        if other is not None:
            return other
    found.cases = [replace(case, split=_split_in(case.name)) for case in found.cases]
    found.cases += [Case(name, files[name], drawn.get(name, ()), split=_split_in(name)) for name in files]
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
    names: dict[str, str] = {}
    for path in paths:
        names[_unique(name_of(path), names)] = path
    stems = {stem_of(name) for name in names}
    targets = {name: mask_target(stem_of(name)) for name in names}
    paired = any(target in stems for target in targets.values()) or all(targets.values())
    masks = {name: path for name, path in names.items() if paired and targets[name]}
    found = FoundCases("images+masks" if masks else "images")
    images = {name: FilePaths([path]) for name, path in names.items() if name not in masks}
    drawn = pair(images, masks, found)
    found.cases = [Case(name, files, drawn.get(name, ())) for name, files in images.items()]
    if not masks:
        found.choices = _companions(names)
    plain, marked, tail = parted(paths)
    found.template = f"{{case}}{suffix_of(plain)}"
    if tail is not None:
        found.mask_template = f"{{case}}{tail}{suffix_of(marked)}"
    return found


def _companions(names: dict[str, str]) -> list[tuple[str, str, str]]:
    """Files that are called after another with one more word: "01L" and "01L_1stHO". They may be masks."""
    paths = {stem_of(name): path for name, path in names.items()}
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


def pair(images: Collection[str], masks: Mapping[str, str], found: FoundCases) -> dict[str, FilePaths]:
    """Of each image's name that has them, the masks of its stem, or of its stem with a tail such as "_segmentation".

    Tails that differ in a number alone ("_mask", "_mask_1") are masks of one kind, and all of them are the image's.
    Of several kinds the first stands, and the one of the image's own stem before all others.
    """
    stems = {stem_of(name) for name in images}
    tailed: dict[str, list[str]] = defaultdict(list)
    for stem, path in masks.items():
        if stem in stems:
            continue
        target = mask_target(stem)
        if target is None or target not in stems:
            found.leave_out("mask_without_image", path)
        else:
            tailed[target].append(stem)
    kept = {target: [] if target in masks else _of_one_kind(target, drawings) for target, drawings in tailed.items()}
    for target, drawings in tailed.items():
        for stem in drawings:
            if stem not in kept[target]:
                found.leave_out("unsupported", masks[stem])
    drawn = {}
    for name in images:
        stem = stem_of(name)
        if stem in masks:
            drawn[name] = FilePaths([masks[stem]])
        elif kept.get(stem):
            drawn[name] = FilePaths(masks[each] for each in kept[stem])
    return drawn


def _of_one_kind(target: str, drawings: Sequence[str]) -> list[str]:
    """Of the stems of an image's masks, which all have tails, those that stand."""
    kinds = {stem: mask_kind(stem[len(target) :]) for stem in sorted(drawings)}
    first = next(iter(kinds.values()))
    return [stem for stem, kind in kinds.items() if first and kind == first]


def _kinds(images: Path, folders: list[Path]) -> list[tuple[Path, Path]]:
    """The pairs of folders where more than one folder holds masks of these images; none where one does."""
    masked = [folder for folder in folders if folder != images and names_masks(folder.name)]
    if len(masked) < 2:
        return []
    stems = {stem_of(name_of(path)) for path in walk(images)}
    fitting = [folder for folder in masked if pairing(stems, {stem_of(name_of(path)) for path in walk(folder)})]
    return [(images, folder) for folder in fitting] if len(fitting) > 1 else []


def _masks_below(root: Path, folder: Path) -> FoundCases | None:
    """Images in one folder with a folder of their masks in it."""
    paths = files_of(root)
    made = pairing({stem_of(name_of(path)) for path in paths}, {stem_of(name_of(path)) for path in walk(folder)})
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
    tails = {
        stem_of(name_of(path))[len(stem_of(name_of(texts_of(case.images)[0]))) :]
        for case in found.cases
        for path in texts_of(case.masks)
    }
    split = "{split}/" if found.cases and all(case.split for case in found.cases) else ""
    deep = "**/" if any("/" in case.name for case in found.cases) else ""
    if len(tails) <= 1:
        tail = tails.pop() if tails else ""
        found.template = f"{images.name}/{split}{deep}{{case}}{suffix_of(walk(images))}"
        found.mask_template = f"{masks.name}/{split}{deep}{{case}}{tail}{suffix_of(walk(masks))}"


def _image_files(images: Path, masks: dict[str, str], found: FoundCases) -> dict[str, FilePaths]:
    """Name -> the files to pair with masks.

    A subfolder of DICOM files is one series where a mask has its name; other DICOM files in subfolders that have no
    mask of their own are grouped as in a DICOM tree, and need no pairing. Anything else is an image by itself.
    """
    wanted = {*masks, *filter(None, map(mask_target, masks))}
    files: dict[str, FilePaths] = {}
    series: dict[str, list[str]] = defaultdict(list)
    loose: list[str] = []
    opening = opening_of(images)
    for path in walk(images):
        name = below(path, opening)
        folder = name.rpartition("/")[0]
        inside = folder != "" and stem_of(name) not in wanted and is_dicom(path)
        if inside and folder not in wanted:
            loose.append(path)
        elif inside:
            series[folder].append(path)
            files.setdefault(folder, FilePaths([]))
        else:
            files[_unique(name, files)] = FilePaths([path])
    for folder, paths in series.items():
        files[folder] = FilePaths([*files[folder].texts, *paths])
    found.cases += dicom_cases(images, loose, found.leave_out, found.notes.append)
    return files


def _split_in(name: str) -> str | None:
    """The split that the first folder of a name says, as in images/train/..."""
    return SPLITS.get(name.split("/")[0].lower()) if "/" in name else None


def _unique(name: str, taken: Collection[str]) -> str:
    """The relative path without its suffix, or with it when a file of another suffix has that stem already."""
    stem = stem_of(name)
    return name if stem in taken else stem
