"""Do the classes of a site lie apart as they do elsewhere: images that look alike, and other labels?

In the unit of patients of one class and one site, the means of two classes lie at m - h and m + h: m is the middle,
h half the contrast. Where images look otherwise both classes moved together, m; what that does to one class more than
to the other is small against it. Where labels mean something else classes moved against each other, h, among patients
who lie where all others' do. So a share of what m differs by is allowed to h, and what h differs by beyond that is
called concept shift (Moreno-Torres et al. 2012, doi:10.1016/j.patcog.2011.06.019).

Labels that were swapped in part shrink the contrast and leave its direction. The difference is therefore taken along
one direction, the contrast that all have in common: the mean of theirs, each weighted by its precision (Graybill
and Deal 1959, doi:10.2307/2527652). As far as both vary alike from patient to patient, that mean varies independently
of the difference, so that choosing the direction by it costs nothing: without a shift the one number left is Welch's t.
That the unit is estimated turns the direction too, which makes variances along it come out too small, for d coordinates
and f degrees of freedom by the factor (f - d + 1) / f.

Two hospitals have 100 patients of either class, with a deviation of 1 within each and classes 2 apart. At one of them
half of all labels are swapped, and its classes lie 0 apart. Half the contrast is 1 and 0, a squared difference of 1;
chance adds (1/100 + 1/100) / 4 for either, .01 in all.

    >>> from shiftscope.stats import Moments
    >>> ill, well = (Moments(100, np.array([mean]), np.eye(1)) for mean in (1.0, -1.0))
    >>> mixed, all_of_them = Moments(100, np.zeros(1), np.eye(1)), Moments(200, np.zeros(1), np.eye(1))
    >>> table = ClassTable.of([(well, ill), (mixed, mixed)], [all_of_them, all_of_them])
    >>> found, together, common = contrast_differences(table, np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
    >>> [round(float(number), 2) for number in (found.distance[0], found.noise[0], together[0], common[0])]
    [1.0, 0.01, 0.0, 0.25]
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from shiftscope.shifts.contrasts.class_tables import ClassTable, MeanClasses
from shiftscope.shifts.effect_distributions import EffectDistribution
from shiftscope.shifts.effects import ClassContrast, Effect
from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.shifts.squared_distances import UnitUncertainty, distribution_of
from shiftscope.stats import Moments

__all__ = ["COMPARED", "SHARE", "contrast_differences", "contrasts_of_pairs", "contrasts_of_sites"]

SHARE = 0.25
"""Of the squared distance that both classes moved together: what appearance may have moved them against each other.
Planted changes of appearance and framing stayed below it on the axes that are compared, but for .02 at the most."""

COMPARED = ("intensity", "colour", "texture", "noise", "layout", "features_shallow", "features_deep")
"""The axes of images as they are. A map that a site fits to itself takes away what moved its classes together, and
leaves what moved them apart; axes of masks depend on who drew them."""


def contrasts_of_pairs(sites: Sequence[SiteStatistics]) -> Mapping[tuple[str, str], tuple[ClassContrast, ...]]:
    """Every pair of sites that know two classes, (a, b) in the order given -> all axes and pairs of classes.

    Args:
        sites: of different names; patients of unknown class are in no contrast.
    """
    i, j = np.triu_indices(len(sites), k=1)
    each = np.eye(len(sites))
    names = [(sites[a].site, sites[b].site) for a, b in zip(i.tolist(), j.tolist(), strict=True)]
    return {
        names[row]: contrasts for row, contrasts in enumerate(_compared(sites, each[i] > 0, each[j] > 0)) if contrasts
    }


def contrasts_of_sites(sites: Sequence[SiteStatistics]) -> Mapping[str, tuple[ClassContrast, ...]]:
    """Every site that knows two classes which others know too -> its contrasts against all those others', each of
    them counted alike."""
    own = np.eye(len(sites)) > 0
    return {
        site.site: contrasts for site, contrasts in zip(sites, _compared(sites, own, ~own), strict=True) if contrasts
    }


def contrast_differences(
    table: ClassTable, first: np.ndarray, second: np.ndarray
) -> tuple[EffectDistribution, np.ndarray, np.ndarray]:
    """The distributions of m squared differences along the common contrasts, how far classes moved together, and the
    squared lengths of the common contrasts; the biases of the two taken off, at least 0.

    Both classes moved together by the smaller of two: all patients' means, and the classes' counted alike, which
    prevalence leaves where they are.

    Args:
        table: of N sites.
        first, second: (m, N) weights of the sites that are compared, in rows that add up to 1.
    """
    a, b = table.weighted(first), table.weighted(second)
    difference = a.half - b.half
    directions, common = _common_contrasts(a, b)
    (of_a, known_a), (of_b, known_b) = (table.along(weights, directions) for weights in (first, second))
    d = difference.shape[1]
    turned = table.freedom / max(table.freedom - d + 1, 1.0)
    found = distribution_of(
        np.sum(difference * directions, axis=1)[:, None],
        turned * np.stack([of_a, of_b])[:, :, None, None],
        np.stack([known_a, known_b]),
        UnitUncertainty(cost=2.0, freedom=table.freedom, within=1.0, variance_along=np.ones(len(difference))),
    )
    of_middle = np.trace(a.cov + b.cov, axis1=1, axis2=2)
    middle = np.sum((a.middle - b.middle) ** 2, axis=1) - of_middle
    whole = np.sum((a.whole - b.whole) ** 2, axis=1) - a.noise - b.noise
    return found, np.maximum(np.minimum(middle, whole), 0.0), common


def _common_contrasts(a: MeanClasses, b: MeanClasses) -> tuple[np.ndarray, np.ndarray]:
    """The mean of both half contrasts, each weighted by its precision: unit vectors (m, d) along it, and the squares
    (m,) of its length."""
    noise = [np.maximum(np.trace(one.cov, axis1=1, axis2=2), 1e-12) for one in (a, b)]
    total = 1 / noise[0] + 1 / noise[1]
    common = (a.half / noise[0][:, None] + b.half / noise[1][:, None]) / total[:, None]
    length = np.linalg.norm(common, axis=1, keepdims=True)
    return np.asarray(common / np.where(length > 0, length, 1.0)), np.maximum(length[:, 0] ** 2 - 1 / total, 0.0)


def _compared(
    sites: Sequence[SiteStatistics], first: np.ndarray, second: np.ndarray
) -> list[tuple[ClassContrast, ...]]:
    """The contrasts of m comparisons, `first` and `second` (m, N) saying which sites with which."""
    found = [list[ClassContrast]() for _ in first]
    labels = sorted({label for site in sites for label in site.classes})
    for axis in COMPARED:
        for classes in combinations(labels, 2):
            for row, contrast in _on_axis(axis, classes, sites, (first, second)):
                found[row].append(contrast)
    return [tuple(contrasts) for contrasts in found]


def _on_axis(
    axis: str, classes: tuple[str, str], sites: Sequence[SiteStatistics], who: tuple[np.ndarray, np.ndarray]
) -> Iterator[tuple[int, ClassContrast]]:
    """The contrast of every comparison of which both parties know both classes, with the comparison's row; in the
    coordinates that all sites in it have."""
    moments = [_moments(axis, classes, site) for site in sites]
    widths = np.array([min((len(item.mean) for item in found), default=0) for found in moments])
    n = np.array([sum(item.n for item in found[:2]) for found in moments])
    first, second = (chosen & (widths > 0) for chosen in who)
    shared = np.where(first | second, widths, widths.max()).min(axis=1)
    compared = first.any(axis=1) & second.any(axis=1)
    for d in np.unique(shared[compared]).tolist():
        rows, having = np.flatnonzero(compared & (shared == d)), np.flatnonzero(widths >= d)
        cut = [[item.leading(d) for item in moments[place]] for place in having]
        table = ClassTable.of([(one, other) for one, other, _ in cut], [whole for _, _, whole in cut])
        weights = [chosen[np.ix_(rows, having)] / chosen[rows].sum(axis=1, keepdims=True) for chosen in (first, second)]
        distributions, together, common = contrast_differences(table, weights[0], weights[1])
        fields = zip(*(np.asarray(field).tolist() for field in distributions), strict=True)
        numbers = zip(rows.tolist(), (SHARE * together).tolist(), common.tolist(), strict=True)
        for (row, margin, length), distribution in zip(numbers, map(EffectDistribution._make, fields), strict=True):
            patients = int(n @ first[row]), int(n @ second[row])
            yield row, ClassContrast(classes, Effect(axis, "concept", distribution, patients, d), margin, length)


def _moments(axis: str, classes: tuple[str, str], site: SiteStatistics) -> tuple[Moments, ...]:
    """Of the first class, of the second and of all patients; nothing where one of them is missing."""
    found = *(site.classes.get(label, {}).get(axis) for label in classes), site.plain.get(axis)
    known = tuple(item for item in found if item is not None)
    return known if len(known) == len(found) else ()
