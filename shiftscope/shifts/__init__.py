"""How sites differ: effects with their uncertainty. Numbers only; the verdict is the diagnosis's.

For: every comparison of sites, by `recommend`, `check`, `watch` and the report. In: `SiteStatistics`, what profiles say
of means, covariances and counts. Out: a `Shift` for each pair, an `Effect` for each axis, and who lies far from all
others. In three steps, a file each: `axis_differences` estimates, `adjustments` hold simpler causes equal,
`comparisons` infer. Beside them `contrasts` compare how classes lie apart.
"""

from shiftscope.shifts.comparisons import Shifts, compare_all, compare_one, compare_pairs, compare_two
from shiftscope.shifts.effects import ClassContrast, Effect, EffectBatch, Shift
from shiftscope.shifts.outlyingness import UNLIKE, Influence, Outlyingness
from shiftscope.shifts.site_statistics import SiteStatistics

__all__ = [
    "UNLIKE",
    "ClassContrast",
    "Effect",
    "EffectBatch",
    "Influence",
    "Outlyingness",
    "Shift",
    "Shifts",
    "SiteStatistics",
    "compare_all",
    "compare_one",
    "compare_pairs",
    "compare_two",
]
