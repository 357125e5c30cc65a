"""Scores of models and their differences in text: three decimals, alike in one row, for a hundredth matters."""

from collections.abc import Iterable, Sequence
from statistics import fmean

from shiftscope.plans import Difference

__all__ = ["change", "gain", "gain_interval", "interval_head", "level", "mean_score", "score"]

_SUREST = 99.9
"""Percent; nothing is said to be surer."""


def score(value: float | None) -> str:
    """0.880; "-" where there is none."""
    return "-" if value is None else f"{value:.3f}"


def mean_score(values: Sequence[float | None]) -> str:
    """The mean of those that are known."""
    known = [value for value in values if value is not None]
    return score(fmean(known) if known else None)


def gain(difference: Difference) -> str:
    """+0.110; "" where there is none."""
    return "" if difference.mean is None else f"{difference.mean:+.3f}"


def gain_interval(difference: Difference) -> str:
    """-0.068 to +0.274; "" where there is none."""
    if difference.low is None or difference.high is None:
        return ""
    return f"{difference.low:+.3f} to {difference.high:+.3f}"


def level(difference: Difference) -> str:
    """95 %, the confidence of the interval."""
    return f"{min(100 * difference.level, _SUREST):.3g} %"


def interval_head(differences: Iterable[Difference]) -> str:
    """Above a column of intervals: their confidence, if it is one."""
    levels = {level(item) for item in differences if item.low is not None}
    return levels.pop() if len(levels) == 1 else "interval" if levels else "95 %"


def change(difference: Difference) -> str:
    """A difference with its interval in a sentence."""
    if difference.mean is None:
        return "undefined"
    if difference.low is None or difference.high is None:
        return gain(difference)
    return f"{gain(difference)}, {level(difference)} [{gain_interval(difference).replace(' to ', ', ')}]"
