"""Groups of sites whose profiles are alike, for one model each."""

import numpy as np

from shiftscope.diagnosis import Diagnosis, SiteDistances

__all__ = ["LEAST_SILHOUETTE", "clusters_of"]

LEAST_SILHOUETTE = 0.25
"""Mean silhouette below which groups are no groups (Kaufman and Rousseeuw 1990, doi:10.1002/9780470316801)."""


def clusters_of(diagnosis: Diagnosis, distances: SiteDistances | None = None) -> dict[str, int]:
    """Site -> number of its group, from 0; one group where the distances form no clear ones.

    Sites are joined by average linkage; of all numbers of groups that leave some group with two sites or more, the one
    with the best mean silhouette (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7) counts. A site too small to be
    compared joins the largest group.

    Args:
        diagnosis: of the sites.
        distances: between those that were compared; None where the diagnosis lists all pairs.
    """
    sites = sorted(diagnosis.by_site)
    compared = [site for site in sites if diagnosis.by_site[site].kind != "insufficient"]
    group = dict.fromkeys(sites, 0)
    if len(compared) < 3:
        return group
    found = _best((SiteDistances.of(compared, diagnosis.pairs) if distances is None else distances).squared)
    if found is None:
        return group
    largest = int(np.bincount(found).argmax())
    order: dict[int, int] = {}
    numbers = {site: int(label) for site, label in zip(compared, found, strict=True)}
    return {site: order.setdefault(numbers.get(site, largest), len(order)) for site in sites}


def _best(distance: np.ndarray) -> np.ndarray | None:
    """(s,) labels of the clearest grouping, None where none is clear."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    tree = linkage(squareform(distance), "average")
    scores = _silhouettes(distance, tree)
    if not scores or max(scores.values()) < LEAST_SILHOUETTE:
        return None
    best = max(scores, key=lambda count: (scores[count], count))
    labels: np.ndarray = fcluster(tree, best, "maxclust") - 1
    return labels


def _silhouettes(distance: np.ndarray, tree: np.ndarray) -> dict[int, float]:
    """Number of groups -> their mean silhouette, for every cut of a tree that leaves two groups or more and is not all
    sites by themselves.

    Following the tree from its leaves, the mean distance of a site to a group is that to two joined ones, weighted; and
    the nearest other group of a site is another only where it was one of the two. So all cuts together take little more
    than the first alone, and not a pass over all distances each.

    Args:
        distance: (s, s).
        tree: (s - 1, 4) merges, as `scipy.cluster.hierarchy.linkage` has them.
    """
    s = len(distance)
    total, size, place = distance.astype(float), np.ones(s), np.arange(s)  # by the place that stands for a group
    alive, own = np.ones(s, dtype=bool), np.arange(s)
    standing = {index: index for index in range(s)}
    means = np.where(np.eye(s, dtype=bool), np.inf, distance)
    nearest = means.argmin(axis=1)
    out: dict[int, float] = {}
    for step, (one, other, height, _) in enumerate(tree[:-1].tolist()):
        a, b = standing.pop(int(one)), standing.pop(int(other))
        standing[s + step] = a
        total[:, a] += total[:, b]
        size[a] += size[b]
        alive[b] = False
        own[own == b] = a
        means[:, b] = np.inf
        means[:, a] = np.where(own == a, np.inf, total[:, a] / size[a])
        again = np.flatnonzero((nearest == a) | (nearest == b) | (own == a))
        columns = np.flatnonzero(alive)
        nearest[again] = columns[means[np.ix_(again, columns)].argmin(axis=1)]
        if tree[step + 1, 2] == height:  # a cut takes all merges of one height
            continue
        within = total[place, own] / np.maximum(size[own] - 1, 1)
        beside = means[place, nearest]
        far = np.maximum(within, beside)
        widths = np.where((size[own] > 1) & (far > 0), (beside - within) / np.where(far > 0, far, 1.0), 0.0)
        out[int(alive.sum())] = float(widths.mean())
    return out
