"""What a watched series rests on: the findings behind each change, and every month."""

from collections.abc import Iterator
from math import log

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.measures.plain_names import plain_name
from shiftscope.reports.questions import question_name
from shiftscope.reports.sheet import Grid, Lines
from shiftscope.series import Month, Reading, Watch

__all__ = ["OUTSIDE", "UNWATCHED", "nearness", "timeline", "watch_details"]

OUTSIDE, UNWATCHED = "!", "-"
_UNKNOWN = " "

_MOST_MONTHS = 36
"""Of a line, that 80 columns hold beside its axis and its numbers."""

_MOST_EVIDENCE = 3


def watch_details(watch: Watch) -> Iterator[Lines | Grid]:
    """All that stands behind the first screen."""
    for change in watch.changes:
        says = [item.says for item in change.evidence[:_MOST_EVIDENCE]]
        if says:
            yield Lines(f"evidence on {question_name(change.question)}", says)
    yield _months(watch)
    if watch.caveats:
        yield Lines("caveats", watch.caveats)


def timeline(watch: Watch, most: int | None = None, most_months: int = _MOST_MONTHS) -> Grid:
    """One sign a month: tenths of the way to the limit.

    Args:
        watch: with a month that is watched.
        most: of the axes, those that came nearest to their limits; None for all.
        most_months: of the months, the last.
    """
    months = watch.months[-most_months:]
    axes = list(dict.fromkeys(reading.axis for month in watch.months for reading in month.readings))
    if most is not None and len(axes) > most:
        nearest = {
            axis: max(nearness(found) for month in watch.months if (found := _of(month, axis)) is not None)
            for axis in axes
        }
        kept = sorted(axes, key=lambda axis: -nearest[axis])[:most]
        axes = [axis for axis in axes if axis in kept]
    rows = []
    for axis in axes:
        line = "".join(_sign(month, axis) for month in months)
        last = next(found for month in reversed(watch.months) if (found := _of(month, axis)) is not None)
        rows.append((plain_name(axis), line, number(last.effect), f"{number(last.low)} to {number(last.high)}"))
    cut = f", the last {most_months} of {len(watch.months)}" if len(watch.months) > most_months else ""
    title = f"every month{cut}: tenths of the way to the limit, {OUTSIDE} outside, {UNWATCHED} too few"
    return Grid(title, ("axis", "months", "effect#", "95 %"), rows)


def nearness(reading: Reading) -> float:
    """How far towards the limit, on the scale of log p: 1 at the limit, more beyond it."""
    return log(min(max(reading.p, 1e-300), 1.0)) / log(reading.limit)


def _sign(month: Month, axis: str) -> str:
    if not month.watched:
        return UNWATCHED
    reading = _of(month, axis)
    if reading is None:
        return _UNKNOWN
    return OUTSIDE if reading.outside else str(min(9, int(10 * nearness(reading))))


def _of(month: Month, axis: str) -> Reading | None:
    return next((reading for reading in month.readings if reading.axis == axis), None)


def _months(watch: Watch) -> Grid:
    """Every month with the axis that is nearest to its limit, or beyond it."""
    rows = []
    for month in watch.months:
        if not month.readings:
            rows.append((month.label, str(month.patients), "too few" if not month.watched else "not asked", "", ""))
            continue
        nearest = max(month.readings, key=lambda reading: (reading.outside, nearness(reading)))
        says = ", ".join(map(question_name, month.alarms)) if month.alarms else "inside"
        where = f"{plain_name(nearest.axis)} since '{nearest.since}'"
        rows.append((month.label, str(month.patients), says, where, number(nearest.effect)))
    return Grid(
        "months, and the axis nearest to its limit", ("month", "patients#", "state", "nearest", "effect#"), rows
    )
