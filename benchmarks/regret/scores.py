"""How good policies are: chosen on some folds, scored on the others, and how sure that is over families.

Nothing is printed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from outcomes import REFERENCE, Outcome
from policies import MARGIN, Policy
from scipy.stats import t

__all__ = [
    "FEWEST_FAMILIES",
    "Judged",
    "Over",
    "chosen_elsewhere",
    "cross_fitted",
    "halves",
    "judge",
    "one_out",
    "oracle_weights",
    "over_families",
]

FEWEST_FAMILIES = 8
"""No claim from fewer."""

DRAWS, SEED = 10_000, 15
OWN = "local"

Splits = Iterator[tuple[tuple[int, ...], tuple[int, ...]]]
"""(folds on which is chosen, folds on which is scored), each way by itself."""


def halves(folds: int) -> Splits:
    """All ways to cut the folds in two halves (of 2 and 3 for five), both ways."""
    for chosen in combinations(range(folds), folds // 2):
        others = tuple(fold for fold in range(folds) if fold not in chosen)
        yield chosen, others
        yield others, chosen


def one_out(folds: int) -> Splits:
    """Chosen on all folds but one, scored on it: nearest to a rehearsal, which sees them all."""
    for fold in range(folds):
        yield tuple(other for other in range(folds) if other != fold), (fold,)


def cross_fitted(policy: Policy, outcome: Outcome, splits: Callable[[int], Splits] = halves) -> np.ndarray:
    """(folds, strategies) how often each strategy is taken where a fold is scored; each row adds up to 1.

    A policy is never asked with the fold that it is then scored on. A choice that is scored on more folds counts less
    in each, so that every choice counts alike.
    """
    weights = np.zeros((outcome.folds, len(outcome.strategies)))
    for chosen, scored in splits(outcome.folds):
        weights[list(scored)] += policy(outcome, chosen) / len(scored)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def oracle_weights(outcome: Outcome, best: Policy) -> np.ndarray:
    """The strategy that is best on the other four folds, for each fold: it sees more than any policy, and not the
    fold's scores, which would flatter it."""
    return cross_fitted(best, outcome, one_out)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One policy on one federation.

    Attributes:
        score: mean over folds and sites.
        at_sites: (sites,) mean over folds.
        gain, gain_error: (sites,) over FedAvg, with its standard error.
        beside_own, own_error: (sites,) over the site's own model.
        freedom: (sites,) degrees of freedom of both.
    """

    score: float
    at_sites: np.ndarray
    gain: np.ndarray
    gain_error: np.ndarray
    beside_own: np.ndarray
    own_error: np.ndarray
    freedom: np.ndarray

    @property
    def harmed(self) -> np.ndarray:
        """(sites,) whether the mean loss against FedAvg exceeds the margin."""
        return np.asarray(self.gain < -MARGIN)

    @property
    def surely_harmed(self) -> np.ndarray:
        """(sites,) whether the one-sided 95 % interval of that loss lies beyond the margin."""
        return np.asarray(self.gain + t.ppf(0.95, self.freedom) * self.gain_error < -MARGIN)

    @property
    def worse_than_alone(self) -> np.ndarray:
        """(sites,) whether the mean loss against the site's own model exceeds the margin."""
        return np.asarray(self.beside_own < -MARGIN)

    @property
    def surely_worse_than_alone(self) -> np.ndarray:
        """(sites,) whether the one-sided 95 % interval of that loss lies beyond the margin."""
        return np.asarray(self.beside_own + t.ppf(0.95, self.freedom) * self.own_error < -MARGIN)


def judge(outcome: Outcome, weights: np.ndarray) -> Judged:
    """What strategies taken so often give.

    Args:
        weights: (folds, strategies), of `cross_fitted`.
    """
    at_sites = np.nanmean(np.einsum("fs,xsf->xf", weights, outcome.scores), axis=1)
    gain, gain_error = _difference(outcome, weights, REFERENCE)
    own, own_error = _difference(outcome, weights, OWN)
    return Judged(float(at_sites.mean()), at_sites, gain, gain_error, own, own_error, outcome.freedom)


def _difference(outcome: Outcome, weights: np.ndarray, other: str) -> tuple[np.ndarray, np.ndarray]:
    """(sites,) mean over folds of the policy less another strategy, and its standard error: patients' part, and what
    folds differ by beyond it, as `over_folds` has both."""
    signs = weights.copy()
    signs[:, outcome.place(other)] -= 1
    by_fold = np.einsum("fs,xsf->xf", signs, outcome.scores)
    of_patients = np.einsum("fs,xfst,ft->xf", signs, outcome.covariance, signs)
    count = outcome.folds
    beyond = np.maximum(0, np.nanvar(by_fold, axis=1, ddof=1) - np.nanmean(of_patients, axis=1))
    variance = np.nansum(of_patients, axis=1) / count**2 + (1 / count + outcome.ratio) * beyond
    return np.nanmean(by_fold, axis=1), np.sqrt(np.maximum(0, variance))


@dataclass(frozen=True, slots=True)
class Over:
    """A mean over families, each counting alike.

    Attributes:
        low, high: 95 % interval: families drawn anew, with replacement. Of eight it holds the truth about nine times in
            ten, and so does not suffice alone.
        p: of no mean, two-sided, by Student's t over the families' means.
        families: how many.
    """

    mean: float
    low: float
    high: float
    p: float
    families: int

    @property
    def off_zero(self) -> bool:
        """Whether 0 lies outside, Student's t agrees, and there are families enough to say so."""
        return self.families >= FEWEST_FAMILIES and not self.low <= 0 <= self.high and self.p < 0.05


def over_families(values: Sequence[float], families: Sequence[str]) -> Over:
    """The mean over families of each family's mean.

    Args:
        values: one a federation (or site), finite.
        families: of each.
    """
    names = sorted(set(families))
    of = np.array(families)
    means = np.array([np.mean(np.asarray(values, dtype=np.float64)[of == name]) for name in names])
    rng = np.random.default_rng(SEED)
    drawn = means[rng.integers(len(names), size=(DRAWS, len(names)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Over(float(means.mean()), float(low), float(high), _p_value(means), len(names))


def _p_value(means: np.ndarray) -> float:
    error = float(means.std(ddof=1)) / np.sqrt(len(means)) if len(means) > 1 else 0.0
    if len(means) < 2 or not means.any():
        return 1.0
    return float(2 * t.sf(abs(means.mean()) / error, len(means) - 1)) if error > 0 else 0.0


def chosen_elsewhere(candidates: Mapping[str, Mapping[str, float]], family_of: Mapping[str, str]) -> dict[str, str]:
    """Family -> the candidate that is best over all other families, so that no family chooses for itself.

    Args:
        candidates: candidate -> federation -> score.
        family_of: federation -> family.
    """
    families = sorted(set(family_of.values()))
    mean = {
        name: {
            family: np.mean([score for federation, score in scores.items() if family_of[federation] == family])
            for family in families
        }
        for name, scores in candidates.items()
    }
    return {
        family: max(mean, key=lambda name: float(np.mean([mean[name][other] for other in families if other != family])))
        for family in families
    }
