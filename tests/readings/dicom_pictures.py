"""DICOM pictures written word by word: what stands in the file is what the test says, whatever pydicom would write."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT, MR, US = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.6.1"


def write(path: Path, words: np.ndarray, *, syntax: str = ExplicitVRLittleEndian, **tags: object) -> Path:
    """Write (rows, columns), (frames, rows, columns) or, of bytes with a last side of 3, colours.

    Args:
        path: the file.
        words: what its pixel data hold.
        syntax: its transfer syntax.
        tags: elements by keyword; None leaves one out, a DataElement has a type of its own. `PixelData` may be a list
            of frames to encapsulate.
    """
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    colour = words.shape[-1] == 3 and words.dtype == np.uint8
    shape = words.shape[:-1] if colour else words.shape
    elements: dict[str, object] = {
        "SOPClassUID": MR,
        "SOPInstanceUID": generate_uid(),
        "Modality": "MR",
        "SamplesPerPixel": 3 if colour else 1,
        "PhotometricInterpretation": "RGB" if colour else "MONOCHROME2",
        "Rows": shape[-2],
        "Columns": shape[-1],
        "BitsAllocated": 8 * words.dtype.itemsize,
        "BitsStored": 8 * words.dtype.itemsize,
        "PixelRepresentation": int(words.dtype.kind == "i"),
        "PixelData": words.tobytes() + b"\0" * (words.nbytes % 2),
    }
    if colour:
        elements["PlanarConfiguration"] = 0
    if len(shape) == 3:
        elements["NumberOfFrames"] = shape[0]
    elements |= tags
    elements.setdefault("HighBit", int(elements["BitsStored"] or 1) - 1)  # type: ignore[call-overload]
    for keyword, value in elements.items():
        if keyword == "PixelData" and isinstance(value, list):
            data.PixelData = encapsulate(value)
            data["PixelData"].is_undefined_length = True
        elif isinstance(value, pydicom.DataElement):
            data.add(value)
        elif value is not None:
            setattr(data, keyword, value)
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.save_as(path, enforce_file_format=True)
    return path


def item(**tags: object) -> Dataset:
    """A data set of these elements, as an item of a sequence."""
    data = Dataset()
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    return data


def items(*each: pydicom.Dataset) -> Sequence:
    return Sequence(list(each))
