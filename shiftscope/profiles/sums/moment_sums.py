"""Sums over patients that grow one patient at a time: constant memory, whatever the number of images."""

import math
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer

from shiftscope.profiles.sums.exact_sums import cut, joined
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
    """Count, sum and sum of outer products of rows (d,).

    Attributes:
        n: rows.
        total: (2, d), the sum as `exact_sums` keeps it; None where nothing was added.
        outer: (2, d, d), that of the outer products.
    """

    __pydantic_config__ = CHECKED

    n: Total = 0
    total: Exact | None = None
    outer: Exact | None = None

    def __post_init__(self) -> None:
        shapes = [None if array is None else array.shape for array in (self.total, self.outer)]
        paired = self.total is not None and self.total.ndim == 2 and len(self.total) == 2 and self.total.shape[1] > 0
        if shapes != [None, None] and not (
            paired and self.total is not None and shapes[1] == (2, *(self.total.shape[1],) * 2)
        ):
            raise ValueError(f"a sum of shape {shapes[0]} with products of shape {shapes[1]}")
        if self.n < 0 or (self.n > 0) != (self.total is not None):
            raise ValueError(f"sums over {self.n} patients {'without' if self.total is None else 'with'} numbers")

    @property
    def width(self) -> int:
        """Coordinates of a row; 0 where nothing was added."""
        return 0 if self.total is None else int(self.total.shape[1])

    @property
    def sums(self) -> np.ndarray:
        """(d,) sum of the rows."""
        return np.zeros(0) if self.total is None else joined(self.total)

    @property
    def products(self) -> np.ndarray:
        """(d, d) sum of their outer products."""
        return np.zeros((0, 0)) if self.outer is None else joined(self.outer)

    def add(self, rows: np.ndarray) -> None:
        """Add patients, (n, d) or one (d,); a row with a missing coordinate is left out whole."""
        rows = np.atleast_2d(rows)
        whole = rows[np.isfinite(rows).all(axis=1)]
        if len(whole):
            outer = cut(whole[:, :, None] * whole[:, None, :])
            self.merge(MomentSums(len(whole), cut(whole).sum(axis=1), outer.sum(axis=1)))

    def merge(self, other: "MomentSums") -> None:
        """Add the sums over other patients.

        Raises:
            ValueError: they have another number of coordinates.
        """
        if other.total is None or other.outer is None:
            return
        if self.total is None or self.outer is None:
            self.total, self.outer = np.zeros(other.total.shape), np.zeros(other.outer.shape)
        self.n += other.n
        self.total += other.total
        self.outer += other.outer

    def moments(self, width: int) -> Moments | None:
        """Moments of the first `width` coordinates, None where nothing was added."""
        if not self.n or not width:
            return None
        mean = self.sums[:width] / self.n
        scatter = self.products[:width, :width] - self.n * np.outer(mean, mean)
        np.fill_diagonal(scatter, np.maximum(np.diag(scatter), 0.0))  # rounding
        return Moments(self.n, mean, scatter / max(self.n - 1, 1))


@dataclass(slots=True)
class Histogram:
    """Counts on a fixed grid over `low`..`high`, with count, sum and sum of squares.

    Values beyond the range count in the end cells, so the ends say nothing of a single patient.

    Attributes:
        low, high: of the grid.
        counts: of each cell.
        n: values.
        sums: (2, 2), sum and sum of squares as `exact_sums` keeps them.
    """

    __pydantic_config__ = CHECKED

    low: Number
    high: Number
    counts: list[Total] = field(default_factory=lambda: [0] * GRID)
    n: Total = 0
    sums: Exact = field(default_factory=lambda: np.zeros((2, 2)))

    def __post_init__(self) -> None:
        if len(self.counts) != GRID or sum(self.counts) != self.n or min(self.counts) < 0:
            raise ValueError(f"{len(self.counts)} cells that hold {sum(self.counts)} patients of {self.n}")
        if self.sums.shape != (2, 2):
            raise ValueError(f"a sum of shape {self.sums.shape}")

    def add(self, values: np.ndarray | float) -> None:
        """Add the values of patients, (n,) or one; what is not a number is left out."""
        found = np.atleast_1d(np.asarray(values, dtype=float))
        found = found[np.isfinite(found)]
        cells = ((found - self.low) / (self.high - self.low) * GRID).clip(0, GRID - 1).astype(int)
        for cell in cells.tolist():
            self.counts[cell] += 1
        self.n += len(found)
        self.sums = self.sums + cut(np.stack([found, found * found])).sum(axis=2)

    def merge(self, other: "Histogram") -> None:
        """Add other patients, counted on the same grid."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.n += other.n
        self.sums = self.sums + other.sums

    @property
    def mean(self) -> float:
        """Mean over patients."""
        return float(joined(self.sums)[0]) / self.n

    @property
    def sd(self) -> float:
        """Standard deviation over patients."""
        return math.sqrt(max(float(joined(self.sums)[1]) - self.n * self.mean**2, 0.0) / max(self.n - 1, 1))
