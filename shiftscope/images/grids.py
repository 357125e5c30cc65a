"""How a volume lies in its file and in space: what it takes to write one that fits where another came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shiftscope.images.file_formats import sniff
from shiftscope.images.orientation import canonical, canonical_affine

__all__ = ["PixelGrid", "grid_of"]

_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM's patient axes run left and back, NIfTI's right and front


@dataclass(frozen=True, slots=True)
class PixelGrid:
    """The stored order of a volume's voxels, and their places.

    Attributes:
        shape: (i, j, k) voxels along the stored axes.
        affine: (4, 4) stored index -> position, NIfTI's axes (right, front, head), in the unit of `scale`.
        scale: millimetres of a unit.
        header: nibabel's header of a NIfTI file, None where the volume came from another format.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray
    scale: float = 1.0
    header: Any = None

    def stored(self, values: np.ndarray) -> np.ndarray:
        """(z, y, x[, c]) as `read` turns it -> (i, j, k[, c]) as the file has it; no value changes."""
        out = np.empty((*self.shape, *values.shape[3:]), values.dtype)
        canonical(out, self.patient_axes[:3, :3])[0][...] = values
        return out

    def resampled(self, shape: Sequence[int], spacing_mm: Sequence[float] | np.ndarray) -> "PixelGrid":
        """The grid of the same volume, resampled around its centre to other voxels; stored as (x, y, z).

        Args:
            shape: (z, y, x) voxels.
            spacing_mm: (z, y, x) of them.
        """
        old, old_shape = canonical_affine(self.patient_axes, self.shape)
        steps = old[:3, :3] / np.linalg.norm(old[:3, :3], axis=0) * np.asarray(spacing_mm)
        middle = old[:3, 3] + old[:3, :3] @ ((np.array(old_shape) - 1) / 2)
        affine = np.eye(4)
        affine[:3, :3] = steps[:, ::-1]
        affine[:3, 3] = middle - steps @ ((np.array(shape) - 1) / 2)
        z, y, x = shape
        return PixelGrid((x, y, z), _TO_RAS @ affine)

    @property
    def patient_axes(self) -> np.ndarray:
        """The affine in millimetres along DICOM's patient axes."""
        affine: np.ndarray = _TO_RAS @ self.affine
        affine[:3] *= self.scale
        return affine


def grid_of(paths: Sequence[Path]) -> PixelGrid | None:
    """The grid of the image that `read` makes of these files; None for pictures, and where the files do not place it.

    Raises:
        Unreadable: a file cannot be used.
    """
    kind = sniff(paths[0])
    if kind in ("nifti", "nifti2", "nifti-pair", "mgh"):
        from shiftscope.images.nifti.volumes import volume_grid

        shape, affine, scale, header = volume_grid(paths[0], kind)
    elif kind == "dicom":
        from shiftscope.images.dicom.dicom_image import series_grid

        found = series_grid(paths)
        if found is None:
            return None
        shape, affine = found
        affine, scale, header = _TO_RAS @ affine, 1.0, None
    else:
        return None
    placed = np.isfinite(affine).all() and np.linalg.matrix_rank(affine[:3, :3]) == 3
    return PixelGrid(shape, affine, scale, header) if placed else None
