"""Differences of means for many pairs of sites at once, plain and with something held equal.

Everything stays in the axis's own coordinates, padded to one width, until a yardstick turns it into curves: what is
held equal does not depend on the unit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from shiftscope.shifts.effect_distributions import EffectDistribution
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments

__all__ = ["Differences", "MomentTable", "UnitUncertainty", "adjusted", "against_all", "curve_of", "plain", "stretches"]

_NOTHING = 1e-12  # a share of the variance that is rounding


@dataclass(frozen=True, slots=True)
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

    def cov_of_mean(self, sites: np.ndarray) -> np.ndarray:
        """Covariances (m, D, D) of the means of some sites (m,)."""
        own = self.noise[sites, None] * (np.arange(self.mean.shape[1]) < self.width[sites, None])
        return np.asarray(
            self.cov[sites] / np.maximum(self.n[sites], 1)[:, None, None] + own[:, :, None] * np.eye(self.mean.shape[1])
        )


@dataclass(frozen=True, slots=True)
class Differences:
    """Differences of m pairs, padded with zeros beyond their width.

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
        keep = np.arange(self.delta.shape[1]) < width[:, None]
        both = keep[:, :, None] & keep[:, None, :]
        return type(self)(width, self.delta * keep, self.parts * both, self.freedom)

    def put(self, rows: np.ndarray, other: Self) -> Self:
        """With other differences in some rows."""
        out = type(self)(*(field.copy() for field in (self.width, self.delta, self.parts, self.freedom)))
        d = other.delta.shape[1]
        out.width[rows], out.freedom[:, rows] = other.width, other.freedom
        out.delta[rows], out.parts[:, rows] = 0.0, 0.0
        out.delta[rows, :d], out.parts[:, rows, :d, :d] = other.delta, other.parts
        return out

    def swapped(self, rows: np.ndarray) -> Self:
        """With the sites exchanged in some rows."""
        sign = np.where(rows, -1.0, 1.0)[:, None]
        parts = np.where(rows[:, None, None], self.parts[::-1], self.parts)
        return replace(
            self, delta=self.delta * sign, parts=parts, freedom=np.where(rows, self.freedom[::-1], self.freedom)
        )

    def curves(self, yardstick: Callable[[int], WithinSiteCovariance]) -> EffectDistribution:
        """The curve of every pair, fields (m,).

        Args:
            yardstick: width -> the yardstick at that width.
        """
        columns = np.zeros((len(EffectDistribution._fields), len(self.width)))
        for d in np.unique(self.width):
            rows = np.flatnonzero(self.width == d)
            unit = yardstick(int(d))
            delta, parts = self.delta[rows, :d], self.parts[:, rows, :d, :d]
            columns[:, rows] = curve_of(
                delta @ unit.root.T,
                unit.root @ parts @ unit.root.T,
                self.freedom[:, rows],
                UnitUncertainty(unit.cost, unit.freedom, float(np.trace(unit.within)), unit.wobble(delta)),
            )
        return EffectDistribution(*columns)


class UnitUncertainty(NamedTuple):
    """What the uncertainty of a unit does to the distances told in it.

    Attributes:
        cost: freedom it costs a squared distance, see `WithinSiteCovariance.cost`.
        freedom: of the unit's estimate.
        within: trace of a typical patient covariance in this unit.
        wobble: variance of the unit along the difference, relative to that of one coordinate.
        scalar: whether the unit is one number, that cannot turn the coordinates.
    """

    cost: float
    freedom: float | np.ndarray
    within: float | np.ndarray
    wobble: float | np.ndarray
    scalar: bool = False


