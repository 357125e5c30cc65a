"""TLS between sites and door: each end shows a certificate of the federation's authority, and believes no other.

Who is refused is told so, by an alert of TLS (RFC 8446, 6.2). In TLS 1.3 a site holds its handshake for done before
the door has looked at its certificate, so the alert comes in place of the first answer.
"""

import ssl
from collections.abc import Callable
from pathlib import Path

from shiftscope.errors import FederationError
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.printable_text import on_one_line

__all__ = ["door_context", "one_connection", "site_context"]


def door_context(coordinator: Coordinator) -> ssl.SSLContext:
    """What the door shows and demands: who has no certificate of the authority does not get to speak.

    Nobody comes in by what an earlier connection has shown: each one shows its certificate (no tickets of sessions).

    Raises:
        FederationError: server.pem and server.key do not belong together.
    """
    name, address = coordinator.settings.federation, coordinator.settings.address
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.sslobject_class = _DoorHandshake
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(coordinator.path / "authority.pem")
    renewal = f"make new ones with: shiftscope federation init {name} --address {address} --renew"
    _show(context, coordinator.path / "server.pem", coordinator.path / "server.key", renewal)
    return context


def one_connection(door: ssl.SSLContext, refused: Callable[[ssl.SSLError], None]) -> ssl.SSLContext:
    """The door's context as one connection is given it.

    Args:
        door: `door_context`.
        refused: told at once why the handshake fails, if it does.
    """
    context = _OneConnection(ssl.PROTOCOL_TLS_SERVER)
    context.door, context.refused = door, refused
    return context


def site_context(site: JoinedSite) -> ssl.SSLContext:
    """What a site believes at the door, and what it shows there: nothing yet, before it was admitted.

    Raises:
        FederationError: site.pem and tls.key do not belong together.
    """
    context = ssl.create_default_context(cafile=str(site.path / "authority.pem"))
    if site.admission is not None:
        again = (
            "restore both from one backup, or complete the admission once more: shiftscope federation join"
            f" {site.membership.site}.admission.json"
        )
        _show(context, site.path / "site.pem", site.path / "tls.key", again)
    return context


def _show(context: ssl.SSLContext, certificate: Path, key: Path, settled: str) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except OSError as problem:  # which errors of TLS are too
        raise FederationError(
            f"{certificate}: is no certificate that can be shown with {key.name}"
            f" ({on_one_line(problem.strerror or str(problem))}); {settled}"
        ) from None


class _DoorHandshake(ssl.SSLObject):
    """The door's end of one handshake; a refusal is sent before the connection is closed.

    Event loops close a connection whose handshake fails with the alert unsent, so that the other end sees it break off
    and nothing else. They send what a handshake has written whenever it waits: so a refused one waits, reads what still
    comes and forgets it, until the other end closes or the loop's time for handshakes (60 s) is over.
    """

    received: ssl.MemoryBIO
    tell: Callable[[ssl.SSLError], None]
    refused = False

    def do_handshake(self) -> None:
        """One step, as far as what was received goes."""
        if not self.refused:
            try:
                super().do_handshake()
                return
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as problem:
                self.refused = True
                self.tell(problem)
        self.received.read()
        raise ssl.SSLWantReadError


class _OneConnection(ssl.SSLContext):
    """It lends the door's context, and gives the handshake what it receives and whom it tells of a refusal."""

    door: ssl.SSLContext
    refused: Callable[[ssl.SSLError], None]

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As an event loop asks for a connection's TLS."""
        made = self.door.wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if isinstance(made, _DoorHandshake):
            made.received, made.tell = incoming, self.refused
        return made
