"""Quantiles of F distributions, of very many at once: read off a table, to a millionth of a standard deviation.

The logarithm of an F with a and b degrees of freedom varies by about r = sqrt(2 / a + 2 / b) (Fisher 1924), so its
quantile over r is smooth in r and in the share of 1 / a in 1 / a + 1 / b, down to r = 0, where it is the normal one. A
cubic spline on a grid of the two takes a fifth of the time of the distribution function.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

__all__ = ["FQuantiles", "f_quantiles"]

_FARTHEST = 1.75  # beyond r of 1 and 2.2 degrees of freedom: `effect_distributions` has no fewer
_STEPS, _SHARES = 96, 32  # of the grid
_KNOWN = 1e-8  # one over degrees of freedom that are as good as infinite


@dataclass(frozen=True, slots=True)
class FQuantiles:
    """The quantiles of one probability.

    Attributes:
        coefficients: (_STEPS + 3, _SHARES + 3) of the spline, of the quantile's logarithm over r.
    """

    coefficients: np.ndarray

    def scores(self, numerator: np.ndarray, denominator: np.ndarray, value: np.ndarray) -> np.ndarray:
        """By how many of its standard deviations the logarithm of each value (k,) lies above that of the quantile.

        Args:
            numerator: (k,) degrees of freedom, 1 or more.
            denominator: (k,) likewise, 2.2 or more.
            value: (k,) at least 0.
        """
        from scipy.ndimage import map_coordinates

        first = 2 / numerator
        squared = first + 2 / denominator
        deviation = np.sqrt(squared)
        places = np.stack([deviation * (_STEPS / _FARTHEST), first / squared * _SHARES]) + 1
        quantiles = map_coordinates(self.coefficients, places, order=3, mode="nearest", prefilter=False)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(value) / deviation - quantiles)


@cache
def f_quantiles(probability: float) -> FQuantiles:
    """The quantiles of a probability between 0 and 1."""
    deviation = np.linspace(0, _FARTHEST, _STEPS + 1)[1:, None]
    share = np.linspace(0, 1, _SHARES + 1)
    first, second = (np.maximum(part * deviation**2 / 2, _KNOWN) for part in (share, 1 - share))
    quantile = special.fdtri(1 / first, 1 / second, probability)
    known = second <= _KNOWN
    quantile[known] = 2 * first[known] * special.gammaincinv(0.5 / first[known], probability)
    known = first <= _KNOWN
    quantile[known] = 0.5 / second[known] / special.gammainccinv(0.5 / second[known], probability)
    normal = np.full((1, _SHARES + 1), special.ndtri(probability))
    return FQuantiles(_spline(np.concatenate([normal, np.log(quantile) / deviation])))


def _spline(values: np.ndarray) -> np.ndarray:
    """Coefficients (m + 2, n + 2) of the uniform cubic B-splines through `values` (m, n), whose fourth differences are
    0 at the edges."""
    m, n = values.shape
    return np.asarray(_inverse(m)[:, 1:-1] @ values @ _inverse(n)[:, 1:-1].T)


def _inverse(count: int) -> np.ndarray:
    of_values = np.zeros((count + 2, count + 2))
    for row in range(count):
        of_values[row + 1, row : row + 3] = 1 / 6, 4 / 6, 1 / 6
    of_values[0, :5] = of_values[-1, -5:] = 1, -4, 6, -4, 1
    return np.linalg.inv(of_values)
