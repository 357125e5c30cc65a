"""Where in an ultrasound picture the tissue is (PS3.3 C.8.5.5), and whether letters are likely in a picture."""

from dataclasses import dataclass

import numpy as np
import pydicom

from shiftscope.images.acquisition import positive

__all__ = ["Region", "cut", "region_of", "writing_likely"]

_TWO_D, _TISSUE, _CENTIMETRES = 1, 1, 3  # codes of spatial format, data type and physical units
_ULTRASOUND = ("US", "IVUS")
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_SMALLEST = 16  # pixels along a side of a region that can be measured
_WITHIN = 0.9  # of what a region claims must lie in the picture


@dataclass(frozen=True, slots=True)
class Region:
    """What the header says of the 2-D tissue in a picture.

    Attributes:
        box: (top, left, bottom, right) in stored pixels, half open; None for the whole picture.
        spacing_mm: (y, x) of its pixels, None where the regions do not give one.
        odd: as `Image.odd`.
    """

    box: tuple[int, int, int, int] | None = None
    spacing_mm: tuple[float, float] | None = None
    odd: tuple[str, ...] = ()


def region_of(data: pydicom.Dataset) -> Region:
    """The box around all 2-D tissue of an ultrasound picture.

    Two views side by side are one picture of both, with what lies between them. Traces, spectra, colour bars and
    regions that are tiny or outside the picture do not count.
    """
    if "SequenceOfUltrasoundRegions" not in data:
        return Region()
    sequence = data.SequenceOfUltrasoundRegions or []
    tissue = [
        item for item in sequence if item.get("RegionSpatialFormat") == _TWO_D and item.get("RegionDataType") == _TISSUE
    ]
    rows, columns = int(data.Rows), int(data.Columns)
    boxes = {box: item for item in tissue if (box := _box(item, rows, columns)) is not None}
    odd = ["region_ignored"] if len({str(_corners(item)) for item in tissue}) > len(boxes) else []
    if not boxes:
        return Region(None, None, tuple(odd))
    top, left = (min(box[edge] for box in boxes) for edge in (0, 1))
    bottom, right = (max(box[edge] for box in boxes) for edge in (2, 3))
    if len(boxes) > 1:
        odd.append("several_regions")
    spacings = {_spacing(item) for item in boxes.values()}
    spacing = spacings.pop() if len(spacings) == 1 else None
    whole = (top, left, bottom, right) == (0, 0, rows, columns)
    return Region(None if whole else (top, left, bottom, right), spacing, tuple(odd))


def cut(values: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """(z, y, x[, 3]) -> the same within a box, a copy."""
    top, left, bottom, right = box
    return np.ascontiguousarray(values[:, top:bottom, left:right])


def writing_likely(data: pydicom.Dataset, region: Region) -> bool:
    """Whether letters, rulers or frames of a screen are probably part of what is measured.

    An ultrasound picture without a region, a secondary capture or screen shot, and a file that says so of itself. A
    region leaves what is written around it out.
    """
    if region.box is not None:
        return False
    if data.get("Modality") in _ULTRASOUND and not (
        "SequenceOfUltrasoundRegions" in data and data.SequenceOfUltrasoundRegions
    ):
        return True
    if "BurnedInAnnotation" in data and str(data.BurnedInAnnotation).upper() == "YES":
        return True
    kind = {str(value).upper() for value in data.get("ImageType") or ()}
    uid = str(data.get("SOPClassUID") or "")
    capture = uid == _SECONDARY_CAPTURE or uid.startswith(_SECONDARY_CAPTURE + ".")  # 77 is visible light
    return capture or bool(kind & {"SCREEN SAVE", "SCREENSAVE"})


def _corners(item: pydicom.Dataset) -> tuple[object, ...]:
    names = ("RegionLocationMinY0", "RegionLocationMinX0", "RegionLocationMaxY1", "RegionLocationMaxX1")
    return tuple(item.get(name) for name in names)


def _box(item: pydicom.Dataset, rows: int, columns: int) -> tuple[int, int, int, int] | None:
    """A region's corners, both of which belong to it, as a half-open box within the picture; None where it is none."""
    corners = _corners(item)
    if not all(isinstance(corner, int) for corner in corners):
        return None
    top, left, bottom, right = (int(corner) for corner in corners)  # type: ignore[call-overload]
    claimed = (bottom + 1 - top) * (right + 1 - left)
    top, left, bottom, right = max(top, 0), max(left, 0), min(bottom + 1, rows), min(right + 1, columns)
    if bottom - top < _SMALLEST or right - left < _SMALLEST:
        return None
    inside = (bottom - top) * (right - left)
    return (top, left, bottom, right) if inside >= _WITHIN * claimed else None


def _spacing(item: pydicom.Dataset) -> tuple[float, float] | None:
    units = item.get("PhysicalUnitsXDirection"), item.get("PhysicalUnitsYDirection")
    down, across = positive(item.get("PhysicalDeltaY")), positive(item.get("PhysicalDeltaX"))
    if units != (_CENTIMETRES, _CENTIMETRES) or not (down and across):
        return None
    return 10 * down, 10 * across
