"""Where the voxels of a NIfTI or MGH volume lie: which of the header's transforms holds, and what is odd about it.

NIfTI-1 has three ways. The sform is an affine, the qform a rotation with voxel sizes; each counts where its code is not
0, and the sform goes first. With both codes 0 the file gives sizes alone.
"""

from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import nibabel
import numpy as np
from nibabel.spatialimages import HeaderDataError

from shiftscope.images.nifti.volume_files import StoredVolume

__all__ = ["Place", "place_of"]

_MM = {1: 1000.0, 3: 0.001}
"""Code of the unit of length -> millimetres; all other codes count as millimetres."""

_UNIT_BITS = 7
_TO_PATIENT = np.diag([-1.0, -1.0, 1.0, 1.0])  # NIfTI's axes run right and front, DICOM's left and back
_SHEAR = 0.0175  # sine of one degree
_MISMATCH = 0.05
_LEAST_MM, _MOST_MM = 0.005, 50.0


@dataclass(frozen=True, slots=True)
class Place:
    """How voxels lie.

    Attributes:
        affine: (4, 4) stored index -> millimetres along DICOM's patient axes (left, back, head). Always of full rank:
            where the file says nothing that can be used, steps of 1 to the left, the back and the head.
        stored: the file's own, in its unit along NIfTI's axes (right, front, head); may be of no use.
        unit_mm: millimetres of that unit.
        placed: whether the file says so, and not only a convention.
        spaced: whether the file gives the distances between voxels.
        odd: keys of `ODDITIES`.
    """

    affine: np.ndarray
    stored: np.ndarray
    unit_mm: float
    placed: bool
    spaced: bool
    odd: tuple[str, ...] = ()


def place_of(volume: StoredVolume) -> Place:
    """The place of an open volume."""
    image = volume.image
    if isinstance(image, nibabel.Nifti1Pair):
        return _of_nifti(image, volume.raw)
    stored = np.array(image.affine, np.float64)
    if not volume.oriented or not _usable(stored):
        return _unknown(stored, 1.0, spaced=False)
    return Place(_TO_PATIENT @ stored, stored, 1.0, placed=True, spaced=True, odd=_odd_steps(stored))


def _of_nifti(image: Any, raw: Any) -> Place:
    header = image.header
    unit_mm = _MM.get(int(raw["xyzt_units"]) & _UNIT_BITS, 1.0)
    sizes = np.abs(np.array(raw["pixdim"][1:4], np.float64))[: min(3, len(image.shape))]
    sized = bool((sizes > 0).all() and np.isfinite(sizes).all())
    sform = np.array(header.get_sform(), np.float64) if header["sform_code"] != 0 else None
    qform = _qform(header)
    odd = []
    if sform is not None and qform is not None and not _usable(sform):
        sform, odd = None, ["broken_sform"]
    best = sform if sform is not None else qform
    if best is None or not _usable(best):
        stated = header["sform_code"] != 0 or header["qform_code"] != 0
        return _unknown(np.array(image.affine, np.float64), unit_mm, spaced=sized and not stated)
    affine = _TO_PATIENT @ np.diag([unit_mm] * 3 + [1.0]) @ best
    if sform is None and not sized:
        return Place(affine, best, unit_mm, placed=False, spaced=False, odd=(*odd, "no_spacing"))
    if sform is not None and qform is not None and _apart(sform, qform, image.shape) > 1:
        odd.append("two_places")
    steps = np.linalg.norm(best[:3, :3], axis=0)[: len(sizes)]
    if sized and (np.abs(sizes / steps - 1) > _MISMATCH).any():
        odd.append("two_spacings")
    return Place(affine, best, unit_mm, placed=True, spaced=True, odd=(*odd, *_odd_steps(affine)))


def _unknown(stored: np.ndarray, unit_mm: float, *, spaced: bool) -> Place:
    """Where the file gives no directions: nibabel's usual order where it has one, else as a DICOM slice lies."""
    known = _usable(stored)
    affine = _TO_PATIENT @ np.diag([unit_mm] * 3 + [1.0]) @ stored if known else np.eye(4)
    return Place(affine, stored, unit_mm, placed=False, spaced=spaced and known, odd=("no_orientation",))


def _qform(header: Any) -> np.ndarray | None:
    """The qform where its code is not 0 and it is one."""
    if header["qform_code"] == 0:
        return None
    try:
        found = np.array(header.get_qform(), np.float64)
    except HeaderDataError:  # quaternions of no rotation
        return None
    return found if _usable(found) else None


def _usable(affine: np.ndarray) -> bool:
    return bool(np.isfinite(affine).all() and np.linalg.matrix_rank(affine[:3, :3]) == 3)


def _apart(one: np.ndarray, other: np.ndarray, shape: tuple[int, ...]) -> float:
    """How far two affines put the corners of a volume apart, in voxels."""
    ends = [(0, length - 1) for length in (*shape, 1, 1)[:3]]
    corners = np.array([(*corner, 1) for corner in product(*ends)], np.float64)
    far = np.linalg.norm(corners @ (one - other).T, axis=1).max()
    return float(far / np.linalg.norm(one[:3, :3], axis=0).min())


def _odd_steps(affine: np.ndarray) -> tuple[str, ...]:
    """What is odd about the steps from voxel to voxel."""
    steps = affine[:3, :3]
    lengths = np.linalg.norm(steps, axis=0)
    odd = []
    if any(abs(steps[:, a] @ steps[:, b]) > _SHEAR * lengths[a] * lengths[b] for a, b in combinations(range(3), 2)):
        odd.append("sheared")
    if lengths.min() < _LEAST_MM or lengths.max() > _MOST_MM:
        odd.append("odd_spacing")
    return tuple(odd)
