"""What suggests that files share patients, where nothing tells patients apart: folders, names and headers.

A suspicion is enough to ask the site's owner. Images are not looked at here; copies are found while they are measured.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from functools import cache
from pathlib import PurePosixPath
from typing import TypeVar

from shiftscope.errors import Unreadable
from shiftscope.sites.dicom_tree import is_dicom
from shiftscope.sites.site import Case
from shiftscope.sites.spellings import ROLES, SPLITS
from shiftscope.sites.words import class_words, picture_words

__all__ = ["patterns_that_part", "suspicion"]

Key = TypeVar("Key", bound=Hashable)

_SEPARATORS = re.compile(r"[\s_\-()]+")
_NUMBER_AT_END = re.compile(r"^(\D+)(\d+)$")

_PATTERNS = (
    r"^([^/]+)/",
    r"^(?:[^/]+/)+?([^/]+)/",
    r"([A-Za-z]+[ _-]?\d+)[^/]*$",
    r"([^/]+?)[ _-]*\(?\d+\)?$",
    r"([A-Za-z]+)[ _-]?\d+[^/]*$",
)
"""Ways in which names often hold a patient; offered only where they part the files."""


def suspicion(cases: Sequence[Case], called: Collection[str]) -> str | None:
    """Why some of these cases may be of one person, as the end of a sentence; None where nothing suggests it.

    Args:
        cases: of a site whose files hold no patient.
        called: what the site and its folder are called: files called after these and numbered are ordinary.
    """
    return _by_folder(cases) or _by_name(cases, called) or _by_header(cases)


def patterns_that_part(cases: Sequence[Case]) -> dict[str, int]:
    """Patterns for `--patient-regex` that find a patient in every name and some in several: pattern -> patients."""
    found: dict[str, int] = {}
    for pattern in _PATTERNS:
        matches = [re.search(pattern, case.name) for case in cases]
        patients = {match[1] for match in matches if match}
        if all(matches) and 1 < len(patients) < len(cases) and len(patients) not in found.values():
            found[pattern] = len(patients)
    return found


def _by_folder(cases: Sequence[Case]) -> str | None:
    """Several files a folder that is neither a split, a class, nor images or masks."""
    by_folder = _grouped((_own_folder(case), case) for case in cases)
    by_folder.pop("", None)
    crowded = [folder for folder, inside in by_folder.items() if len(inside) > 1]
    if not crowded:
        return None
    return f"{len(crowded)} folders hold several files each, for example {crowded[0]}/"


def _own_folder(case: Case) -> str:
    """The case's folder without the parts that are known for what they are."""
    parts = PurePosixPath(case.name).parts[:-1]
    return "/".join(part for part in parts if part.lower() not in ROLES | SPLITS.keys() and part != case.label)


def _by_name(cases: Sequence[Case], called: Collection[str]) -> str | None:
    """Names that begin alike up to a number, or are alike but for numbers, in words that are not a picture's."""
    plain = _ordinary().union(*map(_parts, called))
    by_stem: list[tuple[tuple[str, ...], Case]] = []
    by_number: list[tuple[tuple[str, ...], Case]] = []
    for case in cases:
        words, known = _words(PurePosixPath(case.name).name), plain | _parts(case.label or "")
        unknown = tuple(word for word in words if not word.isdigit() and len(word) > 1 and word not in known)
        if unknown:
            by_stem.append((unknown, case))
        for end in range(1, len(words)):
            if any(word.isdigit() and word not in known for word in words[:end]):
                by_number.append((tuple(words[:end]), case))
    for pairs, said in ((by_number, "begin alike, up to a number"), (by_stem, "have a name in common")):
        shared = [inside for inside in _grouped(pairs).values() if len(inside) > 1]
        if shared:
            one, other = shared[0][:2]
            return f"{_several(shared)} {said}, for example {one.name} and {other.name}"
    return None


def _words(name: str) -> list[str]:
    """The words and numbers of a name in lower case; "IM0012" is a word and a number."""
    out: list[str] = []
    for word in filter(None, _SEPARATORS.split(name.casefold())):
        match = None if word in _ordinary() else _NUMBER_AT_END.match(word)
        out += match.groups() if match else [word]
    return out


@cache
def _ordinary() -> frozenset[str]:
    return class_words() | picture_words()


def _parts(name: str) -> set[str]:
    """What of a name may stand in the names of its files: the whole, its words, and these taken apart."""
    whole = name.casefold()
    return {whole, *_SEPARATORS.split(whole), *_words(whole)}


def _by_header(cases: Sequence[Case]) -> str | None:
    """DICOM files without a patient's identifier, of one examination or with one name in them."""
    from shiftscope.images.dicom_headers import read_header

    marked: list[tuple[tuple[str, str], Case]] = []
    for case in cases:
        if not is_dicom(case.images[0]):
            continue
        try:
            header = read_header(case.images[0])
        except Unreadable:
            continue
        marked += [((kind, mark), case) for kind, mark in (("study", header.study), ("name", header.person)) if mark]
    shared = {key: inside for key, inside in _grouped(marked).items() if len(inside) > 1}
    if not shared:
        return None
    (kind, _), inside = next(iter(shared.items()))
    said = "are of one examination (StudyInstanceUID)" if kind == "study" else "name one person (PatientName)"
    return f"{_several(list(shared.values()))} {said}, for example {inside[0].name} and {inside[1].name}"


def _grouped(pairs: Iterable[tuple[Key, Case]]) -> dict[Key, list[Case]]:
    out: dict[Key, list[Case]] = defaultdict(list)
    for key, case in pairs:
        out[key].append(case)
    return out


def _several(groups: Sequence[Sequence[Case]]) -> str:
    return f"{len({case.name for group in groups for case in group})} files"
