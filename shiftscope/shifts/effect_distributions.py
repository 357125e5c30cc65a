"""The distribution of a squared distance at any true shift, for p values, intervals, confidence and power.

With d the difference of two means in the unit (`WithinSiteCovariance`) and V its covariance, T = |d|^2 is a
weighted sum of noncentral chi-squares with the eigenvalues of V as weights (Box 1954, doi:10.1214/aoms/1177728786). It
is matched in its first three cumulants by a shifted chi-square (Imhof 1961, doi:10.1093/biomet/48.3-4.419). That V was
estimated turns the chi-square into an F (Brunner, Dette and Munk 1997, doi:10.2307/2965420), and so does that the
unit was estimated from the same patients: both make T larger on average and more variable, by amounts known to first
order in one over the degrees of freedom. They are arranged so that one coordinate gives Welch's t-test and two sites
without shrinkage give Hotelling's T^2.

All functions take distributions whose fields are floats, or arrays of one shape for many comparisons at once.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

__all__ = ["LEVEL", "POWER", "SMALLEST_P", "EffectDistribution", "stack"]

LEVEL = 0.95
POWER = 0.8
SMALLEST_P = 1e-9  # the approximation of the tail is not trusted beyond
MOST_PATIENTS = 100_000  # per site; more are not asked for

_NOTHING = 1e-12  # a share of the variance that is rounding
_STEPS = 60  # of a bisection at the most: a double has no more
_PRECISE = 1e-5  # relative, of the ends of an interval


class EffectDistribution(NamedTuple):
    """How the squared distance of two estimated means is distributed, floats or arrays of one shape.

    Attributes:
        distance: T, the observed squared distance.
        noise: tr V, what T is expected to be without a shift.
        noise2: tr V^2, the sampling error of V taken off.
        noise3: tr V^3, likewise.
        along: u'Vu, the variance in the direction u of the observed difference.
        along2: |Vu|^2.
        freedom: degrees of freedom of tr V as it was estimated; infinite when it is known.
        inflation: share by which a true squared distance comes out too large because the unit is estimated.
        inflation_null: the same for T without a shift, against the V that was estimated on the same patients.
        inflation_common: what of `inflation_null` is the scale of unit and V alone, which cancels in T / tr V.
        inverse_freedom_null: one over the denominator's degrees of freedom of an F that varies as an estimated unit
            makes T vary, without a shift.
        inverse_freedom_shifted: the same far from 0.
    """

    distance: float | np.ndarray
    noise: float | np.ndarray
    noise2: float | np.ndarray
    noise3: float | np.ndarray
    along: float | np.ndarray
    along2: float | np.ndarray
    freedom: float | np.ndarray
    inflation: float | np.ndarray
    inflation_null: float | np.ndarray
    inflation_common: float | np.ndarray
    inverse_freedom_null: float | np.ndarray
    inverse_freedom_shifted: float | np.ndarray

    @property
    def value(self) -> np.ndarray:
        """The effect: squared distance of the true means in the unit, its biases taken off, not below 0."""
        return np.maximum(0.0, (self.distance - self.noise / (1 - self.inflation_null)) * (1 - self.inflation))

    @property
    def p(self) -> np.ndarray:
        """Probability of a distance at least this large when the true means are equal."""
        return np.maximum(1.0 - self.exceeds(0.0), SMALLEST_P)

    def exceeds(self, margin: float | np.ndarray) -> np.ndarray:
        """Confidence, 0 to 1, that the true effect is larger than `margin`.

        The confidence distribution of the effect (Schweder and Hjort 2002, doi:10.1111/1467-9469.00285): the
        probability of a distance smaller than the observed one if the true effect were exactly `margin`.
        """
        effect = np.asarray(margin, dtype=float)
        certain = self.noise <= _NOTHING * np.maximum(self.distance, _NOTHING)  # nothing varies: no chance in it
        noise = np.where(certain, 1.0, self.noise)
        mean = noise + effect
        far = effect / mean
        k2 = 2 * np.where(certain, 1.0, self.noise2) + 4 * effect * self.along
        k3 = 8 * np.where(certain, 1.0, self.noise3) + 24 * effect * self.along2
        freedom = 8 * k2**3 / k3**2
        varying = np.sqrt(k2 * freedom / 2)  # of the mean; the rest is a fixed part
        deflated, denominator = self._deflated(far, mean / varying)
        shifted = (deflated - mean) / varying + 1
        start = shifted <= 0  # left of where the shifted chi-square begins: match two cumulants only
        numerator = np.where(start, 2 * mean**2 / k2, freedom)
        below = _f_cdf(numerator, denominator, np.where(start, deflated / mean, shifted))
        return np.where(certain, self.distance > effect, below)

    def _deflated(self, far: np.ndarray, fixed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The distance less what estimating V and the unit adds to it on average, and the F's denominator freedom.

        Args:
            far: the shift's share of the expected distance.
            fixed: expected distance over its part that the chi-square stands for.
        """
        near = 1 - far
        of_noise = near**2 / self.freedom  # V matters less the farther the means are apart
        spread = of_noise + (1 - far**2) * self.inverse_freedom_null + far**2 * self.inverse_freedom_shifted
        longer = self.inflation * far + (self.inflation_null - self.inflation_common) * near + 2 * of_noise
        spread = np.minimum(spread * fixed**2, 0.45)
        jensen = 2 * spread / (1 - 2 * spread) / fixed  # the F's own mean
        return self.distance * (1 - np.minimum(longer, 0.9)) * (1 + jensen), 1 / np.maximum(spread, 1e-12)

    def interval(self, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """Equal-tailed confidence interval of the effect, both ends >= 0, by inverting the test."""
        tail = (1 - level) / 2
        return self._effect_where(1 - tail), self._effect_where(tail)

    def detectable(
        self, margin: float | np.ndarray = 0.0, alpha: float = 1 - LEVEL, power: float = POWER
    ) -> np.ndarray:
        """The smallest true effect that would be called larger than `margin` at level `alpha` with `power`.

        What was observed does not matter, only how uncertain it is; the direction is any.
        """
        margin = np.broadcast_to(np.asarray(margin, dtype=float), np.shape(self.noise))
        plan = self._replace(along=self.noise2 / self.noise, along2=self.noise3 / self.noise)

        def confidence(distance: np.ndarray, rows: np.ndarray) -> np.ndarray:
            return plan.at_rows(rows)._replace(distance=distance).exceeds(margin.reshape(-1)[rows])

        least = plan._replace(distance=_root(confidence, 1 - alpha, np.asarray(2 * self.noise + margin)))
        return _root(lambda effect, rows: 1 - least.at_rows(rows).exceeds(effect), power, np.asarray(least.distance))

    def at_rows(self, rows: np.ndarray) -> "EffectDistribution":
        """Some of many distributions, in one dimension."""
        return EffectDistribution(*(np.reshape(field, -1)[rows] for field in self))

    def put(self, rows: np.ndarray, other: "EffectDistribution") -> "EffectDistribution":
        """Many distributions with others in some rows."""
        out = np.array(self)
        out[:, rows] = other
        return EffectDistribution(*out)

    def at(self, factor: float | np.ndarray) -> "EffectDistribution":
        """The distribution with `factor` times the patients everywhere."""
        return self._replace(
            noise=self.noise / factor,
            noise2=self.noise2 / factor**2,
            noise3=self.noise3 / factor**3,
            along=self.along / factor,
            along2=self.along2 / factor**2,
            freedom=self.freedom * factor,
            inflation=self.inflation / factor,
            inflation_null=self.inflation_null / factor,
            inflation_common=self.inflation_common / factor,
            inverse_freedom_null=self.inverse_freedom_null / factor,
            inverse_freedom_shifted=self.inverse_freedom_shifted / factor,
        )

    def _effect_where(self, confidence: float) -> np.ndarray:
        """The effect that is exceeded with this confidence, 0 where even 0 is not."""
        guess = (np.sqrt(self.value) + 2 * np.sqrt(self.along)) ** 2 + self.noise * 1e-3
        return _root(lambda effect, rows: 1 - self.at_rows(rows).exceeds(effect), 1 - confidence, np.asarray(guess))


def stack(distributions: Sequence[EffectDistribution]) -> EffectDistribution:
    """One record of arrays (k,) from k records of floats."""
    return EffectDistribution(*np.array(distributions, dtype=float).reshape(-1, len(EffectDistribution._fields)).T)


def patients_needed(
    distribution: EffectDistribution,
    n: float,
    effect: float,
    margin: float = 0.0,
    alpha: float = 1 - LEVEL,
    power: float = POWER,
) -> int | None:
    """Patients per site at which a true `effect` would be called larger than `margin` with `power`.

    Args:
        distribution: that at `n` patients per site.
        n: patients per site, the harmonic mean where they differ.
        effect: the true effect.
        margin: as asked of the verdict.
        alpha: level of the call.
        power: probability of the call.

    Returns:
        None where 100,000 would not do.
    """

    def enough(patients: float) -> bool:
        return float(distribution.at(patients / n).detectable(margin, alpha, power)) <= effect

    if effect <= margin or not enough(MOST_PATIENTS):
        return None
    low, high = 1, MOST_PATIENTS
    while high - low > 1:
        middle = math.isqrt(low * high) if high > 2 * low else (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _root(rising: Callable[[np.ndarray, np.ndarray], np.ndarray], probability: float, guess: np.ndarray) -> np.ndarray:
    """Where a probability that rises with x >= 0 reaches `probability`, for many at once; 0 where it is there already.

    Bracketed by doubling, then false position (Illinois) between the square root of x and the normal score of the
    probability, which go nearly straight.

    Args:
        rising: x (k,), which of the problems (k,) -> probabilities (k,).
        probability: to reach.
        guess: where to look first, of the shape of the answer.
    """
    target = special.ndtri(probability)

    def score(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.asarray(special.ndtri(np.clip(rising(x**2, rows), 1e-15, 1 - 1e-15)) - target)

    every = np.arange(guess.size)
    low, high = np.zeros(guess.size), np.sqrt(guess.reshape(-1))
    at_low, at_high = score(low, every), score(high, every)
    rows = every[at_high < 0]
    for _ in range(_STEPS):
        if not len(rows):
            break
        low[rows], at_low[rows] = high[rows], at_high[rows]
        high[rows] *= 2
        at_high[rows] = score(high[rows], rows)
        rows = rows[at_high[rows] < 0]
    high[at_low >= 0] = 0.0
    rows = every[(at_low < 0) & (at_high >= 0)]
    for _ in range(_STEPS):
        if not len(rows):
            break
        x0, x1, y0, y1 = low[rows], high[rows], at_low[rows], at_high[rows]
        x = np.clip(x1 - y1 * (x1 - x0) / (y1 - y0), x0 + _PRECISE / 4 * x1, x1 - _PRECISE / 4 * x1)
        y = score(x, rows)
        left = y < 0
        at_high[rows], at_low[rows] = np.where(left, y1 / 2, y), np.where(left, y, y0 / 2)
        low[rows], high[rows] = np.where(left, x, x0), np.where(left, x1, x)
        rows = rows[high[rows] - low[rows] > _PRECISE * high[rows]]
    return np.asarray(high.reshape(guess.shape) ** 2)


def _f_cdf(numerator: np.ndarray, denominator: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The F distribution function, the chi-square's where the denominator's freedom is as good as infinite."""
    known = denominator > 1e8
    chi = special.gammainc(numerator / 2, numerator * value / 2)
    return np.asarray(np.where(known, chi, special.fdtr(numerator, np.where(known, 1.0, denominator), value)))
