"""What every harmonizer says of itself: what it shares in which exchanges, and how it maps a case."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = [
    "LEAST_CHANGE",
    "MIN_PATIENTS",
    "NOTHING",
    "Exchange",
    "Harmonizer",
    "Patients",
    "Statistics",
    "has_foreground",
]

MIN_PATIENTS = 10
"""A site with fewer training patients shares no statistics; it is harmonized all the same, by its own, at home."""

LEAST_CHANGE = 1e-4
"""Mean change of a pixel in [0, 1], a fortieth of an 8-bit grey level: less than that in all cases is no change."""

Statistics = Mapping[str, np.ndarray]
"""Named float64 arrays of fixed shape: all that a harmonizer ever sends. Empty: nothing is sent."""

NOTHING: Statistics = {}
"""No statistics."""

Patients = Iterable[Sequence[np.ndarray]]
"""Training cases only, grouped by patient: each case (z, c, y, x) float in [0, 1]. No masks, no labels."""

Apply = Callable[[np.ndarray, Statistics, Statistics], np.ndarray]
Mix = Callable[[np.ndarray, Statistics, Statistics, np.random.Generator], np.ndarray]


def has_foreground(case: np.ndarray) -> bool:
    """Whether any value is not exactly zero."""
    return bool((case != 0).any())


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to the sites and what is made of the answers.

    Attributes:
        share: (training patients, the site's own statistics so far, the reference so far) -> what the site computes
            and sends; empty where it has nothing to contribute.
        combine: (the sites' shares of this exchange, sorted by site, none of them empty; the reference so far) -> what
            every site receives.
    """

    share: Callable[[Patients, Statistics, Statistics], Statistics]
    combine: Callable[[Sequence[Statistics], Statistics], Statistics]


@dataclass(frozen=True, slots=True)
class Harmonizer:
    """One way to make the sites' images look alike; masks and labels are never touched.

    Attributes:
        summary: one sentence for people.
        apply: (case, the site's own statistics, the federation's reference) -> the same shape and range.
        exchanges: what is asked of the sites before the first round, one question after the other: a later one may use
            what the earlier ones gave. None: nothing leaves a site.
        mix: for a harmonizer that acts while training only: (batch (n, c, y, x) float32 in [0, 1], own, reference,
            generator) -> the same shape and range. Cases that are judged go through `apply`.
        on: what a case is. "pixels": (z, c, y, x) float32 in [0, 1]; "colour": the same with three channels that
            mean red, green, blue; "features": (d,) float64, what a frozen extractor says of it; "geometry": (2, 3)
            float64, millimetres and pixels along z, y, x, from which the loader learns how to resample.
        contributes: whether a case has anything to contribute to what is shared.
        min_patients: training patients with such a case that a site needs to share anything.
    """

    summary: str
    apply: Apply
    exchanges: tuple[Exchange, ...] = ()
    mix: Mix | None = None
    on: Literal["pixels", "colour", "features", "geometry"] = "pixels"
    contributes: Callable[[np.ndarray], bool] = has_foreground
    min_patients: int = MIN_PATIENTS

    @property
    def shares(self) -> bool:
        """Whether anything leaves the sites for it."""
        return bool(self.exchanges)
