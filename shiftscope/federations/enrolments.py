"""Admitting and removing sites: what a coordinator decides about a request."""

from datetime import datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding

from shiftscope.errors import FederationError
from shiftscope.federations.certificates import number_of, site_certificate
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.enrolment_documents.admissions import Admission
from shiftscope.federations.enrolment_documents.join_requests import JoinRequest
from shiftscope.federations.enrolment_documents.members import Member
from shiftscope.federations.enrolment_documents.signed_documents import as_blob, moment, moment_of
from shiftscope.federations.federation_keys import fingerprint, public_bytes

__all__ = ["RENEWED_WITHIN", "admit", "expel"]

RENEWED_WITHIN = timedelta(days=60)
"""A site that asks again gets its present certificate, or a new one where the present one ends so soon."""


def admit(coordinator: Coordinator, request: JoinRequest, where: str, now: datetime) -> tuple[Member, Admission]:
    """Admit the site of a request whose signatures hold: certify it, keep it, and sign the answer.

    A request of a site that is admitted with the same keys is answered again.

    Args:
        where: name of the request's file, for messages.

    Raises:
        FederationError: it is for another federation, believes another invitation, or the name or the key is taken.
    """
    name, site = coordinator.settings.federation, request.site
    if request.federation != name:
        raise FederationError(
            f"{where}: asks to join '{request.federation}', and this is '{name}'; name that federation"
        )
    if request.pinned != coordinator.invitation.identity:
        raise FederationError(
            f"{where}: site '{site}' believes an invitation with the fingerprint {fingerprint(request.pinned)}, and"
            f" this federation's is {coordinator.invitation.fingerprint}: it was given an old or a forged invitation."
            f" Send it {coordinator.path / 'invitation.json'} by a way that you trust, and let it join anew"
        )
    with coordinator.alone():
        return _admitted(coordinator, _present(coordinator, request, where), request, now)


def _admitted(
    coordinator: Coordinator, present: Member | None, request: JoinRequest, now: datetime
) -> tuple[Member, Admission]:
    """The site of a request against which nothing speaks: certified, kept and answered."""
    name, site = coordinator.settings.federation, request.site
    certificate = None
    if present is not None and present.removed is None:
        same = public_bytes(present.site_certificate.public_key()) == public_bytes(request.certified_key)  # type: ignore[arg-type]
        lasts = present.site_certificate.not_valid_after_utc - now > RENEWED_WITHIN
        certificate = present.site_certificate if same and lasts else None
    if certificate is None:
        authority, key = coordinator.authority(), coordinator.authority_key()
        days = coordinator.settings.days
        certificate = site_certificate(authority, key, request.certified_key, site, now, days)
    revoked = present.revoked if present is not None else ()
    if present is not None and number_of(present.site_certificate) != number_of(certificate):
        revoked = tuple(dict.fromkeys((*revoked, number_of(present.site_certificate))))
    goes_on = present is not None and present.removed is None
    member = Member(
        site=site,
        node_key=request.node_key,
        certificate=as_blob(certificate.public_bytes(Encoding.DER)),
        since=present.since if present is not None and goes_on else moment(now),
        removed=None,
        node=present.node if present is not None and goes_on else None,
        former_nodes=present.former_nodes if present is not None else (),
        revoked=revoked,
        earlier_keys=present.earlier_keys if present is not None else (),
    )
    answer = Admission.by(coordinator.signing_key(), name, site, request.identity, certificate, now)
    coordinator.keep(member)
    return member, answer


def expel(coordinator: Coordinator, site: str, now: datetime) -> Member:
    """Remove a site: it is no longer named or let in, its certificate is revoked, and its key is never admitted again.

    Raises:
        FederationError: there is no such site.
    """
    with coordinator.alone():
        member = coordinator.member(site)
        if member is None:
            names = ", ".join(member.site for member in coordinator.members() if member.removed is None) or "none"
            raise FederationError(f"site '{site}' is not in '{coordinator.settings.federation}'; its sites: {names}")
        if member.removed is None:
            member = member.without(moment(now))
            coordinator.keep(member)
        return member


def _present(coordinator: Coordinator, request: JoinRequest, where: str) -> Member | None:
    """What is known of the site already, once nothing speaks against the request."""
    name, site, known = coordinator.settings.federation, request.site, coordinator.members()
    for member in known:
        if request.identity in member.earlier_keys:
            raise FederationError(
                f"{where}: the key {request.fingerprint} was removed with site '{member.site}' and is never admitted"
                " again; the site makes a new one with: shiftscope federation join invitation.json --new-key"
            )
        if member.site != site and member.removed is None and member.identity == request.identity:
            raise FederationError(
                f"{where}: site '{site}' has the key of site '{member.site}' ({request.fingerprint}); every site makes"
                " its own: join at the other site's machine, or with another --home"
            )
        if member.site != site and member.site.lower() == site.lower():
            raise FederationError(
                f"{where}: site '{site}' and site '{member.site}' differ in capital letters alone; choose another name"
            )
    present = next((member for member in known if member.site == site), None)
    if present is not None and present.removed is None and present.identity != request.identity:
        since = moment_of(present.since).date()
        raise FederationError(
            f"{where}: site '{site}' is in '{name}' since {since} with another key ({present.fingerprint}; this request"
            f" has {request.fingerprint}). If the site says by telephone that it made a new key, replace it: shiftscope"
            f" federation remove {name} {site}, then accept this request"
        )
    return present
