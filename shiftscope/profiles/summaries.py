"""A measure that a person can read, as a profile publishes it."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from shiftscope.records import MOST, Finite, Misfit, Record, Text, Total

__all__ = ["Summary"]

_FARTHEST = 1e9


class Summary(Record):
    """One measure that a person can read, over patients.

    Attributes:
        unit: unit of mean, sd and edges.
        n: patients for whom it is defined.
        mean: mean over patients.
        sd: standard deviation over patients.
        edges: edges of the cells on a fixed public grid; neighbours are merged until each cell holds 10 patients.
        counts: patients in each cell, one fewer than edges.
    """

    unit: Text
    n: Annotated[int, Field(strict=True, ge=1, le=MOST)]
    mean: Annotated[Finite, Field(ge=-_FARTHEST, le=_FARTHEST)]
    sd: Annotated[Finite, Field(ge=0, le=_FARTHEST)]
    edges: Annotated[tuple[Finite, ...], Field(min_length=2, max_length=65)]
    counts: tuple[Total, ...]

    @model_validator(mode="after")
    def _is_a_histogram(self) -> Self:
        """Cells that rise, and hold all patients."""
        if len(self.counts) != len(self.edges) - 1:
            raise Misfit("counts", len(self.counts), f"{len(self.edges) - 1} counts, one fewer than edges")
        if any(low >= high for low, high in pairwise(self.edges)):
            raise Misfit("edges", list(self.edges), "edges that rise")
        if sum(self.counts) != self.n:
            raise Misfit("counts", sum(self.counts), f"counts that add up to n, {self.n}")
        return self
