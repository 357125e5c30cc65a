"""Label maps stored as DICOM: segmentation objects, and ordinary images whose grey levels are labels."""

from pathlib import Path

import numpy as np
import pydicom

from shiftscope.errors import Unreadable
from shiftscope.images.dicom import SEGMENTATION, directions, open_dataset
from shiftscope.images.dicom_errors import refusing
from shiftscope.images.dicom_geometry import Plane, frame_planes, ordered, plane_of, spacing_of
from shiftscope.images.dicom_pixels import physical
from shiftscope.images.orientation import canonical

__all__ = ["read_dicom_labels"]


def read_dicom_labels(path: Path) -> np.ndarray:
    """Grey levels or segment numbers of a DICOM mask, turned as its image is.

    A segmentation object becomes a volume of its own slices, sorted by position; a pixel belongs to the segment with
    the highest number that covers it. It fits its image only when it has a frame for every slice, empty ones included.

    Returns:
        (z, y, x) in an integer dtype.

    Raises:
        Unreadable: with a reason; colour is "unsupported".
    """
    with refusing(path, "the data set"):
        return _labels(path)


def _labels(path: Path) -> np.ndarray:
    data = open_dataset(path)
    pixels = physical(data, path)
    if pixels.values.ndim == 4:
        raise Unreadable(path, "unsupported", "a coloured mask; expected one channel")
    if not ((pixels.values >= 0) & (pixels.values <= 65535)).all():
        raise Unreadable(
            path, "unsupported", "a mask with negative, huge or undefined values; expected labels 0..65535"
        )
    values: np.ndarray = np.rint(pixels.values).astype(np.int32)
    if data.get("SOPClassUID") == SEGMENTATION:
        values, plane = _segments(data, values)
    else:
        plane = plane_of(data)
    if plane.across is None:
        return values
    step = spacing_of(data)
    spacing = None if step is None else (step[0] or 1.0, step[1], step[2])
    return canonical(np.moveaxis(values, 0, 2), directions(plane, spacing))[0]


def _segments(data: pydicom.Dataset, frames: np.ndarray) -> tuple[np.ndarray, Plane]:
    """Frames, each of one segment and one slice, as one label map and its first plane."""
    numbers = []
    for group in data.get("PerFrameFunctionalGroupsSequence") or []:
        found = group.get("SegmentIdentificationSequence") or [pydicom.Dataset()]
        numbers.append(int(found[0].get("ReferencedSegmentNumber") or 1))
    if data.get("SegmentationType") == "FRACTIONAL":
        frames = frames * 2 >= int(data.get("MaximumFractionalValue") or 255)
    planes = frame_planes(data)
    if len(planes) != len(frames) or len(numbers) != len(frames):
        return frames.astype(np.int32), Plane(None, None, None)
    kept = ordered(planes)
    depths = np.array([np.dot(planes[n].position, planes[0].normal) for n in kept])  # type: ignore[arg-type]
    labels = np.zeros((len(kept), *frames.shape[1:]), np.int32)
    for frame, plane, number in zip(frames, planes, numbers, strict=True):
        z = int(np.argmin(np.abs(depths - np.dot(plane.position, planes[0].normal))))  # type: ignore[arg-type]
        labels[z] = np.maximum(labels[z], np.where(frame != 0, number, 0))
    return labels, planes[kept[0]]
