"""Certificates and keys on disk: whose they are, and how long they hold."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from cryptography import x509

from shiftscope.errors import ShiftscopeError
from shiftscope.federations.certificates import EARLY, issued_by
from shiftscope.federations.doctor.health_findings import HealthFinding, failed, fine, warned

__all__ = ["dates", "issuer", "readable_key"]

_SOON = timedelta(days=30)


def dates(check: str, certificate: x509.Certificate, now: datetime, renewal: str) -> Iterator[HealthFinding]:
    """Whether a certificate holds now, by this machine's clock, and for how long.

    Args:
        renewal: what makes a new one.
    """
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begins:
        yield failed(
            "clock",
            f"this machine's clock says {_shown(now)}, and the {check} is valid from {_shown(begins)} on: the clock is"
            f" slow by {_hours(begins + EARLY - now)} at least",
            "set the clock, best with NTP: timedatectl set-ntp true",
        )
    elif now > ends:
        yield failed(
            check,
            f"it ended on {_shown(ends)}, and this machine's clock says {_shown(now)}",
            f"if the clock is right, {renewal}; if not, set it: timedatectl set-ntp true",
        )
    elif ends - now < _SOON:
        yield warned(check, f"it ends on {_shown(ends)}, in {(ends - now).days} days", renewal)
    else:
        yield fine(check, f"it is valid until {ends.date()}")


def issuer(
    check: str, certificate: x509.Certificate, authority: x509.Certificate, renewal: str
) -> Iterator[HealthFinding]:
    """Whether the federation's authority signed a certificate; silent where it did."""
    if not issued_by(certificate, authority):
        yield failed(check, "it is not of this federation's authority", renewal)


def readable_key(check: str, read: Callable[[], object]) -> Iterator[HealthFinding]:
    """Whether a private key can be read, and by its owner alone."""
    try:
        read()
    except ShiftscopeError as problem:
        found, _, remedy = str(problem).partition("; ")
        yield failed(check, found, remedy or "restore the file from its backup")
    else:
        yield fine(check, "it can be read, by its owner alone")


def _shown(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")


def _hours(span: timedelta) -> str:
    return f"{span / timedelta(hours=1):.1f} hours"
