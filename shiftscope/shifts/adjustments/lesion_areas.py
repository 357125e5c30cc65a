"""Differences at equal lesion area: analysis of covariance with the log area as the covariate.

Brightness rises by 1/2 for each unit of log area, within both sites. Lesions of the first site are larger by 1, and its
brightness is higher by .8: of that .5 goes with the area, and .3 is left.

    >>> cov = np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> east, west = (Moments(50, np.array(mean), cov) for mean in ((0.8, 1.0), (0.0, 0.0)))
    >>> brightness = MomentTable.of([Moments(50, site.mean[:1], site.cov[:1, :1]) for site in (east, west)])
    >>> area = MomentTable.of([Moments(50, site.mean[1:], site.cov[1:, 1:]) for site in (east, west)])
    >>> left = adjusted_for(brightness, area, np.array([[0.5], [0.5]]), np.array([0]), np.array([1]))
    >>> round(float(left.delta[0, 0]), 2)
    0.3
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from shiftscope.shifts.differences import Differences, MomentTable, plain
from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.stats import Moments

__all__ = ["WithArea", "adjusted_for"]

_NOTHING = 1e-12  # a share of the variance that is rounding


@dataclass(frozen=True, slots=True)
class WithArea:
    """An axis of N sites over the patients whose lesion area is known.

    Attributes:
        axis: the axis, D coordinates.
        area: the log area, over the same patients.
        links: (N, D) covariances of the axis with it.
        kind: (N,) which axis the area is of at each site, 0 for none: areas of different kinds cannot be held equal.
    """

    axis: MomentTable
    area: MomentTable
    links: np.ndarray
    kind: np.ndarray

    @classmethod
    def of(cls, axis: str, sites: Sequence[SiteStatistics], table: MomentTable) -> Self:
        """Of the sites that publish the axis with the area beside it.

        Args:
            axis: a key of `AXES`.
            sites: N.
            table: the axis over all patients.
        """
        joint = [site.joint.get(axis) if site.plain.get(axis) is not None else None for site in sites]
        kinds = sorted({site.area for site in sites if site.area is not None})
        cut = [None if m is None else Moments(m.n, m.mean[:-1], m.cov[:-1, :-1]) for m in joint]
        areas = [None if m is None else Moments(m.n, m.mean[-1:], m.cov[-1:, -1:]) for m in joint]
        inner = MomentTable.of(cut).leading(table.mean.shape[1])
        links = np.zeros((len(sites), inner.mean.shape[1]))
        for index, moments in enumerate(joint):
            if moments is not None:
                d = min(len(moments.mean) - 1, links.shape[1])
                links[index, :d] = moments.cov[-1, :d]
        kind = [
            0 if m is None or site.area is None else 1 + kinds.index(site.area)
            for m, site in zip(joint, sites, strict=True)
        ]
        return cls(inner, MomentTable.of(areas), links, np.array(kind))

    def known(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Which of the pairs (m,) know the same kind of area at both sites."""
        return np.asarray((self.kind[i] == self.kind[j]) & (self.kind[i] > 0))

    def held_equal(self, i: np.ndarray, j: np.ndarray) -> Differences:
        """The differences of pairs (m,) that are left at equal area."""
        return adjusted_for(self.axis, self.area, self.links, i, j)


def adjusted_for(
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
    d = out.delta.shape[1]
    f, keep = out.freedom, np.arange(d) < out.width[:, None]
    link = np.stack([links[k, :d] * keep for k in (i, j)])
    var = np.stack([covariate.cov[k, 0, 0] for k in (i, j)])
    scatter = np.sum(f * var, axis=0)
    total = np.sum(f * np.stack([table.variance[k] for k in (i, j)]), axis=0)
    varies = scatter > _NOTHING * np.maximum(total + scatter, _NOTHING)
    inverse = np.where(varies, 1 / np.where(varies, scatter, 1.0), 0.0)
    slope = np.sum(f[:, :, None] * link, axis=0) * inverse[:, None]
    gap = covariate.mean[i, 0] - covariate.mean[j, 0]
    n = np.stack([np.maximum(table.n[k], 1) for k in (i, j)])
    cross = (link - var[..., None] * slope / 2)[..., :, None] * slope[:, None, :]
    left = out.parts * n[..., None, None]
    left -= cross
    left -= np.swapaxes(cross, -1, -2)
    of_slope = f * (gap**2 * inverse / 2 / np.maximum(np.sum(f, axis=0) - 1, 1.0))
    pooled = of_slope[0][:, None, None] * left[0] + of_slope[1][:, None, None] * left[1]
    left /= n[..., None, None]
    left += pooled
    return replace(out, delta=out.delta - gap[:, None] * slope, parts=left)
