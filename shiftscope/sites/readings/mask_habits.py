"""What the masks of a site have in common, where that is unlike annotations; reported once for all of them."""

from array import array
from dataclasses import dataclass, field

import numpy as np

from shiftscope.sites.readings.case_readings import THUMBNAIL, MaskReading

__all__ = ["MaskHabits"]

_LEAST_CASES = 5
_FULL, _FIELD, _ALIKE = 0.9, 0.4, 0.97
"""Median share of the image that is drawn; share from which a mask may be a field of view; agreement of masks."""


@dataclass(slots=True)
class MaskHabits:
    """The masks of a site, counted as they are read; of each, one number is kept.

    Attributes:
        count: masks that were read.
        empty: masks in which nothing is drawn.
        numbered: masks that hold class numbers above 1.
        one_foreground: masks whose foreground was recognised by brightness, colour or probability.
        top_label: the highest label of all.
        shares: share of the image that each mask covers.
    """

    count: int = 0
    empty: int = 0
    numbered: int = 0
    one_foreground: int = 0
    top_label: int = 0
    shares: "array[float]" = field(default_factory=lambda: array("f"))
    _sum: np.ndarray = field(default_factory=lambda: np.zeros((THUMBNAIL, THUMBNAIL)))

    def add(self, mask: MaskReading) -> None:
        """Count a mask."""
        self.count += 1
        self.empty += mask.share == 0
        self.top_label = max(self.top_label, mask.top_label)
        self.numbered += mask.numbered and mask.top_label > 1
        self.one_foreground += not mask.numbered and mask.share > 0
        self.shares.append(mask.share)
        self._sum += mask.thumbnail

    def notes(self) -> list[str]:
        """Sentences that stay at the site; none where masks look like annotations."""
        if not self.count:
            return []
        if self.empty == self.count:
            return [f"all {self.count} masks are empty: is it the right folder, or are class numbers lost?"]
        said = []
        if self.numbered and self.one_foreground:
            said.append(
                f"{self.numbered} masks hold class numbers, and {self.one_foreground} a foreground such as 255 alone:"
                " its class is not known, and it counts as 1"
            )
        usual = float(np.median(self.shares))
        if usual >= _FULL:
            said.append(f"masks cover {usual:.0%} of their images, at the median: are they drawn in reverse?")
        elif self.count >= _LEAST_CASES and usual >= _FIELD and self._alike >= _ALIKE:
            said.append(
                f"masks are nearly the same in all {self.count} cases and cover {usual:.0%} of their images: they may"
                " be the field of view, not annotations"
            )
        return said

    @property
    def _alike(self) -> float:
        """How many masks say the same of a place, on average."""
        drawn = self._sum / self.count
        return float(np.maximum(drawn, 1 - drawn).mean())
