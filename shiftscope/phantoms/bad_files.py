"""Every kind of bad file that turns up in a hospital's folder."""

import gzip
import struct
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import BasicTextSRStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

__all__ = ["BAD_FILES", "GOOD_FILES", "LITTER", "break_site"]

BAD_FILES: dict[str, str] = {
    "images/empty.png": "empty",
    "images/empty.dcm": "empty",
    "images/truncated.png": "truncated",
    "images/truncated.nii.gz": "truncated",
    "images/letter.png": "not_an_image",
    "images/letter.dcm": "not_an_image",
    "images/report.dcm": "beside_images",
    "images/header.dcm": "no_pixels",
    "images/no_rows.dcm": "zero_size",
    "images/no_width.png": "zero_size",
    "images/scrambled.png": "undecodable",
    "images/blank.png": "constant",
    "images/blank.nii.gz": "constant",
    "images/not_a_number.nii.gz": "not_finite",
    "images/other_size.png": "mask_size",
    "masks/orphan.png": "mask_without_image",
}
"""path in the site -> the key of `REASONS` it should be counted under; masks of these images are fine."""

GOOD_FILES: tuple[str, ...] = ("images/no_mask.png", "images/really_a_png.jpg")
"""Odd but usable: an image nobody annotated, and one whose suffix lies."""

LITTER: tuple[str, ...] = (".DS_Store", "images/Thumbs.db", "images/._p001.png", "README.txt", "images/notes.txt")
"""What operating systems and people leave behind; no site means these as images."""


def break_site(folder: Path) -> None:
    """Add `BAD_FILES`, `GOOD_FILES` and `LITTER`, and the owner's statement, to a site of PNG images and masks.

    Args:
        folder: written by `write_site(..., layout="images+masks", format="png")` with at least one phantom.
    """
    images, masks = folder / "images", folder / "masks"
    added = {*BAD_FILES, *GOOD_FILES, *LITTER}
    good = next(path for path in sorted(images.glob("*.png")) if f"images/{path.name}" not in added)
    png, mask = good.read_bytes(), (masks / good.name).read_bytes()
    with Image.open(good) as opened:
        width, height = opened.size

    _write(images / "empty.png", b"")
    _write(images / "empty.dcm", b"")
    _write(images / "truncated.png", png[: len(png) // 2])
    whole = _nifti(np.random.default_rng(0).integers(0, 255, (16, 16, 4)).astype(np.uint8))
    _write(images / "truncated.nii.gz", whole[: len(whole) // 2])
    _write(images / "letter.png", b"Dear colleague, please find the images on the enclosed disc.\n")
    _write(images / "letter.dcm", b"Dear colleague, please find the images on the enclosed disc.\n")
    _dicom(Dataset(), BasicTextSRStorage, "SR").save_as(images / "report.dcm", enforce_file_format=True)
    _without_pixels().save_as(images / "header.dcm", enforce_file_format=True)
    _without_rows().save_as(images / "no_rows.dcm", enforce_file_format=True)
    _write(images / "no_width.png", _png_of_no_width())
    _write(images / "scrambled.png", _scrambled(png))
    Image.new("L", (width, height), 0).save(images / "blank.png")
    _write(images / "blank.nii.gz", _nifti(np.zeros((8, 8, 2), np.uint8)))
    _write(images / "not_a_number.nii.gz", _nifti(np.full((8, 8, 2), np.nan, np.float32)))
    _write(images / "other_size.png", png)
    Image.new("L", (width // 2, height), 255).save(masks / "other_size.png")
    _write(masks / "orphan.png", mask)
    _write(folder / "site.toml", b"one_file_per_patient = true  # although some of the odd files are copies\n")

    _write(images / "no_mask.png", png)
    _write(images / "really_a_png.jpg", png)
    _write(masks / "really_a_png.png", mask)

    for name in LITTER:
        _write(folder / name, b"\x00\x05\x16\x07 Mac OS X" if "._" in name else b"left behind\n")


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _nifti(volume: np.ndarray) -> bytes:
    return gzip.compress(nib.Nifti1Image(volume, np.eye(4)).to_bytes(), mtime=0)


def _dicom(dataset: Dataset, storage: str, modality: str) -> Dataset:
    """A file that says who and what, and holds no pixels."""
    instance = generate_uid(entropy_srcs=["shiftscope.phantoms", modality])
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = storage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = instance
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationClassUID = generate_uid(entropy_srcs=["shiftscope.phantoms", "implementation"])
    dataset.PatientID, dataset.Modality = "p999", modality
    return dataset


def _without_pixels() -> Dataset:
    """The header of an image that was exported without it."""
    dataset = _dicom(Dataset(), MRImageStorage, "MR")
    dataset.Rows = dataset.Columns = 64
    return dataset


def _without_rows() -> Dataset:
    dataset = _dicom(Dataset(), MRImageStorage, "MR")
    dataset.Rows = dataset.Columns = 0
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = b"\0\0"
    dataset["PixelData"].VR = "OW"
    return dataset


def _png_of_no_width() -> bytes:
    """A PNG whose header says 0 x 0."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 0, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def _scrambled(png: bytes) -> bytes:
    """A PNG of the right length whose compressed pixels are noise."""
    start = png.index(b"IDAT") + 4
    noise = np.random.default_rng(0).bytes(len(png) - start - 16)
    return png[:start] + noise + png[-16:]
