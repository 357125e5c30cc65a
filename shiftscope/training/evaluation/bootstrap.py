"""How sure a difference is: patients resampled at the site, the chance of training drawn at the coordinator."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.special import ndtri

from shiftscope.plans import Difference
from shiftscope.training.evaluation.scores import CaseScores

__all__ = ["DRAWS", "REPLICATES", "Estimate", "FoldLayout", "Means", "estimate", "replicates", "secret"]

REPLICATES = 1000

DRAWS = 20_000
"""Of a difference's distribution: fifty sites' p values, the smallest times fifty, have to be told from .05."""

_TAIL = 0.01
"""The outermost share of the replicates, which is read off a normal curve through the quantile at its edge."""

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


def secret(salt: str, scores: Iterable[CaseScores]) -> str:
    """A salt for `replicates` that repeats with the run, and that nobody knows who does not know all these scores.

    Args:
        scores: of every strategy and seed of a site. One strategy's would not do: where it finds nothing every Dice is
            0, as its mean tells, and whoever can redo the resampling can solve for the patients' scores.
    """
    return _digest(salt, scores).hex()


def replicates(
    baseline: Sequence[CaseScores],
    adapted: Sequence[CaseScores],
    metric: Callable[[CaseScores, np.ndarray], np.ndarray],
    patients: Sequence[Sequence[str]],
    folds: Sequence[int],
    salt: str,
) -> np.ndarray:
    """Adapted minus baseline on other patients, as far as those there are can tell; alike for all strategies and seeds.

    Patients are drawn within a fold and the metric is computed within it. What leaves the site are not these draws:
    each is a sum of patients' differences, so often each, and where strategies and seeds together make as many columns
    as there are patients, everybody's scores can be solved for (docs/privacy.md). So each replicate is a sum of all
    draws' distances from their mean, each times a normal number: it holds the variances and covariances of strategies
    and seeds, and nothing else of the patients.

    Drawing n patients of n shows n - 1 / n of their variance, and the spread is itself uncertain: the distances from
    the difference as it is are multiplied by sqrt(n / (n - 1)) and by the root of the degrees of freedom over a draw
    of chi square, so that the replicates of a mean spread as Student's t does (Hesterberg 2015,
    doi:10.1080/00031305.2015.1089789). Degrees of freedom are patients less folds, of the folds whose spread is
    known. The numbers come from the salt, so
    differences of two strategies from the baseline may be subtracted from each other.

    Args:
        baseline, adapted: one per seed; case j of seed i belongs to `patients[i][j]`.
        folds: of each seed.
        salt: made by `secret`.

    Returns:
        (REPLICATES, seeds) float32, NaN for seeds whose metric is undefined, as it is or on nearly all draws, and
        where it would be undefined without one of a fold's patients (the only one, or the only one of a class): their
        spread nobody knows.
    """
    first = {fold: list(folds).index(fold) for fold in folds}
    counts = {fold: len(set(patients[i])) for fold, i in first.items()}
    known = {
        fold: bool(np.isfinite(metric(baseline[i], _without_each(patients[i]))).all()) for fold, i in first.items()
    }
    freedom = sum(counts[fold] - 1 for fold in counts if known[fold])
    chance = np.random.default_rng(int.from_bytes(_digest(salt, ())[:16], "big"))
    spread = np.sqrt(freedom / chance.chisquare(freedom, REPLICATES)) if freedom else np.full(REPLICATES, np.nan)
    normal = chance.standard_normal((REPLICATES, REPLICATES))
    weights = {fold: _weights(patients[i], _digest(f"{salt} {fold}", [baseline[i]])) for fold, i in first.items()}
    columns = []
    for base, new, fold in zip(baseline, adapted, folds, strict=True):
        gains = metric(new, weights[fold]) - metric(base, weights[fold])
        factor = spread * np.sqrt(counts[fold] / (counts[fold] - 1)) if known[fold] else np.full(REPLICATES, np.nan)
        columns.append(gains[0] + factor * (normal @ _distances(gains[1:])))
    return np.stack(columns, axis=1).astype(np.float32)


def _distances(drawn: np.ndarray) -> np.ndarray:
    """(REPLICATES,) draws less their mean, so scaled that their squares add up to the variance.

    An undefined draw counts 0; NaN where fewer than two are defined.
    """
    defined = np.isfinite(drawn)
    if defined.sum() < 2:
        return np.full(len(drawn), np.nan)
    distances = np.where(defined, drawn - drawn[defined].mean(), 0)
    scaled: np.ndarray = distances / np.sqrt(defined.sum())
    return scaled


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
    differences: Mapping[str, np.ndarray], means: Mapping[str, Means], rng: np.random.Generator, layout: FoldLayout
) -> Estimate:
    """The mean over sites of a difference, and how sure it is.

    Two things vary. Patients: each site's replicates, averaged over seeds. Training: what seeds' means differ by, all
    sites together. Draws of both errors are added.

    One fold: S seeds, spread s. The mean over seeds errs by s / sqrt(S) times a draw of Student's t with S - 1 degrees
    of freedom. What patients and seeds do to each other is in both parts, which widens the interval a little.

    K folds: their means (over sites and the seeds of the fold) have variance s², of which v, the mean over folds of the
    replicates' variance, is the patients'. What s² is in truth is drawn from (K - 1) s² / chi²(K - 1), v is taken off,
    and of what remains, the variance of training, the mean over folds has (1 / K + ratio): training sets overlap
    (Nadeau and Bengio 2003, doi:10.1023/A:1024068626366). Where v is 0 this is their t test; where training varies
    little the interval is hardly wider than that of the patients. Coverage: docs/results/coverage.md.

    Args:
        differences: site -> its `replicates`; of shape (0, seeds) where nothing is known of patients. Sites are
            independent, seeds are joint for all sites.
        means: site -> the difference on the cases as they are, one per seed.

    Returns:
        Nothing but nulls where no site has both; no draws where neither patients nor a second seed tell of chance, nor
        where of several seeds one alone has a difference: a run of one seed says that it has one, a site would not.
    """
    sites = sorted(site for site in differences if any(value is not None for value in means[site]))
    if not sites:
        return Estimate()
    values = np.array([[np.nan if value is None else value for value in means[site]] for site in sites])
    resampled = [differences[site] for site in sites]
    point = float(np.mean(_mean(values)))
    errors = _patients(resampled, rng)
    training, training_se = _training(values, resampled, layout, rng)
    one_seed = np.isfinite(values).any(axis=0).sum() < 2
    nothing_of_training = one_seed and (len(layout.folds) > 1 or not any(len(drawn) for drawn in resampled))
    if not len(errors) or nothing_of_training:
        return Estimate(point)
    return Estimate(point, point + errors + training, _standard_error(errors), training_se)


def _patients(resampled: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """(draws,) errors of the mean over sites: the replicates' own, with normal tails; none where none is defined."""
    if not any(len(drawn) for drawn in resampled):
        return np.zeros(DRAWS)
    together = np.mean([_mean(drawn) for drawn in resampled if len(drawn)], axis=0)
    together = np.sort(together[np.isfinite(together)])
    if not len(together):
        return together
    share = (np.arange(DRAWS) + 0.5) / DRAWS
    errors = np.interp(share, (np.arange(len(together)) + 0.5) / len(together), together) - together.mean()
    for tail, edge in ((share < _TAIL, _TAIL), (share > 1 - _TAIL, 1 - _TAIL)):
        errors[tail] = np.quantile(errors, edge) * ndtri(share[tail]) / ndtri(edge)
    return rng.permutation(errors)


