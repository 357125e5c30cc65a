"""Phantoms as DICOM: valid files of the modality they stand for, the same bytes for the same phantom."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    UltrasoundImageStorage,
    VLEndoscopicImageStorage,
    generate_uid,
)

from shiftscope.phantoms.phantom import Phantom
from shiftscope.phantoms.phantom_files import whole_numbers

__all__ = ["SCANNERS", "Scanner", "write_dicom"]


@dataclass(frozen=True, slots=True)
class Scanner:
    """What a header says of the machine; the makers are made up.

    Attributes:
        manufacturer: Manufacturer.
        model: ManufacturerModelName.
        bits: bits stored per sample, 8 to 16.
        field_strength_t: of an MR scanner, else None.
        kvp: of an X-ray tube, else None.
    """

    manufacturer: str
    model: str
    bits: int = 8
    field_strength_t: float | None = None
    kvp: float | None = None


SCANNERS: dict[str, Scanner] = {
    "ultrasound": Scanner("Phantom Works", "Sono One"),
    "chest": Scanner("Phantom Works", "Ray One", bits=12, kvp=120),
    "brain": Scanner("Phantom Works", "Spin One", bits=12, field_strength_t=1.5),
    "endoscopy": Scanner("Phantom Works", "Scope One"),
}
"""The machine of an anatomy where nothing else is said."""

_MODALITIES: dict[str, tuple[str, UID]] = {
    "ultrasound": ("US", UltrasoundImageStorage),
    "chest": ("CR", ComputedRadiographyImageStorage),
    "brain": ("MR", MRImageStorage),
    "endoscopy": ("ES", VLEndoscopicImageStorage),
}


def write_dicom(phantom: Phantom, path: Path, *, scanner: Scanner | None = None, month: str = "2024-01") -> Path:
    """Write one file, or for a volume a series folder with one file per slice.

    Args:
        phantom: its `patient` becomes PatientID.
        path: the file to write, ending in .dcm; a series goes into the folder of that name without the suffix.
        scanner: `SCANNERS[phantom.anatomy]` where None.
        month: YYYY-MM of the study.

    Returns:
        the file or the folder.
    """
    machine = scanner or SCANNERS[phantom.anatomy]
    planes = whole_numbers(phantom.pixels, machine.bits)
    if phantom.mask.ndim == 2:
        targets = [path]
        planes = planes[None]
    else:
        targets = [path.with_suffix("") / f"{index + 1:04d}.dcm" for index in range(len(planes))]
    targets[0].parent.mkdir(parents=True, exist_ok=True)
    for index, (plane, target) in enumerate(zip(planes, targets, strict=True)):
        dataset = _header(phantom, machine, month, path.stem, index)
        _put_pixels(dataset, plane, machine.bits)
        dataset.save_as(target, enforce_file_format=True)
    return path if phantom.mask.ndim == 2 else path.with_suffix("")


def _header(phantom: Phantom, machine: Scanner, month: str, name: str, index: int) -> FileDataset:
    modality, storage = _MODALITIES[phantom.anatomy]
    instance = _uid(machine.model, phantom.patient, name, str(index))
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = storage
    meta.MediaStorageSOPInstanceUID = instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _uid("implementation")
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = storage, instance
    dataset.StudyInstanceUID = _uid(machine.model, phantom.patient, "study")
    dataset.SeriesInstanceUID = _uid(machine.model, phantom.patient, name, "series")
    dataset.PatientID, dataset.PatientName = phantom.patient, f"Phantom^{phantom.patient}"
    dataset.StudyDate = month.replace("-", "") + "01"
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "1", 1, index + 1
    dataset.Modality = modality
    dataset.Manufacturer, dataset.ManufacturerModelName = machine.manufacturer, machine.model
    if machine.field_strength_t is not None:
        dataset.MagneticFieldStrength = machine.field_strength_t
    if machine.kvp is not None:
        dataset.KVP = machine.kvp
    _put_geometry(dataset, phantom, index)
    return dataset


def _put_geometry(dataset: Dataset, phantom: Phantom, index: int) -> None:
    *through, rows, columns = (round(step, 6) for step in phantom.spacing_mm)
    if phantom.anatomy == "endoscopy":
        return  # a camera has no scale
    dataset.PixelSpacing = [rows, columns]
    if phantom.anatomy == "ultrasound":  # the scale of an ultrasound frame is stated per region, in centimetres
        region = Dataset()
        region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
        region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
        region.RegionLocationMaxX1, region.RegionLocationMaxY1 = phantom.mask.shape[1] - 1, phantom.mask.shape[0] - 1
        region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
        region.PhysicalDeltaX, region.PhysicalDeltaY = columns / 10, rows / 10
        dataset.SequenceOfUltrasoundRegions = Sequence([region])
    if phantom.anatomy == "brain":
        step = through[0] if through else 5.0
        dataset.SliceThickness = dataset.SpacingBetweenSlices = step
        dataset.ImagePositionPatient = [0.0, 0.0, round(index * step, 6)]
        dataset.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def _put_pixels(dataset: Dataset, plane: np.ndarray, bits: int) -> None:
    colour = plane.ndim == 3
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = plane.shape[:2]
    dataset.BitsAllocated = 8 if bits == 8 else 16
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits - 1, 0
    dataset.PixelData = np.ascontiguousarray(plane).tobytes() + b"\0" * (plane.nbytes % 2)
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"


def _uid(*parts: str) -> UID:
    """A UID that depends on `parts` alone."""
    return generate_uid(entropy_srcs=["shiftscope.phantoms", *parts])
