"""The door of a federation: what sites reach, and all that they reach.

Flower's SuperLink has one port. On it, beside what SuperNodes need, it serves a control interface that starts jobs
and registers nodes, and a runtime interface that hands out the coordinator's own tasks, to whoever asks. So the
SuperLink listens on the loopback alone, and this stands before it: it ends TLS with the federation's certificate,
speaks to nobody without a certificate of the federation's authority, lets in who was accepted with that certificate,
passes on what a SuperNode sends, and answers everything else with 404. Requests that are too large or too many it
refuses too. A question that was lost on its way to a site it gives again.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.federation_keys import fingerprint
from shiftscope.federations.services.admitted_sites import AdmittedSites, shown_identity
from shiftscope.federations.services.flower_commands import link_port, listening_host
from shiftscope.federations.services.handed_out import HandedOut, HandedOutAnswer
from shiftscope.federations.services.mutual_tls import door_context
from shiftscope.federations.services.refusal_lines import RefusalLines
from shiftscope.federations.services.request_limits import (
    MOST_BYTES,
    MOST_CONNECTIONS,
    OpenConnections,
    RequestCounts,
    TooLarge,
    within,
)
from shiftscope.federations.services.tls_entrances import TlsEntrance
from shiftscope.federations.services.tls_failures import refused_handshake

if TYPE_CHECKING:
    import uvicorn

__all__ = ["ACTIVATE", "CERTIFICATE", "KEY_HEADER", "NOT_ACTIVATED", "Door", "door_server", "serve_door"]

ACTIVATE = "/v1/fleet/activate-node"

_PULL = "/v1/fleet/pull-messages"
_SETTLING = frozenset({ACTIVATE, "/v1/fleet/deactivate-node", "/v1/fleet/confirm-message-received"})
"""After which a site needs no question again."""

_PATHS = frozenset(
    f"/v1/fleet/{name}"
    for name in (
        *("activate-node", "deactivate-node", "send-node-heartbeat", "pull-messages", "push-messages"),
        *("get-run", "get-fab", "push-object", "pull-object", "confirm-message-received"),
    )
)
"""What a SuperNode asks of a SuperLink. It registers no node: that is the coordinator's."""

CERTIFICATE = "certificate"
"""Where in a request's state the connection's certificate is (DER)."""

KEY_HEADER = "flwr-public-key"
_FIRST_REQUEST_S = 60.0
"""Within which a connection has to ask for something."""

NOT_ACTIVATED = 2004
"""Flower's code where a SuperNode cannot begin; it has two causes, and Flower names neither."""

_HOP = frozenset({"host", "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect"})
"""Headers of one connection, which are not passed on (RFC 9110, 7.6.1)."""

_OURS = frozenset({"date", "server"})
"""Headers that the door sets itself."""

_LOGGER = logging.getLogger(__name__)

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


def serve_door(coordinator: Coordinator) -> None:
    """Let sites in until a signal ends it (Ctrl-C, SIGTERM).

    Raises:
        FederationError: the server's certificate cannot be shown.
    """
    server, address = door_server(coordinator), coordinator.address
    _LOGGER.info(
        "the door of '%s' listens on %s, port %d; it passes sites' requests to the SuperLink at 127.0.0.1:%d",
        coordinator.settings.federation,
        listening_host(address),
        address.port,
        link_port(coordinator),
    )
    with suppress(KeyboardInterrupt):
        server.run()


