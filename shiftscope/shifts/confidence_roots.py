"""Where a probability that rises with an effect, or a distance, reaches a level: the ends of intervals, and power."""

from collections.abc import Callable

import numpy as np
from scipy import special

__all__ = ["near_root", "root"]

_STEPS = 60  # of a bisection at the most: a double has no more
_PRECISE = 1e-5  # relative, of the ends of an interval
_SECANTS, _NEAR = 7, 3e-5  # steps at the most, and the last of them, relative: its error is near its square
_NOTHING = 1e-12


def root(rising: Callable[[np.ndarray, np.ndarray], np.ndarray], probability: float, guess: np.ndarray) -> np.ndarray:
    """Where a probability that rises with x >= 0 reaches `probability`, for many at once; 0 where it is there already,
    at 0 and at the guess: the probability is approximate, and may be too high for the smallest x.

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
    low, high = np.zeros(guess.size), np.sqrt(np.maximum(guess.reshape(-1), _NOTHING))
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


def near_root(
    rising: Callable[[np.ndarray, np.ndarray], np.ndarray], probability: float, guess: np.ndarray, slope: np.ndarray
) -> np.ndarray:
    """As `root`, by secant steps: a quarter of the work from a near guess, and as precise. What does not settle is
    looked for by `root`.

    Args:
        rising: as for `root`.
        probability: likewise.
        guess: (k,) where to look first.
        slope: (k,) about how steeply the normal score of the probability rises with the square root of x.
    """
    target = special.ndtri(probability)

    def score(root: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.asarray(special.ndtri(np.clip(rising(root**2, rows), 1e-15, 1 - 1e-15)) - target)

    out, every = np.zeros(len(guess)), np.arange(len(guess))
    x = np.sqrt(np.maximum(guess, _NOTHING))
    y = score(x, every)
    rows = every[(score(out, every) < 0) | (y < 0)]
    x, y, slope = x[rows], y[rows], slope[rows]
    for _ in range(_SECANTS):
        if not len(rows):
            return out
        with np.errstate(all="ignore"):
            following = np.clip(x - y / slope, x / 4, 4 * x)
        near = np.abs(following - x) <= _NEAR * x
        out[rows[near]] = following[near] ** 2
        rows, x, y, following = rows[~near], x[~near], y[~near], following[~near]
        after = score(following, rows)
        with np.errstate(all="ignore"):
            slope = (after - y) / (following - x)
        x, y = following, after
    out[rows] = root(lambda value, places: rising(value, rows[places]), probability, x**2)
    return out
