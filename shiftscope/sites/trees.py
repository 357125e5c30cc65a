"""Trees as public collections have them: a folder a case, a folder a patient, BIDS, masks in a folder called otherwise.

Nothing here knows a collection by name: what folders and files have in common gives a template, and the template reads.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from shiftscope.errors import InputError
from shiftscope.sites.folder_names import CHANNELS, mask_kind, names_masks, persons, split_word
from shiftscope.sites.found import Found
from shiftscope.sites.names import is_class_name
from shiftscope.sites.pairings import pairing
from shiftscope.sites.spellings import ROLES, SPLITS, files_of, folders_of, has_images, mask_target, stem_of
from shiftscope.sites.template_cases import cases_of
from shiftscope.sites.templates import Template

__all__ = ["beside_folders", "bids", "folder_each", "in_one_folder", "parted", "read_by", "several_kinds", "suffix_of"]

_MOST = 0.5
"""Share of folders in which a name has to come again to be a rule."""


def suffix_of(paths: Iterable[Path]) -> str:
    """The suffix that all of these have, ".*" where they differ."""
    suffixes = {path.name[len(stem_of(path.name)) :].lower() for path in paths}
    return suffixes.pop() if len(suffixes) == 1 and "" not in suffixes else ".*"


def read_by(root: Path, image: str, mask: str | None = None, files: Sequence[Path] | None = None) -> Found | None:
    """What templates made of names that lie here find; None where such names are no template, or fit no one image."""
    try:
        found = cases_of(root, Template.of(image), None if mask is None else Template.of(mask), files)
    except (ValueError, InputError):
        return None
    return found if found.cases else None


def bids(root: Path) -> Found | None:
    """The Brain Imaging Data Structure: sub-*/[ses-*/]anat/, with masks under derivatives/.

    A subject is a person by that standard, and sessions are cases. What ends the names are channels. Masks of one kind
    are read; where there are several kinds nobody can know which is meant, and it is told how to say it.
    """
    folders = [folder for folder in folders_of(root) if folder.name.startswith("sub-")]
    anatomical = [path for folder in folders for path in _anatomical(folder)]
    if not anatomical:
        return None
    suffix = suffix_of(anatomical)
    image = f"sub-{{patient}}/**/anat/{{case}}_{{channel}}{suffix}"
    tails: dict[str, list[Path]] = defaultdict(list)
    cases = {stem.rpartition("_")[0] for stem in (stem_of(path.name) for path in anatomical)}
    if (root / "derivatives").is_dir():
        for path in _below(root / "derivatives"):
            stem = stem_of(path.name)
            name = next((stem[:end] for end in range(len(stem), 0, -1) if stem[:end] in cases), None)
            if name is not None and mask_kind(stem[len(name) :]):
                tails[stem[len(name) :]].append(path)
    mask = None
    if len(tails) == 1:
        tail, paths = next(iter(tails.items()))
        mask = f"derivatives/**/sub-{{patient}}/**/anat/{{case}}{tail}{suffix_of(paths)}"
    found = read_by(root, image, mask)
    if found is None:
        return None
    found.tell("as BIDS says, a folder sub-* is a patient, and its sessions are cases")
    for tail, paths in sorted(tails.items()) if len(tails) > 1 else ():
        found.tell(
            f"{len(tails)} kinds of masks lie in derivatives/, and none is read; for {len(paths)} called {tail}:"
            f" --layout '{image}' --mask 'derivatives/**/sub-{{patient}}/**/anat/{{case}}{tail}{suffix_of(paths)}'"
        )
    return found


def _anatomical(folder: Path) -> list[Path]:
    inside = [folder, *(inner for inner in folders_of(folder) if inner.name.startswith("ses-"))]
    return [path for each in inside if (each / "anat").is_dir() for path in files_of(each / "anat")]


def _below(folder: Path) -> list[Path]:
    return [*files_of(folder), *(path for inner in folders_of(folder) for path in _below(inner))]


def folder_each(root: Path) -> Found | None:
    """A folder for each case, or for each patient, with what belongs to it: images, masks, channels.

    A folder is a case where all hold files of the same names ("imaging", "segmentation"), or files called after the
    folder and a sequence ("-t1c", "-seg"). It is a patient where folders are called so by convention ("patient001").
    Folders that are called otherwise may be classes.
    """
    folders = [folder for folder in folders_of(root) if folder.name.lower() not in ROLES]
    names = [folder.name for folder in folders]
    if not folders or all(map(is_class_name, names)) or all(name.lower() in SPLITS for name in names):
        return None
    person = persons(names)
    here = {folder: files_of(folder) for folder in folders if has_images(folder)}
    if here and 2 * len(here) >= len(folders):
        templates = _alike(here, person) or _called_after(here, person)
        if templates is not None:
            return _told(read_by(root, *templates), person)
    if person is None or not any(has_images(folder, deep=True) for folder in folders):
        return None
    paths = [path for folder in folders for path in _below(folder)]
    deep = "" if len(here) == len(folders) and all(not folders_of(folder) for folder in folders) else "**/"
    images, tail = parted(paths)
    masks = [path for path in paths if path not in set(images)]
    mask = None if tail is None else f"{person}/{deep}{{case}}{tail}{suffix_of(masks)}"
    return _told(read_by(root, f"{person}/{deep}{{case}}{suffix_of(images)}", mask), person)


def _told(found: Found | None, person: str | None) -> Found | None:
    if found is not None and person is not None:
        found.tell(
            f"folders {person.replace('{patient}', '*')} are taken for patients; where they are not, say with --layout,"
            " --patient-regex or a manifest who is"
        )
    return found


def _alike(folders: dict[Path, list[Path]], person: str | None) -> tuple[str, ...] | None:
    """Templates of folders that hold files of the same names."""
    counts = Counter(stem_of(path.name).lower() for paths in folders.values() for path in paths)
    if len(folders) < 2 or any(count < _MOST * len(folders) for count in counts.values()):
        return None
    paths = [path for inside in folders.values() for path in inside]
    masks = sorted(name for name in counts if mask_kind(name))
    images = sorted(name for name in counts if not mask_kind(name))
    if len(masks) > 1 or not images or not (len(images) == len(masks) or CHANNELS.issuperset(images)):
        return None
    folder = person or "{case}"
    stem = images[0] if len(images) == 1 else "{channel}"
    image = f"{folder}/{stem}{suffix_of(path for path in paths if stem_of(path.name).lower() in images)}"
    if not masks:
        return (image,)
    return image, f"{folder}/{masks[0]}{suffix_of(path for path in paths if stem_of(path.name).lower() in masks)}"


def _called_after(folders: dict[Path, list[Path]], person: str | None) -> tuple[str, ...] | None:
    """Templates of folders whose files are called after the folder and a sequence."""
    tails: dict[str, list[Path]] = defaultdict(list)
    for folder, paths in folders.items():
        for path in paths:
            stem = stem_of(path.name)
            if not stem.lower().startswith(folder.name.lower()):
                return None
            tails[stem[len(folder.name) :].lower()].append(path)
    masks = [tail for tail in tails if mask_kind(tail)]
    images = {tail: paths for tail, paths in tails.items() if tail not in masks}
    if len(masks) > 1 or not images:
        return None
    signs = {tail[:1] for tail in images}
    if len(images) > 1 and (len(signs) != 1 or not CHANNELS.issuperset(tail[1:] for tail in images)):
        return None
    folder = person or "{case}"
    tail = next(iter(images)) if len(images) == 1 else f"{signs.pop()}{{channel}}"
    files = [path for paths in images.values() for path in paths]
    if len(images) == 1 and (not tail or len(folders) < 2):
        return None
    image = f"{folder}/{{case}}{tail}{suffix_of(files)}"
    return (image, f"{folder}/{{case}}{masks[0]}{suffix_of(tails[masks[0]])}") if masks else (image,)


def parted(paths: Sequence[Path]) -> tuple[list[Path], str | None]:
    """Images, and the tail of those that are masks by it; a number after the tail may differ."""
    stems = {path: stem_of(path.name) for path in paths}
    known = set(stems.values())
    tails: Counter[str] = Counter()
    masks = set()
    for path, stem in stems.items():
        target = mask_target(stem)
        if target is not None and target in known:
            masks.add(path)
            tails[stem[len(target) :].rstrip("0123456789").rstrip("_- ")] += 1
    tail = next(iter(tails)) if len(tails) == 1 else None
    if tail is None:
        return list(paths), None
    numbered = any(not stems[path].endswith(tail) for path in masks)
    return [path for path in paths if path not in masks], f"{tail}*" if numbered else tail


def beside_folders(root: Path) -> Found | None:
    """Masks in a folder beside the images', both called in some way: "..._Training_Input", "..._Training_GroundTruth".

    A pair of folders is found by its files: most masks have an image. Where there is a pair for each split, and the
    folders' names tell it, cases have it.
    """
    inner = folders_of(root)
    masked = [folder for folder in inner if names_masks(folder.name) and has_images(folder, deep=True)]
    plain = [folder for folder in inner if folder not in masked and has_images(folder)]
    if not masked or not plain:
        return None
    pairs = [(near, folder) for folder in masked if (near := _nearest(folder, plain)) is not None]
    templates = {(_template(images, masks, True), _template(masks, images, False)) for images, masks in pairs}
    if len(pairs) > 1 and len({images for images, _ in pairs}) < len(pairs):
        return several_kinds(root, pairs)
    if len(templates) != 1:
        templates = {pair for images, masks in pairs if (pair := _of_splits(images, masks)) is not None}
    if len(templates) != 1:
        return None
    found = read_by(root, *templates.pop())
    if found is not None and any(len(case.masks) > 1 for case in found.cases):
        found.tell("several masks of an image, in several folders, are taken together as one")
    return found


def _stems(folder: Path) -> set[str]:
    return {stem_of(path.name) for path in _below(folder)}


def _nearest(masks: Path, plain: Sequence[Path]) -> Path | None:
    """The folder of images that has most of the masks' images."""
    found = [(made.matched, folder.name, folder) for folder in plain if (made := pairing(_stems(folder), _stems(masks)))]
    return max(found)[2] if found else None


