"""How sites differ: effects with their uncertainty. Numbers only; the verdict is the diagnosis's."""

from shiftscope.shifts.comparisons import Shifts, compare_all, compare_one, compare_pairs, compare_sides
from shiftscope.shifts.effects import Effect, Shift, detectable, exceeds, intervals, p_values
from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.shifts.standouts import UNLIKE, Pull, Standing

__all__ = [
    "UNLIKE",
    "Effect",
    "Pull",
    "Shift",
    "Shifts",
    "SiteStatistics",
    "Standing",
    "compare_all",
    "compare_one",
    "compare_pairs",
    "compare_sides",
    "detectable",
    "exceeds",
    "intervals",
    "p_values",
]
