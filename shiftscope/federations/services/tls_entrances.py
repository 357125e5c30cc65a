"""What stands before HTTP at each connection of the door: TLS, of which it is known with whom and why it fails.

Servers of HTTP do TLS too, and then neither hand the other end's certificate on nor say whom they refused.
"""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial

from shiftscope.federations.services.mutual_tls import one_connection
from shiftscope.federations.services.request_limits import OpenConnections

__all__ = ["TlsEntrance"]


class TlsEntrance(asyncio.Protocol):
    """A connection until its handshake is done.

    Args:
        context: the door's.
        enter: the other end's certificate (DER) and address -> what goes on with the connection; None where that may
            have no more connections.
        refused: told of a handshake that fails: address of the other end, and why.
        crowded: told of an address that has begun too many handshakes at once.
        handshakes: by address, of all connections of the door.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        enter: Callable[[bytes, str], asyncio.Protocol | None],
        refused: Callable[[str, ssl.SSLError], None],
        crowded: Callable[[str], None],
        handshakes: OpenConnections,
    ) -> None:
        self._context, self._enter = context, enter
        self._refused, self._crowded, self._handshakes = refused, crowded, handshakes
        self._early: list[bytes] = []
        self._lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # of TCP, which reads
        """Begin the handshake; nothing is read before it does."""
        transport.pause_reading()
        self._opening = asyncio.get_running_loop().create_task(self._open(transport))

    def data_received(self, data: bytes) -> None:
        """What comes with the end of the handshake, before anybody is there to take it."""
        self._early.append(data)

    def connection_lost(self, _: Exception | None) -> None:
        """The other end has gone; where it was refused, `refused` knows already."""
        self._lost = True

    async def _open(self, transport: asyncio.Transport) -> None:
        host = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._handshakes.begin(host):
            self._crowded(host)
            transport.abort()
            return
        context = one_connection(self._context, partial(self._refused, host))
        try:
            secured = await asyncio.get_running_loop().start_tls(transport, self, context, server_side=True)
        except OSError:
            return
        finally:
            self._handshakes.end(host)
        if secured is None or self._lost:
            return
        entered = self._enter(secured.get_extra_info("ssl_object").getpeercert(binary_form=True), host)
        if entered is None:
            secured.abort()
            return
        secured.set_protocol(entered)
        entered.connection_made(secured)
        for data in self._early:
            entered.data_received(data)
