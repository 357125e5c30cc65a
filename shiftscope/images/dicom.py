"""DICOM: one file, or the files of one series, as an image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom

from shiftscope.errors import Unreadable
from shiftscope.images.dicom_display import acquisition_of, display_of
from shiftscope.images.dicom_errors import refusing
from shiftscope.images.dicom_geometry import Plane, frame_planes, kept_frames, ordered, plane_of, spacing_of, unmosaic
from shiftscope.images.dicom_pixels import Pixels, has_pixels, physical
from shiftscope.images.formats import sniff
from shiftscope.images.image import Image
from shiftscope.images.orientation import canonical, canonical_affine
from shiftscope.images.quiet import quiet
from shiftscope.images.raster import grey_if_equal

__all__ = ["SEGMENTATION", "directions", "open_dataset", "read_dicom", "series_grid"]

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def read_dicom(paths: Sequence[Path]) -> Image:
    """Read a file or a series.

    Raises:
        Unreadable: naming the file at fault; slices that differ in size are "unsupported".
    """
    with refusing(paths[0], "the data set"):
        return _read(paths)


def _read(paths: Sequence[Path]) -> Image:
    first, files, planes = _in_order(paths)
    if len(files) == 1:
        values, pixels, planes = _one(first, files[0])
    else:
        values, pixels = _stack(files)
    values = grey_if_equal(values)
    spacing: tuple[float, float, float] | None = None
    step = spacing_of(first)
    if step is not None:
        between = _gap(planes) or step[0]
        spacing = (between or 1.0, step[1], step[2]) if between or len(values) == 1 else None
    affine = None
    if planes and planes[0].known and spacing and len(planes) == len(values):
        placed = np.eye(4)
        placed[:3, :3], placed[:3, 3] = directions(planes[0], spacing), planes[0].position
        affine = canonical_affine(placed, np.moveaxis(values, 0, 2).shape[:3])[0]
    if planes and planes[0].across is not None:
        values, turned = canonical(np.moveaxis(values, 0, 2), directions(planes[0], spacing))
        spacing = turned if spacing else None
    values, display = display_of(first, np.ascontiguousarray(values), pixels)
    return Image(
        pixels=values,
        display=display,
        spacing_mm=spacing,
        modality=str(first.get("Modality") or "") or None,
        acquisition=acquisition_of(first, spacing),
        patient=str(first.get("PatientID") or "").strip() or None,
        affine=affine,
    )


def series_grid(paths: Sequence[Path]) -> tuple[tuple[int, int, int], np.ndarray] | None:
    """How the volume that `read_dicom` makes of a series lies in space, with x, y, z as its stored axes.

    Returns:
        Its (x, y, z) voxels and a (4, 4) affine to millimetres along DICOM's patient axes; None for a single slice, and
        where spacing, position or orientation are not told.

    Raises:
        Unreadable: naming the file at fault.
    """
    with refusing(paths[0], "the data set"):
        first, files, planes = _in_order(paths)
        if len(files) == 1:
            kept, planes = kept_frames(first), frame_planes(first)
            planes = [planes[n] for n in kept] if kept and planes else []
        step, gap = spacing_of(first), _gap(planes)
        if step is None or gap is None or _is_mosaic(first):
            return None
        affine = np.eye(4)
        affine[:3, :3] = directions(planes[0], (gap, step[1], step[2]))[:, [1, 0, 2]]
        affine[:3, 3] = planes[0].position
        return (int(first.Columns), int(first.Rows), len(planes)), affine


def open_dataset(path: Path) -> pydicom.Dataset:
    """Read a whole data set that holds a picture.

    Raises:
        Unreadable: not DICOM, broken, cut off, or without pixels.
    """
    quiet()
    if sniff(path) != "dicom":
        raise Unreadable(path, "not_an_image", "expected a DICOM file")
    data = pydicom.dcmread(path, force=True)
    sides = data.get("Rows"), data.get("Columns")
    kind = data.get("SOPClassUID")
    named = f"a {kind.name}" if kind else "no SOP class"
    if not has_pixels(data):
        if not len(data) and path.stat().st_size > 1024:
            raise Unreadable(path, "truncated", "the pixel data end before their last frame")
        raise Unreadable(path, "no_pixels", f"{named} without pixel data")
    if sides[0] is None or sides[1] is None:
        raise Unreadable(path, "undecodable", f"{named} with pixel data but without Rows and Columns")
    if 0 in sides:
        raise Unreadable(path, "zero_size", f"{sides[0]} rows, {sides[1]} columns")
    return data


def _in_order(paths: Sequence[Path]) -> tuple[pydicom.Dataset, list[tuple[Path, pydicom.Dataset]], list[Plane]]:
    """The files that make the volume, in order, the first of them, and their planes.

    Slices are sorted along their normal. Where several lie in one place (time points, echoes, gradients) the one with
    the lowest instance number stands: the first volume. Without positions the instance number orders the slices.
    """
    opened = []
    for path in paths:
        with refusing(path, "the data set"):
            opened.append((path, open_dataset(path)))
    series = {str(data.get("SeriesInstanceUID") or "") for _, data in opened}
    if len(series) > 1:
        raise Unreadable(paths[0].parent, "unsupported", f"{len(series)} series as one image; give one at a time")
    opened.sort(key=lambda each: (_number(each[1]), str(each[0])))
    if opened[0][1].get("NumberOfFrames", 1) not in (None, "", 1) or _is_mosaic(opened[0][1]):
        opened = opened[:1]  # each file is a volume of its own: the first time point stands
    planes = [plane_of(data) for _, data in opened]
    if len(opened) > 1 and all(plane.known for plane in planes):
        order = ordered(planes)
        opened, planes = [opened[n] for n in order], [planes[n] for n in order]
    return opened[0][1], opened, planes


def _one(data: pydicom.Dataset, file: tuple[Path, pydicom.Dataset]) -> tuple[np.ndarray, Pixels, list[Plane]]:
    """A file on its own: a picture, a multi-frame volume, the middle of a film, or a mosaic."""
    path = file[0]
    if data.get("SOPClassUID") == SEGMENTATION:
        raise Unreadable(path, "unsupported", "a DICOM segmentation is a mask, not an image; put it with the masks")
    if str(data.get("SOPClassUID") or "").startswith(_WHOLE_SLIDE):
        raise Unreadable(path, "unsupported", "a whole-slide image; export regions of interest as pictures")
    kept = kept_frames(data)
    film = kept is not None and len(kept) == 1
    pixels = physical(data, path, frame=kept[0] if kept and film else None)
    values = pixels.values[kept] if kept and not film else pixels.values
    planes = frame_planes(data)
    planes = [planes[n] for n in kept] if kept and planes else [plane_of(data)]
    if _is_mosaic(data):
        slices = unmosaic(data, values)
        if slices is None:
            raise Unreadable(
                path, "unsupported", "a mosaic that does not say how many slices it holds; convert it to NIfTI"
            )
        values = slices
    return values, pixels, planes


def _stack(files: Sequence[tuple[Path, pydicom.Dataset]]) -> tuple[np.ndarray, Pixels]:
    """The files' pictures as (z, y, x[, 3]); each file's raw bytes are dropped as soon as it is decoded."""
    volume: np.ndarray | None = None
    for z, (path, data) in enumerate(files):
        pixels = physical(data, path)
        picture = pixels.values[0]
        if volume is None:
            volume = np.empty((len(files), *picture.shape), np.float32)
        if picture.shape != volume.shape[1:]:
            raise Unreadable(path, "unsupported", f"a slice of {picture.shape} in a series of {volume.shape[1:]}")
        volume[z] = picture
        if z:
            del data.PixelData
    if volume is None:
        raise ValueError("a series without files")
    return volume, pixels


def _gap(planes: Sequence[Plane]) -> float | None:
    """The median distance of neighbouring slices in millimetres."""
    if len(planes) < 2 or not all(plane.known for plane in planes):
        return None
    normal = planes[0].normal
    depths = [float(np.dot(plane.position, normal)) for plane in planes]  # type: ignore[arg-type]
    return float(np.median(np.diff(depths)))


def directions(plane: Plane, spacing: tuple[float, float, float] | None) -> np.ndarray:
    """Steps in millimetres along (row index, column index, slice index): (3, 3), one column each."""
    z, y, x = spacing or (1.0, 1.0, 1.0)
    if plane.across is None or plane.down is None:
        return np.diag([1.0, 1.0, 1.0])
    return np.stack([plane.down * y, plane.across * x, plane.normal * z], axis=1)


def _is_mosaic(data: pydicom.Dataset) -> bool:
    return "MOSAIC" in (data.get("ImageType") or ())


def _number(data: pydicom.Dataset) -> int:
    try:
        return int(data.get("InstanceNumber") or 0)
    except (TypeError, ValueError):
        return 0
