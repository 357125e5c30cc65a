"""A site's service: it keeps the connection to the coordinator, and answers one message after the other."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from flwr.app import Message

from shiftscope.disclosure.releases.released_messages import Release, Withheld
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.training.federation.flower.deployed.fleet_connections import FleetConnection, Lost, connected
from shiftscope.training.federation.flower.interruptions import interruptible
from shiftscope.training.federation.flower.messages import pack, refuse, unpack
from shiftscope.training.federation.payloads import Payload

__all__ = ["AnswerOrder", "serve_site"]

_LOGGER = logging.getLogger(__name__)

AnswerOrder = Callable[[str, str, bytes, Callable[[], Payload]], Release | Withheld]
"""Question, run of the engine, signed order, the content of the message -> what leaves."""

_QUICK_S, _SLOW_S, _BUSY_S = 0.3, 3.0, 120.0
"""How often it is asked for messages: within so long of the last one, and later."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 60.0

_SHOWN = 60
"""Characters of a question's name, in which Flower allows any letters, and any number of them."""


def serve_site(site: JoinedSite, answer: AnswerOrder) -> None:
    """Stay online and answer, until Ctrl-C or SIGTERM; where the coordinator is not reached, it is tried again.

    Args:
        answer: what leaves, whatever is asked; it raises nothing.

    Raises:
        FederationError: the site's certificate and its key do not belong together.
    """
    pause = _FIRST_PAUSE_S
    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            stack.enter_context(interruptible())
        try:
            while True:
                try:
                    with connected(site) as connection:
                        _LOGGER.info("online as '%s' at %s", site.membership.site, site.address)
                        pause = _FIRST_PAUSE_S
                        _serve(connection, answer)
                except Lost as problem:
                    _LOGGER.warning("%s; trying again in %.0f s", problem, pause)
                    time.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE_S)
        except KeyboardInterrupt:
            _LOGGER.info("site '%s' ends", site.membership.site)


def _serve(connection: FleetConnection, answer: AnswerOrder) -> None:
    """Until the connection is lost."""
    last = time.monotonic()
    while True:
        message = connection.receive()
        if message is None:
            time.sleep(_QUICK_S if time.monotonic() - last < _BUSY_S else _SLOW_S)
            continue
        since = time.monotonic()
        connection.take_identity(message)
        reply = _reply(message, connection.order_of(message), answer)
        last = time.monotonic()
        _send(connection, reply, last - since)


def _reply(message: Message, order: bytes, answer: AnswerOrder) -> Message:
    question, run = str(message.metadata.message_type), str(message.metadata.run_id)
    _LOGGER.info("%s is asked", question[:_SHOWN])
    try:
        found = answer(question, run, order, lambda: unpack(message.content))
        if isinstance(found, Withheld):
            return refuse(message, found.reason)
        return Message(pack(Payload(dict(found.tensors), found.statistics, found.facts)), reply_to=message)
    except Exception as problem:  # noqa: BLE001 - no message, however it is made, ends the service
        raise Lost(f"a message could not be answered ({type(problem).__name__})") from None


def _send(connection: FleetConnection, reply: Message, seconds: float) -> None:
    """An answer that nobody waits for any more, because the run was stopped, is no reason to give up the connection."""
    try:
        connection.send(reply, seconds)
    except Lost as problem:
        _LOGGER.warning("an answer could not be sent: %s", problem)
