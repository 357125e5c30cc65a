"""NIfTI-1, NIfTI-2 and MGH volumes, gzipped or not, whatever the file is called.

A time series, diffusion series or any other stack of volumes contributes its first volume: the same one that a DICOM
series of it does. Vector and complex volumes, surfaces and CIFTI have no picture to offer. Sidecars give modality and
scanner (`sidecars`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from shiftscope.images.acquisition import acquisition
from shiftscope.images.image import Image
from shiftscope.images.nifti.hounsfield import are_hounsfield, are_shifted_hounsfield, below_water, far_below_zero
from shiftscope.images.nifti.numbers import all_numbers_of, numbers_of, without_fill, without_wrap
from shiftscope.images.nifti.sidecars import Sidecar, sidecar_of
from shiftscope.images.nifti.transforms import place_of
from shiftscope.images.nifti.volume_files import opened, refuse_cut, refuse_other_meanings, unreadable_on_error
from shiftscope.images.orientation import canonical, canonical_affine
from shiftscope.images.percentiles import CT_WINDOW_HU, even_sample, percentile_range

__all__ = ["DISPLAY_MARK", "Volume", "load_volume", "read_volume", "stored_volume", "volume_grid"]

DISPLAY_MARK = b"shiftscope: seen from cal_min to cal_max"
"""Description of a volume that was written on the display scale: its percentiles must not stretch it again."""

_SAMPLE = 30_000  # values by which Hounsfield units are recognised: a share of 1 % to a tenth of itself


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume as it is stored, turned as `orientation.canonical` turns every volume.

    Attributes:
        values: (z, y, x), or (z, y, x, 3) for RGB, scaled; in the stored dtype where the file defines no scaling.
        affine: as `Image.affine`.
        spacing_mm: as `Image.spacing_mm`.
        stored: the dtype of the file's voxels.
        scaled: whether the file scales them.
        window: the range a copy of shiftscope's was written to be seen in, None for all else.
        odd: as `Image.odd`.
    """

    values: np.ndarray
    affine: np.ndarray | None
    spacing_mm: tuple[float, float, float] | None
    stored: np.dtype[Any]
    scaled: bool
    window: tuple[float, float] | None
    odd: tuple[str, ...]


def read_volume(path: Path, kind: str) -> Image:
    """Read a volume.

    Grey volumes keep their scaled values. They are seen through the CT window when they hold Hounsfield units, which a
    sidecar or the values show (`hounsfield`), between their percentiles otherwise. RGB volumes are divided by 255. What
    shiftscope wrote is seen between the `cal_min` and `cal_max` of its header.

    Args:
        path: the file.
        kind: "nifti", "nifti2", "nifti-pair" or "mgh", as `file_formats.sniff` found it.

    Raises:
        Unreadable: see `load_volume`; "unsupported" for values that no scanner gives.
    """
    volume = load_volume(path, kind)
    sidecar = sidecar_of(path)
    tags = acquisition({**sidecar.tags, "bits": 8 * volume.stored.itemsize}, volume.spacing_mm)
    odd = [*volume.odd, *(["broken_sidecar"] if sidecar.broken else [])]
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is refused as such
        pixels = np.ascontiguousarray(volume.values, np.float32)
    if pixels.ndim == 4:
        display, pixels = (0.0, 1.0), pixels / np.float32(255)
    elif volume.window:
        display = volume.window
    else:
        pixels, mended = _mended(pixels, volume, path)
        display, doubtful = _display(pixels, sidecar)
        odd += mended + doubtful
    return Image(pixels, display, volume.spacing_mm, sidecar.modality, tags, affine=volume.affine, odd=tuple(odd))


