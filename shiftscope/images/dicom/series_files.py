"""The files that are given as one image: opened, without what is no image among them, each once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.tag import BaseTag

from shiftscope.errors import Unreadable
from shiftscope.images.dicom.objects import NOTHING, kind_of, open_dataset, strays
from shiftscope.images.dicom.planes import Plane, plane_of
from shiftscope.images.dicom_values.broken_dicom import refusing

__all__ = ["File", "number_in", "open_files", "without_copies"]

_KIND = ("SOPClassUID", "Modality", "ImageType", "SeriesDescription", "SamplesPerPixel")
_PLACED = (
    *("ImagePositionPatient", "ImageOrientationPatient", "SliceLocation", "InstanceNumber"),
    *("AcquisitionNumber", "AcquisitionTime", "EchoTime", "ImageType", "ConvolutionKernel"),
)
"""What copies of one image have in common."""
_MARKS = (
    *("TemporalPositionIdentifier", "DiffusionBValue", "InversionTime", "NominalPercentageOfCardiacPhase"),
    *("TriggerTime", "FrameReferenceTime", "AcquisitionDateTime", "AcquisitionDate", "ContentDate", "ContentTime"),
    "PixelSpacing",
)
_WATCHED = {name: BaseTag(tag_for_keyword(name) or 0) for name in (*_KIND, *_PLACED, *_MARKS)}


@dataclass(frozen=True, slots=True)
class File:
    """A file with a picture.

    Attributes:
        path: where it lies.
        data: its whole data set.
        plane: where its picture lies.
        stored: keyword -> its value as the file stores it, None where it has none. To convert the values of each slice
            would take longer than to read it, and most are the same in all.
        kind: as `objects.kind_of` finds it; "" before it was asked.
    """

    path: Path
    data: pydicom.Dataset
    plane: Plane
    stored: Mapping[str, object]
    kind: str = ""

    @staticmethod
    def open(path: Path) -> "File":
        """Read a file.

        Raises:
            Unreadable: as `open_dataset`.
        """
        with refusing(path, "the data set"):
            data = open_dataset(path)
            stored = {name: _stored(data, tag) for name, tag in _WATCHED.items()}
            return File(path, data, plane_of(data), stored)

    def of_its_kind(self) -> "File":
        """The same, with its kind."""
        with refusing(self.path, "the data set"):
            return replace(self, kind=kind_of(self.data))

    @property
    def number(self) -> int:
        return int(number_in(self.data, "InstanceNumber") or 0)

    @property
    def frames(self) -> int:
        return int(self.data.get("NumberOfFrames") or 1)


def open_files(paths: Sequence[Path]) -> tuple[list[File], bool]:
    """The files that hold images of the examination, and whether anything was left out.

    Raises:
        Unreadable: naming the file at fault; "beside_images" where none holds an image.
    """
    files: list[File] = []
    aside: list[Unreadable] = []
    kinds: dict[tuple[object, ...], str] = {}
    found: list[str] = []
    for path in paths:
        try:
            file = File.open(path)
        except Unreadable as problem:
            if problem.reason != "beside_images":
                raise
            aside.append(problem)
            continue
        key = tuple(map(file.stored.get, _KIND))
        if key not in kinds:
            with refusing(path, "the data set"):
                kinds[key] = kind_of(file.data)
        if kinds[key] == NOTHING:
            aside.append(Unreadable(path, "beside_images"))
            continue
        files.append(replace(file, kind=kinds[key]))
        found.append(kinds[key])
    if not files:
        raise aside[0]
    left = strays(found, [0] * len(files))
    return [file for n, file in enumerate(files) if n not in left], bool(left or aside)


def without_copies(files: Sequence[File]) -> list[File]:
    """Each image once: a copy is numbered and placed as another, with its pixels, or its UID in another encoding."""
    known: dict[tuple[object, ...], list[File]] = {}
    kept = []
    for file in files:
        twins = known.setdefault(tuple(map(file.stored.get, _PLACED)), [])
        if not any(_alike(file.data, twin.data) for twin in twins):
            twins.append(file)
            kept.append(file)
    return kept


def number_in(data: pydicom.Dataset, name: str) -> float | None:
    """A tag's value as a finite number, None where it is none."""
    try:
        number = float(data.get(name))
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _stored(data: pydicom.Dataset, tag: BaseTag) -> object:
    """The value as it is stored, without padding; None where there is none."""
    element = data.get_item(tag)
    value = None if element is None else element.value
    if isinstance(value, bytes):
        return value.strip(b" \0") or None
    return None if value is None else str(value) or None


def _alike(data: pydicom.Dataset, twin: pydicom.Dataset) -> bool:
    """Whether two files of one number and place are one image. One UID is not enough: anonymizers give it to all."""
    named = bool(data.get("SOPInstanceUID")) and data.get("SOPInstanceUID") == twin.get("SOPInstanceUID")
    placed = bool(data.get("ImagePositionPatient"))
    if _syntax(data) != _syntax(twin) or not (named or placed):
        return named
    one, other = (each.get("PixelData") or b"" for each in (data, twin))
    return bool(one[: len(other)] == other[: len(one)])  # a copy may be cut short


def _syntax(data: pydicom.Dataset) -> str:
    return str(data.file_meta.get("TransferSyntaxUID") if hasattr(data, "file_meta") else "")
