"""A site's connection to its federation: what Flower's SuperNode says to a SuperLink, without what it runs.

Flower's SuperNode unpacks the app that comes with a message, imports it and runs it, in a process for every message,
and listens on a port for those processes. This connection opens nothing and runs nothing that was sent: of the app it
takes one setting, the signed order. It speaks Flower's Fleet protocol by Flower's own client, in TLS in which the site
shows its certificate; the deployment's test says so when an upgrade changes it.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from flwr.app import Message
from flwr.app.message import remove_content_from_message
from flwr.common.serde import message_from_proto, message_to_proto
from flwr.proto.fab_pb2 import GetFabRequest
from flwr.proto.fleet_pb2 import ActivateNodeRequest, DeactivateNodeRequest, PullMessagesRequest, PushMessagesRequest
from flwr.proto.heartbeat_pb2 import SendNodeHeartbeatRequest
from flwr.proto.node_pb2 import Node
from flwr.proto.run_pb2 import GetRunRequest
from flwr.supercore.inflatable.inflatable_object import (
    get_all_nested_objects,
    get_object_tree,
    no_object_id_recompute,
)
from flwr.supercore.inflatable.inflatable_protobuf_utils import (
    make_confirm_message_received_fn_protobuf,
    make_pull_object_fn_protobuf,
    make_push_object_fn_protobuf,
)
from flwr.supercore.inflatable.inflatable_utils import pull_and_inflate_object_from_tree, push_objects
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.supercore.task_identity import TaskIdentity
from flwr.supernode.fleet_http_client import FleetHttpClient
from flwr.supernode.node_auth_http_interceptor import NodeAuthHttpInterceptor

from shiftscope.federations.services.mutual_tls import site_context
from shiftscope.federations.services.tls_failures import tls_failure
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.printable_text import on_one_line
from shiftscope.training.federation.flower.deployed.guarded_clients import guard
from shiftscope.training.federation.flower.deployed.ordered_apps import order_in

__all__ = ["FleetConnection", "Lost", "connected"]

_LOGGER = logging.getLogger(__name__)

Request = TypeVar("Request")
Answer = TypeVar("Answer")

_BEAT_S = 6.0
_INTERVAL_S = 15.0
"""What the SuperLink is told: a site from which nothing is heard for twice as long counts as offline."""

_AGAIN_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Before something is asked again that nobody heard: two minutes in all."""

_GOODBYE_S = 5.0
"""For the SuperLink to hear that the site leaves."""

_SHOWN = 600

_PASSING = (502, 503, 504)
"""What the door says while the SuperLink is away or too much is asked, and machines on the way while they are."""


class Lost(Exception):
    """The coordinator is not reached, or does not let the site in, for now; it is tried again."""


class _Unreached(Lost):
    """Nobody heard what was asked: the same may be asked again in a moment."""


