"""Pixels on the display scale back to files that `read` sees in the same way: PNG, TIFF, NIfTI.

JPEG is never written: it is lossy. A derived DICOM is not either: it would have to carry the patient's header, new UIDs
and a description of what was done to stand beside its source in an archive, which is an archive's business.
"""

import gzip
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image as Pillow

from shiftscope.images.grids import PixelGrid
from shiftscope.images.nifti.volumes import DISPLAY_MARK

__all__ = ["write_image", "write_labels"]

_TEXTS = ("descrip", "aux_file", "intent_name", "db_name", "data_type")  # free text that may name somebody
_MOST = 32767  # voxels along a side that NIfTI-1 can count
_RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])


def write_image(pixels: np.ndarray, stem: Path, grid: PixelGrid | None = None) -> Path:
    """Write an image on the display scale, as a model sees it.

    On a grid: NIfTI, 32-bit floats with the header's display range 0 to 1, in colour 8 bits a channel. Without one: a
    PNG, several slices a TIFF, of 16 bits for grey and 8 bits a channel for colour. Exact zeros stay exact zeros.

    Args:
        pixels: (z, c, y, x) in [0, 1], c = 1 or 3; three equal channels are written as grey.
        stem: the file without its suffix.
        grid: where the volume's voxels lie.

    Returns:
        The file.
    """
    if pixels.shape[1] == 3 and (pixels == pixels[:, :1]).all():
        pixels = pixels[:, :1]
    if pixels.shape[1] == 3:
        values = np.rint(np.moveaxis(pixels, 1, -1) * 255).astype(np.uint8)
        return _write(values if grid is None else grid.stored(values).view(_RGB)[..., 0], stem, grid)
    if grid is None:
        return _write(np.rint(pixels[:, 0] * np.float64(65535)).astype(np.uint16), stem, None)
    return _write(grid.stored(pixels[:, 0].astype(np.float32)), stem, grid)


def write_labels(labels: np.ndarray, stem: Path, grid: PixelGrid | None = None) -> Path:
    """Write a mask for `read_mask`: labels in a volume; 0 and 255, or class ids, in a picture.

    Args:
        labels: (z, y, x) uint8 or uint16.
        stem, grid: as for `write_image`.
    """
    if grid is not None:
        return _write(grid.stored(labels), stem, grid, displayed=False)
    return _write(labels * np.uint8(255) if labels.max(initial=0) <= 1 else labels, stem, None)


def _write(values: np.ndarray, stem: Path, grid: PixelGrid | None, *, displayed: bool = True) -> Path:
    stem.parent.mkdir(parents=True, exist_ok=True)
    if grid is not None:
        path = stem.with_name(stem.name + ".nii.gz")
        path.write_bytes(gzip.compress(_volume(values, grid, displayed).to_bytes(), compresslevel=6, mtime=0))
    elif len(values) == 1:
        path = stem.with_name(stem.name + ".png")
        Pillow.fromarray(values[0]).save(path, format="PNG")
    else:
        import tifffile

        path = stem.with_name(stem.name + ".tif")
        tifffile.imwrite(path, values, photometric="rgb" if values.ndim == 4 else "minisblack", metadata=None)
    return path


def _volume(values: np.ndarray, grid: PixelGrid, displayed: bool) -> nibabel.Nifti1Image:
    """The image with its source's geometry to the last field of the header, and none of its texts."""
    kind = nibabel.Nifti1Image if max(values.shape) <= _MOST else nibabel.Nifti2Image
    image = kind(values, grid.affine, grid.header)
    header = image.header
    header.set_data_dtype(values.dtype)
    header.set_slope_inter(1, 0)
    header.extensions.clear()
    for name in _TEXTS:
        if name in header.keys():  # noqa: SIM118  (not a dict)
            header[name] = b""
    header["cal_min"], header["cal_max"] = (0, 1) if displayed else (0, 0)
    header["descrip"] = DISPLAY_MARK if displayed else b""
    if grid.header is None:
        header.set_xyzt_units({1000.0: "meter", 0.001: "micron"}.get(grid.scale, "mm"))
    return image
