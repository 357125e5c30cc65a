"""What left a site as sheets: how much, whether the log is whole, an entry a line, and one that was replayed."""

from collections import Counter
from collections.abc import Iterator, Mapping

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.disclosure.releases.log_entries import LogEntry
from shiftscope.disclosure.releases.release_account import ReleaseAccount, ReplayedRelease
from shiftscope.reports.sheet import Grid, Lines, Sheet

__all__ = ["release_sheet", "replayed_sheet"]

_DIGITS = 8
"""Of an order's digest: enough to tell orders apart."""

_TO_THE_MINUTE = len("2026-11-30 09:00")

_COLUMNS = ("#", "time (UTC)", "order", "question", "outcome", "kB#", "suppressed")


def release_sheet(account: ReleaseAccount) -> Sheet:
    """What left and what was kept, what is wrong with the log, then entries, the newest last."""
    sheet: list[Lines | Grid] = [Lines(_verdict(account), [*account.problems, *_notes(account)])]
    if account.entries:
        sheet.append(Grid("", _COLUMNS, [_row(entry) for entry in account.entries]))
    return sheet


def replayed_sheet(replayed: ReplayedRelease) -> Sheet:
    """Which entry it was, and each field that left with it."""
    entry = replayed.entry
    facts = [
        f"time: {_time(entry)} UTC",
        f"question: {entry.question}",
        f"order: {entry.order or 'none'}",
        f"SHA-256: {entry.sha256}",
    ]
    done = f"{replayed.file} holds the {_counted(replayed.size, 'byte')} that left with entry {entry.number}"
    sheet: list[Lines | Grid] = [Lines(done, facts)]
    rows = [(name, f"{size:,}") for name, size in entry.fields.items()]
    rows += [(name, f"suppressed by {key}") for name, key in entry.suppressed.items()]
    if rows:
        sheet.append(Grid("", ("field", "bytes#"), rows))
    return sheet


def _verdict(account: ReleaseAccount) -> str:
    state = "the log is whole" if account.whole else "THE LOG IS NOT WHOLE"
    left = f"{_counted(account.left, 'answer')} ({_counted(account.size, 'byte')})"
    return f"{account.federation}, site {account.site}: let out {left}, kept {account.kept:,}; {state}"


def _notes(account: ReleaseAccount) -> Iterator[str]:
    count = account.left + account.kept + account.cut
    if not count:
        yield "nothing was logged yet"
    elif 0 < len(account.entries) < count:
        yield f"the newest {len(account.entries):,} of {count:,} entries are shown"
    if account.cut:
        yield f"{_counted(account.cut, 'line')} cut off by a crash, before anything left"
    yield f"the log lies in {account.folder}"


def _row(entry: LogEntry) -> tuple[str, ...]:
    return (
        str(entry.number),
        _time(entry)[:_TO_THE_MINUTE],
        entry.order[:_DIGITS],
        entry.question,
        ": ".join(filter(None, (entry.outcome, entry.rule))),
        number(entry.size / 1e3) if entry.outcome == "released" else "",
        _suppressed(entry.suppressed),
    )


def _suppressed(fields: Mapping[str, str]) -> str:
    """How many fields each key of the policy kept."""
    return ", ".join(f"{key} {count}" for key, count in sorted(Counter(fields.values()).items()))


def _time(entry: LogEntry) -> str:
    return entry.time.partition(".")[0].replace("T", " ")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