def curve_of(delta: np.ndarray, parts: np.ndarray, freedom: np.ndarray, unit: UnitUncertainty) -> EffectDistribution:
    """The curves of differences told in a unit.

    The squares of an estimated covariance are too large by its sampling error, which is taken off (Srivastava 2005,
    doi:10.14490/jjss.35.251) by shrinking V towards a multiple of the identity until tr V^2 is right.

    Args:
        delta: (m, d).
        parts: (2, m, d, d) covariances of either mean.
        freedom: (2, m) of their traces.
        unit: the unit's own uncertainty.
    """
    d = delta.shape[1]
    variance = parts[0] + parts[1]
    noise = np.trace(variance, axis1=1, axis2=2)
    traces, squares = np.trace(parts, axis1=2, axis2=3), np.sum(parts**2, axis=(2, 3))
    f = np.maximum(freedom, 2.0)
    unbiased = np.clip(f**2 / ((f - 1) * (f + 2)) * (squares - traces**2 / f), traces**2 / d, squares)
    level = noise / d
    raw2, raw3 = np.sum(variance**2, axis=(1, 2)), np.sum((variance @ variance) * variance, axis=(1, 2))
    uneven = np.maximum(raw2 - d * level**2, 0.0)
    kept = np.clip(uneven - np.sum(squares - unbiased, axis=0), 0.0, uneven)
    share = np.sqrt(kept / np.where(uneven > 0, uneven, 1.0))
    noise2 = d * level**2 + kept
    third = raw3 - 3 * level * raw2 + 2 * d * level**3
    distance = np.sum(delta**2, axis=1)
    direction = delta / np.sqrt(np.where(distance > 0, distance, 1.0))[:, None]
    turned = share[:, None] * (variance @ direction[:, :, None])[:, :, 0] + ((1 - share) * level)[:, None] * direction
    even = noise**2 / np.maximum(noise2, np.finfo(float).tiny)  # coordinates' worth of noise
    common = 2.0 if unit.scalar else 2 / np.maximum(even, 1.0)
    mixed = np.maximum(unit.cost - common, 0.0)
    nu = np.maximum(unit.freedom - mixed * even / (even + 2), unit.freedom / 4)
    stretch, of_noise = stretches(noise, traces, freedom, unit)
    return EffectDistribution(
        distance=distance,
        noise=noise,
        noise2=noise2,
        noise3=d * level**3 + 3 * level * kept + share**3 * third,
        along=np.sum(turned * direction, axis=1),
        along2=np.sum(turned**2, axis=1),
        freedom=np.where(noise > 0, noise**2 / np.where(noise > 0, np.sum(unbiased / f, axis=0), 1.0), np.inf),
        stretch=np.broadcast_to(stretch, noise.shape),
        noise_stretch=of_noise,
        common=of_noise * common / unit.cost,
        mixing=mixed / ((even + 2) * nu),
        wobble=unit.wobble / nu,
    )


def stretches(
    noise: np.ndarray, traces: np.ndarray, freedom: np.ndarray, unit: UnitUncertainty
) -> tuple[np.ndarray | np.floating, np.ndarray]:
    """Shares by which a distance, and what chance adds to it, come out too long because the unit is estimated.

    Args:
        noise: (m,) traces of the covariances of the differences.
        traces: (2, m) of either mean.
        freedom: (2, m) of these.
        unit: the unit's own uncertainty.
    """
    own = np.sum(traces**2 * (freedom + 1), axis=0) / np.maximum(noise * unit.within, np.finfo(float).tiny)
    stretch = np.minimum(unit.cost / unit.freedom, 0.75)
    return stretch, np.minimum(stretch * own, 0.75)


def plain(table: MomentTable, i: np.ndarray, j: np.ndarray) -> Differences:
    """Sites i (m,) less sites j (m,), on the coordinates that both have."""
    parts = np.stack([table.cov_of_mean(k) for k in (i, j)])
    freedom = np.stack([table.n[k] - 1.0 for k in (i, j)])
    whole = Differences(np.maximum(table.width[i], table.width[j]), table.mean[i] - table.mean[j], parts, freedom)
    return whole.leading(np.minimum(table.width[i], table.width[j]))


def adjusted(
    table: MomentTable, covariate: MomentTable, links: np.ndarray, i: np.ndarray, j: np.ndarray
) -> Differences:
    """The differences that are left when a covariate is held equal (analysis of covariance).

    The slopes are those within the two sites, pooled, so a difference that goes with the covariate from patient to
    patient is not counted twice (Fisher 1932; Huitema 2011, doi:10.1002/9781118067475). A covariate that hardly varies
    is left alone.

    Args:
        table: the axis.
        covariate: one coordinate, over the same patients.
        links: (N, D) covariances of the axis with it.
        i: first sites (m,).
        j: second sites.
    """
    out = plain(table, i, j)
    keep = np.arange(out.delta.shape[1]) < out.width[:, None]
    f = out.freedom
    link = np.stack([links[k] * keep for k in (i, j)])
    var = np.stack([covariate.cov[k, 0, 0] for k in (i, j)])
    scatter = np.sum(f * var, axis=0)
    total = np.sum(f * np.stack([np.trace(table.cov[k], axis1=1, axis2=2) for k in (i, j)]), axis=0)
    varies = scatter > _NOTHING * np.maximum(total + scatter, _NOTHING)
    inverse = np.where(varies, 1 / np.where(varies, scatter, 1.0), 0.0)
    slope = np.sum(f[:, :, None] * link, axis=0) * inverse[:, None]
    gap = covariate.mean[i, 0] - covariate.mean[j, 0]
    n = np.stack([np.maximum(table.n[k], 1) for k in (i, j)])
    cross = link[..., :, None] * slope[:, None, :]
    outer = slope[:, :, None] * slope[:, None, :]
    left = out.parts * n[..., None, None] - cross - np.swapaxes(cross, -1, -2) + var[..., None, None] * outer
    pooled = np.sum(f[..., None, None] * left, axis=0) / np.maximum(np.sum(f, axis=0) - 1, 1.0)[:, None, None]
    of_slope = pooled * (gap**2 * inverse / 2)[:, None, None]
    return replace(out, delta=out.delta - gap[:, None] * slope, parts=left / n[..., None, None] + of_slope)


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
