"""The lines of a log of releases, chained by their hashes, and the head that says how many there are."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError

from shiftscope.disclosure.releases.released_messages import MOST_BYTES
from shiftscope.errors import FederationError
from shiftscope.parsing import read_bytes
from shiftscope.records import Document, Name, Record, Text, Total, matching

__all__ = [
    "FIRST",
    "ByteCount",
    "LogEntry",
    "LogHead",
    "LogOutcome",
    "entries_at",
    "hash_of",
    "head_at",
    "lines_at",
    "lock_at",
    "payload_at",
]

FIRST = "0" * 64
"""What the first entry says of the one before it."""

_LINES, _HEAD, _PAYLOADS, _LOCK = "releases.jsonl", "head.json", "payloads", "lock"
_MOST_BYTES = 2**33

LogOutcome = Literal["released", "withheld", "failed", "cut"]
"""Something left; a rule kept it; the site could not do what was asked; or a crash cut off a line before its message
was sent, and this entry says so."""

ByteCount = Annotated[int, Field(strict=True, ge=0)]
"""Of many messages: more than `Total` counts."""

_FieldSize = Annotated[int, Field(strict=True, ge=0, le=MOST_BYTES)]

_Digest = Annotated[str, matching("[0-9a-f]{64}", "64 hexadecimal digits")]


class LogEntry(Record):
    """One line.

    Attributes:
        number: from 1.
        time: in UTC.
        order: the order's digest.
        question: as messages call it; "unknown" where it is no question of ours.
        outcome: what became of it.
        rule: that kept it, or the kind of error; empty of what was released.
        fields: field -> bytes that left.
        suppressed: field -> the key of the policy that kept it.
        sha256: of the bytes that left, by which their file is called; empty where none did.
        seconds: of computing.
        previous: SHA-256 of the line before.
    """

    number: Annotated[int, Field(strict=True, ge=1)]
    time: Text
    order: str
    question: Name
    outcome: LogOutcome
    rule: Text = ""
    fields: dict[str, _FieldSize] = Field(default_factory=dict)
    suppressed: dict[str, str] = Field(default_factory=dict)
    sha256: str = ""
    seconds: Annotated[float, Field(ge=0)] = 0.0
    previous: _Digest

    @property
    def size(self) -> int:
        """Bytes that left, over all fields."""
        return sum(self.fields.values())


def _head_of_schema_1(values: dict[str, Any]) -> dict[str, Any]:
    """Without the seconds that went into the last order, which are summed from the lines."""
    return {key: value for key, value in values.items() if key not in ("order", "spent_s")}


class LogHead(Document):
    """Where a log ends: without it the end could be lost unseen.

    Attributes:
        entries: how many there are.
        last: SHA-256 of the last one's line.
        size: bytes of all lines.
    """

    SCHEMA: ClassVar[int] = 2
    PRIVATE: ClassVar[bool] = True
    EARLIER: ClassVar[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: _head_of_schema_1}

    entries: Total
    last: _Digest
    size: ByteCount

    def keep(self, folder: Path) -> None:
        """Put it beside the lines."""
        self.write(folder / _HEAD)


def head_at(folder: Path) -> LogHead | None:
    """The head of a log; None where nothing was logged yet."""
    path = folder / _HEAD
    return LogHead.read(path, FederationError) if path.exists() else None


def lines_at(folder: Path) -> Path:
    """The file of lines."""
    return folder / _LINES


def lock_at(folder: Path) -> Path:
    """The file that whoever appends holds locked."""
    return folder / _LOCK


def payload_at(folder: Path, digest: str) -> Path:
    """The file of bytes that left."""
    return folder / _PAYLOADS / f"{digest}.bin"


def entries_at(folder: Path) -> tuple[list[tuple[bytes, LogEntry | None]], bytes]:
    """Each whole line with its entry, None where it is none; and what a crash left of one more.

    Raises:
        FederationError: the file cannot be read.
    """
    if not lines_at(folder).exists():
        return [], b""
    *lines, rest = read_bytes(lines_at(folder), _MOST_BYTES, "a log of releases", FederationError).split(b"\n")
    return [*_parsed(lines)], rest


def hash_of(line: bytes) -> str:
    """What the next line says of this one."""
    return hashlib.sha256(line).hexdigest()


def _parsed(lines: list[bytes]) -> Iterator[tuple[bytes, LogEntry | None]]:
    for line in lines:
        try:
            yield line, LogEntry.model_validate_json(line)
        except ValidationError:
            yield line, None