def _template(folder: Path, other: Path, of_images: bool) -> str:
    """Of a folder's files, given the folder that they are paired with."""
    images, masks = (folder, other) if of_images else (other, folder)
    made = pairing(_stems(images), _stems(masks))
    if made is None:
        return ""
    deep = "" if not folders_of(folder) else "**/" if of_images else "*/"
    name = made.image_name() if of_images else made.mask_name()
    return f"{folder.name}/{deep}{name}{suffix_of(_below(folder))}"


def _of_splits(images: Path, masks: Path) -> tuple[str, str] | None:
    """The templates of a pair of folders with {split} for the word that tells it."""
    words = split_word(images.name), split_word(masks.name)
    if None in words:
        return None
    out = []
    for folder, other, word, of_images in ((images, masks, words[0], True), (masks, images, words[1], False)):
        text = _template(folder, other, of_images)
        out.append(text.replace(str(word), "{split}", 1))
    return out[0], out[1]


def several_kinds(root: Path, pairs: Sequence[tuple[Path, Path]]) -> Found | None:
    """Images whose masks are of several kinds, none of which is read before the owner says which."""
    images = pairs[0][0]
    deep = "**/" if folders_of(images) else ""
    found = read_by(root, f"{images.name}/{deep}{{case}}{suffix_of(_below(images))}")
    for near, masks in pairs if found is not None else ():
        found.tell(  # type: ignore[union-attr]
            f"{len(pairs)} folders may hold masks, and none is read; for {masks.name}:"
            f" --layout '{_template(near, masks, True)}' --mask '{_template(masks, near, False)}'"
        )
    return found


def in_one_folder(root: Path) -> Found | None:
    """Images and masks in one folder, told apart by how their names begin: "volume-1", "segmentation-1"."""
    paths = files_of(root)
    masks = [path for path in paths if (kind := mask_kind(_opening(path))) is not None and kind]
    images = [path for path in paths if path not in set(masks)]
    if not masks or not images:
        return None
    made = pairing({stem_of(path.name) for path in images}, {stem_of(path.name) for path in masks})
    if made is None or not made.mask[0]:
        return None
    image, mask = f"{made.image_name()}{suffix_of(images)}", f"{made.mask_name()}{suffix_of(masks)}"
    return read_by(root, image, mask, paths)


def _opening(path: Path) -> str:
    """What stands before the first number or separator of a name."""
    stem = stem_of(path.name)
    return stem[: next((at for at, letter in enumerate(stem) if not letter.isalpha()), len(stem))]
