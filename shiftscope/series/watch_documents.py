"""What a watch finds, as it is written down."""

from typing import Any, ClassVar

from shiftscope.dataframes import Tabular
from shiftscope.diagnosis import Evidence
from shiftscope.records import Document, Real, Record

__all__ = ["Change", "Month", "Reading", "Watch"]


class Reading(Record):
    """One axis after one month: the best cut of the series so far.

    Attributes:
        axis: a key of `AXES`, "labels", or "class_contrast" for how classes lie apart.
        question: of which it speaks.
        since: label of the first month after the cut.
        effect: squared distance, in within-site standard deviations, between months since and all before; of
            contrasts, that of the two classes and the axis with the smallest p.
        low: lower end of its 95 % interval, which does not know that the cut was chosen.
        high: upper end.
        n: patients before, and since; of contrasts, those of the two classes in months that publish both.
        p: of an effect no larger than the diagnosis' margin, at this cut; of labels, of no difference; of contrasts, of
            none beyond what other images can explain, the smallest times their number.
        limit: the p from which on it is outside.
        outside: p at the limit or below, and an effect of the margin or more.
    """

    axis: str
    question: str
    since: str
    effect: Real
    low: Real
    high: Real
    n: tuple[int, int]
    p: Real
    limit: Real
    outside: bool


class Month(Record):
    """One month.

    Attributes:
        label: its name.
        patients: measured in it.
        dated: the month that most of its patients were examined in, YYYY-MM, None where the profile does not say.
        watched: whether it has enough patients; else it is left out, and nothing is known of it.
        readings: by axis, with what was known by then; empty where it is not watched.
        alarms: questions alarmed after it.
    """

    label: str
    patients: int
    dated: str | None
    watched: bool
    readings: tuple[Reading, ...] = ()
    alarms: tuple[str, ...] = ()


class Change(Record):
    """One question that was alarmed, described with all months that are known.

    Attributes:
        question: which.
        alarmed: label of the month whose interim analysis alarmed it first.
        axis: the one that alarmed it last, or first where that is not known both before `start` and since.
        probability: that it is this kind of change, by the diagnosis' calibration; below .5 it is only the likeliest
            of what changed. None of what labels mean, for which there is no calibration: it is alarmed by p alone.
        gradual: whether it kept growing: the likeliest cut of all months came after the first alarm.
        start: label of the first month after the likeliest cut; of a gradual change, the likeliest of the months up to
            the first alarm.
        possible: labels of the months that the change can have come with, a 95 % confidence set if it came at once.
        effect: of the axis, since `start` against before.
        low: lower end of its 95 % interval.
        high: upper end.
        n: patients before, and since.
        action: what to do, as a keyword.
        says: in a sentence.
        evidence: what changed, in sentences.
    """

    question: str
    alarmed: str
    axis: str
    probability: Real | None
    gradual: bool
    start: str
    possible: tuple[str, ...]
    effect: Real
    low: Real
    high: Real
    n: tuple[int, int]
    action: str
    says: str
    evidence: tuple[Evidence, ...]


class Watch(Document, Tabular):
    """A site's months against its baseline.

    Attributes:
        baseline: its label.
        patients: of the baseline.
        alpha: chance of any alarm, over all interim analyses and axes, when nothing changes and the watch never ends.
        spent: how much of it the analyses so far have used.
        months: in the order given.
        changes: what was alarmed, the first alarm first.
        caveats: what lowers the trust in it, in sentences.
    """

    SCHEMA: ClassVar[int] = 1

    baseline: str
    patients: int
    alpha: Real
    spent: Real
    months: tuple[Month, ...]
    changes: tuple[Change, ...]
    caveats: tuple[str, ...]

    def headline(self) -> str:
        """How many months, and what changed in them."""
        questions = ", ".join(dict.fromkeys(change.question for change in self.changes))
        changed = f"changes in {questions}" if questions else "nothing changed"
        return f"{self.baseline}: {len(self.months)} months, {changed}"

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each month and axis."""
        keys = ("axis", "question", "since", "effect", "low", "high", "p", "limit", "outside")
        return [
            {"month": month.label, "patients": month.patients, **{key: getattr(reading, key) for key in keys}}
            for month in self.months
            for reading in month.readings
        ]
