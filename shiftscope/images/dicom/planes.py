"""Where DICOM slices and frames lie, and which frames of a file make its volume, in what order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pydicom

from shiftscope.images.acquisition import positive
from shiftscope.images.dicom.first_volumes import first_volume
from shiftscope.images.dicom.frames import frame_values

__all__ = [
    "Plane",
    "directions",
    "frame_planes",
    "is_film",
    "kept_frames",
    "ordered",
    "plane_of",
    "spacing_of",
]

_STACKS = {"CT", "MR", "PT", "OPT"}
"""Modalities whose frames are slices; the frames of any other are moments of a film."""
_STACK_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.13.1.1": "X-ray 3-D angiography",
    "1.2.840.10008.5.1.4.1.1.13.1.2": "X-ray 3-D craniofacial",
    "1.2.840.10008.5.1.4.1.1.13.1.3": "breast tomosynthesis",
    "1.2.840.10008.5.1.4.1.1.6.2": "enhanced ultrasound volume",
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentation",
}
_SAME_PLACE_MM = 0.01


@dataclass(frozen=True, slots=True)
class Plane:
    """A slice in space.

    Attributes:
        position: of the first pixel, (3,) millimetres in patient axes; None where the file does not say.
        across: direction in which the column index grows, (3,); None likewise.
        down: direction in which the row index grows, (3,); None likewise.
    """

    position: np.ndarray | None
    across: np.ndarray | None
    down: np.ndarray | None

    @property
    def known(self) -> bool:
        return self.position is not None and self.across is not None

    @property
    def normal(self) -> np.ndarray:
        return np.cross(self.across, self.down)  # type: ignore[arg-type]

    @property
    def depth(self) -> float:
        """Position along the normal, in millimetres."""
        return float(np.dot(self.position, self.normal))  # type: ignore[arg-type]


def plane_of(data: pydicom.Dataset) -> Plane:
    """The plane of a single-frame file, or of a functional group."""
    position = _vector(data.get("ImagePositionPatient"), 3)
    cosines = _vector(data.get("ImageOrientationPatient"), 6)
    if cosines is None or abs(np.linalg.norm(np.cross(cosines[:3], cosines[3:])) - 1) > 0.1:
        return Plane(position, None, None)
    return Plane(position, cosines[:3], cosines[3:])


def frame_planes(data: pydicom.Dataset) -> list[Plane]:
    """The planes of an enhanced multi-frame file; an empty list where it does not place its frames."""
    shared = (data.get("SharedFunctionalGroupsSequence") or [None])[0]
    planes = []
    for group in data.get("PerFrameFunctionalGroupsSequence") or []:
        merged = pydicom.Dataset()
        for source in (shared, group):
            for name in ("PlanePositionSequence", "PlaneOrientationSequence"):
                if source is not None and source.get(name):
                    merged.update(source[name].value[0])
        planes.append(plane_of(merged))
    return planes if planes and all(plane.known for plane in planes) else []


def is_film(data: pydicom.Dataset) -> bool:
    """Whether the frames of a file are moments of a film, not slices of a volume."""
    tomographic = data.get("Modality") in _STACKS or data.get("SOPClassUID") in _STACK_CLASSES
    return not tomographic and "RECON TOMO" not in (data.get("ImageType") or ())


def kept_frames(data: pydicom.Dataset) -> list[int] | None:
    """Which frames are read, in order.

    Slices of a tomographic file are sorted by position, those of the first stack and of the first volume in it; without
    positions they keep the stored order. Of a film (ultrasound, endoscopy, angiography, photographs) the middle frame
    is the picture.

    Returns:
        Frame indices; None for a single-frame file, an empty list where nothing says which frames belong together.
    """
    count = int(data.get("NumberOfFrames") or 1)
    if count <= 1:
        return None
    if is_film(data):
        return [count // 2]
    planes = frame_planes(data)
    if len(planes) != count:
        return list(range(count))
    normal, stack = planes[0].normal, frame_values(data, "stack")
    parallel = [n for n in range(count) if abs(float(np.dot(planes[n].normal, normal))) > 0.99 and stack[n] == stack[0]]
    depths = [float(np.dot(planes[n].position, normal)) for n in parallel]  # type: ignore[arg-type]

    def values_of(mark: str) -> list[float | str | None]:
        values = frame_values(data, mark)
        return [values[n] for n in parallel]

    chosen = first_volume(depths, values_of)
    return [] if chosen is None else [parallel[n] for n in chosen]


def ordered(planes: Sequence[Plane]) -> list[int]:
    """Indices of parallel planes by depth, the first one at each depth: the first volume of a time series."""
    first = planes[0]
    parallel = [n for n, plane in enumerate(planes) if abs(float(np.dot(plane.normal, first.normal))) > 0.99]
    depths = {n: float(np.dot(planes[n].position, first.normal)) for n in parallel}  # type: ignore[arg-type]
    kept: list[int] = []
    for n in sorted(parallel, key=lambda n: (depths[n], n)):
        if not kept or depths[n] - depths[kept[-1]] > _SAME_PLACE_MM:
            kept.append(n)
    return kept


def directions(plane: Plane, spacing: tuple[float, float, float] | None) -> np.ndarray:
    """Steps in millimetres along (row index, column index, slice index): (3, 3), one column each."""
    z, y, x = spacing or (1.0, 1.0, 1.0)
    if plane.across is None or plane.down is None:
        return np.diag([1.0, 1.0, 1.0])
    return np.stack([plane.down * y, plane.across * x, plane.normal * z], axis=1)


def spacing_of(data: pydicom.Dataset) -> tuple[float | None, float, float] | None:
    """(between slices, rows, columns) in millimetres; None where the file does not give its pixels a size."""
    groups = [
        *(data.get("PerFrameFunctionalGroupsSequence") or [])[:1],
        *(data.get("SharedFunctionalGroupsSequence") or []),
    ]
    measures = [item for group in groups for item in group.get("PixelMeasuresSequence") or []]
    for source in (*measures, data):
        pixel = next(
            filter(None, map(source.get, ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"))), None
        )
        pixel_size = _vector(pixel, 2)
        if pixel_size is not None and (pixel_size > 0).all():
            between = positive(source.get("SpacingBetweenSlices")) or positive(source.get("SliceThickness"))
            return between, float(pixel_size[0]), float(pixel_size[1])
    regions = {(positive(r.get("PhysicalDeltaY")), positive(r.get("PhysicalDeltaX"))) for r in _centimetres(data)}
    if len(regions) == 1:
        down, across = regions.pop()
        if down and across:
            return None, 10 * down, 10 * across
    return None


def _centimetres(data: pydicom.Dataset) -> list[pydicom.Dataset]:
    """The ultrasound regions measured in centimetres both ways (unit code 3)."""
    return [
        region
        for region in data.get("SequenceOfUltrasoundRegions") or []
        if region.get("PhysicalUnitsXDirection") == 3 and region.get("PhysicalUnitsYDirection") == 3
    ]


def _vector(value: object, length: int) -> np.ndarray | None:
    try:
        vector = np.array([float(each) for each in value], np.float64)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None
    return vector if vector.shape == (length,) and bool(np.isfinite(vector).all()) else None
