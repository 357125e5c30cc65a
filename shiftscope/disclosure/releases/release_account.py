"""What a site's log of releases says: how much left, how much was kept, whether the log is whole, and each entry."""

from pathlib import Path
from typing import Any, Self

from shiftscope.disclosure.releases.log_entries import ByteCount, LogEntry, entries_at
from shiftscope.disclosure.releases.log_verification import verify_log
from shiftscope.records import Record, Text, Total

__all__ = ["ReleaseAccount", "ReplayedRelease"]


class ReleaseAccount(Record):
    """The log of a site, as it is told.

    Attributes:
        federation: its name.
        site: the site's name in it.
        folder: where the log lies.
        left: entries with which something left.
        kept: entries of answers and orders that a rule or an error kept.
        cut: entries that say that a crash cut one off.
        size: bytes that left, over all entries.
        problems: what is wrong with the log, in sentences; empty where it is whole.
        entries: those that were asked for, oldest first; a line that was altered is none of them.
    """

    federation: Text
    site: Text
    folder: Text
    left: Total
    kept: Total
    cut: Total
    size: ByteCount
    problems: tuple[str, ...]
    entries: tuple[LogEntry, ...]

    @classmethod
    def of(cls, federation: str, site: str, folder: Path, limit: int | None) -> Self:
        """The account of the log in a folder.

        Args:
            limit: how many entries are told, the newest; None for all.

        Raises:
            FederationError: the log cannot be read at all.
        """
        found = [entry for _, entry in entries_at(folder)[0] if entry is not None]
        outcomes = [entry.outcome for entry in found]
        return cls(
            federation=federation,
            site=site,
            folder=str(folder),
            left=outcomes.count("released"),
            kept=outcomes.count("withheld") + outcomes.count("failed"),
            cut=outcomes.count("cut"),
            size=sum(entry.size for entry in found),
            problems=tuple(verify_log(folder)),
            entries=tuple(found if limit is None else found[max(0, len(found) - limit) :]),
        )

    @property
    def whole(self) -> bool:
        """Whether the log is what was written."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**self.model_dump(mode="json"), "whole": self.whole}


class ReplayedRelease(Record):
    """What left with an entry, once more in a file.

    Attributes:
        entry: of the log.
        file: where its bytes are now.
        size: how many there are, with the line at their head that says what follows.
    """

    entry: LogEntry
    file: Text
    size: ByteCount

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return self.model_dump(mode="json")
