"""Files of every kind, written for one test."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

WriteDicom = Callable[..., Path]


@pytest.fixture
def gradient() -> np.ndarray:
    """(40, 50) uint8 with every row and column different: no turn or flip leaves it as it is."""
    return (np.add.outer(3 * np.arange(40), 2 * np.arange(50)) % 251).astype(np.uint8)


@pytest.fixture
def coloured(gradient: np.ndarray) -> np.ndarray:
    """(40, 50, 3) uint8, truly coloured."""
    return np.stack([gradient, gradient[::-1], 255 - gradient], axis=-1)


@pytest.fixture
def write_dicom(tmp_path: Path) -> WriteDicom:
    """Write pixels as DICOM: write_dicom(name, pixels, Keyword=value, ...) -> path."""

    def write(name: str, pixels: np.ndarray, *, syntax: str = ExplicitVRLittleEndian, **tags: object) -> Path:
        data = dataset(pixels, **tags)
        data.file_meta.TransferSyntaxUID = syntax
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data.save_as(path, enforce_file_format=True)
        return path

    return write


def dataset(pixels: np.ndarray, **tags: object) -> pydicom.Dataset:
    """A data set of (rows, columns[, 3]) or, with NumberOfFrames, (frames, rows, columns[, 3]) integer pixels."""
    data = pydicom.Dataset()
    data.file_meta = FileMetaDataset()
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    data.SOPInstanceUID = generate_uid()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.Modality = "MR"
    colour = pixels.shape[-1] == 3 and pixels.dtype == np.uint8
    data.SamplesPerPixel = 3 if colour else 1
    data.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        data.PlanarConfiguration = 0
    data.Rows, data.Columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    data.BitsAllocated = data.BitsStored = 8 * pixels.dtype.itemsize
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    data.PixelData = pixels.tobytes()
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    return data


@pytest.fixture(name="dataset")
def dataset_fixture() -> Callable[..., pydicom.Dataset]:
    """`dataset` itself, for tests that change more than tags."""
    return dataset
