"""Label maps stored as DICOM: segmentation objects, and ordinary images whose grey levels are labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom

from shiftscope.errors import Unreadable
from shiftscope.images.dicom.dicom_image import SEGMENTATION, directions, open_dataset
from shiftscope.images.dicom.headers import read_header
from shiftscope.images.dicom.planes import Plane, frame_planes, ordered, plane_of, spacing_of
from shiftscope.images.dicom_values.broken_dicom import refusing
from shiftscope.images.dicom_values.pixels import physical
from shiftscope.images.file_formats import sniff
from shiftscope.images.image import Image
from shiftscope.images.masks.grey_labels import labels_of_levels
from shiftscope.images.masks.grid_alignments import paste_frame
from shiftscope.images.masks.label_map import LabelMap
from shiftscope.images.orientation import canonical

__all__ = ["read_dicom_mask"]

_LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
_SEGMENTATIONS = (SEGMENTATION, _LABEL_MAP)


def read_dicom_mask(path: Path, image: Image | None, image_files: Sequence[Path]) -> LabelMap:
    """Grey levels or segment numbers of a DICOM mask, on the grid of its image.

    Frames go where their positions put them among the image's slices; slices without a frame are background. Where the
    image or the frames have no place, they become a volume of their own, sorted by position. A pixel belongs to the
    segment with the highest number that covers it.

    Raises:
        Unreadable: with a reason; "mask_geometry" where a frame lies on no slice of the image.
    """
    with refusing(path, "the data set"):
        data = _opened(path)
        number = _is_segmentation(data)
        mask = _frames(data, path, image)
        planes = frame_planes(data) or [plane_of(data)]
        odd = [*mask.odd]
        if number and _other_series(data, image_files):
            odd.append("mask_of_other_series")
        step = spacing_of(data)
        placed = step is not None and len(planes) == len(mask.labels) and all(plane.known for plane in planes)
        if image is not None and image.affine is not None and placed and step is not None:
            labels = np.zeros(image.pixels.shape[:3], np.uint16)
            for frame, plane in zip(mask.labels, planes, strict=True):
                odd += paste_frame(frame[None], _affine(plane, step[1:]), labels, image.affine, path)
            small = labels.astype(np.uint8) if labels.max(initial=0) <= 255 else labels
            return LabelMap(small, image.affine, tuple(dict.fromkeys(odd)), mask.numbered)
        if image is not None and image.affine is None and len(mask.labels) > 1 and planes[0].known:
            odd.append("mask_without_place")
        return LabelMap(_stacked(data, mask.labels, planes, number), None, tuple(odd), mask.numbered)


def _opened(path: Path) -> pydicom.Dataset:
    try:
        data = open_dataset(path)
    except Unreadable as problem:
        if problem.reason == "truncated" or read_header(path).modality != "RTSTRUCT":
            raise
        why = (
            "contours (RTSTRUCT) are not drawn here; convert them to a DICOM segmentation or NIfTI on the image's grid"
        )
        raise Unreadable(path, "unsupported", why) from None
    if data.get("TotalPixelMatrixRows") and _is_segmentation(data):
        raise Unreadable(path, "unsupported", "a tiled segmentation of a whole slide; export regions as pictures")
    if data.get("SOPClassUID") == _LABEL_MAP:
        data.PhotometricInterpretation = "MONOCHROME2"  # a palette beside labels is for display
    return data


def _is_segmentation(data: pydicom.Dataset) -> bool:
    return data.get("SOPClassUID") in _SEGMENTATIONS


def _frames(data: pydicom.Dataset, path: Path, image: Image | None) -> LabelMap:
    """The frames as stored, each with its labels."""
    pixels = physical(data, path)
    if pixels.values.ndim == 4:
        raise Unreadable(path, "unsupported", "a coloured mask; expected one channel")
    if not ((pixels.values >= 0) & (pixels.values <= 65535)).all():
        raise Unreadable(
            path, "unsupported", "a mask with negative, huge or undefined values; expected labels 0..65535"
        )
    values: np.ndarray = np.rint(pixels.values).astype(np.uint16)
    if data.get("SOPClassUID") != SEGMENTATION:
        return LabelMap(values) if _is_segmentation(data) else labels_of_levels(values, None, path, image=image)
    if data.get("SegmentationType") == "FRACTIONAL":
        values = values.astype(np.int32) * 2 >= int(data.get("MaximumFractionalValue") or 255)
    numbers = _segments(data)
    if len(numbers) != len(values):
        return LabelMap((values != 0).astype(np.uint8))
    return LabelMap(np.where(values != 0, np.array(numbers, np.uint16)[:, None, None], 0).astype(np.uint16))


def _segments(data: pydicom.Dataset) -> list[int]:
    """The segment that each frame shows; it may stand once for all."""
    shared = (data.get("SharedFunctionalGroupsSequence") or [pydicom.Dataset()])[0]
    numbers = []
    for group in data.get("PerFrameFunctionalGroupsSequence") or []:
        found = group.get("SegmentIdentificationSequence") or shared.get("SegmentIdentificationSequence")
        numbers.append(int((found or [pydicom.Dataset()])[0].get("ReferencedSegmentNumber") or 1))
    return numbers


def _affine(plane: Plane, pixel_size: tuple[float, float]) -> np.ndarray:
    """(4, 4) index (0, row, column) of a frame -> millimetres."""
    affine = np.eye(4)
    affine[:3, :3] = directions(plane, (1.0, *pixel_size))[:, [2, 0, 1]]
    affine[:3, 3] = plane.position
    return affine


def _stacked(data: pydicom.Dataset, frames: np.ndarray, planes: Sequence[Plane], segments: bool) -> np.ndarray:
    """Frames as a volume of their own: (z, y, x), turned as an image of the same slices is."""
    if segments and len(planes) == len(frames) and all(plane.known for plane in planes):
        kept = ordered(planes)
        depths = np.array([np.dot(planes[n].position, planes[0].normal) for n in kept])  # type: ignore[arg-type]
        where = [
            int(np.argmin(np.abs(depths - np.dot(plane.position, planes[0].normal))))  # type: ignore[arg-type]
            for plane in planes
        ]
        plane = planes[kept[0]]
    elif segments and len(frames) > 1 and (numbers := _segments(data)) and len(numbers) == len(frames):
        where = [numbers[:n].count(number) for n, number in enumerate(numbers)]
        plane = planes[0]
    else:
        where, plane = list(range(len(frames))), planes[0]
    labels = np.zeros((max(where) + 1, *frames.shape[1:]), frames.dtype)
    for z, frame in zip(where, frames, strict=True):
        np.maximum(labels[z], frame, out=labels[z])
    labels = labels.astype(np.uint8) if labels.max(initial=0) <= 255 else labels
    if plane.across is None:
        return labels
    step = spacing_of(data)
    return canonical(np.moveaxis(labels, 0, 2), directions(plane, step and (step[0] or 1.0, *step[1:])))[0]


def _other_series(data: pydicom.Dataset, image_files: Sequence[Path]) -> bool:
    """Whether a segmentation names the series that it was drawn on, and its image is of another."""
    named = {str(item.get("SeriesInstanceUID") or "") for item in data.get("ReferencedSeriesSequence") or []} - {""}
    if not named or not image_files or sniff(image_files[0]) != "dicom":
        return False
    series = read_header(image_files[0]).series
    return series is not None and series.rsplit("/", 1)[-1] not in named
