"""DICOM files of any depth, grouped by patient and series from their headers."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shiftscope.errors import Unreadable
from shiftscope.images.file_formats import sniff
from shiftscope.sites.layouts.spellings import named_otherwise, stem_of
from shiftscope.sites.listings.file_paths import FilePaths
from shiftscope.sites.listings.folder_listings import walk
from shiftscope.sites.mixed_series import mixtures
from shiftscope.sites.site import Case

if TYPE_CHECKING:
    from shiftscope.images.dicom.headers import Header

# pydicom takes a quarter of a second to import: only sites with DICOM files pay for it.

__all__ = ["dicom_cases", "holds_patients", "is_dicom"]

STACKED = {"CT", "MR", "PT"}
"""Modalities whose single-frame files are slices of a volume; the files of any other are pictures of their own."""

_ROUNDING = 0.01
_LONE, _MOST, _ACROSS = 10, 2, 0.2
"""One or two CT slices across another series of the examination with ten times as many are its localizer."""


@dataclass(slots=True)
class FileGroup:
    """Files of one image, and the header of the first."""

    header: "Header"
    files: list[str]

    @property
    def owner(self) -> Hashable:
        """Whose image it is: the patient, else the examination, else the folder."""
        return self.header.patient or self.header.study or Path(self.files[0]).parent


def is_dicom(path: str | Path) -> bool:
    """Whether the first bytes say DICOM, unless the suffix says otherwise already."""
    try:
        return not named_otherwise(str(path)) and sniff(Path(path)) == "dicom"
    except Unreadable:
        return False


def dicom_cases(
    root: Path, paths: Iterable[str], leave_out: Callable[[str, str | Path], None], note: Callable[[str], None]
) -> list[Case]:
    """One case per series of slices, one per file of anything else.

    Slices belong together when patient, study, series, size and orientation agree (a three-plane localizer is three
    volumes). Files without a series UID are grouped by their folder. Headers are read one at a time. What is no
    image of the examination is left out: reports, localizers, screens, raw films beside processed ones.

    Args:
        root: what names are relative to.
        paths: files to look at.
        leave_out: called with a reason and a path for files that are not DICOM images of an examination.
        note: called with sentences on what the series mix.
    """
    paths = list(paths)
    if not paths:
        return []
    drawn: list[Path] = []
    groups = _groups(paths, leave_out, drawn)
    left = _beside(groups)
    for n in left:
        for path in groups[n].files:
            leave_out("beside_images", path)
    kept = [group for n, group in enumerate(groups) if n not in left]
    for sentence in mixtures([(group.header, group.owner) for group in kept]):
        note(sentence)
    if drawn:
        note(
            f"{len(drawn)} DICOM segmentations lie among the images, for example {drawn[0].relative_to(root)}, and are"
            " taken for masks only where a manifest.csv says whose: columns image, the folder of a series, and mask"
        )
    return [_case(root, group) for group in kept]


def _groups(paths: Iterable[str], leave_out: Callable[[str, str | Path], None], drawn: list[Path]) -> list[FileGroup]:
    """Files that hold pictures, those of one series of slices together; segmentations go to `drawn`.

    Images of other formats are neither: the layout has no place for them, which a note says, as for every layout.
    """
    from shiftscope.images.dicom.headers import read_header
    from shiftscope.images.dicom.objects import NOTHING

    found: dict[tuple[object, ...], list[FileGroup]] = {}
    for text in paths:
        path = Path(text)
        try:
            header = read_header(path)
        except Unreadable as problem:
            if problem.reason != "not_an_image" or sniff(path) is None:
                leave_out(problem.reason, path)
            continue
        if header.modality == "SEG":
            drawn.append(path)
        if header.kind == NOTHING or header.shape is None:
            leave_out("beside_images" if header.kind in (NOTHING, "screen") else "no_pixels", path)
            continue
        slice_ = header.modality in STACKED and header.shape[2] == 1
        key = (header.patient, header.series or path.parent, header.shape, header.mosaic, header.kind)
        stacks = found.setdefault(key if slice_ else (path,), [])
        stack = next((each for each in stacks if _parallel(each.header.orientation, header.orientation)), None)
        if stack is None:
            stacks.append(FileGroup(header, [text]))
        else:
            stack.files.append(text)
    return [group for groups in found.values() for group in groups]


def _parallel(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two orientations are one, but for what rounding in the header leaves."""
    return len(one) == len(other) and all(abs(a - b) <= _ROUNDING for a, b in zip(one, other, strict=True))


def _beside(groups: list[FileGroup]) -> set[int]:
    """Which groups are no images of their examinations."""
    from shiftscope.images.dicom.objects import strays

    left = strays([group.header.kind for group in groups], [group.owner for group in groups])
    films = {_film(group) for n, group in enumerate(groups) if n not in left and not group.header.raw}
    studies: dict[object, list[FileGroup]] = defaultdict(list)
    for group in groups:
        studies[group.owner, group.header.study].append(group)
    for n, group in enumerate(groups):
        stacks = studies[group.owner, group.header.study]
        if group.header.raw:
            lone = _film(group) in films
        else:
            lone = group.header.modality == "CT" and any(_localizes(group, stack) for stack in stacks)
        if lone:
            left.add(n)
    return left


def _film(group: FileGroup) -> tuple[object, ...]:
    """What a raw film and the processed one of it have in common."""
    return group.owner, group.header.study, group.header.modality, group.header.projection, group.header.body


def _localizes(group: FileGroup, stack: FileGroup) -> bool:
    """Whether few slices stand across many: an unmarked localizer across the volume that was planned on it."""
    if len(group.files) > _MOST or len(group.files) * _LONE > len(stack.files):
        return False
    normals = [_normal(each.header.orientation) for each in (group, stack)]
    return all(normals) and abs(sum(a * b for a, b in zip(*normals, strict=True))) < _ACROSS


def _normal(cosines: tuple[float, ...]) -> tuple[float, ...]:
    if len(cosines) != 6:
        return ()
    a, b, c, d, e, f = cosines
    return (b * f - c * e, c * d - a * f, a * e - b * d)


def _case(root: Path, group: FileGroup) -> Case:
    first = min(map(Path, group.files)).relative_to(root)
    return Case(
        name=(first.parent / stem_of(first.name)).as_posix(),
        images=FilePaths(group.files),
        patient=group.header.patient or "",
        date=group.header.month,
        study=group.header.study,
    )


def holds_patients(folder: Path, enough: int) -> bool:
    """Whether the DICOM files under a folder name at least `enough` patients; those without an ID count as one."""
    from shiftscope.images.dicom.headers import read_header

    patients: set[str | None] = set()
    for path in filter(is_dicom, walk(folder)):
        try:
            patients.add(read_header(Path(path)).patient)
        except Unreadable:
            continue
        if len(patients) >= enough:
            return True
    return False
