"""How a site's mean differences vary with the patients it happened to test: all that leaves the site for intervals.

A covariance matrix over strategies and seeds, by the jackknife, and its degrees of freedom. Every rotation of patients'
differences that keeps their mean has the same, so nobody's difference can be told from it but where there are two or
three patients (docs/privacy.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.errors import EngineError
from shiftscope.training.evaluation.scores import CaseScores

__all__ = ["PatientSpread", "SeriesSpread", "over_folds", "patient_spread", "require_covariance"]

_ROUNDING = 0.01
"""What correlations with two decimals may lack in any direction to be those of a covariance, for each row."""

_DIGITS, _DECIMALS = 3, 2
"""Significant digits of a standard deviation, and decimals of a correlation: an interval needs no more, and of two or
three patients more would tell more."""


@dataclass(frozen=True, slots=True, eq=False)
class SeriesSpread:
    """Of one difference.

    Attributes:
        covariance: (seeds, seeds), NaN in the rows and columns of seeds of which nothing is known.
        freedom: degrees of freedom.
    """

    covariance: np.ndarray
    freedom: int

    def variance(self, seeds: np.ndarray) -> float:
        """Of the mean over those of some seeds of which it is known; NaN where it is of none.

        Args:
            seeds: (seeds,) boolean.
        """
        known = seeds & np.isfinite(np.diagonal(self.covariance))
        return max(0.0, float(self.covariance[np.ix_(known, known)].mean())) if known.any() else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class PatientSpread:
    """Of all strategies' differences from the first one.

    Attributes:
        strategies: names, without the first.
        covariance: (strategies, seeds, strategies, seeds) of the mean differences over draws of patients. 0 between
            seeds that test on different folds, NaN for what is unknown.
        freedom: degrees of freedom: patients less folds.
    """

    strategies: tuple[str, ...]
    covariance: np.ndarray
    freedom: int

    def of(self, strategy: str) -> SeriesSpread:
        """Of one strategy minus the first."""
        place = self.strategies.index(strategy)
        return SeriesSpread(self.covariance[place, :, place], self.freedom)

    def between(self, better: str, other: str) -> SeriesSpread:
        """Of one strategy minus another; a name that is not there is the first strategy's, whose difference is 0."""
        signs = np.array([(name == better) - (name == other) for name in self.strategies], dtype=np.float64)
        chosen = np.flatnonzero(signs)
        parts = self.covariance[chosen][:, :, chosen]
        return SeriesSpread(np.einsum("a,asbt,b->st", signs[chosen], parts, signs[chosen]), self.freedom)


def patient_spread(
    baseline: Sequence[CaseScores | None],
    others: Mapping[str, Sequence[CaseScores | None]],
    metric: Callable[[CaseScores, np.ndarray], np.ndarray],
    patients: Sequence[Sequence[str]],
    folds: Sequence[int],
) -> PatientSpread:
    """The jackknife's covariance of mean differences (Efron & Stein 1981, doi:10.1214/aos/1176345462).

    With d_i the difference without patient i of n, in one fold: (n - 1) / n times the sum over patients of
    (d_i - mean)(d_i - mean)'. For a mean over patients this is their covariance over n, unbiased; for an area under the
    ROC curve it is nearly DeLong's. Folds have no patient in common.

    Args:
        baseline, others: one for each seed, None where the site never judged it; case j of seed i is of
            `patients[i][j]`.
        metric: (cases, weights (b, cases)) -> (b,).
        folds: of each seed.

    Returns:
        NaN for a seed whose metric is undefined without one of the fold's patients (the only one, or the only one of a
        class): its spread nobody knows.
    """
    seeds, names = len(folds), tuple(others)
    found = np.zeros((len(names), seeds, len(names), seeds))
    freedom = 0
    for fold in dict.fromkeys(folds):
        places = [place for place, of in enumerate(folds) if of == fold]
        without = _without_each(patients[places[0]])
        columns = [(place, name) for name in range(len(names)) for place in places]
        left_out = np.stack(
            [_differences(baseline[place], others[names[name]][place], metric, without) for place, name in columns]
        )
        count = left_out.shape[1]
        apart = left_out - left_out.mean(axis=1, keepdims=True)
        covariance = (count - 1) / count * (apart @ apart.T)
        for row, (place, name) in enumerate(columns):
            for column, (beside, other) in enumerate(columns):
                found[name, place, other, beside] = covariance[row, column]
        freedom += count - 1 if np.isfinite(left_out).any() else 0
    return PatientSpread(names, _blurred(found), freedom)


