"""Numbers, names and counts as they stand in a sentence."""

from collections.abc import Sequence
from math import floor, log10

__all__ = ["counted", "names", "number", "others", "span"]

_MOST_NAMES = 4


def number(value: float) -> str:
    """Two significant digits, whole numbers from 10 on, three decimals at the most: 219, 36, 3.6, 0.36, 0.036."""
    if round(value, 3) == 0:
        return "0"
    value = float(f"{value:.2g}") if abs(value) < 10 else value
    return f"{value:.{min(3, max(0, 1 - floor(log10(abs(value)))))}f}"


def span(values: Sequence[float]) -> str:
    """The least and the greatest, once where they read the same: "31 to 40"."""
    ends = [number(min(values)), number(max(values))]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def names(sites: Sequence[str]) -> str:
    """'a', 'b' and 5 more."""
    first = ", ".join(f"'{site}'" for site in sites[:_MOST_NAMES])
    return first if len(sites) <= _MOST_NAMES else f"{first} and {len(sites) - _MOST_NAMES} more"


def others(sites: Sequence[str], of: int) -> str:
    """Some of all `of` other sites: named where they are few, counted where not."""
    if len(sites) > _MOST_NAMES:
        return f"all {of} others" if len(sites) == of else f"{len(sites)} of {of} others"
    return f"all others ({names(sites)})" if len(sites) == of > 1 else names(sites)


def counted(n: tuple[int, int]) -> str:
    """Patients of the second site against those of the first."""
    return f"n = {n[1]} against {n[0]}"
