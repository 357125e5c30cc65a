"""Entries of a folder without a file to read behind them: links without a target, placeholders, pipes and devices."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.spellings import is_image_name, is_litter

__all__ = ["MissingFile", "leave_out_missing", "missing_text", "what_is_missing"]

_REMEDIES = {
    "link": (
        "links that lead nowhere: the files they stand for were not copied, or not fetched (git-annex, datalad: get)"
    ),
    "cloud": "placeholders of a cloud drive, or shortcuts: download the files themselves",
    "download": "downloads or copies that did not end: fetch the files again",
    "special": "pipes, sockets or devices, which are not opened: move them away",
}
_ENDINGS = {
    **dict.fromkeys((".icloud", ".lnk", ".url", ".cloudf", ".gdoc"), "cloud"),
    **dict.fromkeys((".part", ".partial", ".tmp", ".crdownload", ".download", ".filepart"), "download"),
}
"""Of names that stand for an image which is not there: "scan.png.part"."""

_ENDED = tuple(_ENDINGS)

MissingFile = tuple[Path, str]
"""An entry, and a key of what is the matter with it."""


def leave_out_missing(found: FoundCases, lost: Sequence[MissingFile]) -> None:
    """Count what is listed and not there, and leave out series that lack such a file, as those with a broken one."""
    if not lost:
        return
    folders = {path.parent for path, _ in lost}
    whole = []
    for case in found.cases:
        if len(case.images) == 1 or folders.isdisjoint(path.parent for path in case.images):
            whole.append(case)
        else:
            found.leave_out("missing", case.images[0])
            found.note(f"the series {case.name} is left out, for a file of its folder is not there")
    found.cases = whole
    for path, _ in lost:
        found.leave_out("missing", path)
    found.notes += missing_text(lost)


def missing_text(lost: Sequence[MissingFile]) -> list[str]:
    """What is missing, by kind, as sentences that stay at the site."""
    counts = Counter(kind for _, kind in lost)
    first = {kind: path for path, kind in reversed(lost)}
    return [f"{counts[kind]} x {what}; the first is {first[kind]}" for kind, what in _REMEDIES.items() if counts[kind]]


def what_is_missing(entry: "os.DirEntry[str]", *, is_there: bool) -> str | None:
    """What is the matter with an entry of a folder, as a key; None where nothing is.

    Args:
        entry: of any kind.
        is_there: whether it is a file or a folder, or leads to one.
    """
    if entry.name.lower().endswith(_ENDED):
        return _stands_for_an_image(Path(entry.path))
    if is_there or is_litter(entry.path):
        return None
    return "special" if Path(entry.path).exists() else "link"


def _stands_for_an_image(path: Path) -> str | None:
    """Whether a name is that of an image with an ending, and the image itself is not beside it."""
    stem, ending = path.stem, path.suffix.lower()
    name = stem.removeprefix(".") if ending == ".icloud" else stem
    return _ENDINGS[ending] if is_image_name(name) and not path.with_name(name).exists() else None
