"""Planted populations: real patients divided into sites that differ in something true of them, and in nothing else.

Nothing is drawn or changed, so such a shift is structure (or prevalence) without a trace of the planting. Give one
value or class per patient, not per image: a patient belongs to one site.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, ndtri

__all__ = ["class_partition", "partition"]

_ODDS = 3.5  # difference of the log odds at severity 1: shares of .85 and .15 where half of all are of the class


def partition(
    values: np.ndarray | Sequence[float],
    severity: float,
    rng: np.random.Generator,
    *,
    sites: int = 2,
    odd: bool = False,
) -> np.ndarray:
    """Sites of equal size whose patients differ in `values`.

    Patients are ranked by severity x normal score of their value + sqrt(1 - severity^2) x normal noise, and the ranking
    is cut into sites. Between two sites the normal scores then differ by 1.6 x severity in deviations of all patients,
    whatever the distribution of the values: 0.5 deviations of a site at severity 0.3, 1.1 at 0.6, 2.6 at 1.

    Args:
        values: (n,) lesion area, centroid, count, ...; ties are broken at random, and patients without a value (nan)
            are placed at random.
        severity: 0 divides at random, 1 gives each site a stretch of the sorted values, the last site the largest
            (-1: the smallest).
        rng: source of the noise.
        sites: how many.
        odd: only the last site differs; the others share the rest at random.

    Returns:
        (n,) the site of each patient, 0 to sites - 1; sizes differ by one patient at the most.

    Raises:
        ValueError: |severity| > 1, or fewer patients than sites.
    """
    scores = _normal_scores(np.asarray(values, float), rng)
    _refuse(len(scores), severity, sites)
    noise = rng.standard_normal(len(scores))
    order = np.argsort(severity * scores + np.sqrt(1 - severity**2) * noise)
    sizes = _sizes(len(scores), sites)
    if odd:
        rest = len(scores) - sizes[-1]
        order[:rest] = rng.permutation(order[:rest])
    members = np.empty(len(scores), np.intp)
    members[order] = np.repeat(np.arange(sites), sizes)
    return members


def class_partition(
    classes: np.ndarray | Sequence[str],
    severity: float,
    rng: np.random.Generator,
    *,
    sites: int = 2,
    odd: bool = False,
    tilted: str | None = None,
) -> np.ndarray:
    """Sites of equal size in which one class is more and less common; within a class, who goes where is chance.

    The log odds of the class rise by 3.5 x severity from the first site to the last, in equal steps: of two sites where
    half of all patients are of the class, .63 and .37 at severity 0.3, .74 and .26 at 0.6, .85 and .15 at 1. Counts are
    rounded, not drawn: at severity 0 the shares are equal.

    Args:
        classes: (n,) one per patient.
        severity: 0 to 1; negative makes the class rarer towards the last site.
        rng: who goes where.
        sites: how many.
        odd: only the last site differs.
        tilted: the class; the one nearest to half of the patients where None. The others keep their proportions.

    Returns:
        (n,) the site of each patient, 0 to sites - 1; sizes differ by one patient at the most.

    Raises:
        ValueError: as `partition`, or a class that all patients have or none.
    """
    names = np.asarray(classes).astype(str)
    _refuse(len(names), severity, sites)
    if tilted is None:
        found, counts = np.unique(names, return_counts=True)
        tilted = str(found[np.argmin(np.abs(2 * counts - len(names)))])
    inside = np.flatnonzero(names == tilted)
    if len(inside) in (0, len(names)):
        raise ValueError(f"class {tilted!r}: expected some of {len(names)} patients to have it, got {len(inside)}")
    sizes = _sizes(len(names), sites)
    steps = np.linspace(0, 1, sites) if not odd else np.eye(sites)[-1]
    counts = _tilted_counts(sizes, len(inside), _ODDS * severity * steps)
    members = np.empty(len(names), np.intp)
    members[rng.permutation(inside)] = np.repeat(np.arange(sites), counts)
    members[rng.permutation(np.flatnonzero(names != tilted))] = np.repeat(np.arange(sites), sizes - counts)
    return members


def _normal_scores(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Normal quantiles of the ranks of the finite values; a draw where there is no value."""
    scores = rng.standard_normal(len(values))
    known = np.flatnonzero(np.isfinite(values))
    ranking = known[np.lexsort((rng.random(len(known)), values[known]))]
    scores[ranking] = ndtri((np.arange(len(known)) + 0.5) / max(len(known), 1))
    return scores


def _refuse(n: int, severity: float, sites: int) -> None:
    if not abs(severity) <= 1:
        raise ValueError(f"severity: expected -1 to 1, got {severity}")
    if not 1 <= sites <= n:
        raise ValueError(f"{n} patients cannot be divided into {sites} sites")


def _sizes(n: int, sites: int) -> np.ndarray:
    return np.asarray(n // sites + (np.arange(sites) < n % sites))


def _tilted_counts(sizes: np.ndarray, total: int, log_odds: np.ndarray) -> np.ndarray:
    """How many of `total` go to each site so that the log odds differ as given, up to rounding."""

    def surplus(base: float) -> float:
        return float(sizes @ expit(base + log_odds) - total)

    bracket = 30 + float(np.abs(log_odds).max())
    wanted = sizes * expit(brentq(surplus, -bracket, bracket) + log_odds)
    counts: np.ndarray = np.floor(wanted).astype(np.intp)
    short = total - int(counts.sum())
    counts[np.argsort(counts - wanted, kind="stable")[:short]] += 1
    return counts
