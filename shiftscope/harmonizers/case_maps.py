"""One monotone map per case, from the case's own quantiles to the federation's.

Unlike a map per site, these make every case's grey levels alike, and with them what differs between cases because the
patients differ: a large dark lesion is brightened until the case has as many dark pixels as the average one. They are
kept for comparison with studies that used them.
"""

import numpy as np

from shiftscope.harmonizers.harmonizer import NOTHING, Patients, Statistics
from shiftscope.harmonizers.quantile_maps import map_quantiles, mean_quantiles

__all__ = ["LANDMARKS", "map_landmarks", "match_case", "mean_landmarks"]

LANDMARKS = np.array([0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99])
"""Levels of Nyul and Udupa's landmarks (Nyul, Udupa and Zhang 2000, doi:10.1109/42.836373)."""


def match_case(case: np.ndarray, _own: Statistics, reference: Statistics) -> np.ndarray:
    """Histogram matching: the case's quantile function becomes the reference's. Erases lesion contrast between cases.

    Args:
        case: (z, c, y, x) float32 in [0, 1].
        reference: the `barycentre` of the sites' `mean_quantiles`.
    """
    return map_quantiles(case, mean_quantiles([[case]]), reference)


def mean_landmarks(patients: Patients, _own: Statistics = NOTHING, _reference: Statistics = NOTHING) -> Statistics:
    """The site's mean landmarks, over a patient's cases first: "quantiles" (c, 11); nothing without a foreground.

    The paper stretches every case to one range before it averages; here cases are in [0, 1] already.
    """
    return mean_quantiles(patients, levels=LANDMARKS)


def map_landmarks(case: np.ndarray, _own: Statistics, reference: Statistics) -> np.ndarray:
    """The piecewise linear map of the case's landmarks to the standard scale, the mean of the sites' landmarks.

    Landmarks that coincide share their mean target. Beyond the outer ones the map goes on straight to 0 and 1.

    Args:
        case: (z, c, y, x) float32 in [0, 1].
        reference: the `barycentre` of the sites' `mean_landmarks`.
    """
    return map_quantiles(case, mean_landmarks([[case]]), reference)
