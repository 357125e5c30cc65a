"""Folders of a hospital as a list of cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shiftscope.images import Image, LabelMap
from shiftscope.sites.declarations import NOTHING_SAID, Declarations

__all__ = ["ONE_FILE", "Case", "Site"]

ONE_FILE = "one_file_per_patient"
"""Patient source of a site whose owner says that each file is another person's."""


@dataclass(frozen=True, slots=True)
class Case:
    """One examination: what belongs together on disk. Nothing here leaves the site.

    Attributes:
        name: unique in the site, the image's relative path without suffix; for messages at the site only.
        images: files of one image; more than one only for a DICOM series, sorted by position when read. Of a site that
            was read they are `FilePaths`, for a large one has no room for a `Path` a file.
        masks: files of the mask, several where several are drawn for one image; empty where there is none.
        label: class name, None where there is none.
        patient: identifier that groups cases, unique to a person within the site.
        split: "train", "val", "test" where the data bring one, else None.
        date: "YYYY-MM", None where unknown.
        study: mark of the DICOM examination, None where unknown. An examination is of one patient.
        held: image and mask where they were given as arrays, and are no files.
    """

    name: str
    images: Sequence[Path]
    masks: Sequence[Path] = ()
    label: str | None = None
    patient: str = ""
    split: str | None = None
    date: str | None = None
    study: str | None = None
    held: tuple[Image, LabelMap | None] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class Site:
    """All cases of one hospital.

    Attributes:
        name: what the federation calls it.
        root: the folder or the manifest's folder.
        layout: one of "images+masks", "classes", "split-classes", "nnunet", "dicom", "manifest", "images".
        cases: sorted by name.
        patient_source: "dicom", "manifest", "regex" for a pattern, a template or a convention on names,
            "one_file_per_patient" as the owner states, or "file": nobody knows, each file counts as one.
        classes: sorted names of the labels, empty where there are none.
        excluded: what `read_site` left out already, reason -> paths.
        declared: what the owner said, in options or in the site file.
        notes: how the folder was read where that is not self-evident, as sentences that stay at the site.
        template: a template that finds these images, None where none does (DICOM by its headers, a manifest).
        mask_template: the same for their masks.
    """

    name: str
    root: Path
    layout: str
    cases: tuple[Case, ...]
    patient_source: str
    classes: tuple[str, ...]
    excluded: Mapping[str, tuple[Path, ...]]
    declared: Declarations = NOTHING_SAID
    notes: tuple[str, ...] = ()
    template: str | None = None
    mask_template: str | None = None

    def __repr__(self) -> str:
        """What it is, without a case, a patient or a path: it may be printed into a notebook that travels."""
        people = len({case.patient for case in self.cases})
        return f"<Site {self.name!r}: {len(self.cases)} cases of {people} patients, layout {self.layout}>"
