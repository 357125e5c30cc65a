"""Connections that ask for nothing, or never end: they take the door from nobody."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from enrolled_sites import Enrolled, enrolled, site_of
from opened_doors import opened
from spoilt_certificates import NOW

from shiftscope.federations.enrolments import admit, expel
from shiftscope.federations.federation_names import Address
from shiftscope.federations.services import doors
from shiftscope.federations.services.mutual_tls import site_context
from shiftscope.federations.services.request_limits import MOST_CONNECTIONS, OpenConnections
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.training.federation.flower.deployed.fleet_connections import Lost, connected
from shiftscope.training.federation.flower.processes import free_port


@pytest.fixture
def made(tmp_path: Path) -> Enrolled:
    return enrolled(tmp_path, now=NOW, address=Address("127.0.0.1", free_port()))


@pytest.fixture
def removed(made: Enrolled, tmp_path: Path) -> JoinedSite:
    """A site that still has its certificate."""
    asking = site_of(made.coordinator, tmp_path / "colne", "colne", now=NOW)
    _, admission = admit(made.coordinator, asking.request(NOW), "colne", NOW)
    site = asking.complete(admission, "colne")
    expel(made.coordinator, "colne", NOW)
    return site


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def held_by(site: JoinedSite, held: ExitStack) -> socket.socket:
    """A connection in TLS on which nothing is asked."""
    plain = socket.create_connection((site.address.host, site.address.port), timeout=20)
    held.callback(plain.close)
    secured = site_context(site).wrap_socket(plain, server_hostname=site.address.host)
    held.callback(secured.close)
    return secured


def is_closed(link: socket.socket) -> bool:
    try:
        return link.recv(1) == b""
    except OSError:
        return True


def test_one_certificate_holds_no_more_than_its_share(
    made: Enrolled, removed: JoinedSite, held: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(made.coordinator):
        links = [held_by(removed, held) for _ in range(MOST_CONNECTIONS + 1)]
        assert is_closed(links[-1])
        assert "refused: 127.0.0.1 has 64 connections or handshakes under way already" in caplog.messages
        with pytest.raises(Lost, match="SuperLink behind this door is not running"), connected(made.site):
            pass
        links[0].close()
        links[0] = held_by(removed, held)
        links[0].settimeout(0.5)
        with pytest.raises(TimeoutError):
            links[0].recv(1)


def test_a_connection_that_asks_for_nothing_is_closed(
    made: Enrolled, held: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "_FIRST_REQUEST_S", 0.5)
    with opened(made.coordinator):
        silent, slow = (held_by(made.site, held) for _ in range(2))
        slow.sendall(b"POST /v1/fleet/pull-messages HTTP/1.1\r\nhost: door\r\n")
        since = time.monotonic()
        assert is_closed(silent)
        assert is_closed(slow)
        assert time.monotonic() - since < 10


def pour(link: socket.socket) -> None:
    """A header that never ends, 64 MB of it."""
    link.sendall(b"POST /v1/fleet/pull-messages HTTP/1.1\r\nhost: door\r\nx: ")
    for _ in range(1000):
        link.sendall(b"x" * 65_536)
        time.sleep(0.001)


def test_headers_without_end_are_not_kept(made: Enrolled, held: ExitStack) -> None:
    with opened(made.coordinator):
        link = held_by(made.site, held)
        with pytest.raises(OSError, match=r"reset|pipe|EOF|closed|violation"):
            pour(link)


def test_who_begins_many_handshakes_begins_no_more(
    made: Enrolled, held: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    address = (made.site.address.host, made.site.address.port)
    with opened(made.coordinator):
        links = [socket.create_connection(address, timeout=20) for _ in range(MOST_CONNECTIONS + 1)]
        for link in links:
            held.callback(link.close)
        assert is_closed(links[-1])
        assert "refused: 127.0.0.1 has 64 connections or handshakes under way already" in caplog.messages
        for link in links:
            link.close()
        with pytest.raises(Lost, match="SuperLink behind this door is not running"), connected(made.site):
            pass


def test_what_is_closed_is_no_longer_counted() -> None:
    counts = OpenConnections(2)
    assert [counts.begin("a") for _ in range(3)] == [True, True, False]
    assert counts.begin("b")
    counts.end("a")
    assert [counts.begin("a") for _ in range(2)] == [True, False]
