"""A certificate and a node key that were accepted together are let in together, and in no other way."""

import http.client
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from enrolled_sites import Enrolled, enrolled, site_of
from opened_doors import opened
from spoilt_certificates import NOW, certify, early, ended, for_a_server, of_another_authority, without_any

from shiftscope.federations.certificates import certificate_pem
from shiftscope.federations.doctor.admission_checks import _activation, _signed
from shiftscope.federations.doctor.connection_checks import connection
from shiftscope.federations.doctor.proxies import https_link
from shiftscope.federations.enrolments import admit, expel
from shiftscope.federations.federation_keys import new_elliptic_key, write_key
from shiftscope.federations.federation_names import Address
from shiftscope.federations.services.doors import ACTIVATE
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.training.federation.flower.deployed.fleet_connections import Lost, connected
from shiftscope.training.federation.flower.processes import free_port

PASSED = "the SuperLink behind this door is not running"


@dataclass(frozen=True)
class OpenFederation:
    """A federation whose door is open, with sites of four kinds."""

    made: Enrolled
    sites: dict[str, JoinedSite]
    """ashford and birchwood are in; colne was removed; dover is certified by the authority, and in no file."""


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenFederation]:
    home = tmp_path_factory.mktemp("tied")
    made = enrolled(home, now=NOW, address=Address("127.0.0.1", free_port()))
    sites = {"ashford": made.site}
    for name in ("birchwood", "colne", "dover"):
        asking = site_of(made.coordinator, home / name, name, now=NOW)
        _, admission = admit(made.coordinator, asking.request(NOW), name, NOW)
        sites[name] = asking.complete(admission, name)
    expel(made.coordinator, "colne", NOW)
    made.coordinator.member_path("dover").unlink()
    with opened(made.coordinator):
        yield OpenFederation(made, sites)


def with_key_and_certificate(key: JoinedSite, certificate: JoinedSite, folder: Path) -> JoinedSite:
    """A folder in which the node key of one site lies with the certificate of another."""
    shutil.copytree(certificate.path, folder / "mixed")
    shutil.copy(key.path / "node.key", folder / "mixed" / "node.key")
    return replace(certificate, path=folder / "mixed")


def refusal_of(site: JoinedSite) -> str:
    """Why a site's service does not come online."""
    with pytest.raises(Lost) as said, connected(site):
        pass
    return str(said.value)


@pytest.mark.parametrize(
    ("key", "certificate", "says"),
    [
        ("ashford", "ashford", PASSED),
        ("birchwood", "birchwood", PASSED),
        ("ashford", "birchwood", "was not accepted with it: one of site 'birchwood'; at the site, restore node.key"),
        ("birchwood", "ashford", "was not accepted with it: one of site 'ashford'; at the site, restore node.key"),
        ("ashford", "colne", "was not accepted with it: one of site 'colne'; at the site, restore node.key"),
        ("ashford", "dover", "was not accepted with it: one of site 'dover'; at the site, restore node.key"),
        ("colne", "colne", "site 'colne' was removed from 'lung'"),
        ("colne", "ashford", "site 'colne' was removed from 'lung'"),
        ("dover", "dover", "was not accepted yet"),
        ("dover", "ashford", "was not accepted yet"),
    ],
)
def test_a_key_passes_with_the_certificate_it_was_accepted_with_and_with_no_other(
    federation: OpenFederation, tmp_path: Path, key: str, certificate: str, says: str
) -> None:
    site = with_key_and_certificate(federation.sites[key], federation.sites[certificate], tmp_path)
    assert says in refusal_of(site)


def test_the_doctor_finds_a_key_and_a_certificate_that_do_not_belong_together(
    federation: OpenFederation, tmp_path: Path
) -> None:
    site = with_key_and_certificate(federation.sites["ashford"], federation.sites["birchwood"], tmp_path)
    last = list(connection(site, datetime.now(UTC)))[-1]
    assert (last.check, last.status) == ("admission", "fail")
    assert federation.made.site.fingerprint in last.found
    assert "shiftscope" not in last.found
    assert "restore node.key, tls.key and site.pem from one backup" in last.remedy
    assert "shiftscope federation remove lung SITE" in last.remedy


