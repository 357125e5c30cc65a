"""The files of one series as the slices of one volume: what is left out, what stands, in what order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom

from shiftscope.errors import Unreadable
from shiftscope.images.dicom_errors import refusing
from shiftscope.images.dicom_geometry import Plane, plane_of
from shiftscope.images.dicom_mosaic import is_mosaic
from shiftscope.images.dicom_objects import NOTHING, kind_of, open_dataset, strays
from shiftscope.images.dicom_volumes import Marks, first_volume

__all__ = ["File", "Series", "series_of"]

File = tuple[Path, pydicom.Dataset]

_PIECES = ("ConcatenationUID", "InConcatenationTotalNumber")
_PLACED = (
    *("ImagePositionPatient", "ImageOrientationPatient", "SliceLocation", "InstanceNumber"),
    *("AcquisitionNumber", "AcquisitionTime", "EchoTime", "ImageType", "ConvolutionKernel"),
)
"""What copies of one image have in common."""
_FILMS = {"CR", "DX", "MG", "RG", "PX", "IO"}
"""Modalities whose files are views of a body, never slices of one."""
_PARALLEL = 0.99
_LONE = 10
"""A stack with ten times as many slices as lie across it is the volume, and those across it are its localizer."""
_SAME_SIZE = 0.01

_NUMBERS = {
    "acquisition": "AcquisitionNumber",
    "temporal position": "TemporalPositionIdentifier",
    "echo": "EchoTime",
    "b-value": "DiffusionBValue",
    "inversion": "InversionTime",
    "cardiac phase": "NominalPercentageOfCardiacPhase",
    "trigger": "TriggerTime",
    "frame reference": "FrameReferenceTime",
}
_TEXTS = {"image type": "ImageType", "kernel": "ConvolutionKernel"}
_TIMES = {
    "acquired": (("AcquisitionDateTime",), ("AcquisitionDate", "AcquisitionTime"), ("AcquisitionTime",)),
    "made": (("ContentDate", "ContentTime"), ("ContentTime",)),
}


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
        with refusing(paths[0], "the data set"):
            data = open_dataset(paths[0])
            return Series([(paths[0], data)], [plane_of(data)])
    files, odd = _images(paths)
    series = {str(data.get("SeriesInstanceUID") or "") for _, data in files}
    where = paths[0].parent
    if len(series) > 1:
        raise Unreadable(where, "unsupported", f"{len(series)} series as one image; give one at a time")
    files.sort(key=lambda each: (_number(each[1]), _natural(each[0])))
    once = _once(files)
    if len(once) < len(files):
        files, odd = once, [*odd, "duplicate_slices"]
    if len(files) == 1:
        return Series(files, [plane_of(files[0][1])], tuple(odd))
    _require_slices(files, where)
    if _frames(files[0][1]) > 1 or is_mosaic(files[0][1]):  # each file is a volume of its own
        return Series(files[:1], [plane_of(files[0][1])], (*odd, "first_of_several"))
    files, across = _along_one_axis(files, where)
    return _volume(files, [*odd, *(["beside_left_out"] if across else [])], where)


def _images(paths: Sequence[Path]) -> tuple[list[File], list[str]]:
    """The files that hold images of the examination, and whether any was left out."""
    files: list[File] = []
    aside: list[Unreadable] = []
    for path in paths:
        with refusing(path, "the data set"):
            try:
                data = open_dataset(path)
            except Unreadable as problem:
                if problem.reason != "beside_images":
                    raise
                aside.append(problem)
                continue
            if kind_of(data) == NOTHING:
                aside.append(Unreadable(path, "beside_images"))
                continue
            files.append((path, data))
    if not files:
        raise aside[0]
    left = strays([kind_of(data) for _, data in files], [0] * len(files))
    kept = [file for n, file in enumerate(files) if n not in left]
    return kept, ["beside_left_out"] if left or aside else []


def _once(files: Sequence[File]) -> list[File]:
    """Each image once: a copy is numbered and placed as another, with its pixels, or its UID in another encoding."""
    seen: dict[str, list[pydicom.Dataset]] = {}
    kept = []
    for path, data in files:
        twins = seen.setdefault(str([str(data.get(name)) for name in _PLACED]), [])
        if not any(_alike(data, twin) for twin in twins):
            twins.append(data)
            kept.append((path, data))
    return kept


def _alike(data: pydicom.Dataset, twin: pydicom.Dataset) -> bool:
    """Whether two files of one number and place are one image. One UID is not enough: anonymizers give it to all."""
    named = bool(data.get("SOPInstanceUID")) and data.get("SOPInstanceUID") == twin.get("SOPInstanceUID")
    placed = bool(data.get("ImagePositionPatient"))
    if _syntax(data) != _syntax(twin) or not (named or placed):
        return named
    one, other = (each.get("PixelData") or b"" for each in (data, twin))
    return bool(one[: len(other)] == other[: len(one)])  # a copy may be cut short


def _syntax(data: pydicom.Dataset) -> str:
    return str(data.file_meta.get("TransferSyntaxUID") if hasattr(data, "file_meta") else "")


def _require_slices(files: Sequence[File], where: Path) -> None:
    """Refuse files that cannot be slices of one volume.

    Raises:
        Unreadable: views, parts of one multi-frame file, films among slices, or pixels of several sizes.
    """
    path, first = files[0]
    if any(name in data for _, data in files for name in _PIECES):
        raise Unreadable(
            where, "unsupported", "one image in several multi-frame files (a concatenation); convert it to NIfTI"
        )
    if len({_frames(data) > 1 for _, data in files}) > 1:
        raise Unreadable(where, "unsupported", "single slices and multi-frame files in one series; give one file")
    if first.get("Modality") in _FILMS and plane_of(first).position is None:
        raise Unreadable(
            where,
            "unsupported",
            f"{len(files)} films ({first.Modality}) are views, not slices of a volume; give each file by itself",
        )
    sides = _sides(first)
    for path, data in files:
        other = _sides(data)
        if sides is not None and other is not None and not np.allclose(sides, other, rtol=_SAME_SIZE):
            raise Unreadable(
                path,
                "unsupported",
                f"a slice with pixels of {other[0]:g} x {other[1]:g} mm in a series of {sides[0]:g} x {sides[1]:g} mm;"
                " give each size by itself",
            )


def _along_one_axis(files: list[File], where: Path) -> tuple[list[File], bool]:
    """The files whose planes are parallel, and whether a localizer's lone slices across them were left out.

    Raises:
        Unreadable: "unsupported", the files are several stacks.
    """
    stacks: list[list[File]] = []
    for file in files:
        plane = plane_of(file[1])
        for stack in stacks:
            other = plane_of(stack[0][1])
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
    if len(largest) < _LONE * (len(files) - len(largest)):
        raise Unreadable(
            where,
            "unsupported",
            f"slices of {len(stacks)} orientations in one series; give the files of one orientation at a time",
        )
    return largest, True


def _volume(files: list[File], odd: list[str], where: Path) -> Series:
    """Files with parallel planes, sorted, those of the first volume alone."""
    planes = [plane_of(data) for _, data in files]
    depths, how = _depths(files, planes)
    chosen = first_volume(depths, _marks(files))
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
        return [_float(data.get("SliceLocation")) or 0.0 for _, data in files], "slices_by_location"
    numbers = [float(_number(data)) for _, data in files]
    if np.ptp(numbers) > 0:
        return numbers, "slices_by_number"
    return [float(n) for n in range(len(files))], "slices_by_name"


def _vary(files: Sequence[File], name: str) -> bool:
    values = [_float(data.get(name)) for _, data in files]
    return None not in values and len(set(values)) > 1


def _marks(files: Sequence[File]) -> Marks:
    """What tells volumes in one place apart, most dependable first."""
    marks: dict[str, list[float | str | None]] = {}
    for name, keyword in _NUMBERS.items():
        marks[name] = [_float(data.get(keyword)) for _, data in files]
    for name, keyword in _TEXTS.items():
        marks[name] = [str(data.get(keyword) or "") for _, data in files]
    for name, ways in _TIMES.items():
        marks[name] = [_moment(data, ways) for _, data in files]
    marks["number"] = [float(_number(data)) for _, data in files]
    return marks


def _moment(data: pydicom.Dataset, ways: Sequence[Sequence[str]]) -> float | None:
    """Date and time as one number that grows: 20180918114728.89."""
    for names in ways:
        text = "".join(re.sub(r"[^\d.]", "", re.split(r"[+-]", str(data.get(name) or ""))[0]) for name in names)
        if text and all(data.get(name) for name in names):
            return _float(text)
    return None


def _sides(data: pydicom.Dataset) -> tuple[float, float] | None:
    value = data.get("PixelSpacing") or ()
    sides = [_float(each) for each in value] if not isinstance(value, str) else []
    return (sides[0], sides[1]) if len(sides) == 2 and sides[0] and sides[1] else None


def _frames(data: pydicom.Dataset) -> int:
    return int(data.get("NumberOfFrames") or 1)


def _number(data: pydicom.Dataset) -> int:
    return int(_float(data.get("InstanceNumber")) or 0)


def _float(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _natural(path: Path) -> tuple[tuple[int, str], ...]:
    """Names in the order people number files: slice2 before slice10."""
    return tuple(
        (int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path))
    )
