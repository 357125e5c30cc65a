"""Small statistics that know nothing of profiles: arrays in, numbers out.

How two sites' moments are compared is the business of `shifts`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import special

__all__ = ["Moments", "cliffs_delta", "holm", "least_eigenvalue", "welch"]

LEVEL = 0.95

_SCORES = np.linspace(-6, 6, 129)  # where a normal distribution is followed


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and covariance of patients.

    Attributes:
        n: number of patients.
        mean: (d,).
        cov: (d, d), divided by n - 1.
        noise: variance of each coordinate of `mean` beyond that of chance, added for privacy.
    """

    n: int
    mean: np.ndarray
    cov: np.ndarray
    noise: float = 0.0

    @classmethod
    def of(cls, rows: np.ndarray) -> Self:
        """Moments of `rows` (n, d), n >= 1; the covariance of a single row is zero."""
        n = len(rows)
        centred = rows - rows.mean(axis=0)
        return cls(n, rows.mean(axis=0), centred.T @ centred / max(n - 1, 1))

    @classmethod
    def pooled(cls, parts: Sequence[Self]) -> Self:
        """Moments of all patients of disjoint parts, one at least, in the coordinates that all parts have.

        Exact, by the analysis of variance: squares within parts and between their means add up.
        """
        d = min(len(part.mean) for part in parts)
        sizes = np.array([part.n for part in parts], dtype=float)
        n = sizes.sum()
        means = np.stack([part.mean[:d] for part in parts])
        mean = sizes @ means / n
        between = means - mean
        scatter = (sizes[:, None] * between).T @ between
        for part in parts:
            scatter += (part.n - 1) * part.cov[:d, :d]
        noise = float((sizes / n) ** 2 @ [part.noise for part in parts])
        return cls(int(n), mean, scatter / max(n - 1, 1), noise)

    def leading(self, d: int | None) -> Self:
        """The first `d` coordinates, all for None."""
        return type(self)(self.n, self.mean[:d], self.cov[:d, :d], self.noise)


def least_eigenvalue(matrix: np.ndarray, scale: np.ndarray) -> float:
    """The least eigenvalue of a symmetric matrix (d, d) in units of the roots of `scale` (d,), all above 0: for a
    covariance and its variances, of the correlations."""
    unit = np.sqrt(scale)
    return float(np.linalg.eigvalsh(matrix / np.outer(unit, unit))[0])


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjusted p values, in the order given (Holm 1979, jstor:4615733)."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    out = np.empty_like(p)
    out[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return out


def welch(
    n: tuple[int, int], mean: tuple[float, float], sd: tuple[float, float], level: float = LEVEL
) -> tuple[float, float, float]:
    """Difference of two means, first less second, with its interval (Welch 1947, doi:10.1093/biomet/34.1-2.28)."""
    variances = [s**2 / k for s, k in zip(sd, n, strict=True)]
    total = sum(variances)
    gap = mean[0] - mean[1]
    if total == 0:
        return gap, gap, gap
    freedom = total**2 / sum(v**2 / (k - 1) for v, k in zip(variances, n, strict=True))
    half = float(special.stdtrit(freedom, 1 - (1 - level) / 2)) * np.sqrt(total)
    return gap, gap - half, gap + half


def cliffs_delta(
    counts_a: Sequence[int] | np.ndarray,
    edges_a: Sequence[float] | np.ndarray,
    counts_b: Sequence[int] | np.ndarray,
    edges_b: Sequence[float] | np.ndarray,
    normal_a: tuple[float, float] | None = None,
    normal_b: tuple[float, float] | None = None,
) -> float:
    """Cliff's delta of two histograms: P(A > B) - P(A < B), -1 to 1 (Cliff 1993, doi:10.1037/0033-2909.114.3.494).

    The cells need not be the same. Within a cell patients lie as a normal distribution would, or evenly without one;
    so the share of pairs that cells leave open is split by where the patients are likely to be. With cells of 10 and
    a wide public grid the end cells reach far beyond the patients, and lying evenly in them is far from the truth.

    Args:
        counts_a: (k,) patients in each cell.
        edges_a: (k + 1,) edges of the cells, rising.
        counts_b: (l,).
        edges_b: (l + 1,).
        normal_a: mean and standard deviation of A.
        normal_b: likewise of B.
    """
    normals = [normal[0] + normal[1] * _SCORES for normal in (normal_a, normal_b) if normal is not None]
    ends = min(edges_a[0], edges_b[0]), max(edges_a[-1], edges_b[-1])
    grid = np.clip(np.sort(np.concatenate([edges_a, edges_b, *normals])), *ends)
    a = np.diff(_cumulative(grid, counts_a, edges_a, normal_a))
    b = np.diff(_cumulative(grid, counts_b, edges_b, normal_b))
    return float(a @ (2 * np.cumsum(b) - b - 1))


def _cumulative(
    x: np.ndarray,
    counts: Sequence[int] | np.ndarray,
    edges: Sequence[float] | np.ndarray,
    normal: tuple[float, float] | None,
) -> np.ndarray:
    """Share of a histogram's patients below each x."""
    ends = np.asarray(edges, dtype=float)
    total = np.concatenate([[0.0], np.cumsum(counts)])
    if normal is None or normal[1] <= 0:
        return np.asarray(np.interp(x, ends, total / total[-1]))

    def place(values: np.ndarray) -> np.ndarray:  # the line keeps it rising where the normal is flat
        return np.asarray(special.ndtr((values - normal[0]) / normal[1]) + 1e-6 * (values - ends[0]) / np.ptp(ends))

    return np.asarray(np.interp(place(x), place(ends), total / total[-1]))
