"""`read`: one file, or the files of one DICOM series, as one image, whatever the format."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from shiftscope.errors import Unreadable
from shiftscope.images.file_formats import RASTERS, sniff
from shiftscope.images.image import Image

__all__ = ["read"]


def read(paths: Path | Sequence[Path]) -> Image:
    """Read one image.

    Args:
        paths: a file, or the files or the folder of one DICOM series: they become one volume sorted by position.

    Raises:
        Unreadable: with the reason, a key of `shiftscope.errors.REASONS`, and the file to look at.
    """
    files = _files(paths)
    path = files[0]
    kind = sniff(path)
    if kind in RASTERS and len(files) == 1:
        from shiftscope.images.pictures.raster import read_raster

        image = read_raster(path, kind)
    elif kind in ("nifti", "nifti2", "nifti-pair", "mgh") and len(files) == 1:
        from shiftscope.images.nifti.volumes import read_volume

        image = read_volume(path, kind)
    elif kind == "dicom":
        from shiftscope.images.dicom.dicom_image import read_dicom

        image = read_dicom(files)
    elif kind is None:
        raise Unreadable(path, "not_an_image", _opening(path))
    else:
        raise Unreadable(path, "unsupported", f"{len(files)} {kind} files as one image; only a DICOM series is")
    return _checked(image, path)


def _checked(image: Image, path: Path) -> Image:
    """The image itself, when its pixels can be measured."""
    pixels = image.pixels
    if 0 in pixels.shape:
        raise Unreadable(path, "zero_size", f"shape {pixels.shape}")
    low, high = float(pixels.min()), float(pixels.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        share = 1 - float(np.isfinite(pixels).mean())
        raise Unreadable(
            path, "not_finite", f"{share:.2%} of the pixels are NaN or infinite; write the background's value there"
        )
    if low == high:
        raise Unreadable(path, "constant", f"every pixel is {low:g}")
    return replace(image, span=(low, high))


def _files(paths: Path | Sequence[Path]) -> list[Path]:
    if not isinstance(paths, Path):
        return list(paths)
    if not paths.is_dir():
        return [paths]
    files = [path for path in sorted(paths.iterdir()) if path.is_file() and path.stat().st_size and _is_dicom(path)]
    if not files:
        raise Unreadable(paths, "not_an_image", "a folder without DICOM files; only a DICOM series is read as a folder")
    return files


def _is_dicom(path: Path) -> bool:
    try:
        return sniff(path) == "dicom"
    except Unreadable:
        return False


def _opening(path: Path) -> str:
    """What the first bytes say, without repeating any: the file may be none of the site's images."""
    with path.open("rb") as file:
        text = file.read(12).isascii()
    return f"its first bytes are {'text' if text else 'those of no known format'}"