def door_server(coordinator: Coordinator) -> "uvicorn.Server":
    """The server of the door, which does not run yet.

    Raises:
        FederationError: the server's certificate cannot be shown.
    """
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol  # which bounds headers, as the faster one does not

    context, lines = door_context(coordinator), RefusalLines(_LOGGER)
    handshakes, connections = OpenConnections(), OpenConnections()

    def refused(host: str, error: ssl.SSLError) -> None:
        why = refused_handshake(error)
        lines.say((host, why), f"{host} {why}")

    def crowded(host: str) -> None:
        lines.say((host, "crowded"), f"{host} has {MOST_CONNECTIONS} connections or handshakes under way already")

    class Http(H11Protocol):
        """The server's own HTTP, closed where no request comes."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # in TLS it is one
            super().connection_made(transport)
            self.loop.call_later(_FIRST_REQUEST_S, self._close_unused)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            connections.end(self.app_state[CERTIFICATE])

        def _close_unused(self) -> None:
            if self.cycle is None:
                self.transport.close()

    class Connection(TlsEntrance):
        """TLS, and then HTTP, whose requests know the certificate that was shown."""

        def __init__(self, *, app_state: dict[str, Any], **server: Any) -> None:
            def enter(certificate: bytes, host: str) -> asyncio.Protocol | None:
                if not connections.begin(certificate):
                    crowded(host)
                    return None
                return Http(app_state={**app_state, CERTIFICATE: certificate}, **server)

            super().__init__(context, enter, refused, crowded, handshakes)

    config = uvicorn.Config(
        Door(coordinator),
        host=listening_host(coordinator.address),
        port=coordinator.address.port,
        loop="asyncio",  # which reads nothing before TLS begins; uvloop does, and loses it
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="off",
    )
    return uvicorn.Server(config)


class Door:
    """An ASGI application. Who may come in is read from the coordinator's folder whenever it changes."""

    def __init__(self, coordinator: Coordinator) -> None:
        import httpx

        context = ssl.create_default_context(cafile=str(coordinator.path / "authority.pem"))
        self._link = httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{link_port(coordinator)}", verify=context, trust_env=False, timeout=None
        )
        self._coordinator = coordinator
        self._sites = AdmittedSites(coordinator)
        self._lines, self._alarms = RefusalLines(_LOGGER), RefusalLines(_LOGGER)
        self._counts = RequestCounts()
        self._handed_out = HandedOut()

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        if scope["method"] != "POST" or path not in _PATHS:
            await _answer(send, 404, {"detail": "not here"})
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])  # each once, so that what is checked is what is passed on
        identity, (host, _) = shown_identity(headers.get(KEY_HEADER.encode(), b"")), scope["client"]
        certificate = scope["state"][CERTIFICATE]
        if (refusal := self._sites.refusal(identity, certificate)) is not None:
            lines = self._alarms if refusal.kind == "mixed" else self._lines
            lines.say((certificate, refusal.kind), f"{host}: {refusal.why}")
            await _answer(send, 412 if path == ACTIVATE else 401, {"code": NOT_ACTIVATED, "detail": refusal.why})
            return
        if wait_s := self._counts.wait_s((identity, host)):
            detail = f"more than {self._counts.most} requests in a minute; the next are passed on in {wait_s} s"
            status = 503  # which is tried again
        else:
            try:
                await self._pass_on(path, headers, str(identity), receive, send)
                return
            except TooLarge:
                status, detail = 413, f"a request of more than {MOST_BYTES} bytes"
        self._lines.say((host, status, identity), f"{host} with the key {fingerprint(str(identity))} sends {detail}")
        await _answer(send, status, {"detail": detail})

    async def _pass_on(
        self, path: str, headers: dict[bytes, bytes], identity: str, receive: _Receive, send: _Send
    ) -> None:
        import httpx

        if int(headers.get(b"content-length", b"0")) > MOST_BYTES:  # a number: the server has read it already
            raise TooLarge
        kept = [(key, value) for key, value in headers.items() if key.decode("latin-1") not in _HOP]
        request = self._link.build_request("POST", path, headers=kept, content=within(_body(receive)))
        try:
            reply = await self._link.send(request, stream=True)
        except httpx.TransportError:
            self._alarms.say("SuperLink", "the SuperLink does not answer; is it running?")
            await _answer(send, 503, {"detail": "the SuperLink behind this door is not running; it is tried again"})
            return
        try:
            if path == ACTIVATE and reply.status_code == 412:
                await reply.aread()
                await _answer(send, 412, {"code": NOT_ACTIVATED, "detail": self._why_not_activated()})
                return
            left_out = _HOP | _OURS
            passed = [(key, value) for key, value in reply.headers.raw if key.decode("latin-1").lower() not in left_out]
            if path in _SETTLING and reply.status_code == 200:
                self._handed_out.forget(identity)
            if path == _PULL and reply.status_code == 200:  # so the sender holds the key
                found = HandedOutAnswer(tuple(passed), b"".join([part async for part in reply.aiter_raw()]))
                await _send_whole(send, self._handed_out.unconfirmed(identity, found))
                return
            await send({"type": "http.response.start", "status": reply.status_code, "headers": passed})
            async for part in reply.aiter_raw():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await reply.aclose()

    def _why_not_activated(self) -> str:
        name = self._coordinator.settings.federation
        return (
            f"this site is accepted in '{name}', but cannot begin, for one of two causes: its service was killed less"
            " than 60 s ago and still counts as online (it is let in after a minute; if not, is it running twice?), or"
            f" the SuperLink was not told of it (the coordinator runs: shiftscope federation register {name})"
        )


async def _body(receive: _Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


async def _send_whole(send: _Send, answer: HandedOutAnswer) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": list(answer.headers)})
    await send({"type": "http.response.body", "body": answer.content})


async def _answer(send: _Send, status: int, value: dict[str, Any]) -> None:
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