@dataclass(slots=True)
class FleetConnection:
    """Messages of one site, while it is online.

    What nobody heard is asked again for two minutes: a site that gave itself up for lost would fail in its round, and
    hours of an answer with it. Whatever is asked may be asked twice; a reply that is sent twice is still one.

    Attributes:
        site: whose they are.
        client: Flower's.
        node: the site's number at the SuperLink.
        ended: set when the connection is given up: then nothing is asked again.
    """

    site: JoinedSite
    client: FleetHttpClient
    node: Node
    ended: threading.Event = field(default_factory=threading.Event)
    _orders: dict[int, bytes] = field(default_factory=dict)

    def receive(self) -> Message | None:
        """The next message, whole; None where there is none.

        Raises:
            Lost: the coordinator is not reached, or no longer lets the site in.
        """
        with self._asking():
            found = self._heard(self.client.PullMessages)(PullMessagesRequest(node=self.node))
            if not found.messages_list:
                return None
            head, tree = message_from_proto(found.messages_list[0]), found.message_object_trees[0]
            run = head.metadata.run_id
            message = pull_and_inflate_object_from_tree(
                tree,
                make_pull_object_fn_protobuf(self._heard(self.client.PullObject), self.node, run),
                make_confirm_message_received_fn_protobuf(
                    self._heard(self.client.ConfirmMessageReceived), self.node, run
                ),
                return_type=Message,
            )
            message.metadata.__dict__["_message_id"] = tree.object_id
            return message

    def order_of(self, message: Message) -> bytes:
        """The signed order that came with the message's app; empty where there is none.

        Raises:
            Lost: as `receive`.
        """
        run = message.metadata.run_id
        if run not in self._orders:
            with self._asking():
                known = self._heard(self.client.GetRun)(GetRunRequest(node=self.node, run_id=run)).run
                request = GetFabRequest(node=self.node, hash_str=known.fab_hash, run_id=run)
                self._orders = {run: order_in(self._heard(self.client.GetFab)(request).fab.content)}
        return self._orders[run]

    def send(self, reply: Message, seconds: float) -> None:
        """Send a reply that took so many seconds.

        Raises:
            Lost: as `receive`.
        """
        with self._asking():
            reply.metadata.__dict__["_message_id"] = reply.object_id
            run, head = reply.metadata.run_id, message_to_proto(remove_content_from_message(reply))
        with no_object_id_recompute(), self._asking():
            asked = self._heard(self.client.PushMessages)(
                PushMessagesRequest(
                    node=self.node,
                    messages_list=[head],
                    message_object_trees=[get_object_tree(reply)],
                    clientapp_runtime_list=[seconds],
                )
            )
            push = make_push_object_fn_protobuf(self._heard(self.client.PushObject), self.node, run, asked.session_id)
            push_objects(get_all_nested_objects(reply), push, object_ids_to_push=set(asked.objects_to_push))

    def take_identity(self, message: Message) -> None:
        """Flower numbers replies by the process's task; here one message is one."""
        TaskIdentity.task_id, TaskIdentity.run_id = 1, message.metadata.run_id
        TaskIdentity.node_id = self.node.node_id

    def beat(self) -> None:
        """Say every few seconds that the site is there, until the connection ends."""
        while not self.ended.wait(_BEAT_S):
            with suppress(Lost), self._asking():
                self.client.SendNodeHeartbeat(SendNodeHeartbeatRequest(node=self.node, heartbeat_interval=_INTERVAL_S))

    def _heard(self, ask: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
        """The same, asked again after growing pauses for as long as nobody hears it."""

        def asked(request: Request) -> Answer:
            for pause in _AGAIN_S:
                try:
                    with self._asking():
                        return ask(request)
                except _Unreached as problem:
                    _LOGGER.warning("%s; asking again in %.0f s", problem, pause)
                    if self.ended.wait(pause):
                        raise
            with self._asking():
                return ask(request)

        return asked

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except Lost:
            raise
        except httpx.HTTPStatusError as problem:
            passing = problem.response.status_code in _PASSING
            raise (_Unreached if passing else Lost)(_said(problem.response)) from None
        except httpx.TransportError as problem:
            raise _Unreached(_why_not_reached(self.site, problem)) from None
        except Exception as problem:  # noqa: BLE001 - whatever a coordinator sends, the service goes on
            raise Lost(f"{type(problem).__name__}: {_line(str(problem))}") from None


@contextmanager
def connected(site: JoinedSite) -> Iterator[FleetConnection]:
    """The site online, for as long as the block lasts.

    Raises:
        Lost: the coordinator is not reached, or does not take the site in for now; its reason is named.
        FederationError: the site's certificate and its key do not belong together.
    """
    key = site.node_key()
    client = FleetHttpClient(
        f"https://{site.address}",
        interceptors=[
            RuntimeVersionHttpInterceptor(component_name="SuperNode"),
            NodeAuthHttpInterceptor(key, key.public_key()),
        ],
        verify=site_context(site),
    )
    guard(client._client)  # Flower gives no other way to it
    try:
        node = _activated(client, key.public_key(), site)
        connection = FleetConnection(site, client, node)
        beating = threading.Thread(target=connection.beat, daemon=True)
        beating.start()
        try:
            yield connection
        finally:
            connection.ended.set()
            client._client.timeout = _GOODBYE_S
            with suppress(Exception):
                client.DeactivateNode(DeactivateNodeRequest(node_id=node.node_id))
    finally:
        client.close()


def _activated(client: FleetHttpClient, key: ec.EllipticCurvePublicKey, site: JoinedSite) -> Node:
    request = ActivateNodeRequest(public_key=public_key_to_bytes(key), heartbeat_interval=_INTERVAL_S)
    try:
        return Node(node_id=client.ActivateNode(request).node_id)
    except httpx.HTTPStatusError as problem:
        raise Lost(_said(problem.response)) from None
    except Exception as problem:  # noqa: BLE001 - as above
        raise Lost(_why_not_reached(site, problem)) from None


def _why_not_reached(site: JoinedSite, problem: Exception) -> str:
    if failure := tls_failure(site, problem):
        return str(failure)
    name, said = site.membership.federation, _line(str(problem)) or type(problem).__name__
    return f"{site.address} is not reached: {said}; what keeps it from that says: shiftscope federation doctor {name}"


def _said(response: httpx.Response) -> str:
    """What the door or Flower says of a refusal, on one line."""
    found: object = None
    with suppress(ValueError, RecursionError):
        found = response.json()
    said = [found.get("detail"), found.get("message")] if isinstance(found, dict) else [response.text]
    text = next((each for each in said if each and isinstance(each, str)), "")
    return _line(text) or f"HTTP {response.status_code}"


def _line(text: str) -> str:
    return on_one_line(text[:_SHOWN])
