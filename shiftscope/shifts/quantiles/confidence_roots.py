"""Where a probability that rises with an effect, or a distance, reaches a level: the ends of intervals, and power.

Probabilities are told as scores, 0 at the level and rising with x nearly as the square root of x does.
"""

from collections.abc import Callable

import numpy as np
from scipy import special

__all__ = ["Scores", "near_root", "normal_scores", "root"]

Scores = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""x (k,), which of the problems (k,), rising -> scores (k,)."""

_STEPS = 60  # of a bisection at the most: a double has no more
_PRECISE = 1e-5  # relative, of the ends of an interval
_SECANTS, _NEAR = 7, 1e-7  # steps at the most, and the product of the last two, relative: its error is less
_NOTHING = 1e-12


def normal_scores(rising: Scores, probability: float) -> Scores:
    """Normal scores of a probability that rises with x, less that of `probability`."""
    target = special.ndtri(probability)
    return lambda x, rows: np.asarray(special.ndtri(np.clip(rising(x, rows), 1e-15, 1 - 1e-15)) - target)


def root(scores: Scores, guess: np.ndarray) -> np.ndarray:
    """Where scores that rise with x >= 0 reach 0, for many at once; 0 where they have there already, at 0 and at the
    guess: the probability is approximate, and may be too high for the smallest x.

    Bracketed by doubling, then false position (Illinois) between the square root of x and the score, which go nearly
    straight.

    Args:
        scores: of the problems.
        guess: where to look first, of the shape of the answer.
    """
    every = np.arange(guess.size)
    low, high = np.zeros(guess.size), np.sqrt(np.maximum(guess.reshape(-1), _NOTHING))
    at_low, at_high = scores(low**2, every), scores(high**2, every)
    rows = every[at_high < 0]
    for _ in range(_STEPS):
        if not len(rows):
            break
        low[rows], at_low[rows] = high[rows], at_high[rows]
        high[rows] *= 2
        at_high[rows] = scores(high[rows] ** 2, rows)
        rows = rows[at_high[rows] < 0]
    high[at_low >= 0] = 0.0
    rows = every[(at_low < 0) & (at_high >= 0)]
    for _ in range(_STEPS):
        if not len(rows):
            break
        x0, x1, y0, y1 = low[rows], high[rows], at_low[rows], at_high[rows]
        x = np.clip(x1 - y1 * (x1 - x0) / (y1 - y0), x0 + _PRECISE / 4 * x1, x1 - _PRECISE / 4 * x1)
        y = scores(x**2, rows)
        left = y < 0
        at_high[rows], at_low[rows] = np.where(left, y1 / 2, y), np.where(left, y, y0 / 2)
        low[rows], high[rows] = np.where(left, x, x0), np.where(left, x1, x)
        rows = rows[high[rows] - low[rows] > _PRECISE * high[rows]]
    return np.asarray(high.reshape(guess.shape) ** 2)


def near_root(scores: Scores, guess: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """As `root`, by secant steps: a quarter of the work from a near guess, and as precise. What does not settle is
    looked for by `root`.

    Args:
        scores: of the problems.
        guess: (k,) where to look first.
        slope: (k,) about how steeply scores rise with the square root of x.
    """
    out, every = np.zeros(len(guess)), np.arange(len(guess))
    x = np.sqrt(np.maximum(guess, _NOTHING))
    y = scores(x**2, every)
    rows = every[y >= 0]
    above = y < 0
    above[rows] = scores(out[rows], rows) < 0
    rows = every[above]
    x, y, slope, before = x[rows], y[rows], slope[rows], np.ones(len(rows))
    for _ in range(_SECANTS):
        if not len(rows):
            return out
        with np.errstate(all="ignore"):
            following = np.clip(x - y / slope, x / 4, 4 * x)
        step = np.abs(following - x)
        near = step * before <= _NEAR * x**2
        out[rows[near]] = following[near] ** 2
        rows, x, y, following, before = rows[~near], x[~near], y[~near], following[~near], step[~near]
        after = scores(following**2, rows)
        with np.errstate(all="ignore"):
            slope = (after - y) / (following - x)
        x, y = following, after
    out[rows] = root(lambda value, places: scores(value, rows[places]), x**2)
    return out
