"""The connected pieces of a mask: pixels that touch by a side or a corner are one piece."""

from dataclasses import dataclass

import numpy as np

from shiftscope.measures.lesions.shapes import bounding_box, moments

__all__ = ["Component", "components_less_holes", "largest_component"]


@dataclass(frozen=True, slots=True)
class Component:
    """The largest component of a mask, the first of equals.

    Attributes:
        region: boolean, in its own bounding box.
        start: where that box begins along each axis of the mask.
        size: pixels.
        mean: (d,) of the indices of its pixels in `region`.
        covariance: (d, d) of them.
        sizes: pixels of all components of the mask.
    """

    region: np.ndarray
    start: tuple[int, ...]
    size: int
    mean: np.ndarray
    covariance: np.ndarray
    sizes: np.ndarray

    @property
    def box(self) -> tuple[slice, ...]:
        """The bounding box, in the mask."""
        return tuple(slice(first, first + n) for first, n in zip(self.start, self.region.shape, strict=True))


def largest_component(drawn: np.ndarray, box: tuple[slice, ...]) -> Component:
    """The largest component of a boolean array, (y, x) or (z, y, x), whose bounding box is known."""
    from scipy import ndimage

    crop, start = drawn[box], tuple(part.start for part in box)
    labels, found = ndimage.label(crop, structure=np.ones((3,) * crop.ndim, dtype=bool))
    if found == 1:
        sizes = np.array([np.count_nonzero(crop)])
        return Component(crop, start, int(sizes[0]), *moments(crop), sizes)
    sizes = np.bincount(labels.ravel())[1:]
    largest = labels == int(sizes.argmax()) + 1
    inner = bounding_box(largest)
    start = tuple(first + part.start for first, part in zip(start, inner, strict=True))
    return Component(largest[inner], start, int(sizes.max()), *moments(largest[inner]), sizes)


def components_less_holes(region: np.ndarray) -> int:
    """Euler's number of a (y, x) boolean array, its pixels being squares with their sides and corners: corners - sides
    + squares."""
    squares = np.zeros([length + 2 for length in region.shape], dtype=bool)
    squares[1:-1, 1:-1] = region
    level, upright = squares[1:] | squares[:-1], squares[:, 1:] | squares[:, :-1]
    corners = level[:, 1:] | level[:, :-1]
    found = [np.count_nonzero(some) for some in (corners, level, upright, region)]
    return int(found[0] - found[1] - found[2] + found[3])
