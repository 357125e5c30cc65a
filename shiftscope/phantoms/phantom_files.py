"""Phantoms as PNG and NIfTI files: the same bytes for the same phantom."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image

from shiftscope.errors import UsageError
from shiftscope.phantoms.phantom import Phantom

__all__ = ["whole_numbers", "write_mask", "write_nifti", "write_png"]


def whole_numbers(pixels: np.ndarray, bits: int) -> np.ndarray:
    """0..1 as unsigned integers of `bits` bits, in the smallest type that holds them."""
    return np.rint(pixels * np.float32(2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def write_png(phantom: Phantom, path: Path) -> Path:
    """Write an 8-bit PNG, grey or RGB.

    Raises:
        UsageError: the phantom is a volume.
    """
    if phantom.mask.ndim != 2:
        raise UsageError(f"{path}: a PNG holds one slice, this phantom has {len(phantom.mask)}; write dicom or nifti")
    return _save_png(whole_numbers(phantom.pixels, 8), path)


def write_nifti(phantom: Phantom, path: Path, *, bits: int = 8) -> Path:
    """Write a NIfTI volume of unsigned integers of `bits` bits, one slice thick for a plane.

    Raises:
        UsageError: the phantom is in colour.
    """
    if phantom.is_colour:
        raise UsageError(f"{path}: a colour phantom does not fit a NIfTI volume; write png or dicom")
    return _save_nifti(whole_numbers(phantom.pixels, bits), phantom.spacing_mm, path)


def write_mask(phantom: Phantom, path: Path) -> Path:
    """Write the mask: 0 and 1 in a NIfTI volume where `path` says .nii.gz, else 0 and 255 in a PNG."""
    if path.name.endswith(".nii.gz"):
        return _save_nifti(phantom.mask, phantom.spacing_mm, path)
    return _save_png(phantom.mask * np.uint8(255), path)


def _save_png(pixels: np.ndarray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="PNG", compress_level=9 if pixels.size < 65536 else 6)
    return path


def _save_nifti(values: np.ndarray, spacing_mm: tuple[float, ...], path: Path) -> Path:
    """Rows run to the back and columns to the patient's left, as radiologists look at a slice: both negative in RAS."""
    volume = values if values.ndim == 3 else values[None]
    z, y, x = spacing_mm if len(spacing_mm) == 3 else (1.0, *spacing_mm)
    image = nib.Nifti1Image(np.ascontiguousarray(volume.transpose(2, 1, 0)), np.diag([-x, -y, z, 1.0]))
    image.header.set_xyzt_units("mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(image.to_bytes(), compresslevel=6, mtime=0))  # no clock in the bytes
    return path
