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

from shiftscope.shifts.quantiles.confidence_roots import near_root, normal_scores, root
from shiftscope.shifts.quantiles.f_quantiles import f_quantiles

__all__ = ["LEVEL", "POWER", "SMALLEST_P", "EffectDistribution", "joined", "stack"]

LEVEL = 0.95
POWER = 0.8
SMALLEST_P = 1e-9  # the approximation of the tail is not trusted beyond
MOST_PATIENTS = 100_000  # per site; more are not asked for

_NOTHING = 1e-12  # a share of the variance that is rounding


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
        certain, numerator, denominator, value = self._as_f(np.asarray(margin, dtype=float))
        return np.where(certain, self.distance > margin, _f_cdf(numerator, denominator, value))

    def _as_f(self, effect: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Whether nothing varies, so that there is no chance in the distance; else the degrees of freedom of an F, and
        the value of it that the distance is, were `effect` the true one."""
        certain = self.noise <= _NOTHING * np.maximum(self.distance, _NOTHING)
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
        return certain, numerator, denominator, np.where(start, deflated / mean, shifted)

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

    def lower_end(self, level: float = LEVEL) -> np.ndarray:
        """The lower end of `interval` alone."""
        return self._effect_where(1 - (1 - level) / 2)

    def near_lower_end(self, level: float = LEVEL) -> np.ndarray:
        """As `lower_end`, of many in one dimension, by `near_root`."""
        return self._near_effect_where(1 - (1 - level) / 2)

    def near_upper_end(self, level: float = LEVEL) -> np.ndarray:
        """The upper end of `interval`, likewise."""
        return self._near_effect_where((1 - level) / 2)

    def near_detectable(
        self, margin: np.ndarray | float = 0.0, alpha: float = 1 - LEVEL, power: float = POWER
    ) -> np.ndarray:
        """As `detectable`, of many in one dimension, by `near_root`."""
        margin = np.broadcast_to(np.asarray(margin, dtype=float), np.shape(self.noise))
        plan = self._planned()
        least = plan._replace(distance=plan._near_least(margin, alpha))
        away = np.sqrt(np.maximum(least.distance - self.noise, 0.0)) + special.ndtri(power) * np.sqrt(plan.along)
        slope = 1 / np.sqrt(np.maximum(plan.along, _NOTHING**2))
        at = least._at_rising()
        return near_root(lambda effect, rows: -at(rows)._scores(effect, 1 - power), away**2, slope)

    def near_detected(
        self, effect: np.ndarray, margin: np.ndarray, alpha: float = 1 - LEVEL, power: float = POWER
    ) -> np.ndarray:
        """Whether true effects (k,) are as large as `near_detectable`, for half the work."""
        plan = self._planned()
        least = plan._replace(distance=plan._near_least(margin, alpha))
        return np.asarray(least._scores(effect, 1 - power) <= 0)

    def _near_least(self, margin: np.ndarray, alpha: float) -> np.ndarray:
        """The smallest distances that are called larger than `margin` at level `alpha`."""
        at = self._at_rising()

        def scores(distance: np.ndarray, rows: np.ndarray) -> np.ndarray:
            return at(rows)._replace(distance=distance)._scores(margin[rows], 1 - alpha)

        mean = self.noise + margin
        spread = np.sqrt(np.maximum(2 * self.noise2 + 4 * margin * self.along, _NOTHING**2))
        return near_root(scores, mean + special.ndtri(1 - alpha) * spread, 2 * np.sqrt(mean) / spread)

    def detectable(
        self, margin: float | np.ndarray = 0.0, alpha: float = 1 - LEVEL, power: float = POWER
    ) -> np.ndarray:
        """The smallest true effect that would be called larger than `margin` at level `alpha` with `power`.

        What was observed does not matter, only how uncertain it is; the direction is any.
        """
        margin = np.broadcast_to(np.asarray(margin, dtype=float), np.shape(self.noise))
        plan = self._planned()

        def confidence(distance: np.ndarray, rows: np.ndarray) -> np.ndarray:
            return plan.at_rows(rows)._replace(distance=distance).exceeds(margin.reshape(-1)[rows])

        least = plan._replace(distance=root(normal_scores(confidence, 1 - alpha), np.asarray(2 * self.noise + margin)))
        return root(normal_scores(least._not_exceeding, power), np.asarray(least.distance))

    def _planned(self) -> "EffectDistribution":
        """In any direction: that of the observed difference does not matter."""
        return self._replace(along=self.noise2 / self.noise, along2=self.noise3 / self.noise)

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
        return root(normal_scores(self._not_exceeding, 1 - confidence), np.asarray(self._guess(confidence)))

    def _not_exceeding(self, effect: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.asarray(1 - self.at_rows(rows).exceeds(effect))

    def _near_effect_where(self, confidence: float) -> np.ndarray:
        at, slope = self._at_rising(), 1 / np.sqrt(np.maximum(self.along, _NOTHING**2))
        return near_root(lambda effect, rows: -at(rows)._scores(effect, confidence), self._guess(confidence), slope)

    def _at_rising(self) -> Callable[[np.ndarray], "EffectDistribution"]:
        """As `at_rows` of (k,) distributions, for rows that rise and are asked for again and again."""
        whole = np.array(self)
        return lambda rows: self if len(rows) == whole.shape[1] else EffectDistribution(*whole.take(rows, axis=1))

    def _scores(self, effect: np.ndarray, confidence: float) -> np.ndarray:
        """0 where `effect` is exceeded with this confidence, above 0 where with more: normal scores nearly."""
        certain, *found = self._as_f(effect)
        scores = f_quantiles(confidence).scores(*found)
        return np.where(certain, np.where(self.distance > effect, np.inf, -np.inf), scores) if certain.any() else scores

    def _guess(self, confidence: float) -> np.ndarray:
        """Where `_effect_where` would be if the root of the distance were normal."""
        away = np.sqrt(self.value) + special.ndtri(1 - confidence) * np.sqrt(self.along)
        guess: np.ndarray = np.maximum(away, np.sqrt(self.value) / 10) ** 2
        return guess


def joined(parts: Sequence[EffectDistribution]) -> EffectDistribution:
    """One record of arrays (k,) from several, one at the least."""
    return EffectDistribution(*np.concatenate([np.array(part) for part in parts], axis=1))


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


def _f_cdf(numerator: np.ndarray, denominator: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The F distribution function, the chi-square's where the denominator's freedom is as good as infinite."""
    known = denominator > 1e8
    below = special.fdtr(numerator, np.where(known, 1.0, denominator), value)
    if not np.any(known):
        return np.asarray(below)
    return np.asarray(np.where(known, special.gammainc(numerator / 2, numerator * value / 2), below))
