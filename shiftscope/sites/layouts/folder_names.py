"""What names of folders and files say by convention: a person and a number, a part of a delivery, masks, a sequence."""

import re
from collections.abc import Collection
from functools import lru_cache

from shiftscope.sites.layouts.spellings import MASKS, SPLITS

__all__ = [
    "CHANNELS",
    "are_months",
    "are_parts",
    "called_as_mask",
    "mask_kind",
    "names_masks",
    "persons",
    "split_token",
    "tokens_of",
]

CHANNELS = frozenset(
    {
        *("t1", "t1w", "t1n", "t1c", "t1ce", "t1gd", "t1km", "t1post", "t1pre", "t2", "t2w", "t2f", "t2flair", "flair"),
        *("pd", "pdw", "dwi", "adc", "hbv", "swi", "swan", "dir", "mprage", "t2star", "cbf", "cbv", "fa", "md", "asl"),
    }
)
"""Sequences of one examination. Other words that all cases have, such as "left" or "frontal", may be further images."""

_PERSONS = frozenset({"sub", "subj", "subject", "patient", "pat", "pt", "person", "participant", "proband", "case"})
"""Words that count people when a number follows."""

_COLLECTIONS = ("brats",)
"""Beginnings of folders whose number is a person's, by the collection's description; a second number is a visit's."""

_PARTS = frozenset(
    {
        *("part", "parts", "batch", "batches", "export", "exports", "delivery", "deliveries", "chunk"),
        *("shard", "disk", "disc", "cd", "dvd", "archive", "zip", "tar", "set", "subset", "images", "year"),
        *("quarter", "q", "week", "month", "day", "upload", "transfer", "dump", "download", "teil", "fold"),
    }
)
"""Words of a folder that holds a part of a delivery when a number or letter follows."""

_MONTHS = frozenset(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))

_ANNOTATIONS = frozenset(
    {
        *(token for name in MASKS for token in name.split() if token not in ("ground", "truth", "label", "labels")),
        *("seg", "segs", "segm", "dseg", "annotation", "annotations", "anno", "manual", "manualmask", "contour", "roi"),
        *("contours", "delineation", "delineations", "labelmap", "labelmaps", "gtruth", "ground_truth", "groundtruth"),
    }
)

_MASK_WORDS = _ANNOTATIONS | {"label", "labels", "gt", "ground", "truth"}

_TOKENS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|\d+")
_SIGNS = re.compile(r"[\W_]+")
_NUMBERED = re.compile(r"(?P<opening>.*[A-Za-z])(?P<sign>[ _-]*)\d+(?P<visit>[_-]\d+)?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_MONTH = re.compile(r"0[1-9]|1[0-2]")
_DATE = re.compile(r"(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?(?:0[1-9]|[12]\d|3[01]))?")


def tokens_of(name: str) -> list[str]:
    """The words and numbers of a name, lower case, also where only a capital begins them: "ManualMask_2"."""
    return [token.lower() for token in _TOKENS.findall(name)]


def persons(names: Collection[str]) -> str | None:
    """What of a template stands for these names where they are persons by convention: "patient{patient}".

    They are where all open alike, with a word that counts people or with a collection's name, and go on with a number.
    """
    openings = set()
    for name in names:
        match = _NUMBERED.fullmatch(name)
        if match is None:
            return None
        openings.add((match["opening"], match["sign"], (match["visit"] or "")[:1]))
    if len(openings) != 1:
        return None
    opening, sign, visit = openings.pop()
    tokens = tokens_of(opening)
    if not opening.lower().startswith(_COLLECTIONS) and (visit or not tokens or tokens[-1] not in _PERSONS):
        return None
    return f"{opening}{sign}{{patient}}{visit}*" if visit else f"{opening}{sign}{{patient}}"


def are_parts(names: Collection[str]) -> bool:
    """Whether folders are years, days or numbered parts of a delivery, and neither classes nor persons."""
    return bool(names) and all(map(_is_part, names))


def are_months(folder: str, inner: Collection[str]) -> bool:
    """Whether folders in a folder are the months of a year: "2023/05"."""
    return bool(inner) and _YEAR.fullmatch(folder) is not None and all(map(_MONTH.fullmatch, inner))


def names_masks(name: str) -> bool:
    """Whether a folder is called after masks: "GroundTruth", "ManualMask", "segmentations"."""
    tokens = tokens_of(name)
    return (
        bool(_ANNOTATIONS.intersection(tokens))
        or {"ground", "truth"} <= set(tokens)
        or tokens[-1:] in (["label"], ["labels"], ["gt"])
    )


@lru_cache(maxsize=1000)  # names of a site begin and end alike
def mask_kind(tail: str) -> str | None:
    """What a name's tail or opening says of a mask, without its number: "_mask_1" -> "mask"; None if it is of none."""
    tokens = [token for token in tokens_of(tail) if not token.isdecimal()]
    return " ".join(tokens) if tokens and tokens[-1] in _MASK_WORDS else None


def called_as_mask(stem: str) -> bool:
    """Whether the first or the last word of a name is one for masks."""
    tokens = [token for token in _SIGNS.split(stem) if token]
    return bool(tokens) and any(mask_kind(token.rstrip("0123456789")) for token in (tokens[0], tokens[-1]))


def split_token(name: str) -> str | None:
    """The one word of a name that is a split's, as it is written there."""
    found = [token for token in _TOKENS.findall(name) if token.lower() in SPLITS]
    return found[0] if len(found) == 1 else None


def _is_part(name: str) -> bool:
    if _YEAR.fullmatch(name) or _DATE.fullmatch(name):
        return True
    tokens = tokens_of(name)
    if len(tokens) < 2:
        return False
    counted = tokens[-1].isdecimal() or len(tokens[-1]) == 1 or tokens[-1] in _MONTHS
    return counted and tokens[-2] in _PARTS
