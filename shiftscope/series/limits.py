"""How small a p value must be before it is an alarm, so that all interim analyses together seldom raise a false one.

Analyses of a growing series share their baseline and most of their months, axes share their patients, and so do the
places where an analysis cuts the series. Nothing is assumed of that dependence: by Bonferroni's inequality the chance
of any false alarm is at most the sum of what is spent. The analysis after month k spends
alpha h / ((h + k - 1)(h + k)), which adds up to alpha K / (h + K) after K months, and to alpha if one never stops: the
number of analyses need not be known beforehand (alpha spending: Lan and DeMets 1983, doi:10.1093/biomet/70.3.659; a
sequence that sums to alpha: Foster and Stine 2008, doi:10.1111/j.1467-9868.2007.00643.x). Each analysis divides its
share evenly over the axes and the cuts.
"""

__all__ = ["HORIZON", "share", "spent"]

HORIZON = 12
"""Months after which half of alpha is spent: two thirds in the first two years, five sixths in the first five."""


def share(alpha: float, number: int) -> float:
    """What interim analysis `number`, 1 for the first, may spend."""
    return alpha * HORIZON / ((HORIZON + number - 1) * (HORIZON + number))


def spent(alpha: float, analyses: int) -> float:
    """What so many interim analyses have spent together: the sum of their shares."""
    return alpha * analyses / (HORIZON + analyses)