def test_another_certificate_in_the_name_of_the_site_is_not_the_sites(
    federation: OpenFederation, tmp_path: Path
) -> None:
    """Of the federation's authority, for a key that was never accepted with the node key."""
    site = with_key_and_certificate(federation.made.site, federation.made.site, tmp_path)
    write_key(site.path / "tls.key", new_elliptic_key(), replace=True)
    certify(site, federation.made.coordinator)
    assert "one of site 'ashford'" in refusal_of(site)


def test_a_renewed_certificate_and_the_one_before_it_pass_alike(tmp_path: Path) -> None:
    """A site goes on with the old one while the admission with the new one is on its way."""
    made = enrolled(tmp_path, now=NOW - timedelta(days=700), address=Address("127.0.0.1", free_port()))
    with opened(made.coordinator):
        assert PASSED in refusal_of(made.site)
        member, _ = admit(made.coordinator, made.site.request(NOW), "again", NOW)
        assert len(member.revoked) == 1
        assert PASSED in refusal_of(made.site)
        (made.site.path / "site.pem").write_text(certificate_pem(member.site_certificate))
        assert PASSED in refusal_of(made.site)


def test_a_site_that_is_removed_while_it_is_connected_is_refused_at_its_next_request(tmp_path: Path) -> None:
    made = enrolled(tmp_path, now=NOW, address=Address("127.0.0.1", free_port()))
    with opened(made.coordinator):
        link = https_link(made.site, None)
        assert asked(link, made.site).status == 503
        first = link.sock
        expel(made.coordinator, "ashford", NOW)
        assert asked(link, made.site).status == 412
        assert link.sock is first
        link.close()


def asked(link: http.client.HTTPSConnection, site: JoinedSite) -> http.client.HTTPResponse:
    """The answer to a site that wants to begin, read to its end."""
    key = site.node_key()
    link.request("POST", ACTIVATE, _activation(key.public_key()), _signed(key, datetime.now(UTC)))
    answer = link.getresponse()
    answer.read()
    return answer


def test_each_refusal_in_tls_leaves_one_line_with_address_and_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = enrolled(tmp_path, now=NOW, address=Address("127.0.0.1", free_port()))
    strangers = {
        without_any: "shows no certificate",
        of_another_authority: "shows a certificate of another authority than the federation has",
        ended: "shows a certificate that has ended, or this machine's clock is fast",
        early: "shows a certificate that is not valid yet: one of the two clocks is wrong",
        for_a_server: "shows a certificate that was not made for a site",
    }
    with opened(made.coordinator):
        for number, spoil in enumerate(strangers):
            site = with_key_and_certificate(made.site, made.site, tmp_path / f"{number}")
            for attempt in range(2):
                refusal_of(spoil(site, made, tmp_path / f"{number}" / f"{attempt}"))
        mistrusting = with_key_and_certificate(made.site, made.site, tmp_path / "mistrusting")
        other = enrolled(tmp_path / "other", now=NOW).coordinator
        shutil.copy(other.path / "authority.pem", mistrusting.path / "authority.pem")
        assert "another authority than this site pinned" in refusal_of(mistrusting)
        plain = http.client.HTTPConnection("127.0.0.1", made.coordinator.address.port, timeout=20)
        plain.request("GET", "/")
        plain.close()
        mixed = with_key_and_certificate(made.site, site_in(made, tmp_path), tmp_path / "mixed")
        refusal_of(mixed)
    said = [record.message for record in caplog.records if record.name.startswith("shiftscope.federations")]
    assert said[:5] == [f"refused: 127.0.0.1 {why}" for why in strangers.values()]
    assert said[5:7] == [
        "refused: 127.0.0.1 refuses this door (unknown ca)",
        "refused: 127.0.0.1 speaks no TLS that is understood (http request)",
    ]
    (last,) = said[7:]
    assert last.startswith(f"refused: 127.0.0.1: the key {made.site.fingerprint} came over a connection")
    assert "one of site 'birchwood'" in last


def site_in(made: Enrolled, home: Path) -> JoinedSite:
    """Another site of the federation."""
    asking = site_of(made.coordinator, home / "birchwood", "birchwood", now=NOW)
    _, admission = admit(made.coordinator, asking.request(NOW), "b", NOW)
    return asking.complete(admission, "b")
