"""Siemens mosaics: the slices of a volume as tiles of one picture."""

import math
import struct
from dataclasses import replace

import numpy as np
import pydicom

from shiftscope.images.dicom.objects import image_type_of
from shiftscope.images.dicom.planes import Plane, plane_of, spacing_of

__all__ = ["is_mosaic", "unmosaic"]

_CSA = (0x0029, 0x1010)
_NORMAL = b"SliceNormalVector\0"


def is_mosaic(data: pydicom.Dataset) -> bool:
    return "MOSAIC" in image_type_of(data)


def unmosaic(data: pydicom.Dataset, values: np.ndarray) -> tuple[np.ndarray, list[Plane]] | None:
    """Cut a mosaic into its slices, in order along their normal.

    The header places the sheet of tiles as if it were one picture around the centre of the slices, and its private part
    says in which direction slices follow one another (https://nipy.org/nibabel/dicom/dicom_mosaic.html).

    Args:
        data: the file, whose private header counts the slices.
        values: (1, rows, columns).

    Returns:
        (slices, rows / n, columns / n), n^2 the tiles of the mosaic, and the planes of the slices, one alone where the
        header does not place them; None where the file does not count its slices.
    """
    element = data.get((0x0019, 0x100A))
    if element is None:
        return None
    raw = element.value
    count = int.from_bytes(raw[:2], "little") if isinstance(raw, bytes) else int(raw)
    tiles_across = math.ceil(math.sqrt(max(count, 1)))
    rows, columns = values.shape[1] // tiles_across, values.shape[2] // tiles_across
    if rows * tiles_across != values.shape[1] or columns * tiles_across != values.shape[2]:
        return None
    tiles = values.reshape(tiles_across, rows, tiles_across, columns).swapaxes(1, 2).reshape(-1, rows, columns)[:count]
    plane, step, normal = plane_of(data), spacing_of(data), _normal(data)
    backwards = normal is not None and plane.across is not None and float(np.dot(normal, plane.normal)) < 0
    tiles = tiles[::-1] if backwards else tiles
    if step is None or step[0] is None or plane.position is None or plane.across is None or plane.down is None:
        return tiles, [plane]
    between, down, across = step[0], *step[1:]
    corner = (
        plane.position
        + plane.down * down * (values.shape[1] - rows) / 2
        + plane.across * across * (values.shape[2] - columns) / 2
    )
    first = corner - plane.normal * between * (count - 1) if backwards else corner
    return tiles, [replace(plane, position=first + n * between * plane.normal) for n in range(count)]


def _normal(data: pydicom.Dataset) -> np.ndarray | None:
    """The direction in which slices follow one another, from Siemens' private header; None where it does not say."""
    element = data.get(_CSA)
    raw = element.value if element is not None else None
    if not isinstance(raw, bytes) or not raw.startswith(b"SV10"):
        return None
    at = raw.find(_NORMAL) + 84  # a name of 64 bytes, then five numbers of four
    numbers: list[float] = []
    try:
        while at >= 84 and len(numbers) < 3:
            (length,) = struct.unpack_from("<i", raw, at + 4)
            numbers.append(float(raw[at + 16 : at + 16 + length].split(b"\0")[0]))
            at += 16 + 4 * math.ceil(length / 4)
    except (struct.error, ValueError):
        return None
    return np.array(numbers) if len(numbers) == 3 else None
