"""A series cut in two at any month: the patients before it, the baseline among them, and those since."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shiftscope.measures import AXES
from shiftscope.shifts import Shift, SiteStatistics, compare_pairs
from shiftscope.stats import Moments

__all__ = ["Blocks", "cuts", "growing"]


@dataclass(frozen=True, slots=True)
class Blocks:
    """The series up to one month.

    Attributes:
        before: [s] baseline and months up to s, month s left out.
        within: the baseline, then the months: their spread is the unit.
    """

    before: tuple[SiteStatistics, ...]
    within: tuple[SiteStatistics, ...]

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
        spread = _Spread(self.within)
        sites = [spread.given(block) for block in blocks]
        first = np.arange(len(starts))
        return compare_pairs(sites, (first, first + len(starts)), self.within)


class _Spread:
    """How patients vary within all months so far, by axis and number of coordinates."""

    def __init__(self, within: Sequence[SiteStatistics]) -> None:
        self.plain, self.joint = ([getattr(month, kind) for month in within] for kind in ("plain", "joint"))
        self.known: dict[tuple[str, int, int], np.ndarray] = {}

    def given(self, block: SiteStatistics) -> SiteStatistics:
        """The block with this spread in place of its own."""
        return replace(
            block,
            plain={axis: self._common(axis, moments, self.plain, 0) for axis, moments in block.plain.items()},
            joint={axis: self._common(axis, moments, self.joint, 1) for axis, moments in block.joint.items()},
        )

    def _common(self, axis: str, moments: Moments, months: Sequence[Mapping[str, Moments]], last: int) -> Moments:
        """With the covariance of the leading coordinates, and of the `last` ones, pooled within months."""
        d = len(moments.mean) - last
        key = (axis, d, last)
        if key not in self.known:
            wide = [month[axis] for month in months if axis in month and len(month[axis].mean) - last >= d]
            keep = [[*range(d), *range(len(one.mean) - last, len(one.mean))] for one in wide]
            squares = [(one.n - 1) * one.cov[np.ix_(rows, rows)] for one, rows in zip(wide, keep, strict=True)]
            self.known[key] = np.sum(squares, axis=0) / sum(one.n - 1 for one in wide)
        return replace(moments, cov=self.known[key])


def growing(baseline: SiteStatistics, months: Iterable[SiteStatistics]) -> Iterator[Blocks]:
    """The series as it was after every month: later months change nothing of earlier blocks."""
    within = [_judged(baseline)]
    before = list[SiteStatistics]()
    for month in months:
        before.append(SiteStatistics.pooled("before", [*before[-1:], within[-1]]))
        within.append(_judged(month))
        yield Blocks(tuple(before), tuple(within))


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
