"""How sure a difference is: patients as their sites say, the chance of training drawn from what seeds differ by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from shiftscope.plans import Difference
from shiftscope.training.evaluation.patient_spreads import SeriesSpread

__all__ = ["DRAWS", "Estimate", "FoldLayout", "Means", "estimate"]

DRAWS = 20_000
"""Of a difference's distribution: fifty sites' p values, the smallest times fifty, have to be told from .05."""

Means = Sequence[float | None]
"""A difference on the cases as they are, one for each seed; null where it is undefined or the seed is missing."""


@dataclass(frozen=True, slots=True)
class FoldLayout:
    """Which part of the patients each seed was tested on.

    Attributes:
        folds: of each seed, in the order of the seeds; all alike where there is one split.
        ratio: test patients over training patients of a fold; 1 / (folds - 1) where folds are all there is. It counts
            where there are several folds.
    """

    folds: tuple[int, ...]
    ratio: float = 0.0


@dataclass(frozen=True, eq=False)
class Estimate:
    """A mean difference, and draws of what it may be in truth.

    Attributes:
        mean: None where nothing can be compared.
        draws: empty where nothing is known of the uncertainty.
        patients_se: standard error that the choice of test patients brings; None as above.
        training_se: standard error that the chance of training brings; 0 with one seed, whose error nobody can know.
    """

    mean: float | None = None
    draws: np.ndarray = field(default_factory=lambda: np.empty(0))
    patients_se: float | None = None
    training_se: float | None = None

    def interval(self, level: float = 0.95) -> Difference:
        """The range that leaves out (1 - level) / 2 of the draws on either side, within [-1, 1] as all metrics are."""
        if self.mean is None or not len(self.draws):
            return Difference(mean=self.mean, level=level)
        low, high = np.clip(np.quantile(self._sorted, [(1 - level) / 2, (1 + level) / 2]), -1, 1)
        return Difference(mean=self.mean, low=float(low), high=float(high), level=level)

    @property
    def p_value(self) -> float | None:
        """Of no difference, two-sided: 1 minus the level of the widest interval that leaves 0 out, and never 0."""
        if not len(self.draws):
            return None
        below, above = np.searchsorted(self._sorted, 0, "right"), np.searchsorted(self._sorted, 0, "left")
        return float(min(1, 2 * (1 + min(below, len(self.draws) - above)) / (1 + len(self.draws))))

    @cached_property
    def _sorted(self) -> np.ndarray:
        return np.sort(self.draws)


def estimate(
    spreads: Mapping[str, SeriesSpread | None],
    means: Mapping[str, Means],
    rng: np.random.Generator,
    layout: FoldLayout,
) -> Estimate:
    """The mean over sites of a difference, and how sure it is.

    Two things vary. Patients: each site's mean over seeds errs by its standard deviation times a draw of Student's t
    with the site's degrees of freedom. Training: what seeds' means differ by, all sites together. Draws are added.

    One fold: S seeds, spread s. The mean over seeds errs by s / sqrt(S) times a draw of Student's t with S - 1 degrees
    of freedom. What patients and seeds do to each other is in both parts, which widens the interval a little.

    K folds: their means (over sites and the seeds of the fold) have variance s², of which v, the mean over folds of the
    variance that patients make, is the patients'. What s² is in truth is drawn from (K - 1) s² / chi²(K - 1), v is
    taken off, and of what remains, the variance of training, the mean over folds has (1 / K + ratio): training sets
    overlap (Nadeau and Bengio 2003, doi:10.1023/A:1024068626366). Where v is 0 this is their t test; where training
    varies little the interval is hardly wider than that of the patients. Coverage: docs/results/coverage.md.

    Args:
        spreads: site -> how the difference varies with its patients; None where nothing is known of them, and the
            interval knows of seeds alone. Sites are independent, seeds are joint for all sites.
        means: site -> the difference on the cases as they are, one per seed.

    Returns:
        Nothing but nulls where no site has both; no draws where a site's spread is unknown, where neither patients nor
        a second seed tell of chance, and where of several seeds one alone has a difference: a run of one seed says
        that it has one, a site would not.
    """
    sites = sorted(site for site in spreads if any(value is not None for value in means[site]))
    if not sites:
        return Estimate()
    values = np.array([[np.nan if value is None else value for value in means[site]] for site in sites])
    known = [spreads[site] for site in sites]
    point = float(np.mean(_mean(values)))
    variances = [_variance(spread, np.isfinite(row)) for spread, row in zip(known, values, strict=True)]
    one_seed = np.isfinite(values).any(axis=0).sum() < 2
    without_patients = all(spread is None for spread in known)
    if not np.isfinite(variances).all() or (one_seed and (len(layout.folds) > 1 or without_patients)):
        return Estimate(point)
    errors = np.zeros(DRAWS)
    for spread, variance in zip(known, variances, strict=True):
        if spread is not None and variance > 0:
            errors += rng.standard_t(spread.freedom, size=DRAWS) * np.sqrt(variance) / len(sites)
    training, training_se = _training(values, known, layout, rng)
    patients_se = float(np.sqrt(sum(variances)) / len(sites))
    return Estimate(point, point + errors + training, patients_se, training_se)


def _variance(spread: SeriesSpread | None, seeds: np.ndarray) -> float:
    """Of a site's mean over some seeds, as patients have it; 0 where nothing is known of them."""
    return 0.0 if spread is None else spread.variance(seeds)


