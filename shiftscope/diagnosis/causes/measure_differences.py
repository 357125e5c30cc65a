"""Which measures differ between two sites, by the cause that they speak of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy import special

from shiftscope.measures.measure_groups import CAUSES
from shiftscope.profiles.profile_document import Profile
from shiftscope.stats import LEVEL

__all__ = ["MeasureDifference", "MeasureTable", "measure_differences"]

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
    """Cause -> measures that differ from `a` to `b`, the one with the largest standardised difference first."""
    table = MeasureTable.of([a, b])
    pair = np.array([0]), np.array([1])
    found = {cause: table.between(question, cause, *pair)[0] for cause in CAUSES[question]}
    return {cause: differing for cause, differing in found.items() if differing}


@dataclass(frozen=True)
class MeasureTable:
    """The measures that N sites publish.

    Attributes:
        sites: their names.
        n, mean, sd: measure -> (N,) patients, 0 where the site does not publish it, their mean and deviation.
    """

    sites: tuple[str, ...]
    n: Mapping[str, np.ndarray]
    mean: Mapping[str, np.ndarray]
    sd: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, profiles: Sequence[Profile]) -> Self:
        """In the order given."""
        names = dict.fromkeys(name for causes in CAUSES.values() for measures in causes.values() for name in measures)
        names |= {f"{name}_outside": None for name in names}
        known = {name: [profile.measures.get(name) for profile in profiles] for name in names}
        return cls(
            tuple(profile.site for profile in profiles),
            *(
                {
                    name: np.array([0 if one is None else getattr(one, key) for one in found])
                    for name, found in known.items()
                }
                for key in ("n", "mean", "sd")
            ),
        )

    def differing(self, question: str, cause: str, i: np.ndarray, j: np.ndarray) -> dict[str, np.ndarray]:
        """Measure -> (m,) the size of its difference between pairs of sites over the spread of patients within the two;
        0 where it does not differ, above 0 where the second site's mean is higher and below where it is lower.

        A measure differs when its interval at a Bonferroni level over all measures of the question leaves 0, and its
        difference is not negligible. Of a single value at both sites the size is infinite.
        """
        tests = self._tests(question, i, j)
        return {name: self._size(name, i, j, tests) for name in CAUSES[question][cause]}

    def between(self, question: str, cause: str, i: np.ndarray, j: np.ndarray) -> list[list[MeasureDifference]]:
        """The measures that differ, pair by pair, the one with the largest standardised difference first."""
        out: list[list[MeasureDifference]] = [[] for _ in i]
        for name, size in self.differing(question, cause, i, j).items():
            rows = np.flatnonzero(size)
            gap, low, high = self._welch(name, i[rows], j[rows], np.full(len(rows), LEVEL))
            columns = (rows, i[rows], j[rows], gap, low, high, np.abs(size[rows]))
            for row, a, b, *numbers in zip(*(column.tolist() for column in columns), strict=True):
                n, mean = self.n[name], self.mean[name]
                out[row].append(
                    MeasureDifference(
                        name,
                        (self.sites[a], self.sites[b]),
                        (float(mean[a]), float(mean[b])),
                        (int(n[a]), int(n[b])),
                        *numbers,
                    )
                )
        return [sorted(found, key=lambda one: -one.strength) for found in out]

    def _shared(self, name: str, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Which of the pairs publish a measure both; one of the whole image not where the same away from the mask is
        known."""
        both = (self.n[name][i] > 0) & (self.n[name][j] > 0)
        outside = self.n.get(f"{name}_outside")
        return np.asarray(both if outside is None else both & ~((outside[i] > 0) & (outside[j] > 0)))

    def _tests(self, question: str, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        names = [name for measures in CAUSES[question].values() for name in measures]
        return np.asarray(np.maximum(1, np.sum([self._shared(name, i, j) for name in names], axis=0)))

    def _size(self, name: str, i: np.ndarray, j: np.ndarray, tests: np.ndarray) -> np.ndarray:
        out = np.zeros(len(i))
        gap = self.mean[name][j] - self.mean[name][i]
        spread = np.sqrt((self.sd[name][i] ** 2 + self.sd[name][j] ** 2) / 2)
        large = (gap != 0) & (np.abs(gap) >= np.maximum(NEGLIGIBLE * spread, LEAST.get(name, 0.0)))
        rows = np.flatnonzero(self._shared(name, i, j) & large)
        _, low, high = self._welch(name, i[rows], j[rows], 1 - (1 - LEVEL) / tests[rows])
        rows = rows[(low > 0) | (high < 0)]
        with np.errstate(divide="ignore"):
            out[rows] = gap[rows] / spread[rows]
        return out

    def _welch(
        self, name: str, i: np.ndarray, j: np.ndarray, level: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Second means less the first, with their intervals (`stats.welch`), for many at once."""
        n, mean = self.n[name], self.mean[name]
        variance = self.sd[name] ** 2 / np.maximum(n, 1)
        total, gap = variance[j] + variance[i], mean[j] - mean[i]
        spread = variance[j] ** 2 / np.maximum(n[j] - 1, 1) + variance[i] ** 2 / np.maximum(n[i] - 1, 1)
        freedom = np.where(total > 0, total**2, 1.0) / np.where(total > 0, spread, 1.0)
        half = special.stdtrit(freedom, 1 - (1 - level) / 2) * np.sqrt(total)
        return gap, gap - half, gap + half
