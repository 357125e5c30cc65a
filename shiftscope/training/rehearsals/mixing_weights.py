"""How much of its own head a site takes, and how much of the shared one: chosen by validation, shrunken over sites."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import beta

__all__ = ["GRID", "LEAST_VARIANCE", "OwnWeight", "best_weight", "likelihoods", "shrunken", "weight_of"]

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


def likelihoods(shared: np.ndarray, own: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(n, weights of `GRID`) log-likelihood of each case's class under each mixture.

    Args:
        shared, own: (n, outputs) logits of the two heads; a mixture of heads gives the mixture of these.
        truth: (n,) class of each.
    """
    mixed = (1 - GRID)[:, None, None] * shared + GRID[:, None, None] * own
    likely = mixed - logsumexp(mixed, axis=-1, keepdims=True)
    by_case: np.ndarray = likely[:, np.arange(len(truth)), truth].T
    return by_case


def weight_of(by_patient: np.ndarray) -> OwnWeight:
    """Mean and variance of the weight given `likelihoods`, with every weight alike likely before.

    Args:
        by_patient: (patients, weights of `GRID`).
    """
    by_weight = by_patient.sum(axis=0)
    chances = np.exp(by_weight - logsumexp(by_weight))
    mean = float(chances @ GRID)
    variance = float(chances @ (GRID - mean) ** 2)
    return OwnWeight(round(mean, _DECIMALS), max(LEAST_VARIANCE, round(variance, 2 * _DECIMALS)))


def best_weight(by_patient: np.ndarray) -> OwnWeight:
    """The weight that fits best, and by the jackknife how it varies with patients: for scores that are no likelihood.

    Args:
        by_patient: (patients, weights of `GRID`) how well each is described, in any unit.
    """
    total = by_patient.sum(axis=0)
    without = GRID[(total - by_patient).argmax(axis=1)]
    count = len(by_patient)
    variance = (count - 1) / count * float(((without - without.mean()) ** 2).sum())
    return OwnWeight(float(GRID[total.argmax()]), max(_STEP**2, round(variance, 2 * _DECIMALS)))


def shrunken(found: Mapping[str, OwnWeight], sites: Sequence[str]) -> dict[str, float]:
    """Each site's weight, drawn to that of all sites by how little its own patients say (hierarchical Bayes).

    Weights of sites follow a beta distribution of unknown mean and concentration, every pair of which is alike likely
    before; a site's mean and variance stand for a normal likelihood of its weight. Given are the means of the
    posterior. A site that says nothing gets what is expected of a new one, half where nobody says anything.

    Args:
        sites: that need a weight.
    """
    means = np.array([each.mean for each in found.values()])
    variances = np.array([each.variance for each in found.values()])
    likely = np.exp(-((GRID - means[:, None]) ** 2) / (2 * variances[:, None]))
    joint = likely[:, None] * _PRIORS  # (sites, priors, weights)
    evidence = joint.sum(axis=2)
    of_all = np.log(np.maximum(evidence, np.finfo(float).tiny)).sum(axis=0)
    chances = np.exp(of_all - logsumexp(of_all))
    given = (joint @ GRID) / np.maximum(evidence, np.finfo(float).tiny) @ chances
    weights = dict.fromkeys(sites, float(chances @ (_PRIORS @ GRID)))
    return weights | {site: float(weight) for site, weight in zip(found, given, strict=True)}


def _beta_priors() -> np.ndarray:
    """(priors, weights of `GRID`) chances under beta distributions of means .05 to .95 and concentrations 1 to 64."""
    middles = (np.clip(GRID, _STEP / 4, 1 - _STEP / 4))[None]
    pairs = [(mean, size) for mean in np.linspace(0.05, 0.95, 19) for size in 2.0 ** np.arange(7)]
    shapes = np.array([(mean * size, (1 - mean) * size) for mean, size in pairs])
    chances = beta.pdf(middles, shapes[:, :1], shapes[:, 1:])
    whole: np.ndarray = chances / chances.sum(axis=1, keepdims=True)
    return whole


_PRIORS = _beta_priors()
