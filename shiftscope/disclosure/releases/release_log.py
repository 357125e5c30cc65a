"""What left a site, and what was kept from leaving: a log that replays to the bytes sent."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shiftscope.disclosure.releases.log_entries import (
    FIRST,
    LogEntry,
    LogHead,
    LogOutcome,
    entries_at,
    hash_of,
    head_at,
    lines_at,
    lock_at,
    payload_at,
)
from shiftscope.disclosure.releases.log_verification import bytes_that_left
from shiftscope.errors import FederationError
from shiftscope.files import FileState, locked, state_of, write_bytes

__all__ = ["UNKNOWN_QUESTION", "ReleaseLog"]

UNKNOWN_QUESTION = "unknown"
"""What the log calls a question that is none of ours: its name could hold anything."""


class ReleaseLog:
    """The log in one folder of a joined site: a line for each answer, and beside them the bytes that left.

    Attributes:
        folder: readable by its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._spent: dict[str, float] = {}
        self._summed: FileState | None = None

    def append(
        self,
        *,
        order: str,
        question: str,
        outcome: LogOutcome,
        rule: str = "",
        data: bytes = b"",
        fields: Mapping[str, int] | None = None,
        suppressed: Mapping[str, str] | None = None,
        seconds: float = 0.0,
    ) -> LogEntry:
        """Write one entry; it is on the disk when this returns, and only then may its message leave.

        The bytes come first and the line last, so that a crash leaves no line without its bytes. A line that an earlier
        crash cut off is taken away, and an entry says so.

        Args:
            order, question, rule, fields, suppressed, seconds: as `LogEntry` has them.
            outcome: what became of the question.
            data: what leaves, byte for byte; empty where nothing does.

        Raises:
            ShiftscopeError: the log cannot be written, or its end is missing.
        """
        with self._alone():
            digest = hashlib.sha256(data).hexdigest() if data else ""
            if data and not payload_at(self.folder, digest).exists():
                write_bytes(payload_at(self.folder, digest), data, private=True)
            head = self._mended()
            entry = LogEntry(
                number=head.entries + 1,
                time=_now(),
                order=order,
                question=question,
                outcome=outcome,
                rule=rule,
                fields=dict(fields or {}),
                suppressed=dict(suppressed or {}),
                sha256=digest,
                seconds=seconds,
                previous=head.last,
            )
            self._write(entry, head)
        return entry

    def rows(self) -> list[dict[str, Any]]:
        """Every entry as plain values, oldest first; a cut last line is none.

        Raises:
            FederationError: a line cannot be read.
        """
        return [json.loads(entry.model_dump_json()) for entry in self._entries()]

    def entry(self, number: int) -> LogEntry:
        """One entry.

        Raises:
            FederationError: there is none of this number, or a line before it cannot be read.
        """
        found = next((entry for entry in self._entries() if entry.number == number), None)
        if found is None:
            raise FederationError(f"{self.folder}: there is no entry {number} in the log of releases")
        return found

    def replay(self, number: int) -> bytes:
        """The bytes that left with an entry.

        Raises:
            FederationError: there is no such entry, nothing left with it, or its bytes are gone or altered.
        """
        return bytes_that_left(self.entry(number), self.folder)

    def seconds_of(self, order: str) -> float:
        """Computing that went into an order so far, in seconds.

        Sums are kept for all orders, and go on with what is appended here; the lines are read again where anybody else
        has changed their file, and once after a start.

        Raises:
            FederationError: a line cannot be read.
        """
        state = state_of(lines_at(self.folder))
        if self._summed != state:
            spent: dict[str, float] = {}
            for entry in self._entries():
                spent[entry.order] = spent.get(entry.order, 0.0) + entry.seconds
            self._spent, self._summed = spent, state
        return self._spent.get(order, 0.0)

    def _entries(self) -> Iterator[LogEntry]:
        for place, (_, entry) in enumerate(entries_at(self.folder)[0], start=1):
            if entry is None:
                raise FederationError(
                    f"{lines_at(self.folder)}: line {place} is no entry: it was altered; put the log back as it was, or"
                    " move it away whole"
                )
            yield entry

    def _mended(self) -> LogHead:
        """Where the log ends, once a line that a crash cut off is taken away and told."""
        path, head = lines_at(self.folder), head_at(self.folder)
        size = _size_of(path)
        if head is not None and head.size == size:
            return head
        lines, rest = entries_at(self.folder)
        if head is not None and len(lines) < head.entries:
            raise FederationError(
                f"{path}: the log has {len(lines)} entries, and its head knows of {head.entries}; nothing leaves before"
                " somebody has found out why: put the log back as it was, or move it away whole"
            )
        last = hash_of(lines[-1][0]) if lines else FIRST
        found = LogHead(entries=len(lines), last=last, size=size - len(rest))
        if not rest:
            return found
        os.truncate(path, found.size)
        cut = LogEntry(
            number=found.entries + 1,
            time=_now(),
            order="",
            question=UNKNOWN_QUESTION,
            outcome="cut",
            rule=f"{len(rest)} bytes",
            previous=found.last,
        )
        return self._write(cut, found)

    def _write(self, entry: LogEntry, head: LogHead) -> LogHead:
        line, path = entry.model_dump_json().encode(), lines_at(self.folder)
        summed = self._summed == state_of(path)
        with path.open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if summed:
            self._spent[entry.order] = self._spent.get(entry.order, 0.0) + entry.seconds
            self._summed = state_of(path)
        after = LogHead(
            entries=entry.number,
            last=hash_of(line),
            size=head.size + len(line) + 1,
        )
        after.keep(self.folder)
        return after

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time."""
        try:
            with locked(lock_at(self.folder)):
                yield
        except OSError as problem:
            raise FederationError(
                f"{self.folder}: the log cannot be written: {problem.strerror}; nothing leaves before it can be: make"
                " room, or mend the rights of the folder"
            ) from None


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
