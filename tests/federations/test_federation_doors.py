"""The door: who comes in, what passes, and what is said to those who do not."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from enrolled_sites import NOW, Enrolled, coordinator_at, enrolled, site_of

from shiftscope.federations.doctor.admission_checks import _signed
from shiftscope.federations.enrolment_documents.node_keys import node_identity
from shiftscope.federations.enrolment_documents.signed_documents import bytes_of
from shiftscope.federations.enrolments import admit, expel
from shiftscope.federations.federation_keys import fingerprint, new_elliptic_key
from shiftscope.federations.services.admitted_sites import AdmittedSites, shown_identity
from shiftscope.federations.services.doors import ACTIVATE, CERTIFICATE, KEY_HEADER, Door
from shiftscope.federations.services.request_limits import MOST_BYTES, MOST_REQUESTS, RequestCounts

PULL = "/v1/fleet/pull-messages"


@dataclass
class Link:
    """A SuperLink that answers what it is told to, and remembers what it was asked."""

    status: int = 200
    content: bytes = b"answered"
    down: bool = False
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.path, dict(request.headers), await request.aread()))
        if self.down:
            raise httpx.ConnectError("refused")
        headers = {"x-flower": "yes", "date": "Mon, 30 Nov 2026 09:00:00 GMT", "connection": "keep-alive"}

        async def parts() -> AsyncIterator[bytes]:
            yield self.content[:3]
            yield self.content[3:]

        return httpx.Response(self.status, content=parts(), headers=headers)


def door_before(link: Link, made: Enrolled) -> Door:
    door = Door(made.coordinator)
    door._link = httpx.AsyncClient(base_url="https://127.0.0.1:19401", transport=httpx.MockTransport(link))
    return door


def ask(
    door: Door,
    path: str,
    *keys: ec.EllipticCurvePublicKey,
    method: str = "POST",
    parts: tuple[bytes, ...] = (),
    host: str = "192.0.2.1",
    length: int | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """One request, as a server of ASGI hands it over, with the certificate of the last key's site where it is one."""
    headers = [(b"host", b"fl.example.org"), (b"x-one", b"1"), (b"connection", b"close"), (b"x-odd", b"\xff")]
    if length is not None:
        headers.append((b"content-length", b"%d" % length))
    for key in keys:
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        headers.append((KEY_HEADER.encode(), b64encode(pem)))
    waiting = list(parts or (b"",))
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b"a=1"}
    scope["client"] = (host, 40000)
    identities = [node_identity(key) for key in keys]
    known = [bytes_of(site.certificate) for site in door._coordinator.members() if site.identity in identities[-1:]]
    scope["state"] = {CERTIFICATE: known[0] if known else b""}
    asyncio.run(door(scope, receive, send))
    start, *bodies = sent
    named = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return start["status"], named, b"".join(message["body"] for message in bodies)


@pytest.fixture
def made(tmp_path: Path) -> Enrolled:
    return enrolled(tmp_path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PULL),
        ("PUT", PULL),
        ("POST", "/"),
        ("POST", "/docs"),
        ("POST", "/v1/fleet/"),
        ("POST", "/v1/fleet/register-node"),
        ("POST", "/v1/fleet/unregister-node"),
        ("POST", "/v1/control/start-run"),
        ("POST", "/v1/control/register-node"),
        ("POST", "/v1/control/stream-logs"),
        ("POST", "/v1/runtime/acquire-task"),
        ("POST", "/v1/fleet/../control/start-run"),
        ("POST", "/v1/fleet/pull-messages/../../control/start-run"),
        ("POST", "/v1/fleet//pull-messages"),
        ("POST", "//v1/fleet/pull-messages"),
        ("POST", "/v1/fleet/pull-messages/"),
        ("POST", "/V1/fleet/pull-messages"),
        ("POST", "/v1/fleet/pull-messages?x"),
        ("POST", "/v1/fleet/pull-messages\n"),
    ],
)
def test_nothing_but_what_a_supernode_asks_passes_whoever_asks(made: Enrolled, method: str, path: str) -> None:
    link = Link()
    status, _, body = ask(door_before(link, made), path, made.site.node_key().public_key(), method=method)
    assert (status, json.loads(body)) == (404, {"detail": "not here"})
    assert link.asked == []


@pytest.mark.parametrize("settled", ["confirm-message-received", "activate-node", "deactivate-node"])
def test_a_question_that_was_lost_is_given_again_until_the_site_has_it(
    made: Enrolled, settled: str, tmp_path: Path
) -> None:
    """The SuperLink hands it out once; whoever asks for another site's gets nothing of it."""
    link = Link(content=b"a question")
    door, key = door_before(link, made), made.site.node_key().public_key()
    first = ask(door, PULL, key, parts=(b"asking",))
    link.content = b""
    assert ask(door, PULL, key, parts=(b"asking",))[2] == first[2] == b"a question"
    link.status = 401
    assert ask(door, PULL, key)[0] == 401, "who does not hold the key is given nothing"
    ask(door, f"/v1/fleet/{settled}", key)
    link.status = 200
    assert ask(door, PULL, key)[2] == b"a question", "nor makes the door forget"
    other = site_of(made.coordinator, tmp_path / "other", "bexley")
    admit(made.coordinator, other.request(NOW), "bexley", NOW)
    link.content = b"another question"
    assert ask(door, PULL, other.node_key().public_key())[2] == b"another question"
    link.content = b""
    ask(door, f"/v1/fleet/{settled}", key)
    assert [ask(door, PULL, key)[2] for _ in range(2)] == [b"", b""]


