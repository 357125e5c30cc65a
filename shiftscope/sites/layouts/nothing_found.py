"""Why a folder yields no case, and what would settle it."""

import shlex
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from shiftscope.errors import REASONS, Unreadable, Unsettled
from shiftscope.images.file_formats import sniff
from shiftscope.printable_text import on_one_line
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.known_layouts import LAYOUTS, find_cases
from shiftscope.sites.layouts.nearest import nearest_templates
from shiftscope.sites.listings.folder_listings import folders_of, has_images, walk
from shiftscope.sites.missing_files import MissingFile, missing_text

__all__ = ["all_left_out", "nearest", "nothing_found"]

_LOOKED_AT = 1_000  # files that are examined to describe a folder where nothing is read


def all_left_out(root: Path, found: FoundCases) -> Unsettled:
    """What was there although nothing can be used."""
    counts = ", ".join(f"{len(paths)} x {reason} ({REASONS[reason]})" for reason, paths in found.excluded.items())
    first = on_one_line(str(next(iter(found.excluded.values()))[0]))
    return Unsettled(
        f"{root}: nothing to read: {counts}; the first is {first}{nearest(root, found.template)}",
        f"nothing to read: {counts}",
    )


def nothing_found(root: Path, lost: Sequence[MissingFile]) -> Unsettled:
    """Why nothing was found: files that are not there, several sites in one folder, or no known layout."""
    if lost and not has_images(root, deep=True):
        return Unsettled(
            f"{root}: nothing to read: {'; '.join(missing_text(lost))}",
            f"nothing to read: {len(lost)} files are not there",
        )
    inner = [folder for folder in folders_of(root) if find_cases(folder) is not None]
    if len(inner) == 1:
        more = (
            nearest(root)
            if any(has_images(other, deep=True) for other in folders_of(root) if other != inner[0])
            else ""
        )
        return Unsettled(
            f"{root}: the images lie one folder deeper; give that one:\n"
            f"  shiftscope profile {shlex.quote(str(inner[0]))} --dry-run{more}",
            "the images lie one folder deeper",
        )
    if inner:
        names = [on_one_line(folder.name) for folder in inner[:5]]
        listed = ", ".join(names) + (", ..." if len(inner) > 5 else "")
        return Unsettled(
            f"{root}: holds {len(inner)} folders that each look like a site ({listed}). Where they are hospitals, give"
            " one of them; where they are patients, list all their images in a manifest.csv, columns image and patient,"
            f" or say with --layout which folder is what{nearest(root)}",
            f"it holds {len(inner)} folders that each look like a site",
        )
    foreign = _foreign(root)
    if foreign:
        return Unsettled(f"{root}: nothing to read: {foreign}", "nothing to read: no file is of a format that is read")
    looked = "; ".join((*LAYOUTS, "manifest.csv or manifest.tsv"))
    return Unsettled(
        f"{root}: no images found in any known layout (looked for: {looked}); any other becomes one with a"
        " manifest.csv, columns image and, as far as known, mask, label, patient, split, date, or with a template"
        f" (--layout){nearest(root)}",
        "no images found in any known layout",
    )


def _foreign(root: Path) -> str:
    """Valid files of formats that are not read, counted, with what to do; "" where there are none."""
    kinds: Counter[str] = Counter()
    for path in islice(walk(root), _LOOKED_AT):
        try:
            sniff(Path(path))
        except Unreadable as problem:
            kinds[problem.detail if problem.reason == "unsupported" else ""] += 1
    return "; ".join(f"{count} x {kind}" for kind, count in kinds.most_common() if kind)


def nearest(root: Path, but: str | None = None) -> str:
    """The templates that come nearest, on a line of their own; "" where none finds an image."""
    near = nearest_templates(root, but)
    return f"\n{near}" if near else ""
