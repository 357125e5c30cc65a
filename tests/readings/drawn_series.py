"""A CT that shows what is drawn on it, and segmentations of it: the truth of tests on frames of masks."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

ROWS, COLUMNS, SLICES = 12, 16, 8
SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
AXIAL, PRONE, SAGITTAL = (1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0), (0, 1, 0, 0, 0, -1)
TRUTH = np.zeros((SLICES, ROWS, COLUMNS), np.uint8)  # slices as they lie, rows and columns as stored
TRUTH[2, 1:5, 2:9] = 1
TRUTH[3, 1:6, 2:9] = 1
TRUTH[5, 7:11, 10:15] = 2


def position(z: float, cosines: Sequence[float], gap: float = 4.0) -> list[float]:
    normal = np.cross(cosines[:3], cosines[3:])
    return list(np.array([-50.0, 30.0, 12.0]) + gap * z * normal)


def data_set(pixels: np.ndarray, **tags: object) -> pydicom.Dataset:
    data = pydicom.Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", generate_uid()
    data.Modality = "CT"
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape[-2:]
    data.BitsAllocated = data.BitsStored = 8 * pixels.dtype.itemsize
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(pixels.dtype.kind == "i")
    data.PixelData = pixels.tobytes()
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def series(folder: Path, cosines: Sequence[float] = AXIAL, uid: str = "1.2.3", **tags: object) -> tuple[Path, ...]:
    """A CT that shows the truth, its files in no order of position."""
    folder.mkdir()
    noise = np.random.default_rng(1).integers(-900, -800, TRUTH.shape).astype(np.int16)
    for z, picture in enumerate(noise + 1000 * TRUTH.astype(np.int16)):
        data_set(
            picture,
            ImagePositionPatient=position(z, cosines),
            ImageOrientationPatient=list(cosines),
            PixelSpacing=[1.5, 0.75],
            SliceThickness=4.0,
            InstanceNumber=SLICES - z,
            SeriesInstanceUID=uid,
            StudyInstanceUID="1.2",
            **tags,
        ).save_as(folder / f"{(5 * z) % SLICES}.dcm", enforce_file_format=True)
    return tuple(sorted(folder.iterdir()))


def item(**tags: object) -> Dataset:
    data = Dataset()
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    return data


def segmentation(
    path: Path,
    frames: Sequence[tuple[float, int, np.ndarray]],
    cosines: Sequence[float] = AXIAL,
    spacing: Sequence[float] = (1.5, 0.75),
    **tags: object,
) -> Path:
    """A segmentation of (slice, segment, (rows, columns)) frames; binary unless said otherwise."""
    stored = np.stack([frame for *_, frame in frames])
    data = data_set(stored.astype(np.uint8), NumberOfFrames=len(frames), Modality="SEG", SOPClassUID=SEGMENTATION)
    data.SegmentationType = "BINARY"
    data.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=list(cosines))],
            PixelMeasuresSequence=[item(PixelSpacing=list(spacing), SliceThickness=4.0)],
        )
    ]
    data.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=position(z, cosines))],
            SegmentIdentificationSequence=[item(ReferencedSegmentNumber=number)],
        )
        for z, number, _ in frames
    ]
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    if data.SegmentationType == "BINARY" and data.SOPClassUID == SEGMENTATION:
        data.PixelData = np.packbits(stored.reshape(-1) != 0, bitorder="little").tobytes()
        data.BitsAllocated = data.BitsStored = 1
        data.HighBit = 0
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.save_as(path, enforce_file_format=True)
    return path


SPARSE = [(5, 2, TRUTH[5] == 2), (3, 1, TRUTH[3] == 1), (2, 1, TRUTH[2] == 1)]


def expected_labels(image: np.ndarray) -> np.ndarray:
    """What the CT shows: 0, 1, 2."""
    return np.digitize(image, [-300, 700]).astype(np.uint8)
