"""Folder layouts that are published conventions: BIDS (bids.neuroimaging.io) and nnU-Net."""

import re
from collections import defaultdict
from pathlib import Path

from shiftscope.sites.layouts.folder_names import mask_kind
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.spellings import stem_of
from shiftscope.sites.listings.file_paths import FilePaths, name_of
from shiftscope.sites.listings.folder_listings import files_of, folders_of, walk
from shiftscope.sites.site import Case
from shiftscope.sites.templates.proposals import read_by, suffix_of

__all__ = ["bids", "nnunet"]

_CHANNEL = re.compile(r"_(\d{4})$")


def bids(root: Path) -> FoundCases | None:
    """The Brain Imaging Data Structure: sub-*/[ses-*/]anat/, with masks under derivatives/.

    A subject is a person by that standard, and sessions are cases. What ends the names are channels. Masks of one kind
    are read; where there are several kinds, nobody can know which is meant, and a note names the options to choose.
    """
    folders = [folder for folder in folders_of(root) if folder.name.startswith("sub-")]
    anatomical = [path for folder in folders for path in _anatomical(folder)]
    if not anatomical:
        return None
    suffix = suffix_of(anatomical)
    image = f"sub-{{patient}}/**/anat/{{case}}_{{channel}}{suffix}"
    tails: dict[str, list[str]] = defaultdict(list)
    cases = {stem.rpartition("_")[0] for stem in (stem_of(name_of(path)) for path in anatomical)}
    if (root / "derivatives").is_dir():
        for path in walk(root / "derivatives"):
            stem = stem_of(name_of(path))
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
    found.note("as BIDS says, a folder sub-* is a patient, and its sessions are cases")
    for tail, paths in sorted(tails.items()) if len(tails) > 1 else ():
        what = f"{len(paths)} files in derivatives/ that end in {tail}"
        found.choices.append((what, image, f"derivatives/**/sub-{{patient}}/**/anat/{{case}}{tail}{suffix_of(paths)}"))
    return found


def _anatomical(folder: Path) -> list[str]:
    inside = [folder, *(inner for inner in folders_of(folder) if inner.name.startswith("ses-"))]
    return [path for each in inside if (each / "anat").is_dir() for path in files_of(each / "anat")]


def nnunet(root: Path) -> FoundCases | None:
    """imagesTr/CASE_0000.*, labelsTr/CASE.*, one image a channel; imagesTs only where labelsTs is there."""
    if not (root / "imagesTr").is_dir():
        return None
    found = FoundCases("nnunet")
    tested = (root / "imagesTs").is_dir() and (root / "labelsTs").is_dir()
    for tail, split in (("Tr", "train" if tested else None), ("Ts", "test")):
        if tail == "Ts" and not tested:
            continue
        paths = files_of(root / f"images{tail}")
        folder = root / f"labels{tail}"
        masks = {stem_of(name_of(path)): path for path in files_of(folder)} if folder.is_dir() else {}
        numbered = set()
        cases: dict[str, dict[str, FilePaths]] = {}
        for path in paths:
            stem = stem_of(name_of(path))
            channel = _CHANNEL.search(stem)
            numbered.add(channel is not None)
            name, number = (_CHANNEL.sub("", stem), channel[1]) if channel else (stem, "0000")
            cases.setdefault(name, {}).setdefault(number, FilePaths([path]))
        for name, channels in cases.items():
            mask = masks.pop(name, None)
            images = next(iter(channels.values()))
            found.cases.append(Case(name, images, masks=() if mask is None else FilePaths([mask]), split=split))
        found.channels |= cases if True in numbered else {}
        for path in masks.values():
            found.leave_out("mask_without_image", path)
        if not tested and len(numbered) == 1:
            found.template = f"imagesTr/{{case}}{'_{channel}' if True in numbered else ''}{suffix_of(paths)}"
            if folder.is_dir():
                found.mask_template = f"labelsTr/{{case}}{suffix_of(files_of(folder))}"
    return found
