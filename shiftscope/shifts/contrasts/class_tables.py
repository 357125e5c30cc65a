"""Two classes at many sites on one axis, told in the unit of patients within a class and a site.

Everything a comparison of contrasts needs is a weighted mean over sites, so one site, or all others each counted alike,
is a row of weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from shiftscope.shifts.units import MOST
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments

__all__ = ["ClassTable", "MeanClasses"]


@dataclass(frozen=True, slots=True)
class MeanClasses:
    """Means over some sites, once for each of m comparisons, in the unit.

    Attributes:
        half: (m, d) half contrasts: half the way from the first class to the second.
        middle: (m, d) points in the middle of the two.
        whole: (m, d) means of all patients.
        cov: (m, d, d) covariance of `half`, and of `middle` too.
        noise: (m,) trace of the covariance of `whole`.
    """

    half: np.ndarray
    middle: np.ndarray
    whole: np.ndarray
    cov: np.ndarray
    noise: np.ndarray


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Two classes at N sites, d coordinates, in the unit.

    Attributes:
        means: (N, 2, d) of the classes.
        whole: (N, d) of all patients.
        parts: (N, 2, d, d) covariances of half of each of `means`.
        known: (N, 2) degrees of freedom of these.
        noise: (N,) trace of the covariance of `whole`.
        freedom: of the unit.
    """

    means: np.ndarray
    whole: np.ndarray
    parts: np.ndarray
    known: np.ndarray
    noise: np.ndarray
    freedom: float

    @classmethod
    def of(
        cls,
        classes: Sequence[tuple[Moments, Moments]],
        whole: Sequence[Moments],
        within: Sequence[Moments] | None = None,
    ) -> Self:
        """The unit is the covariance within classes and sites, pooled; it is not shrunken, so that the coordinates in
        which all sites measure do not matter.

        Args:
            classes: moments of both classes at each of the N sites, of one width d.
            whole: of all patients of each, of the same width.
            within: of classes whose spread is the unit, each counted in full, of the same width; None for those of the
                N sites, none counted for more than `MOST` times the median.
        """
        if within is None:
            cells = [cell for site in classes for cell in site]
            most = int(MOST * np.median([cell.n for cell in cells]))
            within = [replace(cell, n=min(cell.n, most)) for cell in cells]
        unit = WithinSiteCovariance.of(within, shrunken=False)
        n = np.array([[cell.n for cell in site] for site in classes], dtype=float)
        covs = unit.root @ np.array([[cell.cov for cell in site] for site in classes]) @ unit.root.T
        metric = unit.root.T @ unit.root
        return cls(
            means=np.array([[cell.mean for cell in site] for site in classes]) @ unit.root.T,
            whole=np.array([site.mean for site in whole]) @ unit.root.T,
            parts=covs / (4 * n)[..., None, None],
            known=n - 1,
            noise=np.array([np.sum(metric * site.cov) / site.n for site in whole]),
            freedom=unit.freedom,
        )

    def weighted(self, weights: np.ndarray) -> MeanClasses:
        """Means over sites, `weights` (m, N) in rows that add up to 1; or single sites, by their places (m,)."""
        if weights.ndim == 1:
            return MeanClasses(
                half=(self.means[weights, 1] - self.means[weights, 0]) / 2,
                middle=self.means.mean(axis=1)[weights],
                whole=self.whole[weights],
                cov=self.parts.sum(axis=1)[weights],
                noise=self.noise[weights],
            )
        squared = weights**2
        return MeanClasses(
            half=weights @ (self.means[:, 1] - self.means[:, 0]) / 2,
            middle=weights @ self.means.mean(axis=1),
            whole=weights @ self.whole,
            cov=np.tensordot(squared, self.parts.sum(axis=1), axes=1),
            noise=squared @ self.noise,
        )

    def along(self, weights: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Variances (m,) of half contrasts along `directions` (m, d), and their degrees of freedom (m,) (Welch 1947,
        doi:10.1093/biomet/34.1-2.28)."""
        d = directions.shape[1]
        outer = (directions[:, :, None] * directions[:, None, :]).reshape(-1, d * d)
        parts = self.parts.reshape(*self.parts.shape[:2], d * d)
        if weights.ndim == 1:
            cells = np.einsum("mck,mk->mc", parts[weights], outer)[:, None]
            known = self.known[weights][:, None]
        else:
            cells = np.stack([outer @ parts[:, place].T for place in (0, 1)], axis=2) * (weights**2)[:, :, None]
            known = self.known
        variance = cells.sum(axis=(1, 2))
        spread = np.sum(cells**2 / known, axis=(1, 2))
        return variance, np.where(spread > 0, variance**2 / np.where(spread > 0, spread, 1.0), self.freedom)