@pytest.mark.parametrize(("status", "content"), [(503, b"away"), (200, b"x" * 1_000_001)])
def test_what_is_no_question_is_not_given_again(made: Enrolled, status: int, content: bytes) -> None:
    link = Link(status=status, content=content)
    door, key = door_before(link, made), made.site.node_key().public_key()
    assert ask(door, PULL, key)[0] == status
    link.status, link.content = 200, b""
    assert ask(door, PULL, key)[2] == b""


def test_an_accepted_site_passes_with_body_and_answer_as_they_are(made: Enrolled) -> None:
    link = Link(content=b"\x00\x01" * 5000)
    key = made.site.node_key().public_key()
    status, headers, body = ask(door_before(link, made), PULL, key, parts=(b"one", b"", b"two"))
    assert (status, body, headers["x-flower"]) == (200, link.content, "yes")
    assert "date" not in headers
    assert "connection" not in headers
    (asked,) = link.asked
    assert (asked[0], asked[2]) == (PULL, b"onetwo")
    assert asked[1]["x-one"] == "1"
    assert asked[1]["host"] != "fl.example.org"


def test_an_answer_of_the_superlink_that_refuses_passes_too(made: Enrolled) -> None:
    link = Link(status=401, content=b"{}")
    status, _, body = ask(door_before(link, made), PULL, made.site.node_key().public_key())
    assert (status, body) == (401, b"{}")


