"""ComBat on features: each site's location and scale, shrunk by empirical Bayes and removed.

Johnson, Li and Rabinovic 2007, doi:10.1093/biostatistics/kxj037; computed from sums as in the distributed form of Chen
et al. 2022, doi:10.1016/j.neuroimage.2021.118822 (PMC9802006), here with an intercept and the sites alone. No label
takes part, and that is its danger: **where the balance of classes differs by site, part of the difference between the
classes is a difference between the sites, and is removed with it.**
"""

from collections.abc import Sequence

import numpy as np

from shiftscope.harmonizers.harmonizer import NOTHING, Patients, Statistics

__all__ = ["MIN_BATCH", "batch_moments", "pooled_moments", "without_batch"]

MIN_BATCH = 25
"""Patients below which a site's variances are too loose to count for the others."""

_TOLERANCE = 1e-12
_MOST_STEPS = 1000


def batch_moments(patients: Patients, _own: Statistics = NOTHING, _reference: Statistics = NOTHING) -> Statistics:
    """The sums of an intercept-only design: each patient has weight one, shared among its cases.

    Squares are taken around the site's mean, which is the same information as raw sums without their cancellation.

    Returns:
        "patients": (1,), "mean": (d,), "squares": (d,), all float64; nothing at all without a patient.
    """
    groups = [np.asarray(cases, np.float64) for cases in patients if len(cases)]
    if not groups:
        return {}
    mean = np.mean([group.mean(axis=0) for group in groups], axis=0)
    squares = np.sum([((group - mean) ** 2).mean(axis=0) for group in groups], axis=0)
    return {"patients": np.array([float(len(groups))]), "mean": mean, "squares": squares}


def pooled_moments(shares: Sequence[Statistics], _reference: Statistics = NOTHING) -> Statistics:
    """The grand mean over all patients and the variance within sites, exactly as from the pooled features.

    Returns:
        "mean", "variance": (d,) float64.
    """
    patients = np.array([share["patients"] for share in shares])
    total = patients.sum()
    return {
        "mean": (patients * [share["mean"] for share in shares]).sum(axis=0) / total,
        "variance": np.sum([share["squares"] for share in shares], axis=0) / total,
    }


def without_batch(case: np.ndarray, own: Statistics, reference: Statistics) -> np.ndarray:
    """`sd (z - gamma) / sqrt(delta) + mean` with `z = (case - mean) / sd`, feature by feature.

    Mean and sd are the reference's, gamma and delta the site's shrunk location and scale. A site without a part in the
    reference is mapped in the same way. Features that do not vary within sites stay as they are.

    Args:
        case: (d,) float64.
        own: the site's `batch_moments`; empty, or of fewer than two patients, leaves the case as it is.
        reference: the `pooled_moments`.

    Returns:
        (d,) float64.
    """
    result = np.array(case, np.float64)
    varies = reference["variance"] > 1e-12 * (1 + reference["mean"] ** 2) if reference else np.zeros(len(case), bool)
    if not own or own["patients"][0] < 2 or not varies.any():
        return result
    mean, sd = reference["mean"][varies], np.sqrt(reference["variance"][varies])
    count = float(own["patients"][0])
    gamma, delta = _shrunk((own["mean"][varies] - mean) / sd, own["squares"][varies] / sd**2 / (count - 1), count)
    result[varies] = sd * ((result[varies] - mean) / sd - gamma) / np.sqrt(delta) + mean
    return result


def _shrunk(location: np.ndarray, scale: np.ndarray, count: float) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means of a site's location and scale under a normal and an inverse gamma prior fitted by moments.

    With fewer than two features, or where all agree, there is no prior to fit and the estimates stand unshrunk.
    """
    scale = np.maximum(scale, 1e-12)
    spread, width = (values.var(ddof=1) if len(values) > 1 else 0.0 for values in (location, scale))
    if spread <= 0 or width <= 0:
        return location, scale
    centre, middle = location.mean(), scale.mean()
    shape, rate = 2 + middle**2 / width, middle + middle**3 / width
    gamma, delta = location, scale
    for _ in range(_MOST_STEPS):
        weight = count * spread
        new_gamma = (weight * location + delta * centre) / (weight + delta)
        squares = (count - 1) * scale + count * (location - new_gamma) ** 2
        new_delta = (rate + squares / 2) / (count / 2 + shape - 1)
        change = max(np.abs(new_gamma - gamma).max(), np.abs(new_delta / delta - 1).max())
        gamma, delta = new_gamma, new_delta
        if change < _TOLERANCE:
            break
    return gamma, delta
