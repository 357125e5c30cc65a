"""Is there a difference at all: the project's test beside those that see every patient's numbers.

    python benchmarks/detection.py [--quick] [--n 20 40 100]

All take patients as rows (n, d) and give a p value, so that they can be run on simulated numbers here and on those of
planted images elsewhere (`DETECTORS`). The two of this project use n, mean and covariance only; the others need rows.
Prints the share of nulls rejected at .05 and the power against shifts of one coordinate, of all, and of the last.
"""

import argparse
import platform
import time
from collections.abc import Callable

import numpy as np
from scipy import stats as scipy_stats
from scipy.spatial.distance import cdist

from shiftscope.shifts.differences import MomentTable, plain
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments

__all__ = ["DETECTORS", "Detector", "detections"]

Detector = Callable[[np.ndarray, np.ndarray, np.random.Generator], float]
"""(rows of a, rows of b, generator) -> p value of no difference."""

PERMUTATIONS = 199
SEED = 13


def mahalanobis(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> float:  # noqa: ARG001
    """Squared Mahalanobis distance of the means, shrunken within-site covariance, from moments alone: as shiftscope."""
    sites = [Moments.of(a), Moments.of(b)]
    unit = WithinSiteCovariance.of(sites)
    return float(plain(MomentTable.of(sites), np.array([0]), np.array([1])).distributions(lambda _: unit).p[0])


def trace(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> float:  # noqa: ARG001
    """Squared distance of the means as they are, from moments alone: Box's approximation with Satterthwaite's rule."""
    sites = [Moments.of(a), Moments.of(b)]
    parts = [site.cov / site.n for site in sites]
    total = sum(parts)
    size, squares = float(np.trace(total)), float(np.sum(total * total))
    of_variance = size**2 / sum(float(np.sum(part**2)) / (site.n - 1) for part, site in zip(parts, sites, strict=True))
    gap = sites[0].mean - sites[1].mean
    return float(scipy_stats.f.sf(gap @ gap / size, size**2 / squares, of_variance))


def hotelling(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> float:
    """The Mahalanobis distance with a permutation null, the covariance estimated anew each time."""

    def distance(x: np.ndarray, y: np.ndarray) -> float:
        unit = WithinSiteCovariance.of([Moments.of(x), Moments.of(y)])
        return float(np.sum((unit.root @ (x.mean(axis=0) - y.mean(axis=0))) ** 2))

    return _permuted(distance, a, b, rng)


def energy(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> float:
    """Energy distance on standardised rows with a permutation null (Szekely and Rizzo 2013,
    doi:10.1016/j.jspi.2013.03.018)."""
    rows = _standardised(a, b)
    return _of_matrix(-cdist(rows, rows), len(a), rng)


def mmd(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> float:
    """Maximum mean discrepancy, unbiased, Gaussian kernel as wide as the median distance, with a permutation null
    (Gretton et al. 2012, jmlr v13): TorchDrift's way, on standardised rows."""
    rows = _standardised(a, b)
    squared = cdist(rows, rows, "sqeuclidean")
    width = float(np.median(squared[np.triu_indices(len(rows), 1)]))
    return _of_matrix(np.exp(-squared / width), len(a), rng)


def ks(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> float:  # noqa: ARG001
    """Kolmogorov and Smirnov's test of each coordinate, Bonferroni's correction: Evidently's and Alibi's way."""
    p = [float(scipy_stats.ks_2samp(x, y, method="asymp").pvalue) for x, y in zip(a.T, b.T, strict=True)]
    return min(1.0, min(p) * len(p))


DETECTORS: dict[str, Detector] = {
    "mahalanobis": mahalanobis,
    "trace": trace,
    "hotelling": hotelling,
    "energy": energy,
    "mmd": mmd,
    "ks": ks,
}
"""Every test by its name."""


def detections(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """The p value of every test: rows (n, d), (m, d)."""
    return {name: detect(a, b, rng) for name, detect in DETECTORS.items()}


def _standardised(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    rows = np.concatenate([a, b])
    spread = rows.std(axis=0)
    return np.asarray((rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _permuted(
    distance: Callable[[np.ndarray, np.ndarray], float], a: np.ndarray, b: np.ndarray, rng: np.random.Generator
) -> float:
    """(1 + k) / (1 + N), k of N permutations at least as far apart."""
    rows, n, observed = np.concatenate([a, b]), len(a), distance(a, b)
    larger = 0
    for _ in range(PERMUTATIONS):
        order = rng.permutation(len(rows))
        larger += distance(rows[order[:n]], rows[order[n:]]) >= observed
    return (1 + larger) / (1 + PERMUTATIONS)


def _of_matrix(kernel: np.ndarray, n: int, rng: np.random.Generator) -> float:
    """Within less between, for a similarity of all rows (n + m, n + m) whose first n are a's: permutation p value."""
    size = len(kernel)
    m = size - n
    kernel = kernel - np.diag(np.diag(kernel))
    members = np.zeros((size, PERMUTATIONS + 1))
    members[:n, 0] = 1.0
    for column in range(1, PERMUTATIONS + 1):
        members[rng.permutation(size)[:n], column] = 1.0
    sums = kernel @ members
    in_a = np.sum(members * sums, axis=0)
    between = np.sum((1 - members) * sums, axis=0)
    in_b = kernel.sum() - in_a - 2 * between
    apart = in_a / (n * (n - 1)) + in_b / (m * (m - 1)) - 2 * between / (n * m)
    return float((1 + np.sum(apart[1:] >= apart[0] - 1e-12)) / (1 + PERMUTATIONS))


def _rows(rng: np.random.Generator, n: int, d: int, kind: str) -> np.ndarray:
    """Patients of one population, deviations falling from 1 to 1 / sqrt(d), neighbours correlated by .4."""
    normal = rng.standard_normal((n, d))
    if kind == "t":
        normal /= np.sqrt(rng.chisquare(6, (n, 1)) / 4)  # 6 degrees of freedom, variance 1
    elif kind == "lognormal":
        normal = (np.exp(0.7 * normal) - np.exp(0.245)) / np.sqrt((np.exp(0.49) - 1) * np.exp(0.49))
    mix = np.linalg.cholesky(0.4 ** np.abs(np.subtract.outer(range(d), range(d))))
    return np.asarray(normal @ mix.T / np.sqrt(np.arange(1, d + 1)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, nargs="+", default=[20, 40, 100])
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--size", type=float, default=0.8, help="shift, in deviations of the coordinate that moves")
    parser.add_argument("--quick", action="store_true", help="40 draws of n = 40 only")
    options = parser.parse_args()
    sizes, draws = ([40], 40) if options.quick else (options.n, options.draws)
    d = 8
    spread = 1 / np.sqrt(np.arange(1, d + 1))
    last, first, every = np.eye(d)[-1] * spread, np.eye(d)[0] * spread, spread / np.sqrt(d)
    cases = [
        ("null, normal", "normal", np.zeros(d)),
        ("null, t with 6 df", "t", np.zeros(d)),
        ("null, lognormal", "lognormal", np.zeros(d)),
        ("first of 8 moves", "normal", first * options.size),
        ("last of 8 moves", "normal", last * options.size),
        ("all of 8 move", "normal", every * options.size),
    ]
    print(f"{platform.machine()}, {time.strftime('%Y-%m-%d')}, seed {SEED}, {draws} draws, d = {d}, p < .05")
    print(f"{'case':18s}  {'n':>3s}  " + "  ".join(f"{name:>11s}" for name in DETECTORS))
    for name, kind, shift in cases:
        for n in sizes:
            rng = np.random.default_rng([SEED, n])
            found = [detections(_rows(rng, n, d, kind) + shift, _rows(rng, n, d, kind), rng) for _ in range(draws)]
            shares = [np.mean([p[test] < 0.05 for p in found]) for test in DETECTORS]
            print(f"{name:18s}  {n:3d}  " + "  ".join(f"{share:11.3f}" for share in shares), flush=True)


if __name__ == "__main__":
    main()
