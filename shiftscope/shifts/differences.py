"""Moments of many sites and differences of many pairs, as arrays.

Everything stays in the axis's own coordinates, padded to one width, until `Differences.distributions` measures it in a
unit: what is held equal does not depend on the unit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from shiftscope.shifts.effect_distributions import EffectDistribution
from shiftscope.shifts.squared_distances import UnitUncertainty, distribution_of, effects_of
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments

__all__ = ["Differences", "MomentTable", "against_all", "plain"]


@dataclass(frozen=True)
class MomentTable:
    """Moments of N sites, padded with zeros to the widest, D coordinates.

    Attributes:
        n: (N,) patients, 0 where the site has no such axis.
        width: (N,) coordinates, 0 likewise.
        mean: (N, D).
        cov: (N, D, D).
        noise: (N,) variance of each coordinate of `mean` beyond that of chance, see `Moments`.
    """

    n: np.ndarray
    width: np.ndarray
    mean: np.ndarray
    cov: np.ndarray
    noise: np.ndarray

    @classmethod
    def of(cls, sites: Sequence[Moments | None]) -> Self:
        """Stack them; None is a site without the axis."""
        width = np.array([0 if site is None else len(site.mean) for site in sites], dtype=int)
        size, most = len(sites), int(width.max(initial=0))
        n, mean, cov = np.zeros(size, dtype=int), np.zeros((size, most)), np.zeros((size, most, most))
        for index, site in enumerate(sites):
            if site is not None:
                d = len(site.mean)
                n[index], mean[index, :d], cov[index, :d, :d] = site.n, site.mean, site.cov
        noise = np.array([0.0 if site is None else site.noise for site in sites])
        return cls(n, width, mean, cov, noise)

    def leading(self, d: int | None) -> Self:
        """The first `d` coordinates at the most, all for None."""
        if d is None:
            return self
        return replace(self, width=np.minimum(self.width, d), mean=self.mean[:, :d], cov=self.cov[:, :d, :d])

    @cached_property
    def variance(self) -> np.ndarray:
        """(N,) of patients, all coordinates together."""
        return np.asarray(np.trace(self.cov, axis1=1, axis2=2))

    @cached_property
    def cov_of_mean(self) -> np.ndarray:
        """(N, D, D) covariances of the means."""
        d = self.mean.shape[1]
        own = self.noise[:, None] * (np.arange(d) < self.width[:, None])
        return np.asarray(self.cov / np.maximum(self.n, 1)[:, None, None] + own[:, :, None] * np.eye(d))


@dataclass(frozen=True, slots=True)
class Differences:
    """Differences of m pairs, padded with zeros beyond their width to D coordinates.

    Attributes:
        width: (m,) coordinates compared.
        delta: (m, D) differences of the means, first site less second.
        parts: (2, m, D, D) covariances of either mean.
        freedom: (2, m) degrees of freedom of the traces of the parts.
    """

    width: np.ndarray
    delta: np.ndarray
    parts: np.ndarray
    freedom: np.ndarray

    def at(self, rows: np.ndarray) -> Self:
        """Some of the pairs."""
        return type(self)(self.width[rows], self.delta[rows], self.parts[:, rows], self.freedom[:, rows])

    def leading(self, width: np.ndarray) -> Self:
        """Each pair cut to its own `width` (m,)."""
        width = np.minimum(self.width, width)
        if len(width) and width.min() >= self.delta.shape[1]:
            return replace(self, width=width)
        keep = np.arange(self.delta.shape[1]) < width[:, None]
        both = keep[:, :, None] & keep[:, None, :]
        return type(self)(width, self.delta * keep, self.parts * both, self.freedom)

    def put(self, rows: np.ndarray, other: Self) -> Self:
        """With other differences in some rows, rising."""
        if len(rows) == len(self.width):
            return other
        d = max(int(other.width.max(initial=0)), self.delta.shape[1])
        out, new = self._padded(d), other._padded(d)
        out.width[rows], out.freedom[:, rows] = new.width, new.freedom
        out.delta[rows], out.parts[:, rows] = new.delta, new.parts
        return out

    def _padded(self, d: int) -> Self:
        """A copy padded, or cut, to `d` coordinates."""
        m, kept = len(self.width), min(d, self.delta.shape[1])
        delta, parts = np.zeros((m, d)), np.zeros((2, m, d, d))
        delta[:, :kept], parts[..., :kept, :kept] = self.delta[:, :kept], self.parts[..., :kept, :kept]
        return type(self)(self.width.copy(), delta, parts, self.freedom.copy())

    def swapped(self, rows: np.ndarray) -> Self:
        """With the sites exchanged in some rows."""
        sign = np.where(rows, -1.0, 1.0)[:, None]
        parts = np.where(rows[:, None, None], self.parts[::-1], self.parts)
        return replace(
            self, delta=self.delta * sign, parts=parts, freedom=np.where(rows, self.freedom[::-1], self.freedom)
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All pairs of several, of one width D."""
        return cls(
            width=np.concatenate([part.width for part in parts]),
            delta=np.concatenate([part.delta for part in parts]),
            parts=np.concatenate([part.parts for part in parts], axis=1),
            freedom=np.concatenate([part.freedom for part in parts], axis=1),
        )

    def by_width(self) -> Iterator[tuple[int, np.ndarray | slice]]:
        """Every width that some pair has, and the pairs."""
        widths = np.flatnonzero(np.bincount(self.width)).tolist()
        for d in widths:
            yield d, slice(None) if len(widths) == 1 else np.flatnonzero(self.width == d)

    def distributions(self, unit_at: Callable[[int], WithinSiteCovariance]) -> EffectDistribution:
        """The distribution of every pair's squared distance, fields (m,).

        Args:
            unit_at: width -> the unit at that width.
        """
        columns = np.zeros((len(EffectDistribution._fields), len(self.width)))
        for d, rows in self.by_width():
            unit = unit_at(d)
            delta, parts = self.delta[rows, :d], self.parts[:, rows, :d, :d]
            columns[:, rows] = distribution_of(
                delta @ unit.root.T,
                _in_unit(parts, unit.root),
                self.freedom[:, rows],
                UnitUncertainty(unit.cost, unit.freedom, float(np.trace(unit.within)), unit.variance_along(delta)),
            )
        return EffectDistribution(*columns)

    def values(self, unit_at: Callable[[int], WithinSiteCovariance]) -> np.ndarray:
        """(m,) `EffectDistribution.value` of every pair, without the rest of its distribution.

        Args:
            unit_at: width -> the unit at that width.
        """
        out = np.zeros(len(self.width))
        for d, rows in self.by_width():
            unit = unit_at(d)
            uncertain = UnitUncertainty(unit.cost, unit.freedom, float(np.trace(unit.within)), 0.0)
            parts = self.parts[:, rows, :d, :d].reshape(2, -1, d * d)
            out[rows], _ = effects_of(
                self.delta[rows, :d], parts, self.freedom[:, rows], unit.root.T @ unit.root, uncertain
            )
        return out


