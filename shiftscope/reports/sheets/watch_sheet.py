"""A watched series as a sheet: what changed and what to do, then a line for every axis."""

from math import log

from shiftscope.diagnosis import LIMITS
from shiftscope.reports.sheet import Grid, Lines, Sheet
from shiftscope.series import Change, Month, Reading, Watch

__all__ = ["watch_sheet"]

_MOST_MONTHS = 36
"""Of a line, that 80 columns hold beside its axis and its numbers."""

_MOST_EVIDENCE = 3
_OUTSIDE, _UNKNOWN, _UNWATCHED = "!", " ", "-"


def watch_sheet(watch: Watch) -> Sheet:
    """The verdict, what moved, the line of every axis, and the months."""
    blocks: list[Lines | Grid] = [Lines(_verdict(watch), [_account(watch), *_advice(watch)])]
    for change in watch.changes:
        says = [item.says for item in change.evidence[:_MOST_EVIDENCE]]
        blocks.append(Lines(f"{change.question}: {_when(change)}", says))
    if any(month.watched for month in watch.months):
        blocks.append(_timeline(watch))
    blocks.append(_months(watch))
    if watch.caveats:
        blocks.append(Lines("caveats", watch.caveats))
    return blocks


def _verdict(watch: Watch) -> str:
    watched = sum(month.watched for month in watch.months)
    if not watched:
        return "nothing watched: no month has enough patients"
    if not watch.changes:
        return f"no alarm in {watched} month{'s' * (watched > 1)}"
    return f"alarm: {' and '.join(map(_named, watch.changes))} changed"


def _named(change: Change) -> str:
    return change.question if change.probability >= LIMITS.probable else f"probably {change.question}"


def _account(watch: Watch) -> str:
    watched = sum(month.watched for month in watch.months)
    return (
        f"against '{watch.baseline}' ({watch.patients} patients), {watched} of {len(watch.months)} months watched;"
        f" false alarms: {watch.alpha:.1%} over all looks and axes, {watch.spent:.1%} spent so far"
    )


def _advice(watch: Watch) -> list[str]:
    return [change.says for change in watch.changes]


def _when(change: Change) -> str:
    """Since when, how sure that is, and when it was noticed."""
    first, last = change.possible[0], change.possible[-1]
    known = "95 %: this month" if first == last else f"95 %: '{first}' to '{last}'"
    if change.gradual:
        known = "about, and growing"
    effect = f"effect {change.effect:.2f}, 95 % [{change.low:.2f}, {change.high:.2f}], n = {change.n[1]}"
    return f"since '{change.start}' ({known}), alarmed by '{change.alarmed}'; {effect} against {change.n[0]}"


def _timeline(watch: Watch) -> Grid:
    """One sign a month: tenths of the way to the limit."""
    months = watch.months[-_MOST_MONTHS:]
    axes = dict.fromkeys(reading.axis for month in watch.months for reading in month.readings)
    rows = []
    for axis in axes:
        line = "".join(_sign(month, axis) for month in months)
        last = next(found for month in reversed(watch.months) if (found := _of(month, axis)) is not None)
        rows.append((axis, line, f"{last.effect:.2f}", f"{last.low:.2f} to {last.high:.2f}"))
    cut = f", the last {_MOST_MONTHS} of {len(watch.months)}" if len(watch.months) > _MOST_MONTHS else ""
    title = f"every month{cut}: tenths of the way to the limit, {_OUTSIDE} outside, {_UNWATCHED} too few"
    return Grid(title, ("axis", "months", "effect#", "95 %"), rows)


def _sign(month: Month, axis: str) -> str:
    if not month.watched:
        return _UNWATCHED
    reading = _of(month, axis)
    if reading is None:
        return _UNKNOWN
    return _OUTSIDE if reading.outside else str(min(9, int(10 * _way(reading))))


def _way(reading: Reading) -> float:
    """How far towards the limit, 0 to 1, on the scale of log p."""
    return log(min(reading.p, 1.0)) / log(reading.limit)


def _of(month: Month, axis: str) -> Reading | None:
    return next((reading for reading in month.readings if reading.axis == axis), None)


def _months(watch: Watch) -> Grid:
    """Every month with the axis that is nearest to its limit, or beyond it."""
    rows = []
    for month in watch.months:
        if not month.readings:
            rows.append((month.label, str(month.patients), "too few" if not month.watched else "not asked", "", ""))
            continue
        nearest = max(month.readings, key=lambda reading: (reading.outside, _way(reading)))
        says = ", ".join(month.alarms) if month.alarms else "inside"
        where = f"{nearest.axis} since '{nearest.since}'"
        rows.append((month.label, str(month.patients), says, where, f"{nearest.effect:.2f}"))
    return Grid(
        "months, and the axis nearest to its limit", ("month", "patients#", "state", "nearest", "effect#"), rows
    )
