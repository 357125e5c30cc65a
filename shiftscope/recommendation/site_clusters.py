"""Groups of sites whose profiles are alike, for one model each."""

from collections.abc import Sequence

import numpy as np

from shiftscope.diagnosis import Diagnosis, PairVerdict

__all__ = ["LEAST_SILHOUETTE", "clusters_of"]

LEAST_SILHOUETTE = 0.25
"""Mean silhouette below which groups are no groups (Kaufman and Rousseeuw 1990, doi:10.1002/9780470316801)."""


def clusters_of(diagnosis: Diagnosis) -> dict[str, int]:
    """Site -> number of its group, from 0; one group where the distances form no clear ones.

    The distance of two sites is the sum of the effects of all questions that were asked of them, in squared within-site
    deviations; what labels mean counts where it is called, because other images show in its effect. Sites are joined by
    average linkage; of all numbers of groups that leave some group with two sites or more, the one with the best mean
    silhouette (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7) counts. A site too small to be compared joins the
    largest group.
    """
    sites = sorted(diagnosis.by_site)
    compared = [site for site in sites if diagnosis.by_site[site].kind != "insufficient"]
    group = dict.fromkeys(sites, 0)
    if len(compared) < 3:
        return group
    found = _best(_distances(compared, diagnosis.pairs))
    if found is None:
        return group
    largest = int(np.bincount(found).argmax())
    order: dict[int, int] = {}
    numbers = {site: int(label) for site, label in zip(compared, found, strict=True)}
    return {site: order.setdefault(numbers.get(site, largest), len(order)) for site in sites}


def _distances(sites: Sequence[str], pairs: Sequence[PairVerdict]) -> np.ndarray:
    """(s, s), symmetric, zero on the diagonal."""
    place = {site: index for index, site in enumerate(sites)}
    distance = np.zeros((len(sites), len(sites)))
    for pair in pairs:
        if pair.a in place and pair.b in place:
            total = sum(max(answer.effect or 0.0, 0.0) for answer in pair.distances)
            distance[place[pair.a], place[pair.b]] = distance[place[pair.b], place[pair.a]] = total
    return distance


def _best(distance: np.ndarray) -> np.ndarray | None:
    """(s,) labels of the clearest grouping, None where none is clear."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform
    from sklearn.metrics import silhouette_score

    tree = linkage(squareform(distance), "average")
    groupings = [fcluster(tree, count, "maxclust") for count in range(2, len(distance))]
    scored = [
        (float(silhouette_score(distance, labels, metric="precomputed")), index)
        for index, labels in enumerate(groupings)
        if 2 <= len(set(labels)) < len(distance)
    ]
    if not scored or max(scored)[0] < LEAST_SILHOUETTE:
        return None
    labels: np.ndarray = groupings[max(scored)[1]] - 1
    return labels
