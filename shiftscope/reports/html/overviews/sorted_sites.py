"""Who stands alone, who belongs together, and an order in which alike sites are neighbours.

Three things, of how far any two sites lie apart and of how sure it is that they differ:

- **Odd** is a site that lies farther from those nearest to it than sites here do, beyond Tukey's outer fence (1977) of
  the distances to the k-th nearest (Ramaswamy, Rastogi and Shim 2000, doi:10.1145/342009.335437), and that is shown to
  differ from most of its 2 k nearest. With k a twentieth of all sites, a handful that are alike do not hide each other,
  and a larger group of its own is not odd; nor is a small site whose averages lie far off by chance.
- **Groups** of the others are those of average linkage, cut where the mean silhouette is largest (Rousseeuw 1987,
  doi:10.1016/0377-0427(87)90125-7). One group, where no cut has "a reasonable structure", .5 or more (Kaufman and
  Rousseeuw 1990, doi:10.1002/9780470316801), or where most pairs between two groups are not shown to differ.
- **The order** is that of the tree's leaves in which neighbours are most alike (Bar-Joseph, Gifford and Jaakkola 2001,
  doi:10.1093/bioinformatics/17.suppl_1.S22).
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

__all__ = ["SortedSites", "sort_sites"]

_SHARE = 20  # one in so many sites may be alike and still be odd
_FENCE = 3.0  # interquartile ranges beyond the upper quartile: Tukey's "far out"
_MOST_GROUPS = 8  # colours that are told apart
_REASONABLE = 0.5
_LEVEL = 0.05  # of a test that two sites differ; one site's tests are much the same, so N of them are corrected for


@dataclass(frozen=True, slots=True)
class SortedSites:
    """Places of sites in a matrix of distances.

    Attributes:
        odd: the farthest from its nearest first.
        groups: all others in groups, in the order of the leaves, at the larger end first.
        typical: of each group the site with the smallest sum of distances to the others.
    """

    odd: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    typical: tuple[int, ...]

    @property
    def order(self) -> tuple[int, ...]:
        """The odd sites, then group by group."""
        return (*self.odd, *(place for group in self.groups for place in group))


def sort_sites(distance: np.ndarray, doubt: np.ndarray) -> SortedSites:
    """Sort N sites by their distances.

    Args:
        distance: (N, N), symmetric, 0 on the diagonal; no NaN.
        doubt: (N, N) p values of a difference that does not matter.
    """
    odd = _odd(distance, doubt)
    rest = np.setdiff1d(np.arange(len(distance)), odd)
    inside = np.ix_(rest, rest)
    groups = _groups(distance[inside], doubt[inside])
    return SortedSites(
        odd=tuple(odd.tolist()),
        groups=tuple(tuple(rest[group].tolist()) for group in groups),
        typical=tuple(int(rest[_typical(distance[inside], group)]) for group in groups),
    )


def _odd(distance: np.ndarray, doubt: np.ndarray) -> np.ndarray:
    """Places of the odd sites, the farthest first."""
    alike = max(1, len(distance) // _SHARE)
    near = np.argsort(distance - np.eye(len(distance)), axis=1, kind="stable")[:, 1 : 2 * alike + 1]
    if near.shape[1] < 2 * alike:
        return np.array([], dtype=int)
    farther = np.take_along_axis(distance, near, axis=1)[:, alike - 1]
    lower, upper = np.quantile(farther, (0.25, 0.75))
    shown = np.median(np.take_along_axis(doubt, near, axis=1), axis=1) < _LEVEL / len(distance)
    found = np.flatnonzero((farther > upper + _FENCE * (upper - lower)) & shown)
    return found[np.argsort(-farther[found], kind="stable")]


def _groups(distance: np.ndarray, doubt: np.ndarray) -> list[np.ndarray]:
    """Places of all in groups, in the order of the leaves."""
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
    from scipy.spatial.distance import squareform
    from sklearn.metrics import silhouette_score

    count = len(distance)
    if count < 3:
        return [np.arange(count)] if count else []
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    best, labels = _REASONABLE, np.ones(count, dtype=int)
    for groups in range(2, min(_MOST_GROUPS, count - 1) + 1):
        cut = fcluster(tree, groups, "maxclust")
        if _apart(doubt, cut):
            fit = float(silhouette_score(distance, cut, metric="precomputed"))
            best, labels = max((best, labels), (fit, cut), key=lambda item: item[0])
    leaves = leaves_list(tree)
    found = np.split(leaves, np.flatnonzero(np.diff(labels[leaves])) + 1)
    return [group[::-1] for group in reversed(found)] if len(found[-1]) > len(found[0]) else found


def _typical(distance: np.ndarray, group: np.ndarray) -> int:
    """Which of a group has the smallest sum of distances to the others."""
    return int(group[np.argmin(distance[np.ix_(group, group)].sum(axis=1))])


def _apart(doubt: np.ndarray, labels: np.ndarray) -> bool:
    """Whether of any two groups most pairs of sites are shown to differ."""
    names = np.unique(labels)
    return len(names) > 1 and all(
        np.median(doubt[np.ix_(labels == one, labels == other)]) < _LEVEL / len(labels)
        for one, other in combinations(names, 2)
    )
