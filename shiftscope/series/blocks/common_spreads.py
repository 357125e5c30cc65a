"""How patients vary within all months so far: what both blocks of a cut are taken to vary like."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from shiftscope.stats import Moments

__all__ = ["CommonSpread"]


class CommonSpread:
    """The covariance pooled within months, by axis and number of coordinates.

    Args:
        months: axis -> moments, of each.
        last: coordinates at the end that stay the last ones, however many come before them.
    """

    def __init__(self, months: Sequence[Mapping[str, Moments]], last: int = 0) -> None:
        self.months, self.last = months, last
        self.known: dict[tuple[str, int], np.ndarray] = {}

    def given(self, block: Mapping[str, Moments]) -> dict[str, Moments]:
        """The moments of a block of these months, with this spread in place of its own."""
        return {
            axis: replace(moments, cov=self._common(axis, len(moments.mean) - self.last))
            for axis, moments in block.items()
        }

    def _common(self, axis: str, d: int) -> np.ndarray:
        """Of the leading `d` coordinates and the last ones, from the months that have as many."""
        if (axis, d) not in self.known:
            wide = [month[axis] for month in self.months if axis in month and len(month[axis].mean) - self.last >= d]
            keep = [[*range(d), *range(len(one.mean) - self.last, len(one.mean))] for one in wide]
            squares = [(one.n - 1) * one.cov[np.ix_(rows, rows)] for one, rows in zip(wide, keep, strict=True)]
            self.known[axis, d] = np.sum(squares, axis=0) / sum(one.n - 1 for one in wide)
        return self.known[axis, d]
