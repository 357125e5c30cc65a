"""DICOM files of any depth, grouped by patient and series from their headers."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from shiftscope.errors import Unreadable
from shiftscope.images.formats import sniff
from shiftscope.sites.site import Case
from shiftscope.sites.spellings import named_otherwise, stem_of, walk

if TYPE_CHECKING:
    from shiftscope.images.dicom_headers import Header

# pydicom takes a quarter of a second to import: only sites with DICOM files pay for it.

__all__ = ["dicom_cases", "holds_patients", "is_dicom"]

STACKED = {"CT", "MR", "PT"}
"""Modalities whose single-frame files are slices of a volume; the files of any other are pictures of their own."""


def is_dicom(path: Path) -> bool:
    """Whether the first bytes say DICOM, unless the suffix says otherwise already."""
    try:
        return not named_otherwise(path) and sniff(path) == "dicom"
    except Unreadable:
        return False


def dicom_cases(root: Path, paths: Iterable[Path], leave_out: Callable[[str, Path], None]) -> list[Case]:
    """One case per series of slices, one per file of anything else.

    Slices belong together when patient, study, series, size and orientation agree (a three-plane localizer is three
    volumes). Files without a series UID are told apart by their folder. Headers are read one at a time.

    Args:
        root: what names are relative to.
        paths: files to look at.
        leave_out: called with a reason and a path for files that are not DICOM images.
    """
    from shiftscope.images.dicom_headers import read_header

    series: dict[tuple[object, ...], tuple[Header, list[Path]]] = {}
    for path in paths:
        try:
            header = read_header(path)
        except Unreadable as problem:
            leave_out(problem.reason, path)
            continue
        if header.shape is None:
            leave_out("no_pixels", path)
            continue
        slice_ = header.modality in STACKED and header.shape[2] == 1
        key = (header.patient, header.series or path.parent, header.shape, header.orientation, header.mosaic)
        series.setdefault(key if slice_ else (path,), (header, []))[1].append(path)
    cases = []
    for header, files in series.values():
        first = min(files).relative_to(root)
        name = (first.parent / stem_of(first.name)).as_posix()
        cases.append(Case(name, tuple(files), patient=header.patient or "", date=header.month, study=header.study))
    return cases


def holds_patients(folder: Path, enough: int) -> bool:
    """Whether the DICOM files under a folder name at least `enough` patients; those without an ID count as one."""
    from shiftscope.images.dicom_headers import read_header

    patients: set[str | None] = set()
    for path in filter(is_dicom, walk(folder)):
        try:
            patients.add(read_header(path).patient)
        except Unreadable:
            continue
        if len(patients) >= enough:
            return True
    return False
