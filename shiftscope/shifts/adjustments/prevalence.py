"""Differences at equal prevalence, from the classes of both sites or of the one that has them all.

Direct standardisation of rates (Kitagawa 1955, doi:10.2307/2281213), of means: at 60 benign and 60 malignant patients
against 100 and 20, classes one deviation apart, the means differ by 1/2 - 1/6 = 1/3 and at equal prevalence not at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.shifts.differences import Differences, MomentTable
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments

__all__ = ["Classes", "at_equal_prevalence"]

_MOST_PATIENTS = 0.8  # share of a site's patients that the classes both sites publish must cover


@dataclass(frozen=True, slots=True)
class Classes:
    """Moments of one axis within classes, at N sites.

    Attributes:
        names: the L labels.
        tables: one table of N sites for each.
    """

    names: tuple[str, ...]
    tables: tuple[MomentTable, ...]

    @classmethod
    def of(cls, sites: Sequence[dict[str, Moments]]) -> "Classes":
        """From label -> moments of every site."""
        names = tuple(sorted({name for site in sites for name in site}))
        return cls(names, tuple(MomentTable.of([site.get(name) for site in sites]) for name in names))


def at_equal_prevalence(
    whole: MomentTable,
    classes: Classes,
    labels: Sequence[LabelCounts],
    pairs: tuple[np.ndarray, np.ndarray],
    unit_at: Callable[[int], WithinSiteCovariance],
) -> tuple[np.ndarray, Differences]:
    """The differences that are left when prevalence is held equal.

    Args:
        whole: the axis over all patients.
        classes: within classes.
        labels: of every site.
        pairs: first and second sites, (m,) each.
        unit_at: width -> the axis's unit, for choosing among hidden counts what differs least.

    Returns:
        Which of the pairs (k,) this could be done for, and their differences.
    """
    i, j = pairs
    done, reweighted = _reweighted(whole, classes, i, j)
    knows = (
        np.any([table.n > 0 for table in classes.tables], axis=0) if classes.tables else np.zeros(len(whole.n), bool)
    )
    left = np.setdiff1d(np.flatnonzero(knows[i] | knows[j]), done)
    found = [(row, _projected(whole, classes, labels, (int(i[row]), int(j[row])), unit_at)) for row in left]
    others = [(row, item) for row, item in found if item is not None]
    if not others:
        return done, reweighted
    most = whole.mean.shape[1]
    size = len(done) + len(others)
    out = Differences(
        np.zeros(size, dtype=int), np.zeros((size, most)), np.zeros((2, size, most, most)), np.ones((2, size))
    )
    out = out.put(np.arange(len(done)), reweighted)
    for place, (_, item) in enumerate(others, start=len(done)):
        out = out.put(np.array([place]), item)
    return np.concatenate([done, np.array([row for row, _ in others], dtype=int)]), out


def _reweighted(whole: MomentTable, classes: Classes, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, Differences]:
    """Classes that both sites have, each weighted by its pooled share."""
    n = np.stack([table.n for table in classes.tables], axis=1) if classes.tables else np.zeros((len(whole.n), 0))
    both = (n[i] > 0) & (n[j] > 0)
    sizes = np.stack([n[i], n[j]]) * both
    covered = np.min(sizes.sum(axis=2) / np.maximum(np.stack([whole.n[i], whole.n[j]]), 1), axis=0)
    rows = np.flatnonzero(covered > _MOST_PATIENTS)
    weights = sizes.sum(axis=0)[rows] / np.maximum(sizes.sum(axis=(0, 2))[rows, None], 1)
    m, width = len(rows), np.full(len(rows), whole.mean.shape[1])
    for index, table in enumerate(classes.tables):
        used = weights[:, index] > 0
        shared = np.minimum(table.width[i[rows]], table.width[j[rows]])
        width[used] = np.minimum(width, shared)[used]
    most = int(width.max(initial=0))
    delta, parts = np.zeros((m, most)), np.zeros((2, m, most, most))
    traces, spread = np.zeros((2, m)), np.zeros((2, m))
    for index, table in enumerate(classes.tables):
        d, w = min(most, table.mean.shape[1]), weights[:, index]
        mean, cov = table.mean[:, :d], table.cov[:, :d, :d]
        delta[:, :d] += w[:, None] * (mean[i[rows]] - mean[j[rows]])
        for place, sites in enumerate((i[rows], j[rows])):
            count = np.maximum(table.n[sites], 2)
            factor = w**2 / count
            parts[place, :, :d, :d] += factor[:, None, None] * cov.take(sites, axis=0)
            trace = factor * table.variance[sites]
            traces[place] += trace
            spread[place] += trace**2 / (count - 1)
    freedom = np.where(spread > 0, traces**2 / np.where(spread > 0, spread, 1.0), 1.0)
    return rows, Differences(np.full(m, most), delta, parts, freedom).leading(width)


def _projected(
    whole: MomentTable,
    classes: Classes,
    labels: Sequence[LabelCounts],
    pair: tuple[int, int],
    unit_at: Callable[[int], WithinSiteCovariance],
) -> Differences | None:
    """What is left when one site has the class shares of the other: only the one's classes need be known."""
    every = {*labels[pair[0]].low, *labels[pair[1]].low}
    for site, other in (pair, pair[::-1]):
        known = [table for table in classes.tables if table.n[site] > 0]
        names = [name for name, table in zip(classes.names, classes.tables, strict=True) if table.n[site] > 0]
        if not names or not {*names} >= every:
            continue
        d = int(min(whole.width[other], *(table.width[site] for table in known)))
        sizes = np.array([table.n[site] for table in known], dtype=float)
        counts = labels[other].possible(names, sizes / sizes.sum() * labels[other].total)
        shares = counts / counts.sum(axis=1, keepdims=True)
        gaps = shares @ np.stack([table.mean[site, :d] for table in known]) - whole.mean[other, :d]
        best = int(np.argmin(np.sum((gaps @ unit_at(d).root.T) ** 2, axis=1)))
        pieces = np.stack([table.cov[site, :d, :d] for table in known]) * (shares[best] ** 2 / sizes)[:, None, None]
        traces = np.trace(pieces, axis1=1, axis2=2)
        spread = float(np.sum(traces**2 / np.maximum(sizes - 1, 1)))
        freedom = float(traces.sum()) ** 2 / spread if spread > 0 else 1.0
        found = Differences(
            width=np.array([d]),
            delta=gaps[best][None],
            parts=np.stack([pieces.sum(axis=0), whole.cov_of_mean[other, :d, :d]])[:, None],
            freedom=np.array([[freedom], [whole.n[other] - 1.0]]),
        )
        return found if (site, other) == pair else found.swapped(np.array([True]))
    return None
