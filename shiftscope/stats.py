"""Statistics from moments alone: arrays in, numbers out.

Two sites are compared through n, mean and covariance of their patients. With d = m1 - m2, V = S1/n1 + S2/n2 and
T = |d|^2, the null distribution of T is a weighted sum of chi-squares with the eigenvalues of V as weights (Box 1954,
doi:10.1214/aoms/1177728786). It is matched in its first three cumulants by a shifted chi-square (Imhof 1961,
doi:10.1093/biomet/48.3-4.419); the uncertainty of V at small n turns that chi-square into an F (Brunner, Dette and Munk
1997, doi:10.2307/2965420). The same approximation with d = delta gives the distribution of T at any true shift, so the
p value, the interval and the probability of exceeding a margin all invert one curve and cannot contradict each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy import special

__all__ = [
    "Difference",
    "Moments",
    "adjusted",
    "against_all",
    "compare",
    "holm",
    "projected",
    "reweighted",
    "welch",
]

LEVEL = 0.95
SMALLEST_P = 1e-9  # the approximation of the tail is not trusted beyond
_NOTHING = 1e-12  # a share of the variance that is rounding


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

    def leading(self, d: int | None) -> Self:
        """The first `d` coordinates, all for None."""
        return type(self)(self.n, self.mean[:d], self.cov[:d, :d], self.noise)

    @property
    def cov_of_mean(self) -> np.ndarray:
        """(d, d) covariance of `mean`."""
        out: np.ndarray = self.cov / self.n + self.noise * np.eye(len(self.mean))
        return out


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two means with what is needed to judge it.

    Attributes:
        delta: (d,) difference of the means, a less b.
        parts: covariances (d, d) of a's and b's mean: the variance of `delta` is their sum.
        scale: within-site variance that effects are told in: mean trace of the sites' patient covariances.
        scale_variance: variance of `scale` as it was estimated.
        freedom: degrees of freedom of the trace of the variance; infinite when it is known.
    """

    delta: np.ndarray
    parts: tuple[np.ndarray, np.ndarray]
    scale: float
    scale_variance: float
    freedom: float

    @property
    def variance(self) -> np.ndarray:
        """(d, d) covariance of `delta`."""
        of_a, of_b = self.parts
        total: np.ndarray = of_a + of_b
        return total

    @property
    def effect(self) -> float:
        """Squared distance of the means over the within-site variance, its bias taken off, not below 0.

        0 is no shift; 1 is a shift as large as the spread of patients within a site.
        """
        if self.scale <= 0:
            return 0.0
        return float(max(0.0, (self.delta @ self.delta - np.trace(self.variance)) / self.scale))

    @property
    def p(self) -> float:
        """Probability of a distance at least this large when the true means are equal."""
        return max(1.0 - self._below(0.0), SMALLEST_P)

    def exceeds(self, margin: float) -> float:
        """Confidence, 0 to 1, that the true effect is larger than `margin`.

        The confidence distribution of the effect (Schweder and Hjort 2002, doi:10.1111/1467-9469.00285): the
        probability of a distance smaller than the one seen if the true effect were exactly `margin`.
        """
        return self._below(margin)

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Equal-tailed confidence interval of the effect, both ends >= 0, by inverting the test."""
        tail = (1 - level) / 2
        return self._effect_where(1 - tail), self._effect_where(tail)

    def on_scale_of(self, other: "Difference") -> "Difference":
        """The same difference, told in the within-site variance of another."""
        return replace(self, scale=other.scale, scale_variance=other.scale_variance)

    def swapped(self) -> "Difference":
        """b less a."""
        return replace(self, delta=-self.delta, parts=self.parts[::-1])

    def leading(self, d: int) -> "Difference":
        """The first `d` coordinates; the scale stays."""
        return replace(self, delta=self.delta[:d], parts=(self.parts[0][:d, :d], self.parts[1][:d, :d]))

    def _below(self, effect: float) -> float:
        """P(T <= observed T) when the true effect is `effect`, in the direction seen."""
        variance = self.variance
        total = float(np.trace(variance))
        observed = float(self.delta @ self.delta)
        if total <= _NOTHING * max(self.scale, observed, _NOTHING):  # nothing varies: there is no chance in it
            return float(observed > effect * self.scale)
        unit = self.delta / np.sqrt(observed) if observed > 0 else np.zeros_like(self.delta)
        shift = unit * np.sqrt(effect * self.scale)
        v_shift = variance @ shift
        k1 = total + float(shift @ shift)
        k2 = 2 * np.sum(variance * variance) + 4 * shift @ v_shift + effect**2 * self.scale_variance
        k3 = 8 * np.sum((variance @ variance) * variance) + 24 * v_shift @ v_shift
        freedom = 8 * k2**3 / k3**2
        value = (observed - k1) / np.sqrt(k2 / (2 * freedom)) + freedom
        of_variance = self.freedom * (k1 / total) ** 2  # the variance matters less the farther the means are apart
        if value <= 0:  # left of where the shifted chi-square begins: match two cumulants only
            return _f_cdf(2 * k1**2 / k2, of_variance, observed / k1)
        return _f_cdf(freedom, of_variance, value / freedom)

    def _effect_where(self, probability: float) -> float:
        """The largest effect at which P(T <= observed) is still above `probability`; 0 where there is none."""
        high = max(self.effect, 1e-6)
        for _ in range(60):
            if self._below(high) <= probability:
                break
            high *= 2
        steps = np.concatenate([[0.0], high * np.geomspace(1e-3, 1.0, 16)])
        above = [step for step in steps if self._below(step) > probability]  # the curve may rise before it falls
        if not above:
            return 0.0
        low = max(above)
        high = min((step for step in steps if step > low), default=high)
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if self._below(middle) > probability else (low, middle)
        return float((low + high) / 2)


def _f_cdf(numerator: float, denominator: float, value: float) -> float:
    """The F distribution function, the chi-square's where the denominator's freedom is infinite."""
    if not np.isfinite(denominator):
        return float(special.gammainc(numerator / 2, numerator * value / 2))
    return float(special.fdtr(numerator, denominator, value))


def compare(a: Moments, b: Moments) -> Difference:
    """The difference a - b on the coordinates both have."""
    d = min(len(a.mean), len(b.mean))
    a, b = a.leading(d), b.leading(d)
    return _difference(a.mean - b.mean, [(a.cov_of_mean, a.n)], [(b.cov_of_mean, b.n)], [(a.cov, a.n), (b.cov, b.n)])


def reweighted(pairs: Sequence[tuple[Moments, Moments]]) -> Difference:
    """The difference at equal prevalence: strata (classes) of two sites, each weighted by its pooled share.

    Args:
        pairs: one (a, b) per class that both sites have.
    """
    d = min(len(moments.mean) for pair in pairs for moments in pair)
    strata = [(a.leading(d), b.leading(d)) for a, b in pairs]
    weights = np.array([a.n + b.n for a, b in strata], dtype=float)
    weights /= weights.sum()
    delta = np.sum([w * (a.mean - b.mean) for w, (a, b) in zip(weights, strata, strict=True)], axis=0)
    sides = [
        [(w**2 * pair[k].cov / pair[k].n, pair[k].n) for w, pair in zip(weights, strata, strict=True)] for k in (0, 1)
    ]
    within = [(w * m.cov, m.n) for w, pair in zip(weights, strata, strict=True) for m in pair]
    return _difference(delta, sides[0], sides[1], within)


def projected(classes: Sequence[Moments], shares: np.ndarray, b: Moments) -> Difference:
    """The difference that is left when site a had the class shares of site b: only a's classes need be known.

    Args:
        classes: a's moments within each class.
        shares: b's share of each class, adding up to 1.
        b: moments of all of b.
    """
    d = min(len(b.mean), *(len(part.mean) for part in classes))
    strata, whole = [part.leading(d) for part in classes], b.leading(d)
    parts = [(share**2 * part.cov / part.n, part.n) for share, part in zip(shares, strata, strict=True)]
    mean = np.sum([share * part.mean for share, part in zip(shares, strata, strict=True)], axis=0)
    return _difference(mean - whole.mean, parts, [(whole.cov_of_mean, whole.n)], [(whole.cov, whole.n)] * 2)


def adjusted(a: Moments, b: Moments, covariates: int) -> Difference:
    """The difference that is left when the last `covariates` coordinates are held equal (analysis of covariance).

    The slopes are those within sites, pooled, so a difference that goes with the covariate from patient to patient is
    not counted twice (Fisher 1932; Huitema 2011, doi:10.1002/9781118067475). Needs both sites to have all coordinates.
    A covariate that hardly varies is left alone.
    """
    d = len(a.mean) - covariates
    scatter = a.cov * (a.n - 1) + b.cov * (b.n - 1)
    varies = np.diag(scatter)[d:] > _NOTHING * max(float(np.trace(scatter)), _NOTHING)
    keep = np.flatnonzero(varies) + d
    inverse = np.linalg.pinv(scatter[np.ix_(keep, keep)], rcond=1e-8)
    slopes = np.zeros((covariates, d))
    slopes[varies] = inverse @ scatter[keep, :d]
    gap = a.mean[d:] - b.mean[d:]
    lift = np.vstack([np.eye(d), -slopes])  # x - z @ slopes
    residual_a, residual_b = lift.T @ a.cov @ lift, lift.T @ b.cov @ lift
    pooled = lift.T @ scatter @ lift / max(a.n + b.n - 2 - covariates, 1)
    leverage = float(gap[varies] @ inverse @ gap[varies])
    slope_part = (pooled * leverage / 2, a.n + b.n - covariates - 1)
    return _difference(
        a.mean[:d] - b.mean[:d] - gap @ slopes,
        [(residual_a / a.n, a.n), slope_part],
        [(residual_b / b.n, b.n), slope_part],
        [(residual_a, a.n), (residual_b, b.n)],
    )


def against_all(differences: Sequence[Difference]) -> Difference:
    """One site against several, each counted alike: the mean of its differences to them.

    Args:
        differences: the site less each other site; the site's own mean is common to them.
    """
    d = min(len(item.delta) for item in differences)
    cut, k = [item.leading(d) for item in differences], len(differences)
    own = np.mean([item.parts[0] for item in cut], axis=0)
    others = np.sum([item.parts[1] for item in cut], axis=0) / k**2
    return Difference(
        delta=np.mean([item.delta for item in cut], axis=0),
        parts=(own, others),
        scale=float(np.mean([item.scale for item in cut])),
        scale_variance=float(np.mean([item.scale_variance for item in cut])),
        freedom=float(np.mean([item.freedom for item in cut])),
    )


_Part = tuple[np.ndarray, int]


def _difference(delta: np.ndarray, of_a: list[_Part], of_b: list[_Part], within: list[_Part]) -> Difference:
    """A difference from estimated covariances, each with the patients behind it.

    Args:
        delta: (d,).
        of_a: covariances whose sum is that of a's mean.
        of_b: likewise for b.
        within: patient covariances whose mean trace is the scale.
    """
    return Difference(
        delta=delta,
        parts=(np.sum([part for part, _ in of_a], axis=0), np.sum([part for part, _ in of_b], axis=0)),
        scale=sum(float(np.trace(part)) for part, _ in within) / 2,
        scale_variance=sum(2 * float(np.sum(part * part)) / max(n - 1, 1) for part, n in within) / 4,
        freedom=_freedom(of_a + of_b),
    )


def _freedom(parts: list[_Part]) -> float:
    """Degrees of freedom of the trace of a sum of estimated covariances (Satterthwaite's rule, Box's form)."""
    total = sum(float(np.trace(part)) for part, _ in parts)
    spread = sum(float(np.sum(part * part)) / max(n - 1, 1) for part, n in parts)
    return total**2 / spread if spread > 0 else np.inf


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
