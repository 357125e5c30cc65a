"""How much of its own head a site takes, and how much of the shared one: chosen by validation, shrunken over sites."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

__all__ = ["GRID", "LEAST_VARIANCE", "OwnWeight", "best_weight", "shrunken", "weight_of"]

GRID = np.linspace(0, 1, 21)
"""Weights of the own head that are tried."""

_STEP = 0.05

_DECIMALS = 2
"""Of what leaves a site: a weight is worth no more."""

LEAST_VARIANCE = 1e-4


@dataclass(frozen=True, slots=True)
class OwnWeight:
    """What a site's validation patients say of the weight of its own head: mean and variance."""

    mean: float
    variance: float


def weight_of(shared: np.ndarray, own: np.ndarray, truth: np.ndarray) -> OwnWeight:
    """Mean and variance of the weight, given validation patients, with every weight alike likely before.

    Args:
        shared, own: (n, outputs) logits of the two heads; a mixture of heads gives the mixture of these.
        truth: (n,) class of each.
    """
    mixed = (1 - GRID)[:, None, None] * shared + GRID[:, None, None] * own
    likely = mixed - logsumexp(mixed, axis=-1, keepdims=True)
    by_weight = likely[:, np.arange(len(truth)), truth].sum(axis=1)
    chances = np.exp(by_weight - logsumexp(by_weight))
    mean = float(chances @ GRID)
    variance = float(chances @ (GRID - mean) ** 2)
    return OwnWeight(round(mean, _DECIMALS), max(LEAST_VARIANCE, round(variance, 2 * _DECIMALS)))


def best_weight(by_case: np.ndarray) -> OwnWeight:
    """The weight that fits best, and by the jackknife how it varies with the cases: for scores that are no likelihood.

    Args:
        by_case: (cases, weights of `GRID`) how well each case is described, in any unit.
    """
    total = by_case.sum(axis=0)
    without = GRID[(total - by_case).argmax(axis=1)]
    count = len(by_case)
    variance = (count - 1) / count * float(((without - without.mean()) ** 2).sum())
    return OwnWeight(float(GRID[total.argmax()]), max(_STEP**2, round(variance, 2 * _DECIMALS)))


def shrunken(found: Mapping[str, OwnWeight], sites: Sequence[str]) -> dict[str, float]:
    """Each site's weight, drawn to that of all sites by how little its own patients say (empirical Bayes).

    Weights vary over sites with variance t², estimated by moments: the variance of the means less the mean of the
    variances (Efron & Morris 1975, doi:10.2307/2285814, with unequal variances). A site's weight is its own mean times
    t² / (t² + v) and the mean of all, by precision, times the rest. A site that says nothing gets the mean of all.

    Args:
        sites: that need a weight; half where no site at all says anything.
    """
    if not found:
        return dict.fromkeys(sites, 0.5)
    means = np.array([each.mean for each in found.values()])
    variances = np.array([each.variance for each in found.values()])
    between = max(0.0, float(means.var(ddof=1) - variances.mean())) if len(means) > 1 else 0.0
    precision = 1 / (between + variances)
    centre = float(precision @ means / precision.sum())
    weights = dict.fromkeys(sites, centre)
    for site, each in found.items():
        trust = between / (between + each.variance)
        weights[site] = trust * each.mean + (1 - trust) * centre
    return weights
