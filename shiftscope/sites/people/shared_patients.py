"""What suggests that files share patients, where no identifier distinguishes patients: folders, names and headers.

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
from shiftscope.sites.layouts.spellings import ROLES, SPLITS
from shiftscope.sites.site import Case
from shiftscope.sites.tables.cells import folded
from shiftscope.sites.vocabularies import class_words, picture_words

__all__ = ["patterns_that_part", "suspicion"]

Key = TypeVar("Key", bound=Hashable)

_SEPARATORS = re.compile(r"[\W_]+")
_PARTS = re.compile(r"\d+|[^\W\d_]+")

_MOST_PARTS = 4
"""A word of more letters and numbers by turns is a random identifier: "cju0qkwl35piu0993"."""

_PERSON = frozenset({"p", "pat", "pt", "patient", "patients", "subj", "sub", "subject", "subjects", "case", "id", "s"})
"""Words whose number is somebody's: the same file name in two classes is then one person twice."""

_SEVERAL_A_PERSON = frozenset(
    {"left", "right", "early", "late", "pre", "post", "before", "after", "baseline", "first", "second", "t"}
)
"""Classes that one person has more of: sides, visits, sequences."""

_PATTERNS = (
    r"^([^/]+)/",
    r"^(?:[^/]+/)+?([^/]+)/",
    r"([A-Za-z]+[ _-]?\d+)[^/]*$",
    r"([^/]+?)[ _-]*\(?\d+\)?$",
    r"([A-Za-z]+)[ _-]?\d+[^/]*$",
)
"""Ways in which names often hold a patient; offered only where they part the files."""


_MARKS = {
    "study": "examination (StudyInstanceUID)",
    "frame": "frame of reference (FrameOfReferenceUID)",
    "accession": "order (AccessionNumber)",
    "name": "person (PatientName)",
}
"""What only one person's DICOM files have in common."""


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
    crowded = [
        folder
        for folder, inside in by_folder.items()
        if folder and len(inside) > 1 and (len(inside) < len(cases) or not _ordinary().issuperset(_tokens(folder)))
    ]
    if not crowded:
        return None
    several = "folders hold" if len(crowded) > 1 else "folder holds"
    return f"{len(crowded)} {several} several files each, for example {crowded[0]}/"


def _own_folder(case: Case) -> str:
    """The case's folder without the parts that are known for what they are."""
    parts = PurePosixPath(case.name).parts[:-1]
    known = ROLES | SPLITS.keys() | {".."}
    return "/".join(part for part in parts if part.lower() not in known and folded(part) != folded(case.label or ""))


def _by_name(cases: Sequence[Case], called: Collection[str]) -> str | None:
    """Names that begin alike up to a number, or are alike but for numbers, in words that are not a picture's; or that
    come again in another class."""
    own = frozenset[str]().union(*map(_known_by, called))
    repeatable = all(case.label and any(token in _SEVERAL_A_PERSON for token in _tokens(case.label)) for case in cases)
    by_stem: list[tuple[tuple[str, ...], Case]] = []
    initials: list[tuple[tuple[str, ...], Case]] = []
    by_number: list[tuple[tuple[str, ...], Case]] = []
    by_class: list[tuple[str, Case]] = []
    for case in cases:
        name = PurePosixPath(case.name).name
        tokens, known = _tokens(name), own | _known_by(case.label or "")
        texts = [token for token in tokens if not token.isdecimal() and token not in known]
        unknown = tuple(token for token in texts if len(token) > 1 and token not in _ordinary())
        letters = tuple(token for token in texts if len(token) == 1)
        if unknown:
            by_stem.append((unknown, case))
        elif len(letters) > 1:
            initials.append((letters, case))
        for end in range(1, len(tokens)):
            if any(token.isdecimal() and token not in known for token in tokens[:end]):
                by_number.append((tuple(tokens[:end]), case))
        if repeatable or (case.label and _PERSON.intersection(tokens)):
            by_class.append((name.casefold(), case))
    if len({letters for letters, _ in initials}) > 1:  # letters that all files have distinguish nobody
        by_stem += initials
    signs = (
        (by_number, "begin alike, up to a number"),
        (by_stem, "have a name in common"),
        (by_class, "have the same name in several classes"),
    )
    for pairs, said in signs:
        shared = [inside for inside in _grouped(pairs).values() if len(inside) > 1]
        if shared:
            one, other = shared[0][:2]
            return f"{_several(shared)} {said}, for example {one.name} and {other.name}"
    return None


def _tokens(name: str) -> list[str]:
    """The words and numbers of a name in lower case, taken apart where they meet; random identifiers whole."""
    out: list[str] = []
    for token in filter(None, _SEPARATORS.split(name.casefold())):
        parts = _PARTS.findall(token)
        out += parts if token not in _ordinary() and len(parts) <= _MOST_PARTS else [token]
    return out


@cache
def _ordinary() -> frozenset[str]:
    return class_words() | picture_words()


def _known_by(name: str) -> set[str]:
    """What of a name may stand in the names of its files: the whole, its words, and these taken apart."""
    whole = name.casefold()
    return {whole, *_SEPARATORS.split(whole), *_tokens(whole)}


def _by_header(cases: Sequence[Case]) -> str | None:
    """DICOM files without a patient's identifier, of one examination or with one name in them."""
    from shiftscope.images.dicom.headers import read_header

    marked: list[tuple[tuple[str, str], Case]] = []
    for case in cases:
        if not is_dicom(case.images[0]):
            continue
        try:
            header = read_header(case.images[0])
        except Unreadable:
            continue
        marks = {"study": header.study, "frame": header.frame, "accession": header.accession, "name": header.person}
        marked += [((kind, mark), case) for kind, mark in marks.items() if mark]
    shared = {key: inside for key, inside in _grouped(marked).items() if len(inside) > 1}
    if not shared:
        return None
    (kind, _), inside = next(iter(shared.items()))
    files = _several(list(shared.values()))
    return f"{files} are of one {_MARKS[kind]}, for example {inside[0].name} and {inside[1].name}"


def _grouped(pairs: Iterable[tuple[Key, Case]]) -> dict[Key, list[Case]]:
    out: dict[Key, list[Case]] = defaultdict(list)
    for key, case in pairs:
        out[key].append(case)
    return out


def _several(groups: Sequence[Sequence[Case]]) -> str:
    return f"{len({case.name for group in groups for case in group})} files"
