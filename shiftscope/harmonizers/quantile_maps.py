"""One monotone map per site, from its mean quantile function to the mean of the sites'.

The mean of quantile functions is the one-dimensional Wasserstein-2 barycentre (Agueh and Carlier 2011,
doi:10.1137/100805741), so the federation's reference is a plain average of what the sites send.
"""

from collections.abc import Sequence

import numpy as np

from shiftscope.harmonizers.averages import over_patients, over_sites
from shiftscope.harmonizers.foregrounds import map_foreground
from shiftscope.harmonizers.harmonizer import NOTHING, Patients, Statistics

__all__ = ["LEVELS", "barycentre", "map_quantiles", "mean_quantiles"]

LEVELS = np.linspace(0.005, 0.995, 199)
"""Published levels: never a minimum or a maximum, which belong to single pixels of single patients."""


def mean_quantiles(
    patients: Patients,
    _own: Statistics = NOTHING,
    _reference: Statistics = NOTHING,
    *,
    levels: np.ndarray = LEVELS,
) -> Statistics:
    """The site's mean quantile function: over a patient's cases first, then over patients.

    Only pixels that are not exactly zero in every channel count: padding is no tissue, and its share differs from
    site to site. Cases without any such pixel are passed over.

    Args:
        patients: training cases by patient.
        levels: (k,) between 0 and 1, both excluded.

    Returns:
        "quantiles": (c, k) float64, each row non-decreasing; nothing at all where no case has a foreground.
    """
    found = over_patients(patients, lambda case: _quantiles(case, levels))
    return {} if found is None else {"quantiles": found}


def barycentre(shares: Sequence[Statistics], _reference: Statistics = NOTHING) -> Statistics:
    """The average of the sites' quantile functions, each site counting once."""
    return over_sites(shares, ("quantiles",))


def map_quantiles(case: np.ndarray, own: Statistics, reference: Statistics) -> np.ndarray:
    """`reference o F_site`, per channel; 0 and 1 stay, so the tails keep their order; exact-zero padding stays.

    Args:
        case: (z, c, y, x) float32 in [0, 1].
        own: the site's `mean_quantiles`; empty leaves the case as it is.
        reference: the `barycentre`; empty, where no site could share, leaves the case as it is.
    """
    if not own or not reference:
        return case
    knots = [_knots(*rows) for rows in zip(own["quantiles"], reference["quantiles"], strict=True)]
    return map_foreground(case, lambda values, channel: np.interp(values, *knots[channel]))


def _quantiles(case: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(z, c, y, x) -> (c, k) over the foreground."""
    inside = (case != 0).any(axis=1)
    return np.asarray(np.quantile(np.moveaxis(case, 1, 0)[:, inside].astype(np.float64), levels, axis=1).T)


def _knots(own: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the map bends, with strictly increasing sources: levels tied at the site share their mean target."""
    source = np.concatenate([[0.0], np.clip(own, 0, 1), [1.0]])
    target = np.concatenate([[0.0], np.clip(reference, 0, 1), [1.0]])
    distinct, group = np.unique(source, return_inverse=True)
    return distinct, np.bincount(group, weights=target) / np.bincount(group)
