"""Two classes before a month and since, of the months that know both: do images that look alike carry other labels?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np

from shiftscope.series.blocks.common_spreads import CommonSpread
from shiftscope.shifts import ClassContrast, SiteStatistics
from shiftscope.shifts.contrasts.class_contrasts import COMPARED
from shiftscope.shifts.contrasts.compared_classes import contrasts_between

__all__ = ["ClassBlocks", "with_month"]


@dataclass(frozen=True, slots=True)
class ClassBlocks:
    """The months of a series, the baseline among them, that know two classes.

    A month that publishes one of the two alone is in no block: it would be at one end of the contrast and not at the
    other, and whatever else is special about it would be taken for a change of the contrast.

    Attributes:
        classes: the two.
        places: (k,) of each such month in the series, 0 for the baseline, 1 for the first month.
        known: (k,) their statistics, with no more than contrasts are made of.
        before: (k,) the first, the first two, ... of `known` together.
    """

    classes: tuple[str, str]
    places: tuple[int, ...] = ()
    known: tuple[SiteStatistics, ...] = ()
    before: tuple[SiteStatistics, ...] = ()

    def then(self, place: int, month: SiteStatistics) -> "ClassBlocks":
        """With one month more, which knows both classes."""
        before = SiteStatistics.pooled("before", [*self.before[-1:], month])
        return ClassBlocks(self.classes, (*self.places, place), (*self.known, month), (*self.before, before))

    def contrasts(self, starts: Sequence[int]) -> list[tuple[ClassContrast, ...]]:
        """On every axis, what was before against what came since, at some cuts; nothing at a cut with no such month on
        one hand.

        Args:
            starts: (m,) the first month of what comes after each, 0 for the first of the series.
        """
        earlier = np.searchsorted(self.places, starts, side="right")
        asked = [count for count in np.unique(earlier).tolist() if 0 < count < len(self.known)]
        blocks = [*(self.before[count - 1] for count in asked), *self._since(asked)]
        first = np.arange(len(asked))
        found = contrasts_between(self._alike(blocks), (first, first + len(asked)), self.known)
        by_count = dict(zip(asked, found, strict=True))
        return [by_count.get(count, ()) for count in earlier.tolist()]

    def _since(self, counts: Sequence[int]) -> list[SiteStatistics]:
        """All of `known` but the first so many together, for each of some rising counts: the later ones are part of the
        earlier."""
        out = list[SiteStatistics]()
        for count, end in reversed([*pairwise([*counts, len(self.known)])]):
            out.append(SiteStatistics.pooled("since", [*self.known[count:end], *out[-1:]]))
        return out[::-1]

    def _alike(self, blocks: Sequence[SiteStatistics]) -> list[SiteStatistics]:
        """The blocks, varying as patients do within all months, and those of a class as they do within the class."""
        whole = CommonSpread([month.plain for month in self.known])
        within = {label: CommonSpread([month.classes[label] for month in self.known]) for label in self.classes}
        return [
            replace(
                block,
                plain=whole.given(block.plain),
                classes={label: spread.given(block.classes[label]) for label, spread in within.items()},
            )
            for block in blocks
        ]


def with_month(
    known: Mapping[tuple[str, str], ClassBlocks], place: int, month: SiteStatistics
) -> dict[tuple[str, str], ClassBlocks]:
    """The blocks of every two classes, with one month more in those whose classes it knows both.

    Args:
        known: of the months before.
        place: of the month, 0 for the baseline.
        month: all that it publishes.
    """
    out = dict(known)
    for classes in combinations(sorted(month.classes), 2):
        own = _of_two(month, classes)
        if own.plain:
            out[classes] = out.get(classes, ClassBlocks(classes)).then(place, own)
    return out


def _of_two(month: SiteStatistics, classes: tuple[str, str]) -> SiteStatistics:
    """What contrasts of two classes are made of, on the axes on which the month knows both."""
    axes = [axis for axis in COMPARED if axis in month.plain and all(axis in month.classes[label] for label in classes)]
    return replace(
        month,
        plain={axis: month.plain[axis] for axis in axes},
        joint={},
        classes={label: {axis: month.classes[label][axis] for axis in axes} for label in classes},
    )
