"""How sure a difference is: patients resampled at the site, the chance of training drawn at the coordinator."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from shiftscope.plans import Difference
from shiftscope.training.evaluation.scores import CaseScores

__all__ = ["REPLICATES", "interval", "replicates"]

REPLICATES = 1000


def replicates(
    baseline: Sequence[CaseScores],
    adapted: Sequence[CaseScores],
    metric: Callable[[CaseScores, np.ndarray], np.ndarray],
    patients: Sequence[str],
    salt: str,
) -> np.ndarray:
    """Adapted minus baseline on resampled patients, the same patients for both strategies and all seeds.

    The resampling is seeded by the salt and by the scores themselves: it repeats with the run, but the coordinator
    cannot redo it. With few test patients their scores can be worked out all the same: of four or fewer, the extremes
    of the replicates are the extreme patients' own differences, as a mean over two patients nearly is
    (docs/privacy.md).

    Args:
        baseline, adapted: one per seed; case i belongs to `patients[i]`.

    Returns:
        (REPLICATES, seeds) float32, NaN where the metric is undefined on a resampling.
    """
    digest = hashlib.sha256(salt.encode())
    for cases in (*baseline, *adapted):
        for name in sorted(cases):
            digest.update(np.ascontiguousarray(cases[name]).tobytes())
    rng = np.random.default_rng(int.from_bytes(digest.digest()[:16], "big"))
    people, owner = np.unique(list(patients), return_inverse=True)
    weights = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=REPLICATES)[:, owner].astype(
        float
    )
    return np.stack(
        [metric(a, weights) - metric(b, weights) for a, b in zip(adapted, baseline, strict=True)], axis=1
    ).astype(np.float32)


def interval(
    differences: Mapping[str, np.ndarray], means: Mapping[str, Sequence[float | None]], rng: np.random.Generator
) -> Difference:
    """The mean over sites of the difference, with its 95 % interval.

    Two things vary. Patients: each site's replicates, averaged over seeds. Training: what the seeds' means differ by,
    all sites together, over the root of their number, times a draw of Student's t with one degree of freedom less
    than seeds. Seeds resampled like patients would never leave the range of three values, which holds the true mean in
    three of four cases. What patients and seeds do to each other is in both parts, which widens the interval a little.

    Args:
        differences: site -> its `replicates`. Sites are independent, seeds are joint for all sites.
        means: site -> adapted minus baseline on the cases as they are, one per seed.

    Returns:
        Nulls where no site has both.
    """
    sites = sorted(site for site in differences if any(value is not None for value in means[site]))
    if not sites:
        return Difference()
    point = float(np.mean([np.mean([value for value in means[site] if value is not None]) for site in sites]))
    resampled = np.mean([_mean(differences[site]) for site in sites], axis=0)
    resampled = resampled + _chance_of_training([means[site] for site in sites], len(resampled), rng)
    defined = resampled[np.isfinite(resampled)]
    if not len(defined):
        return Difference(mean=point)
    low, high = np.clip(np.quantile(defined, [0.025, 0.975]), -1, 1)  # the metrics compared lie in [0, 1]
    return Difference(mean=point, low=float(low), high=float(high))


def _chance_of_training(means: Sequence[Sequence[float | None]], count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) draws of the error that the mean over seeds has; 0 with one seed, whose error nobody can know."""
    values = np.array([[np.nan if value is None else value for value in series] for series in means])
    by_seed = _mean(values.T)
    by_seed = by_seed[np.isfinite(by_seed)]
    if len(by_seed) < 2:
        return np.zeros(count)
    draws: np.ndarray = rng.standard_t(len(by_seed) - 1, size=count) * by_seed.std(ddof=1) / np.sqrt(len(by_seed))
    return draws


def _mean(values: np.ndarray) -> np.ndarray:
    """(b, seeds) -> (b,), over what is defined."""
    defined = np.isfinite(values)
    total = np.where(defined, values, 0).sum(axis=1, dtype=np.float64)
    mean: np.ndarray = np.full(len(values), np.nan)
    np.divide(total, defined.sum(axis=1), out=mean, where=defined.any(axis=1))
    return mean
