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

import numpy as np

from shiftscope.shifts.contrasts.class_tables import ClassTable, MeanClasses
from shiftscope.shifts.effect_distributions import EffectDistribution
from shiftscope.shifts.squared_distances import UnitUncertainty, distribution_of

__all__ = ["CLASS_CONTRAST", "COMPARED", "SHARE", "contrast_differences"]

CLASS_CONTRAST = "class_contrast"
"""What all contrasts together are called beside the axes."""

SHARE = 0.25
"""Of the squared distance that both classes moved together: what appearance may have moved them against each other.
Planted changes of appearance and framing stayed below it on the axes that are compared, but for .02 at the most."""

COMPARED = ("intensity", "colour", "texture", "noise", "layout", "features_shallow", "features_deep")
"""The axes of images as they are. A map that a site fits to itself takes away what moved its classes together, and
leaves what moved them apart; axes of masks depend on who drew them."""


def contrast_differences(
    table: ClassTable, first: np.ndarray, second: np.ndarray
) -> tuple[EffectDistribution, np.ndarray, np.ndarray]:
    """The distributions of m squared differences along the common contrasts, how far classes moved together, and the
    squared lengths of the common contrasts; the biases of the two taken off, at least 0.

    Both classes moved together by the smaller of two: all patients' means, and the classes' counted alike, which
    prevalence leaves where they are.

    Args:
        table: of N sites.
        first, second: (m, N) weights of the sites that are compared, in rows that add up to 1; or places of single
            sites, (m,) and (m,).
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
