"""What the commands of enrolment answer: a step that was done, and who is in a federation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from shiftscope.federations.certificates import number_of
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.enrolment_documents.members import Member
from shiftscope.federations.enrolment_documents.signed_documents import moment
from shiftscope.records import Record

__all__ = ["EnrolmentStep", "FederationSites", "ListedSite"]


class EnrolmentStep(Record):
    """A step of enrolment that was done.

    Attributes:
        done: what was done, a sentence.
        facts: what -> its value, fingerprints first.
        then: what people do now, the first thing first.
    """

    done: str
    facts: dict[str, str]
    then: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return self.model_dump(mode="json")


class ListedSite(Record):
    """A site in a list.

    Attributes:
        site: its name.
        status: admitted, or removed.
        fingerprint: of its key.
        since: when it was admitted with this key.
        removed: when it was removed; null while it is admitted.
        certificate: serial number of its certificate.
        ends: when its certificate ends.
        expired: whether that has passed.
        node: Flower's number of its node; null before it is registered.
        state: of its node: registered (never seen), online, offline; null where the SuperLink was not asked.
    """

    site: str
    status: str
    fingerprint: str
    since: str
    removed: str | None
    certificate: str
    ends: str
    expired: bool
    node: str | None
    state: str | None

    @classmethod
    def of(cls, member: Member, state: str | None, now: datetime) -> Self:
        """What is said of a member."""
        ends = member.site_certificate.not_valid_after_utc
        return cls(
            site=member.site,
            status="admitted" if member.removed is None else "removed",
            fingerprint=member.fingerprint,
            since=member.since,
            removed=member.removed,
            certificate=number_of(member.site_certificate),
            ends=moment(ends),
            expired=ends <= now,
            node=member.node,
            state=state,
        )


class FederationSites(Record):
    """Who is in a federation.

    Attributes:
        federation: its name.
        address: of its door.
        fingerprint: of its invitation.
        running: whether its SuperLink answers.
        sites: those admitted and those removed, by name.
        revoked: serial numbers of certificates that no longer count.
    """

    federation: str
    address: str
    fingerprint: str
    running: bool
    sites: tuple[ListedSite, ...]
    revoked: tuple[str, ...]

    @classmethod
    def of(cls, coordinator: Coordinator, states: dict[str, str] | None, now: datetime) -> Self:
        """What a coordinator has.

        Args:
            states: Flower's number of each node -> its state; None where the SuperLink does not answer.
        """
        members = coordinator.members()
        return cls(
            federation=coordinator.settings.federation,
            address=coordinator.settings.address,
            fingerprint=coordinator.invitation.fingerprint,
            running=states is not None,
            sites=tuple(ListedSite.of(member, (states or {}).get(member.node or ""), now) for member in members),
            revoked=tuple(number for member in members for number in member.revoked),
        )

    def admitted(self) -> Sequence[ListedSite]:
        """Those that are in."""
        return [site for site in self.sites if site.status == "admitted"]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return self.model_dump(mode="json")
