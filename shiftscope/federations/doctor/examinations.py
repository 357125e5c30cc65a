"""The whole of what is looked at: at a site, and at the coordinator."""

import http.client
import ssl
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime

from shiftscope.errors import FederationError, ShiftscopeError
from shiftscope.federations.certificates import pem_certificate
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.doctor.certificate_checks import dates, issuer, readable_key
from shiftscope.federations.doctor.connection_checks import connection
from shiftscope.federations.doctor.health_findings import Examination, HealthFinding, failed, fine, warned
from shiftscope.federations.doctor.machine_checks import data_folder, disk, gpu, versions
from shiftscope.federations.enrolment_documents.members import Member
from shiftscope.federations.federation_keys import public_bytes, read_elliptic_key
from shiftscope.federations.services.flower_commands import link_port
from shiftscope.federations.services.node_registrations import link_answers, node_states
from shiftscope.federations.services.tls_failures import NO_CERTIFICATE, certificate_renewal, refusing_alert
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.printable_text import on_one_line

__all__ = ["examine_coordinator", "examine_site"]


def examine_site(site: JoinedSite, now: datetime, policy: Iterable[HealthFinding]) -> Examination:
    """Everything at a site that can keep a job from running.

    Args:
        policy: what is found of its policy, which is another room's.
    """
    place, findings = f"site {site.membership.site}", tuple(_at_site(site, now, policy))
    return Examination(federation=site.membership.federation, place=place, findings=findings)


def examine_coordinator(coordinator: Coordinator, now: datetime) -> Examination:
    """Everything at the coordinator."""
    name = coordinator.settings.federation
    return Examination(federation=name, place="coordinator", findings=tuple(_at_coordinator(coordinator, now)))


def _at_site(site: JoinedSite, now: datetime, policy: Iterable[HealthFinding]) -> Iterator[HealthFinding]:
    yield from _at_site_alone(site, now, policy)
    yield from gpu()
    try:
        yield from connection(site, now)
    except FederationError as problem:  # a key or the certificate
        found, _, remedy = str(problem).partition("; ")
        yield failed("connection", f"it cannot be tried: {found}", remedy or "mend the key first")


def _at_site_alone(site: JoinedSite, now: datetime, policy: Iterable[HealthFinding]) -> Iterator[HealthFinding]:
    """What needs neither the network nor a library that takes seconds."""
    name = site.membership.federation
    yield from versions(site.invitation.versions)
    yield from readable_key("node key", site.node_key)
    yield from readable_key("TLS key", site.tls_key)
    authority = site.invitation.authority_certificate
    yield from dates(
        "authority", authority, now, "the coordinator makes a new federation, to which every site joins anew"
    )
    if site.admission is None:
        yield failed(
            "certificate",
            f"the coordinator has not admitted site '{site.membership.site}' to '{name}' yet",
            f"send it {site.membership.site}.request.json, and run: shiftscope federation join"
            f" {site.membership.site}.admission.json",
        )
    else:
        yield from issuer("certificate", site.admission.site_certificate, authority, certificate_renewal(site))
        yield from dates("certificate", site.admission.site_certificate, now, certificate_renewal(site))
    yield from data_folder(site)
    yield from policy
    yield from disk(site.path)


def _at_coordinator(coordinator: Coordinator, now: datetime) -> Iterator[HealthFinding]:
    name, folder = coordinator.settings.federation, coordinator.path
    renewal = f"run: shiftscope federation init {name} --address {coordinator.settings.address} --renew, and restart"
    yield from versions(coordinator.invitation.versions)
    yield from readable_key("authority's key", coordinator.authority_key)
    yield from readable_key("signing key", coordinator.signing_key)
    yield from readable_key("server's key", lambda: read_elliptic_key(folder / "server.key"))
    authority = coordinator.invitation.authority_certificate
    yield from dates("authority", authority, now, "make a new federation, to which every site joins anew")
    yield from _server(coordinator, now, renewal)
    yield from disk(folder)
    if not link_answers(coordinator):
        start = f"start it; {folder / 'README.md'} says how"
        yield failed("SuperLink", f"nobody listens on 127.0.0.1, port {link_port(coordinator)}", start)
        states: dict[str, str] | None = None
    else:
        states = yield from _link(coordinator)
    yield _door(coordinator)
    for member in coordinator.members():
        yield from _member(name, member, states, now)


def _server(coordinator: Coordinator, now: datetime, renewal: str) -> Iterator[HealthFinding]:
    folder = coordinator.path
    try:
        certificate = pem_certificate(folder / "server.pem")
        key = read_elliptic_key(folder / "server.key")
    except ShiftscopeError as problem:
        yield failed("server's certificate", str(problem), renewal)
        return
    yield from issuer("server's certificate", certificate, coordinator.invitation.authority_certificate, renewal)
    if public_bytes(certificate.public_key()) != public_bytes(key.public_key()):  # type: ignore[arg-type]
        yield failed("server's certificate", "it is not for server.key", renewal)
    yield from dates("server's certificate", certificate, now, renewal)
    if coordinator.invitation.address != coordinator.settings.address:
        yield failed("invitation", f"it names {coordinator.invitation.address}, the settings another address", renewal)


def _link(coordinator: Coordinator) -> Generator[HealthFinding, None, dict[str, str] | None]:
    try:
        states = node_states(coordinator)
    except ShiftscopeError as problem:
        yield failed("SuperLink", f"it does not answer: {problem}", "look at its log")
        return None
    yield fine("SuperLink", f"it answers on 127.0.0.1, port {link_port(coordinator)}")
    return states


def _door(coordinator: Coordinator) -> HealthFinding:
    """Whether the door does as doors do: who shows no certificate is refused, and told so in TLS."""
    context = ssl.create_default_context(cafile=str(coordinator.path / "authority.pem"))
    address = coordinator.address
    start = f"start it; {coordinator.path / 'README.md'} says how"
    link = http.client.HTTPSConnection(address.host, address.port, timeout=10, context=context)
    try:
        link.request("POST", "/v1/control/list-nodes")
        status = link.getresponse().status
    except (OSError, http.client.HTTPException) as problem:
        if refusing_alert(problem) == NO_CERTIFICATE:
            return fine("door", f"it listens at {address}, and speaks to nobody without a certificate of its authority")
        return failed("door", f"it is not reached at {address}: {on_one_line(str(problem))}", start)
    finally:
        link.close()
    if status == 404:
        return failed("door", f"what listens at {address} asks nobody for a certificate (HTTP 404)", "restart the door")
    return failed(
        "door",
        f"at {address} Flower's control interface is open to everybody (HTTP {status}): whoever reaches it can start"
        " jobs at every site",
        "stop what listens there; the SuperLink listens on 127.0.0.1 alone, and the door before it",
    )


def _member(name: str, member: Member, states: dict[str, str] | None, now: datetime) -> Iterator[HealthFinding]:
    if member.removed is not None:
        return
    check = f"site {member.site}"
    state = None if states is None else states.get(member.node or "", "not registered")
    ends = member.site_certificate.not_valid_after_utc
    if ends <= now:
        yield failed(check, f"its certificate ended on {ends.date()}", "let it send its request anew, and accept it")
    elif state == "not registered":
        yield failed(check, "the SuperLink was not told of it", f"run: shiftscope federation register {name}")
    elif state == "online":
        yield fine(check, "it is online")
    elif state is not None:
        how = "was never online" if state == "registered" else "is offline"
        yield warned(check, f"it {how}", "at the site: start its service, and run shiftscope federation doctor")
