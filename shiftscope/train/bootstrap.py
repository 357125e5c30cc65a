"""How sure a difference is: patients resampled at the site, seeds at the coordinator."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from shiftscope.plans import Difference
from shiftscope.train.scores import Cases

__all__ = ["REPLICATES", "interval", "replicates"]

REPLICATES = 1000


def replicates(
    baseline: Sequence[Cases],
    adapted: Sequence[Cases],
    metric: Callable[[Cases, np.ndarray], np.ndarray],
    patients: Sequence[str],
    salt: str,
) -> np.ndarray:
    """Adapted minus baseline on resampled patients, the same patients for both strategies and all seeds.

    The resampling is seeded by the salt and by the scores themselves: it repeats with the run, but the coordinator
    cannot redo it. With few test patients their scores can be told all the same: of four or fewer, the extremes of
    the replicates are the extreme patients' own differences, as a mean over two patients nearly is (docs/privacy.md).

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
    """The mean over sites of the difference, with its 95 % percentile interval.

    Args:
        differences: site -> its `replicates`. Sites are independent, seeds are drawn jointly for all sites.
        means: site -> adapted minus baseline on the cases as they are, one per seed.

    Returns:
        Nulls where no site has both.
    """
    sites = sorted(site for site in differences if any(value is not None for value in means[site]))
    if not sites:
        return Difference()
    point = float(np.mean([np.mean([value for value in means[site] if value is not None]) for site in sites]))
    count, seeds = differences[sites[0]].shape
    drawn = rng.integers(seeds, size=(count, seeds))
    rows = np.arange(count)[:, None]
    resampled = np.mean([_mean(differences[site][rows, drawn]) for site in sites], axis=0)
    defined = resampled[np.isfinite(resampled)]
    if not len(defined):
        return Difference(mean=point)
    low, high = np.quantile(defined, [0.025, 0.975])
    return Difference(mean=point, low=float(low), high=float(high))


def _mean(values: np.ndarray) -> np.ndarray:
    """(b, seeds) -> (b,), over what is defined."""
    defined = np.isfinite(values)
    total = np.where(defined, values, 0).sum(axis=1, dtype=np.float64)
    mean: np.ndarray = np.full(len(values), np.nan)
    np.divide(total, defined.sum(axis=1), out=mean, where=defined.any(axis=1))
    return mean
