"""Masks that differ from images in how their folders or files are named, whatever those names are."""

from collections.abc import Sequence
from pathlib import Path

from shiftscope.sites.layouts.folder_names import called_as_mask, names_masks, split_token
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.pairings import pairing
from shiftscope.sites.layouts.spellings import mask_target, stem_of
from shiftscope.sites.listings.file_paths import name_of
from shiftscope.sites.listings.folder_listings import files_of, folders_of, has_images, walk
from shiftscope.sites.templates.proposals import read_by, suffix_of

__all__ = ["beside_folders", "in_one_folder", "several_kinds"]


def beside_folders(root: Path) -> FoundCases | None:
    """Masks in a folder beside the images', both called in some way: "..._Training_Input", "..._Training_GroundTruth".

    A pair of folders is found by its files: most masks have an image. Where there is a pair for each split, and the
    folders' names state it, cases have it. Every folder of images must be of a pair.
    """
    inner = folders_of(root)
    masked = [folder for folder in inner if names_masks(folder.name) and has_images(folder, deep=True)]
    plain = [folder for folder in inner if folder not in masked and has_images(folder)]
    if not masked or not plain:
        return None
    pairs = [(near, folder) for folder in masked if (near := _nearest(folder, plain)) is not None]
    if {near for near, _ in pairs} != set(plain):
        return None  # folders of images without masks of their own: classes, perhaps
    templates = {(_template(images, masks, True), _template(masks, images, False)) for images, masks in pairs}
    if len(pairs) > 1 and len({images for images, _ in pairs}) < len(pairs):
        return several_kinds(root, pairs)
    if len(templates) != 1:
        templates = {pair for images, masks in pairs if (pair := _of_splits(images, masks)) is not None}
    if len(templates) != 1:
        return None
    found = read_by(root, *templates.pop())
    if found is not None and any(len(case.masks) > 1 for case in found.cases):
        found.note("several masks of an image, in several folders, are taken together as one")
    return found


def _stems(folder: Path) -> set[str]:
    return {stem_of(name_of(path)) for path in walk(folder)}


def _nearest(masks: Path, plain: Sequence[Path]) -> Path | None:
    """The folder of images that has most of the masks' images."""
    found = [
        (made.matched, folder.name, folder) for folder in plain if (made := pairing(_stems(folder), _stems(masks)))
    ]
    return max(found)[2] if found else None


def _template(folder: Path, other: Path, of_images: bool) -> str:
    """Of a folder's files, given the folder that they are paired with."""
    images, masks = (folder, other) if of_images else (other, folder)
    made = pairing(_stems(images), _stems(masks))
    if made is None:
        return ""
    deep = "" if not folders_of(folder) else "**/" if of_images else "*/"
    name = made.image_name() if of_images else made.mask_name()
    return f"{folder.name}/{deep}{name}{suffix_of(walk(folder))}"


def _of_splits(images: Path, masks: Path) -> tuple[str, str] | None:
    """The templates of a pair of folders with {split} for the word that states the split."""
    tokens = split_token(images.name), split_token(masks.name)
    if None in tokens:
        return None
    out = []
    for folder, other, token, of_images in ((images, masks, tokens[0], True), (masks, images, tokens[1], False)):
        text = _template(folder, other, of_images)
        out.append(text.replace(str(token), "{split}", 1))
    return out[0], out[1]


def several_kinds(root: Path, pairs: Sequence[tuple[Path, Path]]) -> FoundCases | None:
    """Images whose masks are of several kinds, none of which is read before the owner says which."""
    images = pairs[0][0]
    deep = "**/" if folders_of(images) else ""
    found = read_by(root, f"{images.name}/{deep}{{case}}{suffix_of(walk(images))}")
    if found is not None:
        found.choices = [
            (f"the files in {masks.name}/", _template(near, masks, True), _template(masks, near, False))
            for near, masks in pairs
        ]
    return found


def in_one_folder(root: Path) -> FoundCases | None:
    """Images and masks in one folder whose names begin or end unlike: "volume-1", "segmentation-1"; "1_img", "1_seg".

    Where a mask is called after its whole image ("1", "1_seg") this is not needed.
    """
    paths = files_of(root)
    stems = {path: stem_of(name_of(path)) for path in paths}
    masks = [path for path, stem in stems.items() if called_as_mask(stem)]
    called = set(masks)
    images = [path for path in paths if path not in called]
    known = set(stems.values())
    if not masks or not images or any(mask_target(stems[path]) in known for path in masks):
        return None
    made = pairing({stems[path] for path in images}, {stems[path] for path in masks})
    if made is None or made.matched < len(masks) or made.mask == ("", ""):
        return None
    image, mask = f"{made.image_name()}{suffix_of(images)}", f"{made.mask_name()}{suffix_of(masks)}"
    return read_by(root, image, mask, paths)
