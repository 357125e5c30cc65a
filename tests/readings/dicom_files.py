"""Small DICOM files of any kind, for tests of how they are read."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from small_dicoms import dataset, saved

from shiftscope.images import Image

STORAGE = "1.2.840.10008.5.1.4.1.1."
CLASSES = {
    **{"CT": STORAGE + "2", "MR": STORAGE + "4", "PT": STORAGE + "128", "CR": STORAGE + "1", "US": STORAGE + "6.1"},
    **{"DX": STORAGE + "1.1", "MG": STORAGE + "1.2", "NM": STORAGE + "20", "SC": STORAGE + "7"},
}
AXIAL, CORONAL, SAGITTAL = ([1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1])


def picture(level: float, rows: int = 8, columns: int = 6) -> np.ndarray:
    """(rows, columns) int16 of that mean, with no symmetry: no turn or flip leaves it as it is."""
    steps = np.add.outer(3 * np.arange(rows), np.arange(columns)).astype(float)
    return np.rint(steps - steps.mean() + level).astype(np.int16)


def write(path: Path, pixels: np.ndarray | None, modality: str = "CT", **tags: object) -> Path:
    """One file: (rows, columns), (rows, columns, 3) or, with NumberOfFrames, frames of them; None for no picture.

    Each patient has a study; all files are of one series.
    """
    patient = str(tags.get("PatientID", "p1")).encode().hex()
    usual = {
        "SOPClassUID": CLASSES.get(modality, STORAGE + "7"),
        "Modality": modality,
        "PatientID": "p1",
        "StudyInstanceUID": f"1.2.{int(patient or '0', 16)}",
        "SeriesInstanceUID": "1.2.3.4",
    }
    return saved(dataset(pixels, **{**usual, **tags}), path)


def place(z: float, cosines: list[float] | None = None, **more: object) -> dict[str, object]:
    """Tags of an axial slice (or of any other) at z millimetres along its normal, with pixels of 2 x 1 mm."""
    cosines = AXIAL if cosines is None else cosines
    normal = np.cross(cosines[:3], cosines[3:])
    return {
        "ImagePositionPatient": [round(float(10 * n), 5) for n in z / 10 * normal],
        "ImageOrientationPatient": cosines,
        "PixelSpacing": [2, 1],
        "SliceThickness": 3,
        **more,
    }


def stack(folder: Path, levels: list[float], modality: str = "CT", step: float = 3.0, **tags: object) -> list[Path]:
    """An axial volume: a slice of each level, `step` millimetres apart, numbered from 1."""
    return [
        write(folder / f"{n:03d}.dcm", picture(level), modality, **{**place(step * n), "InstanceNumber": n + 1, **tags})
        for n, level in enumerate(levels)
    ]


def levels(pixels: np.ndarray) -> list[int]:
    """The mean of each slice."""
    return [round(float(each)) for each in pixels.mean(axis=(1, 2))]


def group(**items: Mapping[str, object]) -> Dataset:
    """A functional group: name of a sequence -> the tags of its item."""
    whole = Dataset()
    for name, tags in items.items():
        inner = Dataset()
        for keyword, value in tags.items():
            setattr(inner, keyword, value)
        setattr(whole, name, Sequence([inner]))
    return whole


def enhanced(path: Path, frames: list[float], per_frame: list[Dataset], modality: str = "MR", **tags: object) -> Path:
    """A multi-frame file with a frame of each level; frames lie as `per_frame` says, axial where it does not."""
    shared = group(
        PlaneOrientationSequence={"ImageOrientationPatient": AXIAL},
        PixelMeasuresSequence={"PixelSpacing": [2, 1], "SliceThickness": 3},
    )
    return write(
        path,
        np.stack([picture(level) for level in frames]),
        modality,
        SOPClassUID={"MR": STORAGE + "4.1", "CT": STORAGE + "2.1"}[modality],
        NumberOfFrames=len(frames),
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(per_frame),
        **tags,
    )


def at(z: float, **items: Mapping[str, object]) -> Dataset:
    """The functional group of a frame at z millimetres."""
    return group(PlanePositionSequence={"ImagePositionPatient": [0, 0, z]}, **items)


def rewrite(path: Path, *without: str, **tags: object) -> Path:
    """The same file without some tags, and with others."""
    data = pydicom.dcmread(path)
    for keyword in without:
        for part in (data, data.file_meta):
            if keyword in part:
                delattr(part, keyword)
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    data.save_as(path)
    return path


def odd_of(image: Image) -> tuple[str, ...]:
    """What is odd, but for the want of air in these little CTs."""
    return tuple(code for code in image.odd if code != "ct_no_hu")
