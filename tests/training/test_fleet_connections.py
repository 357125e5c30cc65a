"""A site's connection to a coordinator that may send anything: it is lost and tried again, and ends nothing."""

import base64
import io
import json
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from flwr.app import Message, RecordDict
from flwr.common.serde import message_to_proto
from flwr.proto.fleet_pb2 import PullMessagesResponse, PushMessagesResponse
from flwr.proto.message_pb2 import ConfirmMessageReceivedResponse, PullObjectResponse
from flwr.proto.node_pb2 import Node
from flwr.supercore.inflatable.inflatable_object import get_object_tree

from shiftscope.disclosure.releases.released_messages import Withheld
from shiftscope.training.federation.flower.deployed import site_services
from shiftscope.training.federation.flower.deployed.fleet_connections import FleetConnection, Lost
from shiftscope.training.federation.flower.deployed.guarded_clients import MOST_BYTES, guard
from shiftscope.training.federation.flower.deployed.ordered_apps import order_in
from shiftscope.training.federation.flower.inline import task_identity

ORDER = b'{"an": "order"}'


def app_of(settings: bytes, name: str = "pyproject.toml") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, settings)
    return file.getvalue()


def settings_of(order: str) -> bytes:
    return f"[tool.flwr.app.config]\norder = {json.dumps(order)}\n".encode()


def test_the_order_is_found_in_the_settings_of_an_app() -> None:
    assert order_in(app_of(settings_of(base64.b64encode(ORDER).decode()))) == ORDER


@pytest.mark.parametrize(
    "app",
    [
        b"",
        b"PK\x03\x04 no archive",
        app_of(b"", "other.toml"),
        app_of(b"tool = 7"),
        app_of(b"\xff\xfe"),
        app_of(b"[tool.flwr.app.config]\norder = 7.5\n"),
        app_of(settings_of("not in base64")),
        app_of(b"a" + b".a" * 100_000 + b" = 1"),
        app_of(b"a = " + b"[" * 100_000),
        app_of(b"[tool.flwr.app]\nconfig = 'order'\n"),
        app_of(b"# " + b"x" * 100_000_000),
        app_of(settings_of("")).replace(b"\x08\x00", b"\x63\x00"),  # packed by a method that there is not
    ],
    ids=lambda app: f"{len(app)}",
)
def test_an_app_that_is_none_holds_no_order(app: bytes) -> None:
    assert order_in(app) == b""


def test_no_more_is_unpacked_than_an_order_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten kilobytes can say that they are ten gigabytes."""
    asked: list[int] = []
    read = zipfile.ZipExtFile.read
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda file, size=-1: asked.append(size) or read(file, size))
    assert order_in(app_of(b" " * 50_000_000)) == b""
    assert len(asked) == 1
    assert 0 < asked[0] < 10_000_000


@dataclass
class Coordinator:
    """In the place of Flower's client: says what it is told to say."""

    says: dict[str, Callable[[], Any]]
    heard: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        def answer(_request: Any) -> Any:
            self.heard.append(name)
            return self.says[name]()

        return answer


SITE = SimpleNamespace(address="127.0.0.1:19400", membership=SimpleNamespace(federation="lung"))


