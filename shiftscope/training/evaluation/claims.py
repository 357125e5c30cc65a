"""What an interval allows to be said."""

from shiftscope.plans import Difference, Verdict

__all__ = ["verdict_on"]


def verdict_on(difference: Difference, margin: float) -> Verdict:
    """The word that `difference` bears out; see `Verdict`."""
    mean, low, high = difference.mean, difference.low, difference.high
    if mean is None or low is None or high is None:
        return "undecided"
    if low > 0 and mean > margin:
        return "helped"
    if high < 0 and mean < -margin:
        return "harmed"
    return "no_difference" if difference.within(margin) else "undecided"
