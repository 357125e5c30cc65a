"""What a mask draws; what several measures need to know of it is found once, when it is first asked for."""

from functools import cached_property

import numpy as np

from shiftscope.measures.lesions.components import Component, largest_component
from shiftscope.measures.lesions.shapes import bounding_box

__all__ = ["Foreground"]


class Foreground:
    """The pixels of a picture or volume that are drawn.

    Args:
        drawn: (y, x) or (z, y, x) boolean.
    """

    def __init__(self, drawn: np.ndarray) -> None:
        self.drawn = drawn

    @classmethod
    def of(cls, mask: np.ndarray) -> "Foreground":
        """What is above 0 in a mask, (z, y, x): that of a picture, z = 1, is (y, x).

        Raises:
            ValueError: `mask` has not three axes, or one of them is empty.
        """
        if mask.ndim != 3 or 0 in mask.shape:
            raise ValueError(f"mask: got shape {mask.shape}, expected (z, y, x) with no side of 0")
        return cls(np.asarray(mask[0] if len(mask) == 1 else mask) > 0)

    @cached_property
    def size(self) -> int:
        """How many pixels are drawn; of none there is no box."""
        return int(np.count_nonzero(self.drawn))

    @cached_property
    def box(self) -> tuple[slice, ...]:
        """The bounding box."""
        return bounding_box(self.drawn)

    @cached_property
    def crop(self) -> np.ndarray:
        """What is drawn, in its bounding box."""
        return self.drawn[self.box]

    @cached_property
    def largest_component(self) -> Component:
        return largest_component(self.drawn, self.box)

    def largest_slice(self) -> tuple[int, "Foreground"]:
        """The slice on which most is drawn, the first of equals, with its number; of a picture itself."""
        if self.drawn.ndim == 2:
            return 0, self
        areas = [np.count_nonzero(plane) for plane in self.drawn]
        index = areas.index(max(areas))
        return index, Foreground(self.drawn[index])
