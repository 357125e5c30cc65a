"""DICOM: one file, or the files of one series, as an image."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from shiftscope.errors import Unreadable
from shiftscope.images.dicom.display_range import acquisition_of, display_of
from shiftscope.images.dicom.mosaics import is_mosaic, unmosaic
from shiftscope.images.dicom.objects import (
    CAPTURE,
    LOCALIZER,
    MAP,
    NOTHING,
    SCREEN,
    SEGMENTATION,
    is_raw,
    open_dataset,
    sop_class,
)
from shiftscope.images.dicom.planes import (
    Plane,
    directions,
    frame_planes,
    is_film,
    kept_frames,
    plane_of,
    spacing_of,
)
from shiftscope.images.dicom.regions import Region, cut, region_of, writing_likely
from shiftscope.images.dicom.series_files import File
from shiftscope.images.dicom.slices import series_of
from shiftscope.images.dicom.stacks import Stack, gap_of, stack_of
from shiftscope.images.dicom_values.broken_dicom import refusing
from shiftscope.images.dicom_values.pixels import Pixels, physical
from shiftscope.images.image import Image
from shiftscope.images.orientation import canonical, canonical_affine
from shiftscope.images.pictures.pillow_arrays import grey_if_equal

__all__ = ["SEGMENTATION", "directions", "open_dataset", "read_dicom", "series_grid"]

_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_KIND_ODDITIES = {LOCALIZER: "localizer", SCREEN: "screen", CAPTURE: "capture", MAP: "computed_map"}
"""Kinds that are read where nothing better was given -> the key of `ODDITIES` that says so."""


def read_dicom(paths: Sequence[Path]) -> Image:
    """Read a file or a series.

    Raises:
        Unreadable: naming the file at fault; slices that differ in size are "unsupported".
    """
    with refusing(paths[0], "the data set"):
        return _read(paths)


def _read(paths: Sequence[Path]) -> Image:
    series = series_of(paths)
    first, files, planes, odd = series.files[0].data, series.files, series.planes, list(series.odd)
    if len(files) == 1:
        values, pixels, planes, left_out = _one(files[0])
        odd += left_out
    else:
        values, pixels = _stack(files)
    odd += [_KIND_ODDITIES[kind]] if (kind := files[0].kind) in _KIND_ODDITIES else []
    odd += ["raw_film"] if is_raw(first) else []
    # A picture that is placed in space is a slice of a volume, and its masks are laid by their places: it stays whole.
    flat = values.shape[1:3] == (first.Rows, first.Columns) and not (planes and planes[0].known)
    region = region_of(first) if flat else Region()
    if region.box is not None:
        values = cut(values, region.box)
    values = grey_if_equal(values)
    step = (None, *region.spacing_mm) if region.spacing_mm else spacing_of(first)
    stack = stack_of(planes, len(values), step)
    spacing, affine = _spacing(step, planes, len(values)), None
    if stack is not None:
        odd += stack.odd
        stored = np.moveaxis(values, 0, 2)
        values, _ = canonical(stored, stack.affine[:3, :3])
        turned, _ = canonical_affine(stack.affine, stored.shape[:3])
        spacing = _turned_steps(stack, turned) if spacing else None
        affine = turned if stack.placed else None
    frames = int(first.get("NumberOfFrames") or 1)
    one_of_many = frames > 1 and len(values) == 1
    shown = display_of(first, np.ascontiguousarray(values), pixels)
    odd += [*pixels.odd, *region.odd, *shown.odd, *(["burned_in"] if writing_likely(first, region) else [])]
    return Image(
        pixels=shown.values,
        display=shown.display,
        spacing_mm=spacing,
        modality=str(first.get("Modality") or "") or None,
        acquisition=acquisition_of(first, spacing),
        patient=str(first.get("PatientID") or "").strip() or None,
        affine=affine,
        region=region.box,
        whole=(frames, first.Rows, first.Columns) if one_of_many or region.box else None,
        frame=(kept_frames(first) or [0])[0] if one_of_many else 0,
        odd=tuple(dict.fromkeys(odd)),
    )


def series_grid(paths: Sequence[Path]) -> tuple[tuple[int, int, int], np.ndarray] | None:
    """How the volume that `read_dicom` makes of a series lies in space, with x, y, z as its stored axes.

    Returns:
        Its (x, y, z) voxels and a (4, 4) affine to millimetres along DICOM's patient axes; None for a single slice, and
        where spacing, position or orientation are not stated.

    Raises:
        Unreadable: naming the file at fault.
    """
    with refusing(paths[0], "the data set"):
        series = series_of(paths)
        first, planes = series.files[0].data, series.planes
        if len(series.files) == 1:
            kept, planes = kept_frames(first), frame_planes(first)
            planes = [planes[n] for n in kept] if kept and planes else []
        step = spacing_of(first)
        stack = stack_of(planes, len(planes), step)
        if step is None or stack is None or len(planes) < 2 or is_mosaic(first) or not planes[0].known:
            return None
        affine = stack.affine[:, [1, 0, 2, 3]]
        return (int(first.Columns), int(first.Rows), len(planes)), affine


def _spacing(
    step: tuple[float | None, float, float] | None, planes: Sequence[Plane], slices: int
) -> tuple[float, float, float] | None:
    """(z, y, x) in millimetres as stored; None where pixels have no size, or slices no distance."""
    if step is None:
        return None
    between = gap_of(planes) or step[0]
    return (between or 1.0, step[1], step[2]) if between or slices == 1 else None


def _turned_steps(stack: Stack, turned: np.ndarray) -> tuple[float, float, float]:
    """The steps of a stack in the order of the axes that `canonical` gave it."""
    axes = np.abs(np.rint(np.linalg.solve(stack.affine[:3, :3], turned[:3, :3])))
    z, y, x = (float(f"{step:.6g}") for step in axes.T @ stack.steps)
    return z, y, x


def _one(file: File) -> tuple[np.ndarray, Pixels, list[Plane], list[str]]:
    """A file on its own: a picture, a multi-frame volume, the middle of a film, or a mosaic.

    Returns:
        Its pixels, what `physical` said, the planes, and the keys of `ODDITIES` that say that frames were left out.
    """
    data, path = file.data, file.path
    if sop_class(data) == SEGMENTATION:
        raise Unreadable(path, "beside_images", "a DICOM segmentation is a mask, not an image; put it with the masks")
    if file.kind == NOTHING:
        raise Unreadable(path, "beside_images", f"a {data.SOPClassUID.name} is no image of the examination")
    if sop_class(data).startswith(_WHOLE_SLIDE):
        raise Unreadable(path, "unsupported", "a whole-slide image; export regions of interest as pictures")
    kept = kept_frames(data)
    if kept == []:
        raise Unreadable(
            path,
            "unsupported",
            "frames that lie in one place, and nothing that says which belong together; convert it to NIfTI",
        )
    single = kept is not None and len(kept) == 1
    pixels = physical(data, path, frame=kept[0] if kept and single else None, mark_padding=True)
    values = pixels.values[kept] if kept and not single else pixels.values
    planes = frame_planes(data)
    left_out = "film" if is_film(data) else "first_of_several"
    odd = [left_out] if kept and len(kept) < int(data.NumberOfFrames) else []
    planes = [planes[n] for n in kept] if kept and planes else [plane_of(data)]
    if is_mosaic(data):
        slices = unmosaic(data, values)
        if slices is None:
            raise Unreadable(
                path, "unsupported", "a mosaic that does not say how many slices it holds; convert it to NIfTI"
            )
        values, planes = slices
    return values, pixels, planes, odd


def _stack(files: Sequence[File]) -> tuple[np.ndarray, Pixels]:
    """The files' pictures as (z, y, x[, 3]); each file's raw bytes are dropped as soon as it is decoded."""
    volume: np.ndarray | None = None
    odd: dict[str, None] = {}
    full: set[float | None] = set()
    padded = False
    for z, file in enumerate(files):
        pixels = physical(file.data, file.path, mark_padding=True)
        odd |= dict.fromkeys(pixels.odd)
        full.add(pixels.full)
        padded |= pixels.padded
        picture = pixels.values[0]
        if volume is None:
            volume = np.empty((len(files), *picture.shape), np.float32)
        if picture.shape != volume.shape[1:]:
            raise Unreadable(file.path, "unsupported", f"a slice of {picture.shape} in a series of {volume.shape[1:]}")
        volume[z] = picture
        if z:
            del file.data.PixelData
    if volume is None:
        raise ValueError("a series without files")
    return volume, replace(pixels, full=full.pop() if len(full) == 1 else None, padded=padded, odd=tuple(odd))
