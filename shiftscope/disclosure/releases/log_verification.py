"""Whether a log of releases is what was written, line by line and byte by byte."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from shiftscope.disclosure.releases.log_entries import (
    FIRST,
    LogEntry,
    LogHead,
    entries_at,
    hash_of,
    head_at,
    lock_at,
    payload_at,
)
from shiftscope.disclosure.releases.released_messages import MOST_BYTES
from shiftscope.errors import FederationError
from shiftscope.files import locked
from shiftscope.parsing import read_bytes

__all__ = ["bytes_that_left", "verify_log"]


def verify_log(folder: Path) -> list[str]:
    """What is wrong with the log in a folder, in sentences; nothing where it is whole.

    Found are lines that were altered, left out, added or put in another order, bytes that were altered or are gone, and
    a last line that a crash cut off. Whoever may write to the folder can make a whole new log; that shows only beside a
    head that somebody else kept. A log to which a job appends meanwhile is judged as it was at one instant.

    Raises:
        FederationError: the log cannot be read at all.
    """
    with _undisturbed(folder):
        (lines, rest), head = entries_at(folder), head_at(folder)
    found, last = [], FIRST
    for place, (line, entry) in enumerate(lines, start=1):
        if entry is None:
            found.append(f"line {place} is no entry: it was altered")
        else:
            found += _problems_of(entry, place, last, folder)
        last = hash_of(line)
    if rest:
        found.append(f"the last line was cut after {len(rest)} bytes: a crash, and what it tells of never left")
    return [*found, *_problems_of_head(head, [FIRST, *(hash_of(line) for line, _ in lines)])]


def bytes_that_left(entry: LogEntry, folder: Path) -> bytes:
    """What an entry tells of.

    Raises:
        FederationError: nothing left with it, or its bytes are gone or altered.
    """
    if not entry.sha256:
        raise FederationError(f"{folder}: nothing left with entry {entry.number}, it was {entry.outcome}")
    path = payload_at(folder, entry.sha256)
    data = read_bytes(path, MOST_BYTES, "what left", FederationError)
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise FederationError(f"{path}: the bytes of entry {entry.number} were altered")
    return data


def _undisturbed(folder: Path) -> AbstractContextManager[object]:
    """Nobody appends as long as this lasts; to a log without a lock nobody ever did."""
    lock = lock_at(folder)
    try:
        return locked(lock, shared=True) if lock.exists() else nullcontext()
    except OSError as problem:
        raise FederationError(
            f"{lock}: cannot be locked: {problem.strerror}; read the log as the user whom it belongs to, on the machine"
            " where it lies"
        ) from None


def _problems_of(entry: LogEntry, place: int, last: str, folder: Path) -> Iterator[str]:
    if entry.number != place:
        yield f"line {place} is entry {entry.number}: lines are missing or were moved"
    if entry.previous != last:
        yield f"line {place} does not follow the line before it: one of the two was altered or moved"
    if entry.sha256:
        try:
            bytes_that_left(entry, folder)
        except FederationError as problem:
            yield str(problem)


def _problems_of_head(head: LogHead | None, hashes: list[str]) -> Iterator[str]:
    """The head may be one entry behind, where a crash came between the two."""
    count = len(hashes) - 1
    if head is None:
        if count > 1:
            yield f"the head of the log is gone, and there are {count} entries"
    elif count < head.entries:
        yield f"the log has {count} entries, and its head knows of {head.entries}: the last are missing"
    elif count > head.entries + 1 or hashes[head.entries] != head.last:
        yield f"the log does not go with its head, which knows of {head.entries} entries"