def _in_unit(parts: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Symmetric matrices (..., d, d) in a unit: root parts root', by two large products instead of many small ones."""
    d = len(root)
    half = (parts.reshape(-1, d) @ root.T).reshape(parts.shape)
    return np.asarray((np.swapaxes(half, -1, -2).reshape(-1, d) @ root.T).reshape(parts.shape))


def plain(table: MomentTable, i: np.ndarray, j: np.ndarray) -> Differences:
    """Sites i (m,) less sites j (m,), on the coordinates that both have, padded to the widest of these pairs."""
    width = np.minimum(table.width[i], table.width[j])
    d = int(width.max(initial=0))
    mean, cov = table.mean[:, :d], table.cov_of_mean[:, :d, :d]
    parts, freedom = cov.take(np.stack([i, j]), axis=0), np.stack([table.n[k] - 1.0 for k in (i, j)])
    return Differences(np.full_like(width, d), mean[i] - mean[j], parts, freedom).leading(width)


def against_all(differences: Differences) -> Differences:
    """One site against several, each counted alike: the mean (1, D) of its differences to them.

    Args:
        differences: the site less each other site; the site's own mean is common to them.
    """
    cut = differences.leading(np.full_like(differences.width, differences.width.min()))
    k = len(cut.width)
    others = np.sum(cut.parts[1], axis=0) / k**2
    traces = np.trace(cut.parts[1], axis1=1, axis2=2)
    spread = float(np.sum(traces**2 / np.maximum(cut.freedom[1], 1.0)))
    freedom = float(np.sum(traces)) ** 2 / spread if spread > 0 else float(np.sum(cut.freedom[1]))
    return Differences(
        width=cut.width[:1],
        delta=np.mean(cut.delta, axis=0, keepdims=True),
        parts=np.stack([np.mean(cut.parts[0], axis=0), others])[:, None],
        freedom=np.array([[float(np.mean(cut.freedom[0]))], [freedom]]),
    )
