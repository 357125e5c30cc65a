"""What every harmonizer says of itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["MIN_PATIENTS", "Harmonizer", "Patients", "Statistics", "nothing_combined", "nothing_shared"]

MIN_PATIENTS = 10
"""A site with fewer training patients shares no statistics; it is harmonized all the same, by its own, at home."""

Statistics = Mapping[str, np.ndarray]
"""Named float64 arrays of fixed shape: all that a harmonizer ever sends. Empty: nothing is sent."""

Patients = Iterable[Sequence[np.ndarray]]
"""Training cases only, grouped by patient: each case (z, c, y, x) float in [0, 1]. No masks, no labels."""


def nothing_shared(_patients: Patients) -> Statistics:
    """What a site sends for a harmonizer that looks at one case at a time: nothing."""
    return {}


def nothing_combined(_shares: Sequence[Statistics]) -> Statistics:
    """The reference of a harmonizer that needs none."""
    return {}


@dataclass(frozen=True, slots=True)
class Harmonizer:
    """One way to make the sites' images look alike; masks and labels are never touched.

    Attributes:
        summary: one sentence for people.
        apply: (case (z, c, y, x) float32 in [0, 1], the site's own statistics, the federation's reference) ->
            the same shape and range.
        share: what a site computes from its training cases and sends.
        combine: the sites' shares, sorted by site -> the reference every site receives.
    """

    summary: str
    apply: Callable[[np.ndarray, Statistics, Statistics], np.ndarray]
    share: Callable[[Patients], Statistics] = nothing_shared
    combine: Callable[[Sequence[Statistics]], Statistics] = nothing_combined

    @property
    def shares(self) -> bool:
        """Whether anything leaves the sites for it."""
        return self.share is not nothing_shared
