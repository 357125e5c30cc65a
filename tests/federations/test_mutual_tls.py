"""Certificates of both ends: who has none of the federation does not get to speak, and is told why at its own end."""

import shutil
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from enrolled_sites import Enrolled, enrolled, site_of
from fake_doors import answering
from opened_doors import opened
from spoilt_certificates import NOW, Spoil, certify, early, ended, for_a_server, of_another_authority, without_any

import shiftscope.federations.doctor.examinations as examinations
from shiftscope.errors import FederationError
from shiftscope.federations.doctor.connection_checks import connection
from shiftscope.federations.doctor.proxies import https_link
from shiftscope.federations.federation_names import Address
from shiftscope.federations.services.doors import ACTIVATE
from shiftscope.federations.services.mutual_tls import door_context, one_connection, site_context
from shiftscope.federations.services.tls_failures import refusing_alert, tls_failure
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.training.federation.flower.deployed.fleet_connections import Lost, connected
from shiftscope.training.federation.flower.processes import free_port


@dataclass(frozen=True)
class OpenFederation:
    """A federation whose door is open, one site of it, and what was asked at the door."""

    made: Enrolled
    asked: list[str]


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenFederation]:
    made = enrolled(tmp_path_factory.mktemp("open"), now=NOW, address=Address("127.0.0.1", free_port()))
    with opened(made.coordinator) as asked:
        yield OpenFederation(made, asked)


@pytest.fixture
def site(federation: OpenFederation, tmp_path: Path) -> JoinedSite:
    """A copy of the site's folder, to be spoilt."""
    federation.asked.clear()
    folder = tmp_path / "spoilt"
    shutil.copytree(federation.made.site.path, folder)
    return replace(federation.made.site, path=folder)


STRANGERS: list[tuple[Spoil, str, str]] = [
    (without_any, "this site has none yet", "shiftscope federation join ashford.admission.json"),
    (of_another_authority, "another authority than the federation's issued it", "restore site.pem"),
    (ended, "because it has ended", "make the request anew"),
    (early, "as not valid yet", "timedatectl set-ntp true"),
    (for_a_server, "it was not made for a site", "restore site.pem"),
]


@pytest.mark.parametrize(("stranger", "found", "remedy"), STRANGERS)
def test_a_stranger_does_not_get_to_speak_and_is_told_why(
    federation: OpenFederation, site: JoinedSite, tmp_path: Path, stranger, found: str, remedy: str
) -> None:
    """Thrice, because what comes with a refusal depends on which end is quicker."""
    spoilt = stranger(site, federation.made, tmp_path)
    for _ in range(3):
        with pytest.raises(Lost) as said, connected(spoilt):
            pass
        assert found in str(said.value)
        assert remedy in str(said.value)
    *well, last = connection(spoilt, datetime.now(UTC))
    assert {finding.status for finding in well} == {"ok"}
    assert (last.check, last.status) == ("admission", "fail")
    assert found in last.found
    assert remedy in last.remedy
    assert federation.asked == []


def test_a_site_gets_to_speak_and_a_new_certificate_is_shown_at_the_next_connection(
    federation: OpenFederation, site: JoinedSite, tmp_path: Path
) -> None:
    for spoil, says in (
        (None, "the SuperLink behind this door is not running"),
        (ended, "because it has ended"),
        (None, "the SuperLink behind this door is not running"),
    ):
        if spoil is None:
            certify(site, federation.made.coordinator)
        else:
            spoil(site, federation.made, tmp_path)
        with pytest.raises(Lost, match=says), connected(site):
            pass
    assert federation.asked == [ACTIVATE] * 2


def test_who_goes_on_sending_is_told_all_the_same(federation: OpenFederation, tmp_path: Path) -> None:
    """A door that closes at once would have the other end's system throw the alert away."""
    address = federation.made.coordinator.address
    context = site_context(without_any(federation.made.site, federation.made, tmp_path))
    with (
        socket.create_connection((address.host, address.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=address.host) as speaking,
    ):
        for _ in range(200):
            speaking.sendall(bytes(10_000))
        with pytest.raises(ssl.SSLError) as said:
            speaking.recv(1)
    assert refusing_alert(said.value) == "CERTIFICATE_REQUIRED"


@pytest.mark.usefixtures("federation")
def test_nobody_comes_in_by_what_an_earlier_connection_showed(site: JoinedSite) -> None:
    link = https_link(site, None)
    link.request("GET", "/")
    assert link.getresponse().status == 404
    assert isinstance(link.sock, ssl.SSLSocket)
    assert link.sock.session is None or not link.sock.session.has_ticket
    link.close()


def test_an_older_tls_is_refused(federation: OpenFederation, site: JoinedSite) -> None:
    address, context = site.address, site_context(site)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((address.host, address.port), timeout=20) as plain,
        pytest.raises(ssl.SSLError) as said,
    ):
        context.wrap_socket(plain, server_hostname=address.host)
    assert "refuses to speak in TLS (protocol version); this machine's OpenSSL must speak TLS 1.3" in str(
        tls_failure(site, said.value)
    )
    assert federation.asked == []


