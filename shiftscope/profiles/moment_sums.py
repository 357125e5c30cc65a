"""Sums over patients that grow one patient at a time: constant memory, whatever the number of images."""

import math
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer

from shiftscope.records import Total
from shiftscope.stats import Moments

__all__ = ["CHECKED", "Exact", "Histogram", "MomentSums"]

GRID = 64
"""Cells of the public grid of a measure; neighbours are merged at export."""

CHECKED = ConfigDict(arbitrary_types_allowed=True, extra="forbid", allow_inf_nan=False)
"""How sums are checked when they are read from a file."""


MOST = 1e24
"""No sum over patients, nor of squares, comes near."""


def _array(value: Any) -> np.ndarray:
    try:
        array = np.array(value)
        if array.dtype.kind not in "fiu":
            raise TypeError
        array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("expected finite numbers in lists of equal length") from None
    if not np.all(np.isfinite(array)):
        raise ValueError("expected finite numbers in lists of equal length")
    if np.any(np.abs(array) > MOST):
        raise ValueError(f"expected numbers of {MOST:g} at the most")
    return array


Number = Annotated[float, Field(strict=True, ge=-MOST, le=MOST)]


Exact = Annotated[np.ndarray, BeforeValidator(_array), PlainSerializer(np.ndarray.tolist, when_used="json")]
"""A float64 array that JSON gives back to the last digit."""


@dataclass(slots=True)
class MomentSums:
    """Count, sum and sum of outer products of rows (d,)."""

    __pydantic_config__ = CHECKED

    n: Total = 0
    total: Exact | None = None
    outer: Exact | None = None

    def __post_init__(self) -> None:
        shapes = [None if array is None else array.shape for array in (self.total, self.outer)]
        flat = self.total is not None and self.total.ndim == 1 and len(self.total) > 0
        if shapes != [None, None] and not (flat and self.total is not None and shapes[1] == (len(self.total),) * 2):
            raise ValueError(f"a sum of shape {shapes[0]} with products of shape {shapes[1]}")
        if self.n < 0 or (self.n > 0) != (self.total is not None):
            raise ValueError(f"sums over {self.n} patients {'without' if self.total is None else 'with'} numbers")

    def add(self, row: np.ndarray) -> None:
        """Add one patient; a row with a missing coordinate is left out whole."""
        if np.all(np.isfinite(row)):
            self.merge(MomentSums(1, row, np.outer(row, row)))

    def merge(self, other: "MomentSums") -> None:
        """Add the sums over other patients.

        Raises:
            ValueError: they have another number of coordinates.
        """
        if other.total is None or other.outer is None:
            return
        if self.total is None or self.outer is None:
            self.total, self.outer = np.zeros(len(other.total)), np.zeros(other.outer.shape)
        self.n += other.n
        self.total += other.total
        self.outer += other.outer

    def moments(self, width: int) -> Moments | None:
        """Moments of the first `width` coordinates, None where nothing was added."""
        if self.total is None or self.outer is None or not width:
            return None
        mean = self.total[:width] / self.n
        scatter = self.outer[:width, :width] - self.n * np.outer(mean, mean)
        np.fill_diagonal(scatter, np.maximum(np.diag(scatter), 0.0))  # rounding
        return Moments(self.n, mean, scatter / max(self.n - 1, 1))


@dataclass(slots=True)
class Histogram:
    """Counts on a fixed grid over `low`..`high`, with count, sum and sum of squares.

    Values beyond the range count in the end cells, so the ends say nothing of a single patient.
    """

    __pydantic_config__ = CHECKED

    low: Number
    high: Number
    counts: list[Total] = field(default_factory=lambda: [0] * GRID)
    n: Total = 0
    total: Number = 0.0
    squares: Number = 0.0

    def __post_init__(self) -> None:
        if len(self.counts) != GRID or sum(self.counts) != self.n or min(self.counts) < 0:
            raise ValueError(f"{len(self.counts)} cells that hold {sum(self.counts)} patients of {self.n}")

    def add(self, value: float) -> None:
        """Add one patient's value; not a number is left out."""
        if not math.isfinite(value):
            return
        cell = int((value - self.low) / (self.high - self.low) * GRID)
        self.counts[min(max(cell, 0), GRID - 1)] += 1
        self.n += 1
        self.total += value
        self.squares += value * value

    def merge(self, other: "Histogram") -> None:
        """Add other patients, counted on the same grid."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.n += other.n
        self.total += other.total
        self.squares += other.squares

    @property
    def mean(self) -> float:
        """Mean over patients."""
        return self.total / self.n

    @property
    def sd(self) -> float:
        """Standard deviation over patients."""
        return math.sqrt(max(self.squares - self.n * self.mean**2, 0.0) / max(self.n - 1, 1))
