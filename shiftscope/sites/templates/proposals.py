"""Templates made of names that lie in a folder, and what they find there."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from shiftscope.errors import InputError
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.spellings import mask_target, stem_of
from shiftscope.sites.listings.file_paths import name_of
from shiftscope.sites.templates.template import Template
from shiftscope.sites.templates.template_cases import cases_of

__all__ = ["parted", "read_by", "suffix_of"]


def suffix_of(paths: Iterable[str]) -> str:
    """The suffix that all of these have, ".*" where they differ."""
    suffixes = {suffix.lower() for suffix in {path[len(stem_of(path)) :] for path in paths}}
    return suffixes.pop() if len(suffixes) == 1 and "" not in suffixes else ".*"


def read_by(root: Path, image: str, mask: str | None = None, files: Sequence[str] | None = None) -> FoundCases | None:
    """What templates made of names that lie here find; None where such names are no template, or fit no one image."""
    try:
        found = cases_of(root, Template.of(image), None if mask is None else Template.of(mask), files)
    except (ValueError, InputError):
        return None
    return found if found.cases else None


def parted(paths: Sequence[str]) -> tuple[Sequence[str], Sequence[str], str | None]:
    """Images, masks, and the tail by which they are; a number after it may differ. No masks where tails differ."""
    stems = {path: stem_of(name_of(path)) for path in paths}
    known = set(stems.values())
    tails: Counter[str] = Counter()
    masks: dict[str, None] = {}
    for path, stem in stems.items():
        target = mask_target(stem)
        if target is not None and target in known:
            masks[path] = None
            tails[stem[len(target) :].rstrip("0123456789").rstrip("_- ")] += 1
    tail = next(iter(tails)) if len(tails) == 1 else None
    if tail is None:
        return paths, [], None
    numbered = any(not stems[path].endswith(tail) for path in masks)
    return [path for path in paths if path not in masks], list(masks), f"{tail}*" if numbered else tail