class Waits(threading.Event):
    """Remembers how long somebody would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0.0)
        return self.is_set()


def connection(**says: Callable[[], Any]) -> FleetConnection:
    return FleetConnection(SITE, Coordinator(says), Node(node_id=5), Waits())  # type: ignore[arg-type]


def waits_of(made: FleetConnection) -> list[float]:
    assert isinstance(made.ended, Waits)
    return made.ended.seconds


def raising(problem: Exception) -> Callable[[], Any]:
    def answer() -> Any:
        raise problem

    return answer


def a_message(question: str = "query.describe") -> Message:
    with task_identity():
        return Message(RecordDict(), dst_node_id=5, message_type=question)


def stored(content: bytes) -> dict[str, Callable[[], Any]]:
    return {
        "PullObject": lambda: PullObjectResponse(object_found=True, object_available=True, object_content=content),
        "ConfirmMessageReceived": ConfirmMessageReceivedResponse,
    }


def pulled(message: Message) -> PullMessagesResponse:
    tree = get_object_tree(message)
    del tree.children[:]
    return PullMessagesResponse(messages_list=[message_to_proto(message)], message_object_trees=[tree])


@pytest.mark.parametrize(
    ("says", "found"),
    [
        ({"PullMessages": raising(TypeError("odd"))}, "TypeError: odd"),
        ({"PullMessages": raising(RecursionError("deep"))}, "RecursionError"),
        ({"PullMessages": lambda: PullMessagesResponse(messages_list=[message_to_proto(a_message())])}, "IndexError"),
        ({"PullMessages": lambda: pulled(a_message()), "PullObject": PullObjectResponse}, "ObjectPullError"),
        ({"PullMessages": lambda: pulled(a_message()), **stored(b"odd")}, "ValueError"),
        ({"PullMessages": lambda: pulled(a_message()), **stored(b"Odd  0\0")}, "KeyError"),
        ({"PullMessages": lambda: pulled(a_message()), **stored(RecordDict().deflate())}, "TypeError"),
    ],
)
def test_whatever_is_sent_the_connection_is_lost_and_nothing_else(
    says: dict[str, Callable[[], Any]], found: str
) -> None:
    with pytest.raises(Lost, match=found):
        connection(**says).receive()


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"detail": ' + "[" * 800 + "]" * 800 + "}", '{"detail": {}}', "[1]", "", "\x1b[2J"]
)
def test_a_refusal_of_any_form_is_one_line(text: str) -> None:
    response = httpx.Response(400, text=text, request=httpx.Request("POST", "https://fl.example.org"))
    refused = httpx.HTTPStatusError("400", request=response.request, response=response)
    with pytest.raises(Lost) as caught:
        connection(PullMessages=raising(refused)).receive()
    assert str(caught.value).isprintable()
    assert 0 < len(str(caught.value)) < 5000


def test_a_question_that_cannot_be_answered_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def answer(*_asked: Any) -> Withheld:
        raise MemoryError("p017")

    caplog.set_level("INFO")
    with pytest.raises(Lost, match="MemoryError") as caught:
        site_services._reply(a_message("train." + "a" * 100_000), ORDER, answer)
    assert "p017" not in str(caught.value)
    assert 0 < len(caplog.text) < 500


def refused(status: int) -> httpx.HTTPStatusError:
    response = httpx.Response(status, text="said", request=httpx.Request("POST", "https://fl.example.org"))
    return httpx.HTTPStatusError(str(status), request=response.request, response=response)


def after(problems: list[Exception], answer: Callable[[], Any]) -> Callable[[], Any]:
    left = iter(problems)

    def tried() -> Any:
        if (problem := next(left, None)) is not None:
            raise problem
        return answer()

    return tried


@pytest.mark.parametrize(
    ("problems", "waits"),
    [([], []), ([httpx.ConnectError("away"), refused(503), httpx.ReadTimeout("slow")], [1.0, 2.0, 4.0])],
)
def test_what_nobody_heard_is_asked_again(problems: list[Exception], waits: list[float]) -> None:
    """A round's question and its answer survive a moment in which the network is away."""
    made = connection(PullMessages=after(problems, PullMessagesResponse))
    assert made.receive() is None
    assert waits_of(made) == waits
    with task_identity():
        reply = Message(RecordDict(), reply_to=a_message())
    sending = connection(PushMessages=after(problems, PushMessagesResponse))
    sending.send(reply, 1.0)
    assert sending.client.heard == ["PushMessages"] * (1 + len(problems))  # type: ignore[attr-defined]
    assert waits_of(sending) == waits


def test_a_message_whose_parts_are_pulled_again_is_whole() -> None:
    """It was handed out once, and the engine hands none out twice."""
    message, content = a_message(), stored(RecordDict().deflate())
    left = after([httpx.ReadTimeout("slow")], content["PullObject"])
    made = connection(PullMessages=lambda: pulled(message), **{**content, "PullObject": left})
    with pytest.raises(Lost, match="TypeError"):  # what is stored there is no message, and it was read
        made.receive()
    assert waits_of(made) == [1.0]


@pytest.mark.parametrize("problem", [refused(403), ValueError("odd")])
def test_what_was_heard_and_refused_is_not_asked_again(problem: Exception) -> None:
    made = connection(PullMessages=raising(problem))
    with pytest.raises(Lost):
        made.receive()
    assert waits_of(made) == []


def test_after_two_minutes_the_connection_is_lost() -> None:
    made = connection(PullMessages=raising(httpx.ConnectError("no route")))
    with pytest.raises(Lost, match="is not reached: no route"):
        made.receive()
    assert sum(waits_of(made)) == 120.0


def test_a_connection_that_is_given_up_asks_nothing_again() -> None:
    """Or the service's process would stay for as long as its threads wait."""
    made = connection(PullMessages=raising(httpx.ConnectError("no route")))
    made.ended.set()
    with pytest.raises(Lost, match="no route"):
        made.receive()
    assert waits_of(made) == [1.0]


def test_an_answer_that_cannot_be_sent_keeps_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    with task_identity():
        reply = Message(RecordDict(), reply_to=a_message())
    site_services._send(connection(PushMessages=raising(refused(404))), reply, 1.0)
    assert "an answer could not be sent: said" in caplog.text


def client_of(answer: httpx.Response) -> httpx.Client:
    client = httpx.Client(transport=httpx.MockTransport(lambda _request: answer), follow_redirects=True)
    guard(client)
    return client


def test_no_redirection_leads_elsewhere() -> None:
    found = client_of(httpx.Response(307, headers={"location": "http://10.0.0.1/admin"})).get("https://fl.example.org")
    assert found.status_code == 307
    assert found.history == []


@pytest.mark.parametrize(
    ("headers", "parts", "says"),
    [
        ({"content-encoding": "gzip"}, 1, "compressed"),
        ({}, MOST_BYTES // 2**20 + 1, "more than"),
    ],
)
def test_an_answer_without_end_is_not_read_to_it(headers: dict[str, str], parts: int, says: str) -> None:
    content = (bytes(2**20) for _ in range(parts))
    with pytest.raises(ValueError, match=says):
        client_of(httpx.Response(200, headers=headers, content=content)).get("https://fl.example.org")


def test_an_answer_of_any_other_size_is_read() -> None:
    assert client_of(httpx.Response(200, content=b"as it is")).get("https://fl.example.org").content == b"as it is"
