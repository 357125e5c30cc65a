"""Differences of lesions' size and shape as if every contour had been drawn on the edge.

An annotator who draws a contour beyond the edge by a share t of the radius encloses about exp(2 t) of the lesion's
area, exp(3 t) of its volume. At t = .05 the areas are larger by exp(.1), 1.105 times, the log areas by .1. Where the
other site's contours lie on the edge, .1 is taken off the difference of log areas; the first coordinate of the
morphology is the log area over its spread in the public basis. The offset of a contour is -t radii, and the radius that
of a disk, or ball, of the site's mean log area.
"""

from collections.abc import Sequence

import numpy as np

from shiftscope.measures.basis import load_basis
from shiftscope.measures.lesions import contours
from shiftscope.shifts.differences import Differences
from shiftscope.shifts.site_statistics import SiteStatistics

__all__ = ["without_habit"]

_FREE_OF_HABIT = 4
"""Leading coordinates of the morphology that an annotator's contour habit leaves alone, once area is corrected."""


def without_habit(
    axis: str, differences: Differences, sites: Sequence[SiteStatistics], i: np.ndarray, j: np.ndarray
) -> Differences:
    """Morphology with the area that the contours would enclose had both been drawn on the edge, and its other
    coordinates that do not depend on how a contour is drawn.

    Args:
        axis: "morphology" or "morphology_3d".
        differences: of m pairs.
        sites: N, which have that axis and "boundary".
        i: places of the first sites, (m,).
        j: of the second.
    """
    cut = differences.leading(np.full(len(i), _FREE_OF_HABIT))
    basis = load_basis()[0]
    contour, size = basis["boundary"], basis[axis]
    dimensions = 3 if axis.endswith("3d") else 2
    ball = np.pi if dimensions == 2 else 4 / 3 * np.pi
    mean, variance = np.zeros(len(sites)), np.zeros(len(sites))
    for index in {*i.tolist(), *j.tolist()}:
        drawn, lesions = sites[index].plain["boundary"], sites[index].plain[axis]
        share = np.exp(size.centre[0] + size.spread[0] * lesions.mean[0])
        radius = contours.CANVAS * (share / ball) ** (1 / dimensions)
        factor = dimensions / (radius * size.spread[0])
        mean[index] = factor * (contour.centre[0] + contour.spread[0] * drawn.mean[0])
        variance[index] = (factor * contour.spread[0]) ** 2 * (drawn.cov[0, 0] / drawn.n + drawn.noise)
    delta, parts = cut.delta.copy(), cut.parts.copy()
    delta[:, 0] += mean[i] - mean[j]
    parts[:, :, 0, 0] += np.stack([variance[i], variance[j]])
    return Differences(cut.width, delta, parts, cut.freedom)