def test_the_coordinators_doctor_finds_a_door_that_asks_for_certificates_well(federation: OpenFederation) -> None:
    finding = examinations._door(federation.made.coordinator)
    assert (finding.status, "speaks to nobody without a certificate" in finding.found) == ("ok", True)
    assert federation.asked == []


def test_what_asks_nobody_for_a_certificate_is_no_door(tmp_path: Path) -> None:
    made = enrolled(tmp_path, now=NOW)
    with answering(404, tls=made.coordinator.path) as port:
        finding = examinations._door(made.coordinator.renew(Address("127.0.0.1", port), 730, {}, NOW))
    assert (finding.status, "asks nobody for a certificate" in finding.found) == ("fail", True)


@pytest.mark.parametrize(
    ("days", "host", "who", "says"),
    [
        (0, "127.0.0.1", "another", "a certificate of another authority than this site pinned"),
        (0, "127.0.0.1", "a site", "not its server's: a site's"),
        (0, "127.0.0.2", "the server", "not for 127.0.0.2; the coordinator runs: shiftscope federation init lung"),
        (-800, "127.0.0.1", "the server", "has ended"),
        (800, "127.0.0.1", "the server", "is not valid yet: this machine's clock is slow; set it"),
    ],
)
def test_a_site_does_not_speak_to_another_door(tmp_path: Path, days: int, host: str, who: str, says: str) -> None:
    made = enrolled(tmp_path / "made", now=NOW + timedelta(days=days))
    shown = tmp_path / "shown"
    shutil.copytree((enrolled(tmp_path / "b", now=NOW) if who == "another" else made).coordinator.path, shown)
    if who == "a site":
        shutil.copy(made.site.path / "site.pem", shown / "server.pem")
        shutil.copy(made.site.path / "tls.key", shown / "server.key")
    with answering(200, tls=shown, host=host) as port:
        moved = made.coordinator.renew(Address(host, port), 730, {}, NOW + timedelta(days=days))
        site = made.site.believe(moved.invitation, "a.json")
        with pytest.raises(Lost) as said, connected(site):
            pass
    assert says in str(said.value)


def test_nobody_at_the_address_is_no_matter_of_tls(tmp_path: Path) -> None:
    made = enrolled(tmp_path, now=NOW, address=Address("127.0.0.1", free_port()))
    says = r"is not reached: .*; what keeps it from that says: shiftscope federation doctor lung"
    with pytest.raises(Lost, match=says), connected(made.site):
        pass


@pytest.mark.parametrize("spoilt", ["missing", "another's", "no certificate"])
def test_a_certificate_without_its_key_is_refused_before_anything_is_sent(tmp_path: Path, spoilt: str) -> None:
    made, path = enrolled(tmp_path, now=NOW), tmp_path / "ashford" / "joined" / "lung" / "site.pem"
    path.unlink()
    if spoilt != "missing":
        path.write_text("nothing" if spoilt == "no certificate" else (made.coordinator.path / "server.pem").read_text())
    with pytest.raises(FederationError, match=r"site\.pem: is no certificate that can be shown with tls\.key") as said:
        site_context(made.site)
    assert "shiftscope federation join ashford.admission.json" in str(said.value)
    shutil.copy(made.coordinator.path / "authority.key", made.coordinator.path / "server.key")
    with pytest.raises(FederationError, match=r"server\.pem: is no certificate that .* init lung --address .* --renew"):
        door_context(made.coordinator)


def test_a_refused_handshake_forgets_what_it_receives_and_an_accepted_one_is_whole(tmp_path: Path) -> None:
    """Step by step in memory, as strictly as later Pythons verify."""
    made = enrolled(tmp_path, now=NOW)
    asking = site_of(made.coordinator, tmp_path / "b", "birchwood", now=NOW)
    for site, refused in ((made.site, False), (asking, True)):
        door, to_door, from_door = door_context(made.coordinator), ssl.MemoryBIO(), ssl.MemoryBIO()
        client, why = site_context(site), list[ssl.SSLError]()
        for context in (door, client):
            context.verify_flags |= ssl.VERIFY_X509_STRICT
        door = one_connection(door, why.append)
        ends = (
            client.wrap_bio(from_door, to_door, server_hostname="127.0.0.1"),
            door.wrap_bio(to_door, from_door, server_side=True),
        )
        done = [step(end) for end in (*ends, *ends)]
        assert done == [False, False, True, not refused]
        assert [error.reason for error in why] == ["PEER_DID_NOT_RETURN_A_CERTIFICATE"] * refused
        if refused:
            to_door.write(bytes(1_000_000))
            assert not step(ends[1])
            assert to_door.pending == 0


def step(end: ssl.SSLObject) -> bool:
    """Whether a handshake is done, after all that has come was read."""
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
