"""A series cut in two at any month: the patients before it, the baseline among them, and those since."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from shiftscope.measures import AXES
from shiftscope.series.blocks.class_blocks import ClassBlocks, with_month
from shiftscope.series.blocks.common_spreads import CommonSpread
from shiftscope.shifts import Shift, SiteStatistics, compare_pairs

__all__ = ["Blocks", "cuts", "growing"]


@dataclass(frozen=True, slots=True)
class Blocks:
    """The series up to one month.

    Attributes:
        before: [s] baseline and months up to s, month s left out.
        within: the baseline, then the months: their spread is the unit.
        classes: every two classes that a month knows.
    """

    before: tuple[SiteStatistics, ...]
    within: tuple[SiteStatistics, ...]
    classes: tuple[ClassBlocks, ...] = ()

    @property
    def months(self) -> tuple[SiteStatistics, ...]:
        """One by one, the baseline left out."""
        return self.within[1:]

    def since(self, start: int) -> SiteStatistics:
        """The months from `start` on."""
        return SiteStatistics.pooled("since", self.months[start:])

    def shifts(self, starts: Sequence[int]) -> tuple[Shift, ...]:
        """What was before against what came since, at some cuts.

        Both vary as patients do within all months: that is what "nothing changed" says, and a mean of few skewed
        patients goes with their own spread, so that p values in that unit are too small far out.

        Args:
            starts: (m,) the first month of what comes after each.
        """
        blocks = [*(self.before[start] for start in starts), *map(self.since, starts)]
        plain, joint = (
            CommonSpread([getattr(month, kind) for month in self.within], last)
            for kind, last in (("plain", 0), ("joint", 1))
        )
        sites = [replace(block, plain=plain.given(block.plain), joint=joint.given(block.joint)) for block in blocks]
        first = np.arange(len(starts))
        found = compare_pairs(sites, (first, first + len(starts)), self.within)
        contrasts = [known.contrasts(starts) for known in self.classes]
        return tuple(
            replace(shift, contrasts=tuple(chain.from_iterable(own[place] for own in contrasts)))
            for place, shift in enumerate(found)
        )


def growing(baseline: SiteStatistics, months: Iterable[SiteStatistics]) -> Iterator[Blocks]:
    """The series as it was after every month: later months change nothing of earlier blocks."""
    within = [_judged(baseline)]
    before = list[SiteStatistics]()
    classes = with_month({}, 0, baseline)
    for place, month in enumerate(months, start=1):
        before.append(SiteStatistics.pooled("before", [*before[-1:], within[-1]]))
        within.append(_judged(month))
        classes = with_month(classes, place, month)
        yield Blocks(tuple(before), tuple(within), tuple(classes.values()))


def cuts(months: int) -> list[int]:
    """First months of the last 1, 2, 4, 8, ... of `months` months, and of all: a jump is in the last, a slow drift in
    the many. Steps of two lose little beside all cuts (Lai 1995, doi:10.1111/j.2517-6161.1995.tb02052.x) and cost few
    tests."""
    lengths = [2**power for power in range(months.bit_length()) if 2**power < months]
    return [months - length for length in (*lengths, months)]


def _judged(site: SiteStatistics) -> SiteStatistics:
    """Without the features, which decide no question."""
    kept = [axis for axis in site.plain if AXES[axis].question != "features"]
    return replace(
        site,
        plain={axis: site.plain[axis] for axis in kept},
        joint={axis: site.joint[axis] for axis in kept if axis in site.joint},
        classes={label: {axis: axes[axis] for axis in kept if axis in axes} for label, axes in site.classes.items()},
    )
