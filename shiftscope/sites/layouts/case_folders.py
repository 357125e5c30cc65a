"""A folder for each case, or for each patient."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from shiftscope.sites.layouts.folder_names import CHANNELS, mask_kind, persons
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.spellings import ROLES, SPLITS, VOLUMES, stem_of
from shiftscope.sites.listings.file_paths import name_of
from shiftscope.sites.listings.folder_listings import files_of, folders_of, has_images, walk
from shiftscope.sites.publishable_names import is_class_name
from shiftscope.sites.templates.proposals import parted, read_by, suffix_of

__all__ = ["folder_each", "sequences"]

_MOST = 0.5
"""Share of folders in which a name has to come again to be a rule."""


def folder_each(root: Path) -> FoundCases | None:
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
            return _with_note(read_by(root, *templates), person)
    if person is None or not any(has_images(folder, deep=True) for folder in folders):
        return None
    paths = [path for folder in folders for path in walk(folder)]
    deep = "" if len(here) == len(folders) and all(not folders_of(folder) for folder in folders) else "**/"
    images, masks, tail = parted(paths)
    mask = None if tail is None else f"{person}/{deep}{{case}}{tail}{suffix_of(masks)}"
    return _with_note(read_by(root, f"{person}/{deep}{{case}}{suffix_of(images)}", mask), person)


def sequences(root: Path) -> FoundCases | None:
    """Volumes in one folder, called after a case and a sequence, with masks called alike: "h1_t1c", "h1_seg"."""
    by_tail: dict[str, list[str]] = defaultdict(list)
    bases: dict[str, set[str]] = defaultdict(set)
    for path in files_of(root):
        stem = stem_of(name_of(path))
        at = max(stem.rfind(sign) for sign in "_-")
        tail = stem[at:].lower()
        if at < 1 or not (tail[1:] in CHANNELS or mask_kind(tail)) or not path.lower().endswith(VOLUMES):
            return None
        by_tail[tail].append(path)
        bases["mask" if mask_kind(tail) else "image"].add(stem[:at])
    images = [tail for tail in by_tail if not mask_kind(tail)]
    masks = [tail for tail in by_tail if mask_kind(tail)]
    if (
        len(images) < 2
        or len(masks) > 1
        or len({tail[0] for tail in images}) > 1
        or not bases["mask"] <= bases["image"]
    ):
        return None
    paths = [path for tail in images for path in by_tail[tail]]
    mask = f"{{case}}{masks[0]}{suffix_of(by_tail[masks[0]])}" if masks else None
    return read_by(root, f"{{case}}{images[0][0]}{{channel}}{suffix_of(paths)}", mask)


def _with_note(found: FoundCases | None, person: str | None) -> FoundCases | None:
    if found is not None and person is not None:
        found.note(
            f"folders {person.replace('{patient}', '*')} are taken for patients; where they are not, say with --layout,"
            " --patient-regex or a manifest who is"
        )
    return found


def _alike(folders: dict[Path, Sequence[str]], person: str | None) -> tuple[str, str | None] | None:
    """Templates of folders that hold files of the same names."""
    paths = {path: stem_of(name_of(path)).lower() for inside in folders.values() for path in inside}
    counts = Counter(paths.values())
    if len(folders) < 2 or any(count < _MOST * len(folders) for count in counts.values()):
        return None
    masks = sorted(name for name in counts if mask_kind(name))
    images = sorted(name for name in counts if not mask_kind(name))
    if len(masks) > 1 or not images or not (len(images) == len(masks) or CHANNELS.issuperset(images)):
        return None
    folder = person or "{case}"
    stem = images[0] if len(images) == 1 else "{channel}"
    image = f"{folder}/{stem}{suffix_of(path for path, name in paths.items() if name in images)}"
    if not masks:
        return image, None
    return image, f"{folder}/{masks[0]}{suffix_of(path for path, name in paths.items() if name in masks)}"


def _called_after(folders: dict[Path, Sequence[str]], person: str | None) -> tuple[str, str | None] | None:
    """Templates of folders whose files are called after the folder and a sequence; masks may be called alike in all."""
    tails: dict[str, list[str]] = defaultdict(list)
    alike: dict[str, list[str]] = defaultdict(list)
    for folder, paths in folders.items():
        called = folder.name.lower()
        for path in paths:
            stem = stem_of(name_of(path))
            if stem.lower().startswith(called):
                tails[stem[len(folder.name) :].lower()].append(path)
            elif mask_kind(stem):
                alike[stem].append(path)
            else:
                return None
    masks = [tail for tail in tails if mask_kind(tail)]
    images = {tail: inside for tail, inside in tails.items() if tail not in masks}
    if len(masks) + len(alike) > 1 or not images:
        return None
    signs = {tail[:1] for tail in images}
    if len(images) > 1 and (len(signs) != 1 or not CHANNELS.issuperset(tail[1:] for tail in images)):
        return None
    opening = person or "{case}"
    ending = next(iter(images)) if len(images) == 1 else f"{signs.pop()}{{channel}}"
    files = [path for inside in images.values() for path in inside]
    if len(images) == 1 and (not (ending or alike) or len(folders) < 2):
        return None
    image = f"{opening}/{{case}}{ending}{suffix_of(files)}"
    if alike:
        name, paths = next(iter(alike.items()))
        return image, f"{opening}/{name}{suffix_of(paths)}"
    return (image, f"{opening}/{{case}}{masks[0]}{suffix_of(tails[masks[0]])}") if masks else (image, None)