@pytest.mark.parametrize(("path", "status"), [(ACTIVATE, 412), (PULL, 401)])
def test_a_key_that_was_not_accepted_is_refused_in_words_that_flower_shows(
    made: Enrolled, path: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    link, stranger = Link(), new_elliptic_key().public_key()
    door = door_before(link, made)
    for _ in range(3):
        got, _, body = ask(door, path, stranger)
        assert got == status
    said = json.loads(body)
    assert said["code"] == 2004
    assert "was not accepted yet" in said["detail"]
    assert fingerprint(node_identity(stranger)) in said["detail"]
    assert link.asked == []
    assert len([record for record in caplog.records if record.message.startswith("refused:")]) == 1


@pytest.mark.parametrize("header", [b"", b"x", b"\xff\xfe", b64encode(b"-----BEGIN PUBLIC KEY-----")])
def test_no_key_is_refused(made: Enrolled, header: bytes) -> None:
    assert "no SuperNode's key" in str(AdmittedSites(made.coordinator).refusal(shown_identity(header), b""))


def test_a_removed_site_is_refused_at_once_and_a_new_one_let_in_at_once(made: Enrolled, tmp_path: Path) -> None:
    link = Link()
    door = door_before(link, made)
    key = made.site.node_key().public_key()
    assert ask(door, PULL, key)[0] == 200
    expel(made.coordinator, "ashford", NOW)
    status, _, body = ask(door, PULL, key)
    assert (status, json.loads(body)["detail"].split(",")[0]) == (401, "site 'ashford' was removed from 'lung'")
    fresh = made.site.renew_keys()
    admit(made.coordinator, fresh.request(NOW), "a", NOW)
    assert ask(door, PULL, fresh.node_key().public_key())[0] == 200
    assert ask(door, PULL, key)[0] == 401
    other = site_of(made.coordinator, tmp_path / "b", "birchwood")
    assert ask(door, PULL, other.node_key().public_key())[0] == 401
    admit(made.coordinator, other.request(NOW), "b", NOW + timedelta(days=1))
    assert ask(door, PULL, other.node_key().public_key())[0] == 200
    assert len(link.asked) == 3


def test_the_two_causes_of_flowers_code_2004_are_both_named(made: Enrolled) -> None:
    link = Link(status=412, content=b'{"code": 2004, "detail": "Failed to activate SuperNode."}')
    status, _, body = ask(door_before(link, made), ACTIVATE, made.site.node_key().public_key())
    said = json.loads(body)
    assert (status, said["code"]) == (412, 2004)
    assert "less than 60 s ago" in said["detail"]
    assert "shiftscope federation register lung" in said["detail"]


def test_of_two_keys_the_one_that_was_checked_is_passed_on(made: Enrolled) -> None:
    """Who sends two headers could have one checked here and the other believed by the SuperLink."""
    link, stranger = Link(), new_elliptic_key().public_key()
    door, key = door_before(link, made), made.site.node_key().public_key()
    assert ask(door, PULL, key, stranger)[0] == 401
    assert ask(door, PULL, stranger, key)[0] == 200
    ((_, headers, _),) = link.asked
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert headers[KEY_HEADER] == b64encode(pem).decode()


PUSH = "/v1/fleet/push-object"


def test_what_flower_sends_is_far_below_what_may_be_sent() -> None:
    from flwr.common.constant import FLWR_PRIVATE_MAX_ARRAY_CHUNK_SIZE
    from flwr.supercore.constant import FLWR_PRIVATE_MAX_CONCURRENT_OBJ_PUSHES

    assert 10 * FLWR_PRIVATE_MAX_ARRAY_CHUNK_SIZE < MOST_BYTES
    least_s = 60 * FLWR_PRIVATE_MAX_CONCURRENT_OBJ_PUSHES / MOST_REQUESTS
    assert least_s <= 0.004  # of one request, for a SuperNode to be put off


@pytest.mark.parametrize("length", [None, MOST_BYTES, MOST_BYTES + 1])
def test_a_request_that_is_too_large_is_refused_announced_or_not(
    made: Enrolled, length: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    link = Link()
    key, piece = made.site.node_key().public_key(), bytes(MOST_BYTES // 4)
    door = door_before(link, made)
    much = length is None or length > MOST_BYTES
    parts = (piece,) * 4 + ((b"x",) if much else ())
    status, _, body = ask(door, PUSH, key, parts=parts, length=length)
    assert (status, body) == (
        (413, b'{"detail": "a request of more than 67108864 bytes"}') if much else (200, b"answered")
    )
    assert [len(content) for *_, content in link.asked] == ([] if much else [MOST_BYTES])
    said = [record.message for record in caplog.records]
    assert bool(said) is much
    assert all(made.site.fingerprint in text for text in said)
    assert ask(door, PUSH, key)[0] == 200


def test_who_sends_too_often_is_put_off_until_the_minute_is_over_and_nobody_else(
    made: Enrolled, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With 503, which Flower tries again: its SuperNode ends at every other answer that is no success."""
    now, link = 100.0, Link(content=b"")
    door = door_before(link, made)
    door._counts = RequestCounts(3, lambda: now)
    key = made.site.node_key().public_key()
    assert [ask(door, PULL, key)[0] for _ in range(5)] == [200, 200, 200, 503, 503]
    now += 45
    status, _, body = ask(door, PULL, key)
    assert (status, "are passed on in 15 s" in json.loads(body)["detail"]) == (503, True)
    assert [made.site.fingerprint in record.message for record in caplog.records] == [True]
    assert (
        ask(door, PULL, key, host="192.0.2.2")[0] == 200
    )  # a key is no secret; who shows it elsewhere shuts nobody out
    other = site_of(made.coordinator, tmp_path / "b", "birchwood")
    admit(made.coordinator, other.request(NOW), "b", NOW)
    assert ask(door, PULL, other.node_key().public_key())[0] == 200
    now += 15
    assert ask(door, PULL, key)[0] == 200
    assert len(link.asked) == 6


def test_flower_tries_again_what_is_put_off() -> None:
    from flwr.supercore.retry import http_retry

    assert 503 in http_retry._RETRYABLE_STATUS_CODES
    assert 429 not in http_retry._RETRYABLE_STATUS_CODES


@pytest.mark.parametrize("whose", ["its own", "another's"])
def test_flower_compares_the_key_that_begins_with_the_one_that_signs(whose: str) -> None:
    """So the door need not read what is inside a request: its key in the header is the key of it all."""
    from fastapi import HTTPException
    from flwr.proto.fleet_pb2 import ActivateNodeRequest
    from flwr.supercore.primitives.asymmetric import public_key_to_bytes
    from flwr.superlink.routers.fleet.node_auth import authenticate_node

    key = new_elliptic_key()
    body = ActivateNodeRequest(
        public_key=public_key_to_bytes((key if whose == "its own" else new_elliptic_key()).public_key())
    )
    asked: Any = SimpleNamespace(headers=_signed(key, datetime.now(UTC)), state=SimpleNamespace(protobuf_request=body))
    if whose == "its own":
        authenticate_node(asked)
    else:
        with pytest.raises(HTTPException, match="401: Invalid SuperNode authentication"):
            authenticate_node(asked)


def test_a_superlink_that_is_not_running_is_said_so(made: Enrolled) -> None:
    status, _, body = ask(door_before(Link(down=True), made), PULL, made.site.node_key().public_key())
    assert status == 503
    assert "not running" in json.loads(body)["detail"]


def test_a_site_of_another_federation_is_a_stranger(made: Enrolled, tmp_path: Path) -> None:
    other = site_of(coordinator_at(tmp_path / "brain", "brain"), tmp_path / "s")
    assert ask(door_before(Link(), made), PULL, other.node_key().public_key())[0] == 401
