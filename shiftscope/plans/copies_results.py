"""What `shiftscope harmonize` did at a site, in numbers."""

from typing import Any

from shiftscope.dataframes import Tabular
from shiftscope.records import Document, Real, Record

__all__ = ["CopiesResult", "Kept"]


class Kept(Record):
    """A figure of merit before and after, and its fall with a 95 % bootstrap interval over patients.

    Attributes:
        cases: how many it rests on.
        drop: before minus after; of the contrast as a share of what it was.
        lost: whether so much was lost that the harmonizer should not be used before somebody has looked at the images.
    """

    cases: int
    before: Real
    after: Real
    drop: Real
    low: Real
    high: Real
    lost: bool


class CopiesResult(Document, Tabular):
    """Copies of one site. It names no case and may be shown to the site's own people.

    Attributes:
        summary: what the harmonizer does.
        fitted: which cases the site's own statistics come from.
        written: cases copied.
        left_out: files that could not be used, reason -> count.
        mean_change: mean absolute change of a pixel in [0, 1], over pixels, then cases; null where pixels were
            resampled.
        unchanged: whether no case changed: the site is as the reference already.
        distance_before, distance_after: mean distance of the site's mean quantile function from the reference's, in
            [0, 1]; null for a harmonizer without one.
        contrast: how much lesions stand out; null with fewer than 10 masks.
        separability: how well simple features separate the classes, area under the ROC curve; null without two
            classes of 10 patients.
        sheet: the picture's file, null where none was drawn.
    """

    site: str
    harmonizer: str
    summary: str
    fitted: str
    written: int
    left_out: dict[str, int]
    mean_change: Real | None
    unchanged: bool
    distance_before: Real | None = None
    distance_after: Real | None = None
    contrast: Kept | None = None
    separability: Kept | None = None
    sheet: str | None = None

    def headline(self) -> str:
        """How many copies, and of what."""
        return f"{self.site}: {self.written} cases copied with {self.harmonizer}"

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each key."""
        return [{"key": key, "value": value} for key, value in self.to_dict().items()]
