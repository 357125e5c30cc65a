"""Which measures differ between two sites, by the cause that they speak of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from shiftscope.measures.measure_groups import CAUSES
from shiftscope.profiles.profile_document import Profile, Summary
from shiftscope.stats import LEVEL, welch

__all__ = ["MeasureDifference", "measure_differences"]

NEGLIGIBLE = 0.26
"""Standardised difference below which means count as equal: between normal distributions, a Cliff's delta of .147."""


LEAST = {"offset": 0.5, "offset_relative": float("inf")}
"""Measure -> the smallest gap that counts: a change of appearance alone changes the offset by a third of a pixel, and
the relative one serves to correct areas, not to compare annotators (docs/measures.md)."""


@dataclass(frozen=True, slots=True)
class MeasureDifference:
    """A measure whose mean differs between two sites.

    Attributes:
        measure: a key of `MEASURES`.
        sites: the two.
        means: at either.
        n: patients at either.
        gap: second mean less the first.
        low: lower end of its 95 % interval.
        high: upper end.
        strength: the gap's size over the spread of patients within the two sites.
    """

    measure: str
    sites: tuple[str, str]
    means: tuple[float, float]
    n: tuple[int, int]
    gap: float
    low: float
    high: float
    strength: float

    @property
    def up(self) -> bool:
        """Whether the second site's mean is the higher one."""
        return self.gap > 0

    def with_last(self, site: str) -> Self:
        """The same with `site` as the second."""
        if site == self.sites[1]:
            return self
        return replace(
            self,
            sites=self.sites[::-1],
            means=self.means[::-1],
            n=self.n[::-1],
            gap=-self.gap,
            low=-self.high,
            high=-self.low,
        )


def measure_differences(question: str, a: Profile, b: Profile) -> dict[str, list[MeasureDifference]]:
    """Cause -> measures that differ from `a` to `b`, the one with the largest standardised difference first.

    A measure differs when its interval at a Bonferroni level over all measures of the question leaves 0, and its
    difference is not negligible.
    """
    found: dict[str, list[MeasureDifference]] = {}
    shared = {cause: [*_comparable(names, a.measures, b.measures)] for cause, names in CAUSES[question].items()}
    tests = max(1, sum(map(len, shared.values())))
    for cause, names in shared.items():
        differing = [one for name in names if (one := _difference(name, a, b, tests)) is not None]
        if differing:
            found[cause] = sorted(differing, key=lambda one: -one.strength)
    return found


def _comparable(names: tuple[str, ...], a: Mapping[str, Summary], b: Mapping[str, Summary]) -> Iterator[str]:
    """Measures both publish; one of the whole image not where the same away from the mask is known."""
    for name in names:
        if name in a and name in b and not (f"{name}_outside" in a and f"{name}_outside" in b):
            yield name


def _difference(name: str, a: Profile, b: Profile, tests: int) -> MeasureDifference | None:
    one, other = a.measures[name], b.measures[name]
    spread = float(np.sqrt((one.sd**2 + other.sd**2) / 2))
    gap = other.mean - one.mean
    if gap == 0 or abs(gap) < max(NEGLIGIBLE * spread, LEAST.get(name, 0.0)):
        return None
    numbers = ((other.n, one.n), (other.mean, one.mean), (other.sd, one.sd))
    _, lowest, highest = welch(*numbers, level=1 - (1 - LEVEL) / tests)
    if lowest <= 0 <= highest:
        return None
    _, low, high = welch(*numbers)
    return MeasureDifference(
        measure=name,
        sites=(a.site, b.site),
        means=(one.mean, other.mean),
        n=(one.n, other.n),
        gap=gap,
        low=low,
        high=high,
        strength=abs(gap) / spread if spread > 0 else float("inf"),
    )
