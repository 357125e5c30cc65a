"""The files of one series as the slices of one volume: what is left out, what stands, in what order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom

from shiftscope.errors import Unreadable
from shiftscope.images.dicom.first_volumes import first_volume
from shiftscope.images.dicom.mosaics import is_mosaic
from shiftscope.images.dicom.planes import Plane
from shiftscope.images.dicom.series_files import File, number_in, open_files, without_copies

__all__ = ["File", "Series", "series_of"]

_PIECES = ("ConcatenationUID", "InConcatenationTotalNumber")
_FILMS = {"CR", "DX", "MG", "RG", "PX", "IO"}
"""Modalities whose files are projections of a body, never slices of one."""
_PARALLEL = 0.99
_LONE, _MOST = 10, 2
"""One or two slices across a stack of ten times as many are its localizer."""
_SAME_SIZE = 0.01

_MARKS = {
    "acquisition": (("AcquisitionNumber",),),
    "temporal position": (("TemporalPositionIdentifier",),),
    "echo": (("EchoTime",),),
    "b-value": (("DiffusionBValue",),),
    "inversion": (("InversionTime",),),
    "cardiac phase": (("NominalPercentageOfCardiacPhase",),),
    "trigger": (("TriggerTime",),),
    "image type": (("ImageType",),),
    "kernel": (("ConvolutionKernel",),),
    "reference": (("FrameReferenceTime",),),
    "acquired": (("AcquisitionDateTime",), ("AcquisitionDate", "AcquisitionTime"), ("AcquisitionTime",)),
    "made": (("ContentDate", "ContentTime"), ("ContentTime",)),
}
"""Mark of `first_volumes` -> tags that hold it; of several alternatives the first that is there."""
_TEXTS, _TIMES = {"image type", "kernel"}, {"acquired", "made"}


@dataclass(frozen=True, slots=True)
class Series:
    """One volume, or one file that stands by itself.

    Attributes:
        files: in the order of slices, at least one.
        planes: of each file.
        odd: keys of `ODDITIES`.
    """

    files: list[File]
    planes: list[Plane]
    odd: tuple[str, ...] = ()


def series_of(paths: Sequence[Path]) -> Series:
    """The files that make the volume, in order.

    What is no image among them is left out (a localizer, a dose sheet, a report), and so is a file that is there twice.
    Of several slices in one place those of the first volume stand. Slices are sorted along their normal; without
    positions by slice location, instance number or name, in this order.

    Raises:
        Unreadable: naming the file at fault; "unsupported" where the files are no single volume, with the way out.
    """
    if len(paths) == 1:
        file = File.open(paths[0]).of_its_kind()
        return Series([file], [file.plane])
    files, beside = open_files(paths)
    series = {str(file.data.get("SeriesInstanceUID") or "") for file in files}
    where = paths[0].parent
    if len(series) > 1:
        raise Unreadable(where, "unsupported", f"{len(series)} series as one image; give one at a time")
    files.sort(key=lambda file: (file.number, _natural(file.path)))
    once = without_copies(files)
    odd = ["duplicate_slices"] if len(once) < len(files) else []
    if beside:
        odd.append("beside_left_out")
    if len(once) == 1:
        return Series(once, [once[0].plane], tuple(odd))
    _require_slices(once, where)
    if once[0].frames > 1 or is_mosaic(once[0].data):  # each file is a volume of its own
        return Series(once[:1], [once[0].plane], (*odd, "first_of_several"))
    slices, across = _along_one_axis(once, where)
    if across and not beside:
        odd.append("beside_left_out")
    return _volume(slices, odd, where)


def _require_slices(files: Sequence[File], where: Path) -> None:
    """Refuse files that cannot be slices of one volume.

    Raises:
        Unreadable: views, parts of one multi-frame file, films among slices, or pixels of several sizes.
    """
    first = files[0]
    if any(name in file.data for file in files for name in _PIECES):
        raise Unreadable(
            where, "unsupported", "one image in several multi-frame files (a concatenation); convert it to NIfTI"
        )
    if len({file.frames > 1 for file in files}) > 1:
        raise Unreadable(where, "unsupported", "single slices and multi-frame files in one series; give one file")
    if first.data.get("Modality") in _FILMS and first.plane.position is None:
        raise Unreadable(
            where,
            "unsupported",
            f"{len(files)} films ({first.data.Modality}) are views, not slices of a volume; give each file by itself",
        )
    size = _pixel_size(first.data)
    for file in files:
        if file.stored["PixelSpacing"] == first.stored["PixelSpacing"]:
            continue
        other = _pixel_size(file.data)
        if size is not None and other is not None and not np.allclose(size, other, rtol=_SAME_SIZE):
            raise Unreadable(
                file.path,
                "unsupported",
                f"a slice with pixels of {other[0]:g} x {other[1]:g} mm in a series of {size[0]:g} x {size[1]:g} mm;"
                " give each size by itself",
            )


def _along_one_axis(files: list[File], where: Path) -> tuple[list[File], bool]:
    """The files whose planes are parallel, and whether a localizer's lone slices across them were left out.

    Raises:
        Unreadable: "unsupported", the files are several stacks.
    """
    stacks: list[list[File]] = []
    for file in files:
        plane = file.plane
        for stack in stacks:
            other = stack[0].plane
            if plane.across is None or other.across is None:
                if (plane.across is None) == (other.across is None):
                    stack.append(file)
                    break
            elif np.dot(plane.across, other.across) > _PARALLEL and np.dot(plane.down, other.down) > _PARALLEL:  # type: ignore[arg-type]
                stack.append(file)
                break
        else:
            stacks.append([file])
    if len(stacks) == 1:
        return files, False
    largest = max(stacks, key=len)
    others = len(files) - len(largest)
    if others > _MOST or len(largest) < _LONE * others:
        raise Unreadable(
            where,
            "unsupported",
            f"slices of {len(stacks)} orientations in one series; give the files of one orientation at a time",
        )
    return largest, True


def _volume(files: list[File], odd: list[str], where: Path) -> Series:
    """Files with parallel planes, sorted, those of the first volume alone."""
    planes = [file.plane for file in files]
    depths, how = _depths(files, planes)
    chosen = first_volume(depths, lambda mark: _values(files, mark))
    if chosen is None:
        raise Unreadable(
            where,
            "unsupported",
            f"{len(files)} slices in {len(set(depths))} places, and nothing in their headers (number and time of the"
            " acquisition, echo, gradient, kernel, number of the image) says which belong together; put each volume"
            " into a folder of its own, or convert the series to NIfTI",
        )
    several = ["first_of_several"] if len(chosen) < len(files) else []
    placed = how is None
    return Series(
        [files[n] for n in chosen],
        [planes[n] if placed else Plane(None, planes[n].across, planes[n].down) for n in chosen],
        (*odd, *([how] if how else []), *several),
    )


def _depths(files: Sequence[File], planes: Sequence[Plane]) -> tuple[list[float], str | None]:
    """Where each slice lies along the stack, and what was taken for it where positions do not say."""
    if all(plane.known for plane in planes):
        normal = planes[0].normal
        depths = [float(np.dot(plane.position, normal)) for plane in planes]  # type: ignore[arg-type]
        nowhere = all(not np.any(plane.position) for plane in planes)  # what anonymizers leave of positions
        if np.ptp(depths) > 0 or not (nowhere or _vary(files, "SliceLocation")):
            return depths, None
    if _vary(files, "SliceLocation"):
        return [number_in(file.data, "SliceLocation") or 0.0 for file in files], "slices_by_location"
    numbers = [float(file.number) for file in files]
    if np.ptp(numbers) > 0:
        return numbers, "slices_by_number"
    return [float(n) for n in range(len(files))], "slices_by_name"


def _vary(files: Sequence[File], name: str) -> bool:
    values = [number_in(file.data, name) for file in files]
    return None not in values and len(set(values)) > 1


def _values(files: Sequence[File], mark: str) -> list[float | str | None]:
    """A mark of each file, as `first_volume` asks for it; values that all files store alike are not converted."""
    if mark == "number":
        return [float(file.number) for file in files]
    alternatives = _MARKS.get(mark, ())
    alike = all(len({file.stored[name] for file in files}) == 1 for names in alternatives for name in names)
    if alike:
        return [None] * len(files)
    if mark in _TEXTS:
        return [str(file.stored[alternatives[0][0]] or "") for file in files]
    if mark in _TIMES:
        return [_moment(file.data, alternatives) for file in files]
    return [number_in(file.data, alternatives[0][0]) for file in files]


def _moment(data: pydicom.Dataset, alternatives: Sequence[Sequence[str]]) -> float | None:
    """Date and time as one number that grows: 20180918114728.89."""
    for names in alternatives:
        text = "".join(re.sub(r"[^\d.]", "", re.split(r"[+-]", str(data.get(name) or ""))[0]) for name in names)
        if text and all(data.get(name) for name in names):
            return float(text) if text.count(".") < 2 and text != "." else None
    return None


def _pixel_size(data: pydicom.Dataset) -> tuple[float, float] | None:
    try:
        down, across = (float(each) for each in data.get("PixelSpacing") or ())
    except (TypeError, ValueError):
        return None
    return (down, across) if down > 0 and across > 0 else None


def _natural(path: Path) -> tuple[tuple[int, str], ...]:
    """Names in the order people number files: slice2 before slice10."""
    return tuple(
        (int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path))
    )
