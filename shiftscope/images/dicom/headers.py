"""DICOM headers without pixels: what groups files into patients and series."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pydicom

from shiftscope.errors import Unreadable
from shiftscope.images.acquisition import acquisition
from shiftscope.images.decoder_warnings import silence_decoders
from shiftscope.images.dicom.objects import image_type_of, is_raw, kind_of, modality_of
from shiftscope.images.dicom_values.broken_dicom import refusing
from shiftscope.images.file_formats import sniff

__all__ = ["DATES", "Header", "read_header"]

# Values that break the standard's rules for their type are read as they are instead of warned about one by one.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

DATES = ("AcquisitionDate", "SeriesDate", "StudyDate")
"""Where the month of an examination is looked for, in this order."""

_TAGS = [
    *("SOPClassUID", "Modality", "PatientID", "PatientName", "AccessionNumber", *DATES),
    *("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"),
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "ImageOrientationPatient", "ImageType"),
    *("SeriesDescription", "BodyPartExamined", "PresentationIntentType"),
    *("ImageLaterality", "Laterality", "ViewPosition"),
]


_KEPT = 20_000  # headers, of a kilobyte each


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself before its pixels.

    Attributes:
        patient: PatientID, None where it is missing or blank.
        person: PatientName, None where it is missing or blank.
        accession: AccessionNumber, None where it is missing or blank.
        study: study UID, None where missing.
        frame: FrameOfReferenceUID, None where missing.
        series: study and series UID joined, None where missing.
        modality: modality code, "" where missing.
        shape: (rows, columns, frames), None where the file holds no picture.
        orientation: six direction cosines, () where missing.
        month: "YYYY-MM", None where no date is given.
        mosaic: whether the picture is a Siemens mosaic of slices.
        kind: what the file is, as `objects.kind_of` says.
        raw: whether it is a film for processing.
        projection: laterality and view position of a radiograph, "" where missing.
        body: the part of the body, in capitals, "" where missing.
        described: what the site calls the series, "" where missing. Free text: never leaves the site.
    """

    patient: str | None
    person: str | None
    accession: str | None
    study: str | None
    frame: str | None
    series: str | None
    modality: str
    shape: tuple[int, int, int] | None
    orientation: tuple[float, ...]
    month: str | None
    mosaic: bool
    kind: str
    raw: bool
    projection: tuple[str, str]
    body: str
    described: str


def read_header(path: Path) -> Header:
    """Read the few tags that group files, stopping before the pixels.

    A site's files are asked several times: for their series, their patients, and where masks lie. The last headers are
    kept, each as long as its file does not change.

    Raises:
        Unreadable: the file is not DICOM, or its header is broken.
    """
    try:
        state = path.stat()
    except OSError as problem:
        raise Unreadable(path, "missing", f"cannot be opened: {problem.strerror}") from None
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=_KEPT)
def _read(path: Path, _changed_ns: int, _size: int) -> Header:
    silence_decoders()
    if sniff(path) != "dicom":
        raise Unreadable(path, "not_an_image", "expected a DICOM file")
    with refusing(path, "the header"):
        data = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=_TAGS)
        rows, columns = data.get("Rows"), data.get("Columns")
        series = str(data.get("SeriesInstanceUID") or "")
        return Header(
            patient=_text(data, "PatientID"),
            person=str(data.get("PatientName") or "").strip(" ^") or None,
            accession=_text(data, "AccessionNumber"),
            study=_text(data, "StudyInstanceUID"),
            frame=_text(data, "FrameOfReferenceUID"),
            series=f"{data.get('StudyInstanceUID') or ''}/{series}" if series else None,
            modality=modality_of(data),
            shape=None if rows is None or columns is None else (int(rows), int(columns), _frames(data)),
            orientation=tuple(float(cosine) for cosine in data.get("ImageOrientationPatient") or ()),
            month=acquisition({"month": next(filter(None, map(data.get, DATES)), None)}).get("month"),
            mosaic="MOSAIC" in image_type_of(data),
            kind=kind_of(data, pictureless=rows is None or columns is None),
            raw=is_raw(data),
            projection=(
                str(data.get("ImageLaterality") or data.get("Laterality") or "").upper(),
                str(data.get("ViewPosition") or "").upper(),
            ),
            body=" ".join(str(data.get("BodyPartExamined") or "").upper().split()),
            described=" ".join(str(data.get("SeriesDescription") or "").split()),
        )


def _text(data: pydicom.Dataset, name: str) -> str | None:
    return str(data.get(name) or "").strip() or None


def _frames(data: pydicom.Dataset) -> int:
    return int(data.get("NumberOfFrames") or 1)
