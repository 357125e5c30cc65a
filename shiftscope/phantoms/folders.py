"""A hospital's folder: phantoms written in the layouts and formats that real sites keep."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from shiftscope.errors import UsageError
from shiftscope.phantoms.dicoms import SCANNERS, Scanner, write_dicom
from shiftscope.phantoms.phantom import Phantom
from shiftscope.phantoms.phantom_files import write_mask, write_nifti, write_png

__all__ = ["FORMATS", "LAYOUTS", "Format", "Layout", "write_site"]

Layout = Literal["images+masks", "classes", "manifest"]
Format = Literal["png", "dicom", "nifti"]
LAYOUTS: tuple[Layout, ...] = ("images+masks", "classes", "manifest")
FORMATS: tuple[Format, ...] = ("png", "dicom", "nifti")

_SUFFIXES: dict[Format, str] = {"png": ".png", "dicom": ".dcm", "nifti": ".nii.gz"}


def write_site(
    phantoms: Iterable[Phantom],
    folder: Path,
    *,
    layout: Layout = "images+masks",
    format: Format = "png",
    scanner: Scanner | None = None,
) -> Path:
    """Write phantoms as one hospital would keep them.

    `images+masks` writes `images/NAME` and `masks/NAME`, `classes` writes `LABEL/NAME` and no masks, and `manifest`
    writes what `images+masks` writes plus `manifest.csv` with the columns image, mask, label, patient. Masks are PNG
    beside PNG and DICOM planes, NIfTI beside NIfTI and volumes.

    Args:
        phantoms: one per file; phantoms without a patient are numbered p001, p002, ... in order, one patient each.
        folder: made where it is missing.
        layout: see above.
        format: format of the images.
        scanner: what DICOM headers say of the machine, and the bits of DICOM and NIfTI; by anatomy where None.

    Returns:
        `folder`.

    Raises:
        UsageError: a layout or format that is not offered, or one that cannot hold these phantoms.
    """
    if layout not in LAYOUTS or format not in FORMATS:
        raise UsageError(f"{folder}: layout {layout!r} in format {format!r}: expected one of {LAYOUTS} and {FORMATS}")
    suffix = _SUFFIXES[format]
    rows: list[dict[str, str]] = []
    image_counts: dict[str, int] = {}
    for index, phantom in enumerate(phantoms):
        subject = phantom if phantom.patient else replace(phantom, patient=f"p{index + 1:03d}")
        number = image_counts[subject.patient] = image_counts.get(subject.patient, 0) + 1
        name = subject.patient if number == 1 else f"{subject.patient}_{number}"
        parent = folder / (subject.label if layout == "classes" else "images")
        image = _write_image(subject, parent / (name + suffix), format, scanner, month=f"2024-{index % 12 + 1:02d}")
        row = {"image": image.relative_to(folder).as_posix(), "mask": "", "label": subject.label}
        if layout != "classes":
            beside = ".nii.gz" if format == "nifti" or subject.mask.ndim == 3 else ".png"
            row["mask"] = write_mask(subject, folder / "masks" / (name + beside)).relative_to(folder).as_posix()
        rows.append({**row, "patient": subject.patient})
    if layout == "manifest":
        with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ("image", "mask", "label", "patient"), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def _write_image(phantom: Phantom, path: Path, format: Format, scanner: Scanner | None, month: str) -> Path:
    if format == "png":
        return write_png(phantom, path)
    if format == "nifti":
        return write_nifti(phantom, path, bits=(scanner or SCANNERS[phantom.anatomy]).bits)
    return write_dicom(phantom, path, scanner=scanner, month=month)
