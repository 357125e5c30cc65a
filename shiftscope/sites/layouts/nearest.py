"""What a folder's files leave to be said: templates near to them, and files that nobody reads."""

import shlex
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from shiftscope.errors import InputError
from shiftscope.sites.layouts.folder_names import called_as_mask, names_masks
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.spellings import ROLES, SPLITS, stem_of
from shiftscope.sites.listings.file_paths import below, name_of, opening_of, texts_of
from shiftscope.sites.listings.folder_listings import has_images, walk
from shiftscope.sites.site import Case
from shiftscope.sites.templates.proposals import parted, read_by, suffix_of
from shiftscope.sites.templates.template import Template
from shiftscope.sites.templates.template_cases import cases_of

__all__ = ["checked_templates", "nearest_templates", "note_masks_among_images", "note_what_is_left"]

_SHAPES = (
    "{case}",
    "{class}/{case}",
    "{patient}/{case}",
    "{split}/{case}",
    "{class}/{patient}/{case}",
    "{split}/{class}/{case}",
    "{patient}/**/{case}",
    "{split}/{class}/{patient}/{case}",
    "{class}/{patient}/**/{case}",
    "**/{case}",
)
"""Templates that are tried, without suffix; the first of those that find as many comes first."""

_SHOWN = 3
_MOST_FILES = 5_000
"""Files that are looked at for a proposal."""


def nearest_templates(root: Path, but: str | None = None) -> str:
    """The templates that would find most images, a command to copy for each; "" where there is no image.

    Args:
        but: a template that is not proposed.
    """
    if not has_images(root, deep=True):
        return ""
    paths = [path for path, _ in zip(walk(root), range(_MOST_FILES), strict=False)]
    images, masks, tail = parted(paths)
    counts: Counter[str] = Counter()
    for shape in _SHAPES:
        image = f"{shape}{suffix_of(images)}"
        if image == but:
            continue
        if tail is not None:
            mask = f"{shape}{tail}{suffix_of(masks)}"
            paired = read_by(root, image, mask, paths) if _matched(root, mask, masks) else None
            if paired is not None and any(case.masks for case in paired.cases):
                counts[f"{shlex.quote(image)} --mask {shlex.quote(mask)}"] = _matched(root, image, images)
                continue
        counts[shlex.quote(image)] = _matched(root, image, paths)
    found = [(options, count) for options, count in counts.most_common() if count][:_SHOWN]
    if not found:
        return ""
    width = max(len(text) for text, _ in found)
    lines = [
        f"  shiftscope profile {shlex.quote(str(root))} --dry-run --layout {text:<{width}}  # would find {count} images"
        for text, count in found
    ]
    more = "" if any("--mask" in options for options, _ in found) else ", with --mask for masks ('{case}_mask*.png')"
    return "\n".join([f"The nearest templates{more}:", *lines])


def _matched(root: Path, text: str, paths: Sequence[str]) -> int:
    """How many paths fit; none where what would be a class or a patient is called after what lies there."""
    template, opening = Template.of(text), opening_of(root)
    matches = [match for path in paths if (match := template.match(below(path, opening).split("/"))) is not None]
    people = {match.fields.get(field, "").lower() for match in matches for field in ("class", "patient")}
    return 0 if people.intersection((*ROLES, *SPLITS)) else len(matches)


def checked_templates(found: FoundCases, root: Path, files: Sequence[str]) -> None:
    """Keep the proposed templates only if they find the same images, masks, labels and patients; else propose none."""
    if found.template is None:
        return
    try:
        mask = None if found.mask_template is None else Template.of(found.mask_template)
        again = cases_of(root, Template.of(found.template), mask, files)
    except (ValueError, InputError):
        again = None
    if again is None or not _alike(again, found):
        found.template = found.mask_template = None


def note_what_is_left(found: FoundCases, root: Path, files: Sequence[str]) -> None:
    """Tell of files that ought to be images and are neither read nor left out by reason."""
    used = found.files()
    left = [path for path in files if path not in used]
    if left:
        opening = opening_of(root)
        folders = Counter(below(path, opening).rpartition("/")[0] or "." for path in left)
        inside = "" if len(folders) == 1 else f", most in {folders.most_common(1)[0][0]}/"
        count = f"{len(left)} files are" if len(left) > 1 else "1 file is"
        found.note(f"{count} not read, for the layout has no place for them; the first is {left[0]}{inside}")


def note_masks_among_images(found: FoundCases) -> None:
    """Tell of images that are called as masks are, or some of which lie in folders that are."""
    single = ((case, texts_of(case.images)) for case in found.cases)
    called = [case for case, paths in single if len(paths) == 1 and called_as_mask(stem_of(name_of(paths[0])))]
    folders = {case.name.rpartition("/")[0] for case in found.cases}
    masked = {folder for folder in folders if any(map(names_masks, folder.split("/")))}
    inside = [case for case in found.cases if case.name.rpartition("/")[0] in masked] if masked else []
    called = called or (inside if len(inside) < len(found.cases) else [])
    if called:
        remedy = (
            "move them away, or list images and masks in a manifest.csv"
            if found.layout == "dicom"
            else "say with --layout and --mask whose they are"
        )
        found.note(
            f"{len(called)} of {len(found.cases)} images are called as masks are, for example {called[0].name}; where"
            f" they are, {remedy}"
        )


def _alike(one: FoundCases, other: FoundCases) -> bool:
    """Whether both found the same; which of a case's channels is read is not settled yet."""
    if len(one.cases) != len(other.cases) or one.channels != other.channels:
        return False
    if _each_alike(one.cases, other.cases, one.channels):
        return True
    some, others = (sorted(found.cases, key=lambda case: (case.name, texts_of(case.images))) for found in (one, other))
    return _each_alike(some, others, one.channels)


def _each_alike(some: Sequence[Case], others: Sequence[Case], channels: Collection[str]) -> bool:
    """Whether cases are the same, one by one in this order; files may differ where a case has several channels."""
    return all(
        (mine.name, mine.label, mine.patient, mine.split) == (its.name, its.label, its.patient, its.split)
        and (mine.images == its.images or mine.name in channels)
        and (mine.masks == its.masks or {*mine.masks} == {*its.masks})
        for mine, its in zip(some, others, strict=True)
    )
