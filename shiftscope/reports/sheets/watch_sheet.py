"""A watched series as a sheet: what changed, since when and what to do, then a line for every axis."""

from collections.abc import Iterator

from shiftscope.diagnosis import LIMITS
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.reports.details.watch_details import timeline, watch_details
from shiftscope.reports.first_screen import LINE, first_that_fits, labelled, more
from shiftscope.reports.questions import question_name
from shiftscope.reports.sheet import Grid, Lines, Sheet
from shiftscope.reports.wrapping import shortened
from shiftscope.series import Change, Watch

__all__ = ["watch_sheet"]

_ROOM = ((12, 3, 3), (9, 3, 2), (7, 3, 2), (6, 2, 1), (5, 1, 1), (3, 1, 1), (1, 1, 1))
"""Axes of the timeline, lines for what to do about a change, and for when it came, from the most generous."""

_MOST_MONTHS = 24


def watch_sheet(watch: Watch, *, verbose: bool = False) -> Sheet:
    """The verdict, what changed and what to do, the line of every axis.

    Args:
        watch: of a series.
        verbose: every axis, every month and the evidence; if not, one screen of 24 lines.
    """
    return [*_everything(watch)] if verbose else first_that_fits(_screens(watch))


def _everything(watch: Watch) -> Iterator[Lines | Grid]:
    yield Lines(_verdict(watch), [_account(watch), *(change.says for change in watch.changes)])
    for change in watch.changes:
        yield Lines(question_name(change.question), [_when(change)])
    if any(month.watched for month in watch.months):
        yield timeline(watch)
    yield from watch_details(watch)


def _screens(watch: Watch) -> Iterator[Sheet]:
    watched = any(month.watched for month in watch.months)
    for axes, lines, when in _ROOM:
        says = [
            shortened(text, most, LINE)
            for change in watch.changes
            for text, most in ((f"{question_name(change.question)} {_when(change)}", when), (change.says, lines))
        ]
        blocks: list[Lines | Grid] = [Lines(_verdict(watch), says or [_account(watch)])]
        if watched:
            blocks.append(timeline(watch, axes, _MOST_MONTHS))
        yield [*blocks, _notes(watch, when)]


def _verdict(watch: Watch) -> str:
    watched = sum(month.watched for month in watch.months)
    if not watched:
        return "nothing watched: no month has enough patients"
    if not watch.changes:
        return f"no alarm in {watched} month{'s' * (watched > 1)}"
    return f"alarm: {' and '.join(map(_named, watch.changes))} changed"


def _named(change: Change) -> str:
    name = question_name(change.question)
    sure = change.probability is None or change.probability >= LIMITS.probable
    return name if sure else f"probably {name}"


def _account(watch: Watch) -> str:
    watched = sum(month.watched for month in watch.months)
    return (
        f"against '{watch.baseline}' ({watch.patients} patients), {watched} of {len(watch.months)} months watched;"
        f" false alarms: {number(100 * watch.alpha)} % over all analyses and axes, {number(100 * watch.spent)} % spent"
        " so far"
    )


def _when(change: Change) -> str:
    """Since when, how sure that is, and when it was noticed."""
    first, last = change.possible[0], change.possible[-1]
    known = "95 %: this month" if first == last else f"95 %: '{first}' to '{last}'"
    if change.gradual:
        known = "about, and growing"
    interval = f"95 % [{number(change.low)}, {number(change.high)}]"
    effect = f"effect {number(change.effect)}, {interval}, n = {change.n[1]} against {change.n[0]}"
    return f"since '{change.start}' ({known}), alarmed by '{change.alarmed}'; {effect}"


def _notes(watch: Watch, lines: int) -> Grid:
    """The clearest finding on each change, what was watched, and what lowers the trust."""
    found = [change.evidence[0].says for change in watch.changes if change.evidence]
    few = [month.label for month in watch.months if not month.watched]
    left = f"{len(few)} of {len(watch.months)} months have too few patients, the first '{few[0]}'" if few else ""
    return labelled(
        [
            *(("because" * (place == 0), says, lines) for place, says in enumerate(found)),
            ("watched", _account(watch) if watch.changes else "", 2),
            ("left out", left, 1),
            ("caveat", watch.caveats[0] if watch.caveats else "", lines),
            ("", f"--verbose shows every month and axis{more(len(watch.caveats) - 1, 'caveat')}", 1),
        ]
    )