def load_volume(path: Path, kind: str) -> Volume:
    """A volume with its place, for images and masks alike.

    Raises:
        Unreadable: "truncated", "zero_size", "unsupported", "missing" (a pair's other file) or "undecodable".
    """
    with unreadable_on_error(path, kind), opened(path, kind) as found:
        image = found.image
        refuse_other_meanings(path, image)
        longer = refuse_cut(path, image)
        values, odd = numbers_of(found, path)
        place, window, stored = place_of(found), _window(image.header), image.get_data_dtype()
        scaled = isinstance(image, nibabel.Nifti1Pair) and (image.dataobj.slope, image.dataobj.inter) != (1, 0)
    turned, spacing = canonical(values, place.affine[:3, :3])
    return Volume(
        values=turned,
        affine=canonical_affine(place.affine, values.shape[:3])[0] if place.placed else None,
        spacing_mm=spacing if place.spaced else None,
        stored=stored,
        scaled=scaled,
        window=window,
        odd=(*place.odd, *odd, *(["more_than_counted"] if longer else [])),
    )


def stored_volume(path: Path, kind: str) -> tuple[np.ndarray, np.ndarray | None]:
    """All values of a volume as they are stored, and where its header puts them.

    Returns:
        (i, j, k, volumes), of RGB (i, j, k, volumes, 3), in the stored dtype where the file defines no scaling; and
        (4, 4) stored index -> millimetres along DICOM's patient axes, None where the header says nothing.

    Raises:
        Unreadable: as `load_volume`.
    """
    with unreadable_on_error(path, kind), opened(path, kind) as found:
        refuse_other_meanings(path, found.image)
        refuse_cut(path, found.image)
        values, place = all_numbers_of(found, path), place_of(found)
    return values, place.affine if place.placed else None


def volume_grid(path: Path, kind: str) -> tuple[tuple[int, int, int], np.ndarray, float, Any]:
    """How a volume is stored: (i, j, k), its affine, millimetres of a unit, and the header of a NIfTI file or None.

    Raises:
        Unreadable: the file is broken.
    """
    with unreadable_on_error(path, kind), opened(path, kind) as found:
        image = found.image
        i, j, k = (*map(int, image.shape[:3]), 1, 1)[:3]
        header = image.header.copy() if isinstance(image, nibabel.Nifti1Pair) else None
        place = place_of(found)
        return (i, j, k), place.stored, place.unit_mm, header


def _mended(pixels: np.ndarray, volume: Volume, path: Path) -> tuple[np.ndarray, list[str]]:
    """Grey values as they were measured, where a number stands for nothing measured or lost its sign."""
    low, high = float(pixels.min()), float(pixels.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        return pixels, []  # whoever reads refuses it
    if (filled := without_fill(pixels, low, high, path)) is not None:
        return filled, ["fill_value"]
    if volume.stored == np.uint16 and not volume.scaled and (wrapped := without_wrap(pixels, low, high)) is not None:
        return wrapped, ["wrapped_values"]
    return pixels, []


def _display(pixels: np.ndarray, sidecar: Sidecar) -> tuple[tuple[float, float], list[str]]:
    """The display range of grey values, by what sidecars say they are, else by what they look like."""
    sample = even_sample(pixels, _SAMPLE).copy()  # one walk over memory, however often it is looked at
    if not np.isfinite(sample).all():
        return percentile_range(pixels), []
    said = (
        sidecar.hounsfield if sidecar.hounsfield is not None or sidecar.modality is None else sidecar.modality == "CT"
    )
    if (said and below_water(sample)) or (said is None and are_hounsfield(sample)):
        return CT_WINDOW_HU, []
    if said or (said is None and are_shifted_hounsfield(sample)):
        return percentile_range(pixels), ["counted_from_zero"]
    return percentile_range(pixels), ["far_below_zero"] if said is None and far_below_zero(sample) else []


def _window(header: Any) -> tuple[float, float] | None:
    """The display range of a volume that shiftscope wrote."""
    if "descrip" not in header.keys() or bytes(header["descrip"]).rstrip(b"\0") != DISPLAY_MARK:  # noqa: SIM118  (not a dict)
        return None
    return float(header["cal_min"]), float(header["cal_max"])
