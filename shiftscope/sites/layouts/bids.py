"""The Brain Imaging Data Structure: bids.neuroimaging.io."""

from collections import defaultdict
from pathlib import Path

from shiftscope.sites.layouts.folder_names import mask_kind
from shiftscope.sites.layouts.found import Found
from shiftscope.sites.layouts.spellings import files_of, folders_of, stem_of, walk
from shiftscope.sites.templates.proposals import read_by, suffix_of

__all__ = ["bids"]


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
        for path in walk(root / "derivatives"):
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
    found.note("as BIDS says, a folder sub-* is a patient, and its sessions are cases")
    for tail, paths in sorted(tails.items()) if len(tails) > 1 else ():
        what = f"{len(paths)} files in derivatives/ that end in {tail}"
        found.choices.append((what, image, f"derivatives/**/sub-{{patient}}/**/anat/{{case}}{tail}{suffix_of(paths)}"))
    return found


def _anatomical(folder: Path) -> list[Path]:
    inside = [folder, *(inner for inner in folders_of(folder) if inner.name.startswith("ses-"))]
    return [path for each in inside if (each / "anat").is_dir() for path in files_of(each / "anat")]