def over_folds(spread: PatientSpread, gains: np.ndarray, ratio: float) -> PatientSpread:
    """Of the mean over folds, as one seed: how it varies with patients, and with what was trained on.

    What folds' means of a strategy differ by beyond their patients' share is the variance of its training; k folds tell
    little of it, so half of it is the strategy's own, and half what it is on average, in units of its patients'. Of it
    the mean over folds has 1 / k + `ratio`, for training sets overlap (Nadeau and Bengio 2003,
    doi:10.1023/A:1024068626366). It has k - 1 degrees of freedom; the sum has those of Welch and Satterthwaite (1946,
    doi:10.2307/3002019), over all strategies together. Two strategies' trainings are taken to be as alike as their
    patients: k folds have but k - 1 directions, and a covariance made of them would grow with every strategy beside.

    A site that sends this sends nothing of a single fold, which may hold few patients.

    Args:
        spread: of one seed a fold.
        gains: (strategies, folds) differences from the first.
        ratio: test patients over training patients of a fold.
    """
    count = gains.shape[1]
    of_mean, freedom = spread.covariance.sum(axis=(1, 3)) / count**2, spread.freedom
    if count > 1:
        within = np.mean([spread.covariance[:, place, :, place] for place in range(count)], axis=0)
        variances = np.diagonal(within)
        beyond = np.sqrt(_training(gains.var(axis=1, ddof=1), variances))
        roots = np.sqrt(np.outer(variances, variances))
        correlations = np.divide(within, roots, out=np.eye(len(roots)), where=roots > 0)
        of_training = (1 / count + ratio) * correlations * np.outer(beyond, beyond)
        freedom = _freedom_of_sum([(of_mean, freedom), (of_training, count - 1)])
        of_mean = of_mean + of_training
    return PatientSpread(spread.strategies, _blurred(of_mean[:, None, :, None]), freedom)


def require_covariance(found: np.ndarray | None, strategies: int, seeds: int, largest: float) -> np.ndarray:
    """A covariance that a site sent, as `PatientSpread` has it; what is not known of a series is known of none of it.

    Args:
        found: what was sent; None for nothing.
        largest: of a variance.

    Raises:
        EngineError: differences of scores cannot have it.
    """
    shape = (strategies, seeds, strategies, seeds)
    if found is None or found.shape != shape or not np.issubdtype(found.dtype, np.floating):
        sent = "nothing" if found is None else f"{found.dtype} of shape {found.shape}"
        raise EngineError(f"it sent no covariance of {strategies} strategies and {seeds} seeds: {sent}")
    matrix = found.astype(np.float64).reshape(strategies * seeds, strategies * seeds)
    unknown = np.isnan(np.diagonal(matrix))
    known = matrix[np.ix_(~unknown, ~unknown)]
    variances = np.diagonal(known)
    if not (np.isnan(matrix[unknown]).all() and np.isnan(matrix[:, unknown]).all() and np.isfinite(known).all()):
        raise EngineError("it sent a covariance of which a row is known in part")
    if not ((variances >= 0) & (variances <= largest)).all() or not np.allclose(known, known.T):
        raise EngineError("it sent a covariance that scores from 0 to 1 cannot have")
    roots = np.sqrt(np.outer(variances, variances))
    if (np.abs(known) > (1 + _ROUNDING) * roots).any():
        raise EngineError("it sent correlations beyond 1")
    correlations = np.divide(known, roots, out=np.zeros_like(known), where=roots > 0)
    if np.linalg.eigvalsh(correlations).min(initial=0) < -_ROUNDING * len(matrix):
        raise EngineError("it sent a matrix that is no covariance: some difference would have less than no variance")
    return matrix.reshape(shape)


def _training(folds: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """(strategies,) variance of training in a fold, of the variance of folds' means and of the patients' part of it."""
    known = np.isfinite(folds) & (patients > 0)
    usual = max(0.0, float(np.mean(folds[known] / patients[known])) - 1) if known.any() else 0.0
    own: np.ndarray = np.maximum(0, folds - patients)
    return (own + usual * patients) / 2 if known.any() else own


def _freedom_of_sum(parts: Sequence[tuple[np.ndarray, int]]) -> int:
    """Of covariances that were estimated apart, with so many degrees of freedom each; by their traces."""
    traces = [(float(np.nansum(np.diagonal(covariance))), freedom) for covariance, freedom in parts]
    errors = sum(trace**2 / max(1, freedom) for trace, freedom in traces)
    return max(1, int(sum(trace for trace, _ in traces) ** 2 / errors)) if errors > 0 else parts[0][1]


def _differences(
    base: CaseScores | None,
    other: CaseScores | None,
    metric: Callable[[CaseScores, np.ndarray], np.ndarray],
    without: np.ndarray,
) -> np.ndarray:
    """(patients,) the difference without each of them; all NaN where one is, or where one strategy was not judged."""
    if base is None or other is None:
        return np.full(len(without), np.nan)
    values = metric(other, without) - metric(base, without)
    return values if np.isfinite(values).all() else np.full(len(without), np.nan)


def _without_each(patients: Sequence[str]) -> np.ndarray:
    """(patients, cases) weights: all cases but those of one patient."""
    people, owner = np.unique(list(patients), return_inverse=True)
    weights: np.ndarray = (owner != np.arange(len(people))[:, None]).astype(np.float64)
    return weights


def _blurred(covariance: np.ndarray) -> np.ndarray:
    """With standard deviations and correlations as short as `_DIGITS` and `_DECIMALS` say."""
    size = covariance.shape[0] * covariance.shape[1]
    flat = covariance.reshape(size, size)
    spreads = np.sqrt(np.diagonal(flat))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.where(np.outer(spreads, spreads) > 0, flat / np.outer(spreads, spreads), flat * 0)
        step = 10.0 ** (np.floor(np.log10(spreads)) - _DIGITS + 1)
        short = np.where(spreads > 0, np.round(spreads / step) * step, spreads)
    rounded = np.round(correlation, _DECIMALS) * np.outer(short, short)
    np.fill_diagonal(rounded, short**2)
    whole: np.ndarray = rounded.reshape(covariance.shape)
    return whole
