"""Small DICOM data sets and files, for any test that reads them."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

__all__ = ["MR", "dataset", "saved"]

MR = "1.2.840.10008.5.1.4.1.1.4"


def dataset(pixels: np.ndarray | None, **tags: object) -> Dataset:
    """A data set of (rows, columns[, 3]) or, with NumberOfFrames, (frames, rows, columns[, 3]) integer pixels.

    Args:
        pixels: None for a file without a picture.
        tags: set last, in the order given; the default is an MR image.
    """
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = MR, generate_uid(), "MR"
    if pixels is not None:
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
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def saved(data: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> Path:
    """Write a data set as a file of a transfer syntax; folders are made where they are missing."""
    data.file_meta.TransferSyntaxUID = syntax
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path
