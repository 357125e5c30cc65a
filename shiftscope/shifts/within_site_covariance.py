"""The unit of all effects: how patients vary within a site.

Plain squared distances let the coordinates that vary most decide, and drown a shift in one coordinate among the
noise of the others. Distances are therefore measured in the covariance S of patients within sites, pooled over the
federation (Mahalanobis 1936, doi:10.1007/s13171-019-00164-5), so that an effect of 1 means one within-site standard
deviation, squared. S is shrunk towards its diagonal: its correlations towards none, by the closed form of OAS (Chen,
Wiesel, Eldar and Hero 2010, doi:10.1109/TSP.2010.2053029).

S is estimated from the very patients that are compared, so distances come out too long. With the metric
((1 - r) S + r diag S)^-1 and a Wishart S, by how much is a closed form to first order in one over the freedom, and
exact at both ends: r = 0 gives Hotelling's T^2, r = 1 independent t statistics.
`cost` is what d + 1 is to Hotelling's distance, 2 to a single t.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from shiftscope.stats import Moments

__all__ = ["WithinSiteCovariance"]

_DIGITS = 1e-5  # published means have six digits: a coordinate that varies by less of its mean counts as constant
_NOTHING = 1e-12  # a share of the variance that is rounding
_ENOUGH = 3  # sites of which no single one has the second largest mean


@dataclass(frozen=True)
class WithinSiteCovariance:
    """The within-site covariance of one axis at one width, and how well it is known.

    Attributes:
        root: (d, d) W, the inverse square root: W x has about unit variance in all directions.
        cov: (d, d) S, pooled within sites.
        shrinkage: r, 0 to 1.
        freedom: of S: patients less one, over all sites.
    """

    root: np.ndarray
    cov: np.ndarray
    shrinkage: float
    freedom: float

    @classmethod
    def of(cls, sites: Sequence[Moments], shrunken: bool = True) -> Self:
        """The unit of sites of one width (d,); at least one patient varies. Only without shrinkage does nothing change
        when all sites measure in other coordinates."""
        weights = [max(site.n - 1, 0) for site in sites]
        freedom = float(sum(weights))
        cov = np.sum([site.cov * weight for site, weight in zip(sites, weights, strict=True)], axis=0)
        means = np.sort(np.abs([site.mean for site in sites]), axis=0)
        largest = means[-1 if len(means) < _ENOUGH else -2]
        (found,) = cls._made((cov / max(freedom, 1.0))[None], np.array([freedom]), largest[None], shrunken)
        return found

    @classmethod
    def leave_one_out(cls, sites: Sequence[Moments]) -> list[Self]:
        """For each of two sites or more the unit of all others, as `of` would make it."""
        weights = np.tile([float(max(site.n - 1, 0)) for site in sites], (len(sites), 1))
        np.fill_diagonal(weights, 0.0)
        freedom = weights.sum(axis=1)
        covs = np.tensordot(weights, [site.cov for site in sites], axes=1) / np.maximum(freedom, 1.0)[:, None, None]
        means = np.abs([site.mean for site in sites])
        few = len(sites) - 1 < _ENOUGH
        first, second = np.sort(means, axis=0)[[-1, -2]] if few else np.sort(means, axis=0)[[-2, -3]]
        largest = np.where(means >= first, second, first)  # of the others alone
        return cls._made(covs, freedom, largest)

    @classmethod
    def _made(cls, covs: np.ndarray, freedom: np.ndarray, largest: np.ndarray, shrunken: bool = True) -> list[Self]:
        """From pooled covariances (k, d, d), their freedom (k,) and the largest absolute means (k, d), which say what
        is rounding: of three sites or more the second largest, so that no site alone can make the others' coordinates
        count as constant."""
        variance = np.einsum("kdd->kd", covs)
        floor = np.maximum((_DIGITS * largest) ** 2, _NOTHING * variance.mean(axis=1, keepdims=True))
        spread = np.sqrt(np.where(floor > 0, np.maximum(variance, floor), 1.0))
        correlation = covs / (spread[:, :, None] * spread[:, None, :])
        np.einsum("kdd->kd", correlation)[:] = 1.0
        r = [_oas(one, known) if shrunken else 0.0 for one, known in zip(correlation, freedom.tolist(), strict=True)]
        kept = np.array(r)[:, None, None]
        values, vectors = np.linalg.eigh((1 - kept) * correlation + kept * np.eye(covs.shape[1]))
        scaled = vectors / np.sqrt(np.maximum(values, _NOTHING))[:, None, :]
        roots = scaled @ np.swapaxes(vectors, 1, 2) / spread[:, None, :]
        return [cls(*one) for one in zip(roots, covs, r, freedom.tolist(), strict=True)]

    @cached_property
    def within(self) -> np.ndarray:
        """(d, d) K, the covariance in its own unit: the identity but for the shrinkage."""
        return np.asarray(self.root @ self.cov @ self.root.T)

    @cached_property
    def cost(self) -> float:
        """Degrees of freedom that estimating S costs a squared distance: 2 for one coordinate, up to d + 1."""
        within = self.within
        total, squares = float(np.trace(within)), float(np.sum(within * within))
        own = np.sum((self.root.T @ self.root) * self.cov, axis=1)
        full = (total**2 + squares) * (1 - self.shrinkage)
        return (full + 2 * self.shrinkage * float(own @ own)) / max(total, _NOTHING)

    def variance_along(self, delta: np.ndarray) -> np.ndarray:
        """Variance of the unit along each of `delta` (m, d), relative to that of one coordinate: (m,), 0 to 1."""
        y = delta @ (self.root.T @ self.root)
        length = np.sum(y * delta, axis=1) ** 2
        same = length <= 0
        image = y @ self.cov
        r = self.shrinkage
        whole = np.sum(y * image, axis=1) ** 2
        half = np.sum((y * image) ** 2, axis=1)
        diagonal = np.sum((y**2 @ self.cov**2) * y**2, axis=1)
        found: np.ndarray = ((1 - r) ** 2 * whole + 2 * r * (1 - r) * half + r**2 * diagonal) / np.where(
            same, 1.0, length
        )
        return np.where(same, 1.0, np.minimum(found, 1.0))


def _oas(correlation: np.ndarray, n: float) -> float:
    """Shrinkage towards the identity, 0 to 1 (Chen et al. 2010, eq. 23)."""
    p = len(correlation)
    squares, trace = float(np.sum(correlation**2)), float(p)
    above = (1 - 2 / p) * squares + trace**2
    below = (n + 1 - 2 / p) * (squares - trace**2 / p)
    return min(1.0, above / below) if below > 0 else 1.0
