"""A finding of the doctor, and all of them."""

from typing import Any, Literal

from shiftscope.records import Record

__all__ = ["Examination", "HealthFinding", "failed", "fine", "warned"]


class HealthFinding(Record):
    """What was looked at and how it is.

    Attributes:
        check: what was looked at, one word or two.
        status: ok; warn where it works and may not for long; fail where it does not work.
        found: what was found, a sentence.
        remedy: what mends it; empty where it is ok.
    """

    check: str
    status: Literal["ok", "warn", "fail"]
    found: str
    remedy: str = ""


class Examination(Record):
    """All findings about a federation at one place.

    Attributes:
        federation: its name.
        place: "coordinator", or "site NAME".
        findings: in the order in which they were made: what is needed first comes first.
    """

    federation: str
    place: str
    findings: tuple[HealthFinding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing failed."""
        return all(finding.status != "fail" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**self.model_dump(mode="json"), "healthy": self.healthy}


def fine(check: str, found: str) -> HealthFinding:
    """All is well."""
    return HealthFinding(check=check, status="ok", found=found)


def warned(check: str, found: str, remedy: str) -> HealthFinding:
    """It works, and may not for long."""
    return HealthFinding(check=check, status="warn", found=found, remedy=remedy)


def failed(check: str, found: str, remedy: str) -> HealthFinding:
    """It does not work."""
    return HealthFinding(check=check, status="fail", found=found, remedy=remedy)