def _training(
    values: np.ndarray, resampled: Sequence[np.ndarray], layout: FoldLayout, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """(draws,) errors that the mean over seeds has, and their standard error as estimated."""
    by_seed = _mean(values.T)
    tested = np.array(layout.folds)
    folds = [fold for fold in sorted(set(layout.folds)) if np.isfinite(by_seed[tested == fold]).any()]
    if len(folds) > 1:
        return _training_over_folds(values, resampled, [tested == fold for fold in folds], layout.ratio, rng)
    by_seed = by_seed[np.isfinite(by_seed)]
    if len(by_seed) < 2:
        return np.zeros(DRAWS), 0.0
    error = float(by_seed.std(ddof=1)) / np.sqrt(len(by_seed))
    return rng.standard_t(len(by_seed) - 1, size=DRAWS) * error, float(error)


def _training_over_folds(
    values: np.ndarray,
    resampled: Sequence[np.ndarray],
    folds: Sequence[np.ndarray],
    ratio: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, float]:
    """As `_training`; `folds` says of each seed whether it was tested on the fold."""
    by_fold = np.array([np.nanmean(_mean(values[:, fold])) for fold in folds])
    of_patients = float(np.mean([_variance([drawn[:, fold] for drawn in resampled]) for fold in folds]))
    freedom, share = len(folds) - 1, 1 / len(folds) + ratio
    spread = float(by_fold.var(ddof=1))
    drawn = np.maximum(0, spread * freedom / rng.chisquare(freedom, DRAWS) - of_patients)
    error = np.sqrt(share * max(0.0, spread - of_patients))
    return rng.standard_normal(DRAWS) * np.sqrt(share * drawn), float(error)


def _variance(resampled: Sequence[np.ndarray]) -> float:
    """Of the mean over sites, as patients have it; 0 where nothing is known of them."""
    known = [_mean(drawn) for drawn in resampled if len(drawn)]
    together = np.mean(known, axis=0) if known else np.empty(0)
    together = together[np.isfinite(together)]
    return _standard_error(together) ** 2 if len(together) else 0.0


def _standard_error(errors: np.ndarray) -> float:
    """Half the range that a normal error keeps to within one standard error; long tails count no more than once."""
    low, high = np.quantile(errors, [0.15865525393145707, 0.8413447460685429])
    return float(high - low) / 2


def _weights(patients: Sequence[str], digest: bytes) -> np.ndarray:
    """(1 + REPLICATES, cases) how often each case counts, first as they are."""
    people, owner = np.unique(list(patients), return_inverse=True)
    count = len(people)
    drawn = np.random.default_rng(int.from_bytes(digest[:16], "big")).integers(count, size=(REPLICATES, count))
    places = (drawn + count * np.arange(REPLICATES)[:, None]).ravel()
    often = np.bincount(places, minlength=REPLICATES * count).reshape(REPLICATES, count)
    weights = np.ones((1 + REPLICATES, len(owner)))
    weights[1:] = often[:, owner]
    return weights


def _without_each(patients: Sequence[str]) -> np.ndarray:
    """(patients, cases) weights: all cases but those of one patient."""
    people, owner = np.unique(list(patients), return_inverse=True)
    weights: np.ndarray = (owner != np.arange(len(people))[:, None]).astype(np.float64)
    return weights


def _digest(salt: str, scores: Iterable[CaseScores]) -> bytes:
    digest = hashlib.sha256(salt.encode())
    for cases in scores:
        for name in sorted(cases):
            digest.update(np.ascontiguousarray(cases[name]).tobytes())
    return digest.digest()


def _mean(values: np.ndarray) -> np.ndarray:
    """(b, seeds) -> (b,), over what is defined."""
    defined = np.isfinite(values)
    total = np.where(defined, values, 0).sum(axis=1, dtype=np.float64)
    mean: np.ndarray = np.full(len(values), np.nan)
    np.divide(total, defined.sum(axis=1), out=mean, where=defined.any(axis=1))
    return mean