def _training(
    values: np.ndarray, spreads: Sequence[SeriesSpread | None], layout: FoldLayout, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """(draws,) errors that the mean over seeds has, and their standard error as estimated."""
    by_seed = _mean(values.T)
    tested = np.array(layout.folds)
    folds = [fold for fold in sorted(set(layout.folds)) if np.isfinite(by_seed[tested == fold]).any()]
    if len(folds) > 1:
        return _training_over_folds(values, spreads, [tested == fold for fold in folds], layout.ratio, rng)
    by_seed = by_seed[np.isfinite(by_seed)]
    if len(by_seed) < 2:
        return np.zeros(DRAWS), 0.0
    error = float(by_seed.std(ddof=1)) / np.sqrt(len(by_seed))
    return rng.standard_t(len(by_seed) - 1, size=DRAWS) * error, float(error)


def _training_over_folds(
    values: np.ndarray,
    spreads: Sequence[SeriesSpread | None],
    folds: Sequence[np.ndarray],
    ratio: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, float]:
    """As `_training`; `folds` says of each seed whether it was tested on the fold."""
    by_fold = np.array([np.nanmean(_mean(values[:, fold])) for fold in folds])
    of_patients = float(np.mean([_variance_in(fold, values, spreads) for fold in folds]))
    freedom, share = len(folds) - 1, 1 / len(folds) + ratio
    spread = float(by_fold.var(ddof=1))
    drawn = np.maximum(0, spread * freedom / rng.chisquare(freedom, DRAWS) - of_patients)
    error = np.sqrt(share * max(0.0, spread - of_patients))
    return rng.standard_normal(DRAWS) * np.sqrt(share * drawn), float(error)


def _variance_in(fold: np.ndarray, values: np.ndarray, spreads: Sequence[SeriesSpread | None]) -> float:
    """Of the mean over sites in one fold, as patients have it; sites without a difference there left out."""
    found = [
        _variance(spread, seeds)
        for spread, seeds in zip(spreads, fold & np.isfinite(values), strict=True)
        if seeds.any()
    ]
    return sum(found) / len(found) ** 2 if found else 0.0


def _mean(values: np.ndarray) -> np.ndarray:
    """(b, seeds) -> (b,), over what is defined."""
    defined = np.isfinite(values)
    total = np.where(defined, values, 0).sum(axis=1, dtype=np.float64)
    mean: np.ndarray = np.full(len(values), np.nan)
    np.divide(total, defined.sum(axis=1), out=mean, where=defined.any(axis=1))
    return mean
