"""Sums over patients that grow one patient at a time: constant memory, whatever the number of images."""

import math
from dataclasses import dataclass, field

import numpy as np

from shiftscope.stats import Moments

__all__ = ["Histogram", "Sums"]

GRID = 64
"""Cells of the public grid of a measure; neighbours are merged at export."""


@dataclass(slots=True)
class Sums:
    """Count, sum and sum of outer products of rows (d,)."""

    n: int = 0
    total: np.ndarray | None = None
    outer: np.ndarray | None = None

    def add(self, row: np.ndarray) -> None:
        """Add one patient; a row with a missing coordinate is left out whole."""
        if not np.all(np.isfinite(row)):
            return
        if self.total is None or self.outer is None:
            self.total, self.outer = np.zeros(len(row)), np.zeros((len(row), len(row)))
        self.n += 1
        self.total += row
        self.outer += np.outer(row, row)

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

    low: float
    high: float
    counts: np.ndarray = field(default_factory=lambda: np.zeros(GRID, dtype=int))
    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Add one patient's value; not a number is left out."""
        if not math.isfinite(value):
            return
        cell = int((value - self.low) / (self.high - self.low) * GRID)
        self.counts[min(max(cell, 0), GRID - 1)] += 1
        self.n += 1
        self.total += value
        self.squares += value * value

    @property
    def mean(self) -> float:
        """Mean over patients."""
        return self.total / self.n

    @property
    def sd(self) -> float:
        """Standard deviation over patients."""
        return math.sqrt(max(self.squares - self.n * self.mean**2, 0.0) / max(self.n - 1, 1))
