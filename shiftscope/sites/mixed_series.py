"""What kinds of series a tree of DICOM files mixes, in sentences that stay at the site."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING

from shiftscope.printable_text import on_one_line

if TYPE_CHECKING:
    from shiftscope.images.dicom.headers import Header

__all__ = ["mixtures"]

_LISTED, _LONGEST = 5, 40  # kinds, and characters of a description, in a sentence
_REMEDY = (
    "All are measured as one site. To compare like with like, list the series that belong together in a manifest.csv"
    " (columns image and patient, a folder for a series), or move the others away"
)
_VOLUMES = {"CT", "MR", "PT"}
_FILMS = {"CR", "DX", "RG"}


def mixtures(series: "Sequence[tuple[Header, Hashable]]") -> Iterator[str]:
    """Sentences on modalities, body parts, views, several series a patient, and what is read for lack of images.

    Args:
        series: the header of each image that was kept, and whose it is.
    """
    headers = [header for header, _ in series]
    mixed = [
        sentence
        for sentence in (
            _several("modalities", (header.modality for header in headers)),
            _several("parts of the body", (header.body for header in headers)),
            _several("views", (header.projection[1] for header in headers if header.modality in _FILMS)),
            _many_a_patient(series),
            _split(headers),
        )
        if sentence
    ]
    if mixed:
        yield ". ".join((*mixed, _REMEDY))
    for kind, what in (
        ("capture", "secondary captures, of screens or films"),
        ("localizer", "localizers"),
        ("screen", "screens or renderings"),
        ("map", "maps computed from images"),
    ):
        count = sum(header.kind == kind for header in headers)
        if count:
            yield (
                f"{count} of {len(headers)} images are {what}: they are read because their patients, or most patients"
                " of the site, have nothing else. Export the images themselves where the archive has them"
            )


def _several(what: str, values: Iterator[str]) -> str:
    """The counts of the values, where there are several."""
    counts = Counter(value for value in values if value)
    return f"The files are of several {what}: {_listed(counts)}" if len(counts) > 1 else ""


def _split(headers: "Sequence[Header]") -> str:
    """How many series became several volumes."""
    volumes = Counter(header.series for header in headers if header.modality in _VOLUMES and header.series)
    several = sum(count > 1 for count in volumes.values())
    if not several:
        return ""
    return (
        f"{several} of {len(volumes)} series hold slices of several sizes or orientations, or several volumes, and each"
        " of them is an image of its own"
    )


def _many_a_patient(series: "Sequence[tuple[Header, Hashable]]") -> str:
    """How many patients have several volumes, and what these are called."""
    volumes = [(header, owner) for header, owner in series if header.modality in _VOLUMES]
    owners = Counter(owner for _, owner in volumes)
    several = sum(count > 1 for count in owners.values())
    if not several:
        return ""
    called = Counter(header.described.lower() for header, _ in volumes if header.described)
    names = f": {_listed(called)}" if called else ""
    return (
        f"{several} of {len(owners)} patients have several series ({len(volumes)} in all), and each series counts as"
        f" an image of its own{names}"
    )


def _listed(counts: Counter[str]) -> str:
    shown = [f"{on_one_line(name)[:_LONGEST]} {count}" for name, count in counts.most_common(_LISTED)]
    return ", ".join(shown) + (f" and {len(counts) - _LISTED} more" if len(counts) > _LISTED else "")
