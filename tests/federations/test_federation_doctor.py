"""The doctor: each thing that can be wrong is found by its name, with a remedy, and nothing else is."""

import json
import os
import shutil
from base64 import b64encode
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from enrolled_sites import Enrolled, enrolled
from fake_doors import answering, proxying

import shiftscope.federations.doctor.connection_checks as connection_checks
import shiftscope.federations.doctor.examinations as examinations
import shiftscope.federations.doctor.machine_checks as machine_checks
from shiftscope.api.federating.examining import examine_federation
from shiftscope.disclosure.policies.policy_findings import policy_findings, room_findings
from shiftscope.disclosure.policies.policy_texts import template_policy
from shiftscope.federations.doctor.admission_checks import clock
from shiftscope.federations.doctor.connection_checks import connection
from shiftscope.federations.doctor.examinations import examine_coordinator, examine_site
from shiftscope.federations.doctor.health_findings import HealthFinding
from shiftscope.federations.doctor.machine_checks import data_folder, disk, versions
from shiftscope.federations.enrolments import admit, expel
from shiftscope.federations.federation_names import Address
from shiftscope.federations.package_versions import versions_here
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS

NOW = datetime.now(UTC).replace(microsecond=0)
METHODS = ("fedavg", "fedbn", "local")
KNOWN = json.dumps({"code": 2003, "detail": "Invalid heartbeat interval."}).encode()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A federation with a site, made once."""
    home = tmp_path_factory.mktemp("whole")
    enrolled(home, now=NOW)
    return home


@pytest.fixture
def made(whole: Path, tmp_path: Path) -> Enrolled:
    """A copy of it, to be spoilt."""
    from shiftscope.federations.coordinator_folders import Coordinator
    from shiftscope.federations.site_folders import JoinedSite

    shutil.copytree(whole, tmp_path / "made")
    site = JoinedSite.open(tmp_path / "made" / "ashford", "lung").settle(tmp_path / "made" / "ashford" / "images")
    return Enrolled(Coordinator.open(tmp_path / "made" / "coordinator", "lung"), site)


def at(made: Enrolled, port: int, host: str = "127.0.0.1"):
    """The site, whose coordinator is reached at another port."""
    moved = made.coordinator.renew(Address(host, port), 730, {}, NOW)
    return made.site.believe(moved.invitation, "a.json")


def last(findings: list[HealthFinding], check: str, status: str, says: str) -> HealthFinding:
    """The last finding is this one, and all before it are well."""
    assert [finding for finding in findings[:-1] if finding.status == "fail"] == []
    found = findings[-1]
    assert (found.check, found.status) == (check, status), found
    assert says in found.found + found.remedy, found
    assert bool(found.remedy) is (status != "ok")
    return found


def test_a_site_that_is_let_in_is_well_all_the_way(made: Enrolled) -> None:
    with answering(400, KNOWN, tls=made.coordinator.path) as port:
        found = list(connection(at(made, port), datetime.now(UTC)))
    assert [finding.check for finding in found] == ["proxy", "DNS", "TCP", "TLS", "clock", "admission"]
    assert {finding.status for finding in found} == {"ok"}


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (412, b'{"code": 2004, "detail": "the key 3f2a is of no site"}', "the key 3f2a is of no site"),
        (412, b'{"code": 2004, "detail": ""}', "federation register lung"),
        (412, b'{"code": 2004, "detail": "a\\u001b[2Jb"}', r"a\x1b[2Jb"),
        (401, b'{"detail": "Invalid SuperNode authentication"}', "clocks differ by more than 300 s"),
        (503, b"{}", "the SuperLink behind it is not running"),
        (404, b"<html>hello</html>", "no door of a federation (HTTP 404)"),
        (200, b"", "no door of a federation (HTTP 200)"),
        (400, b'{"code": 1}', "no door of a federation (HTTP 400)"),
        (400, b'{"code": "x"}', "no door of a federation"),
    ],
)
def test_what_the_door_says_of_the_key_is_passed_on(made: Enrolled, status: int, body: bytes, says: str) -> None:
    with answering(status, body, tls=made.coordinator.path) as port:
        last(list(connection(at(made, port), datetime.now(UTC))), "admission", "fail", says)


def test_nobody_listens(made: Enrolled) -> None:
    with answering(400) as port:
        pass
    last(list(connection(at(made, port), NOW)), "TCP", "fail", "nobody listens")


def test_a_firewall_that_drops_is_told_from_one_that_refuses(made: Enrolled, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(connection_checks.socket, "create_connection", silent)
    last(list(connection(made.site, NOW)), "TCP", "fail", "a firewall on the way drops")


def test_a_name_that_is_not_found(made: Enrolled) -> None:
    last(list(connection(at(made, 9400, "no-such-host.invalid"), NOW)), "DNS", "fail", "no-such-host.invalid")


def test_no_tls(made: Enrolled) -> None:
    with answering(400) as port:
        last(list(connection(at(made, port), NOW)), "TLS", "fail", "speaks no TLS")


def test_another_authority(made: Enrolled, tmp_path: Path) -> None:
    other = enrolled(tmp_path / "other", now=NOW)
    with answering(400, KNOWN, tls=other.coordinator.path) as port:
        last(list(connection(at(made, port), NOW)), "TLS", "fail", "another authority than this site pinned")


def test_another_host(made: Enrolled) -> None:
    kept = made.coordinator.path.parent / "kept"
    shutil.copytree(made.coordinator.path, kept)
    with answering(400, KNOWN, tls=kept, host="127.0.0.2") as port:
        last(list(connection(at(made, port, "127.0.0.2"), NOW)), "TLS", "fail", "not for 127.0.0.2")


@pytest.mark.parametrize(
    ("days", "status", "says"), [(-800, "fail", "has ended"), (800, "fail", "not valid yet"), (-710, "warn", "ends in")]
)
def test_a_certificate_of_another_time(tmp_path: Path, days: int, status: str, says: str) -> None:
    made = enrolled(tmp_path, now=NOW + timedelta(days=days))
    with answering(400, KNOWN, tls=made.coordinator.path) as port:
        invitation = made.coordinator.invitation.by(
            made.coordinator.signing_key(),
            made.coordinator.authority(),
            "lung",
            Address("127.0.0.1", port),
            {},
            NOW + timedelta(days=days),
        )
        found = list(connection(made.site.believe(invitation, "a"), datetime.now(UTC)))
    (tls,) = [finding for finding in found if finding.check == "TLS"]
    assert tls.status == status
    assert says in tls.found


@pytest.mark.parametrize(
    ("seconds", "status", "says"),
    [(0, "ok", "agrees"), (60, "warn", "60 s behind"), (-60, "warn", "60 s ahead"), (400, "fail", "400 s behind")],
)
def test_clocks_are_compared(made: Enrolled, seconds: int, status: str, says: str) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    with answering(400, KNOWN, tls=made.coordinator.path, date=date) as port:
        found = list(connection(at(made, port), NOW))
    (found_clock,) = [finding for finding in found if finding.check == "clock"]
    assert found_clock.status == status
    assert says in found_clock.found


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Nov 2026 09:00:00 GMT", "\u00ff"])
def test_a_clock_that_says_nothing_is_not_compared(date: str) -> None:
    assert list(clock(date, NOW)) == []
    assert list(clock(None, NOW)) == []


def test_through_a_proxy(made: Enrolled, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Flower's SuperNode goes; what is a password in the proxy's address is not shown."""
    with answering(400, KNOWN, tls=made.coordinator.path) as port, proxying() as (proxy, asked):
        site = at(made, port)
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@127.0.0.1:{proxy}")
        found = list(connection(site, datetime.now(UTC)))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        left_out = list(connection(site, datetime.now(UTC)))
    assert [finding.check for finding in found] == ["proxy", "TLS", "clock", "admission"]
    assert [finding.status for finding in found] == ["warn", "ok", "ok", "ok"]
    assert len(asked) == 2
    for head in asked:
        assert head.startswith(f"CONNECT 127.0.0.1:{port} HTTP/1.")
        assert f"Proxy-Authorization: Basic {b64encode(b'user:hunter2').decode()}" in head
    assert "hunter2" not in str(found)
    assert [finding.status for finding in left_out] == ["ok"] * 6


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:1", "http://", "http://a:b:c", "http://h:99999999"])
def test_what_is_no_proxy_is_said_so(made: Enrolled, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    last(list(connection(made.site, NOW)), "proxy", "fail", "no address of a proxy")


def test_a_proxy_that_is_not_there(made: Enrolled, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(400) as port:
        pass
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    last(list(connection(made.site, NOW)), "TLS", "fail", f"the proxy 127.0.0.1, port {port},")


def test_the_data_folder(made: Enrolled, monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = data_folder(made.site)
    assert (finding.status, "changed by this user" in finding.found) == ("warn", True)
    allowed = {os.R_OK | os.X_OK: True, os.W_OK: False}
    monkeypatch.setattr(machine_checks.os, "access", lambda _, mode: allowed[mode])
    assert [finding.status for finding in data_folder(made.site)] == ["ok"]
    allowed[os.R_OK | os.X_OK] = False
    last(list(data_folder(made.site)), "data folder", "fail", "cannot be read")
    monkeypatch.undo()
    (made.site.data / "one.png").unlink()
    last(list(data_folder(made.site)), "data folder", "fail", "is empty")
    made.site.data.rmdir()
    last(list(data_folder(made.site)), "data folder", "fail", "membership.json")


def test_the_policy(made: Enrolled) -> None:
    path = made.site.policy
    last(list(policy_findings(path, METHODS)), "policy", "warn", "nothing leaves")
    path.write_text(template_policy(), encoding="utf-8")
    last(list(policy_findings(path, METHODS)), "policy", "warn", "allows no order")
    path.write_text("schema = 1\nkind = ['train']\n", encoding="utf-8")
    last(list(policy_findings(path, METHODS)), "policy", "fail", "did you mean 'kinds'")
    path.write_text("schema = 1\nkinds = ['train', 'rehearse']\n", encoding="utf-8")
    (finding,) = policy_findings(path, METHODS)
    assert (finding.status, finding.found) == ("ok", "policy.toml follows orders to train, rehearse")


@pytest.mark.parametrize(
    ("methods", "says"),
    [
        ("['fedavg', 'fedbm']", "allows the method 'fedbm', and there is none of that name; did you mean 'fedbn'?"),
        ("['any', 'qqqq']", "none of that name; expected fedavg, fedbn, local"),
        ("['any', 'fedbn', 'local']", ""),
    ],
)
def test_a_method_that_there_is_not_is_warned_of_with_the_one_that_was_meant(
    made: Enrolled, methods: str, says: str
) -> None:
    """Names of harmonizers, axes and so on the policy refuses itself."""
    path = made.site.policy
    path.write_text(f"schema = 1\nkinds = ['train']\nmethods = {methods}\n", encoding="utf-8")
    *warnings, follows = policy_findings(path, METHODS)
    assert follows.status == "ok"
    assert [finding.status for finding in warnings] == ["warn"] * bool(says)
    assert all(says in finding.found and str(path) in finding.remedy for finding in warnings)
    path.write_text("schema = 1\nkinds = ['train']\nharmonizers = ['zscor']\n", encoding="utf-8")
    last(list(policy_findings(path, METHODS)), "policy", "fail", "did you mean 'zscore'?")
    path.write_text("schema = 1\nkinds = ['train']\nharmonizers = ['qqqq']\n", encoding="utf-8")
    last(list(policy_findings(path, METHODS)), "policy", "fail", "expected zscore, ")


@pytest.mark.parametrize(
    ("policy", "warns"),
    [
        ("metrics = ['dice']", False),
        ("metrics = ['dice']\nmin_scored = 4", True),
        ("metrics = ['any']\nmin_scored = 1", True),
        ("min_scored = 1", False),
    ],
)
def test_a_policy_that_lets_out_scores_of_few_is_warned_of(made: Enrolled, policy: str, warns: bool) -> None:
    made.site.policy.write_text(f"schema = 1\nkinds = ['train']\n{policy}\n", encoding="utf-8")
    *warnings, follows = policy_findings(made.site.policy, METHODS)
    assert follows.status == "ok"
    assert [finding.status for finding in warnings] == ["warn"] * warns
    assert all("fewer than 5 patients" in finding.found for finding in warnings)


def test_what_orders_left_is_held_against_the_policy(made: Enrolled) -> None:
    assert list(room_findings(made.site.policy.with_name("none.toml"), made.site.taken())) == []
    made.site.policy.write_text("schema = 1\nmax_gigabytes = 0.001\n", encoding="utf-8")
    last(list(room_findings(made.site.policy, made.site.taken())), "room for runs", "ok", "0 of 0.001 GB")
    for name, size in (("releases/payloads/a", 250_000), ("runs/one/sites/x", 600_000), ("runs/two/y", 10)):
        path = made.site.path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"\0" * size)
    assert made.site.taken() == {"releases": 250_000, "runs/one": 600_000, "runs/two": 10}
    last(list(room_findings(made.site.policy, made.site.taken())), "room for runs", "warn", "0.00085 of")
    (made.site.path / "runs" / "two" / "y").write_bytes(b"\0" * 400_000)
    (finding,) = room_findings(made.site.policy, made.site.taken())
    assert (finding.status, "nothing is begun or sent" in finding.found) == ("fail", True)
    assert "largest: runs/one (0.0006 GB), runs/two (0.0004 GB), releases (0.00025 GB)" in finding.remedy


def test_the_doctor_knows_every_method(made: Enrolled) -> None:
    names = [*CONTROLS, *PERSONALIZERS]
    made.site.policy.write_text(f"schema = 1\nkinds = ['train']\nmethods = {[*names, 'fedavgg']}\n", encoding="utf-8")
    (found,) = examine_federation("lung", home=made.site.path.parents[1])
    warned = [finding for finding in found.findings if finding.check == "policy" and finding.status == "warn"]
    assert [finding.found.split("; ")[-1] for finding in warned] == ["did you mean 'fedavg'?"]


def test_the_disk(made: Enrolled, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    for free, status in ((0.5e9, "fail"), (5e9, "warn"), (50e9, "ok")):
        monkeypatch.setattr(machine_checks.shutil, "disk_usage", lambda _, free=free: usage(0, 0, free))
        assert [finding.status for finding in disk(made.site.path)] == [status]


def test_versions() -> None:
    here = versions_here()
    assert [finding.status for finding in versions(here)] == ["ok"] * 3
    found = {
        finding.check: finding for finding in versions({"flwr": "1.40.0", "torch": "2.0.0", "shiftscope": "0.0.1"})
    }
    assert [found[f"version of {name}"].status for name in ("flwr", "torch", "shiftscope")] == ["fail", "warn", "warn"]
    assert "pip install 'torch==2.0.0'" in found["version of torch"].remedy
    last(list(versions({"no-such-package": "1"})), "version of no-such-package", "fail", "not installed")


def test_a_site_as_a_whole(made: Enrolled) -> None:
    with answering(400, KNOWN, tls=made.coordinator.path) as port:
        found = examine_site(at(made, port), datetime.now(UTC), policy_findings(made.site.policy, METHODS))
    assert found.healthy
    assert {finding.check for finding in found.findings if finding.status == "warn"} == {"data folder", "policy"}
    assert all(finding.remedy for finding in found.findings if finding.status != "ok")
    assert found.to_dict()["healthy"] is True


@pytest.mark.parametrize(
    ("days", "check", "status"),
    [(731, "certificate", "fail"), (720, "certificate", "warn"), (-1, "clock", "fail"), (3649, "authority", "warn")],
)
def test_a_sites_own_certificates_and_clock(made: Enrolled, days: int, check: str, status: str) -> None:
    found = examine_site(made.site, NOW + timedelta(days=days), ())
    assert (check, status) in {(finding.check, finding.status) for finding in found.findings}


def test_a_site_that_is_not_admitted_or_whose_key_others_read(made: Enrolled) -> None:
    fresh = made.site.renew_keys()
    (fresh.path / "node.key").chmod(0o644)
    (fresh.path / "tls.key").write_text("nothing")
    bad = {
        finding.check: finding for finding in examinations._at_site_alone(fresh, NOW, ()) if finding.status == "fail"
    }
    assert list(bad) == ["node key", "TLS key", "certificate"]
    assert "chmod 600" in bad["node key"].remedy
    assert "ashford.admission.json" in bad["certificate"].remedy


def test_a_certificate_that_cannot_be_shown_is_found_before_the_network_is_blamed(made: Enrolled) -> None:
    (made.site.path / "site.pem").unlink()
    found = [finding for finding in examine_site(made.site, NOW, ()).findings if finding.status == "fail"]
    last(found[:1], "connection", "fail", "site.pem: is no certificate that can be shown with tls.key")
    assert "shiftscope federation join ashford.admission.json" in found[0].remedy


def test_a_coordinator_that_is_not_started(made: Enrolled) -> None:
    with answering(400) as port:
        pass
    at(made, port)
    from shiftscope.federations.coordinator_folders import Coordinator

    found = examine_coordinator(Coordinator.open(made.coordinator.path.parents[1], "lung"), NOW)
    assert [finding.check for finding in found.findings if finding.status == "fail"] == ["SuperLink", "door"]


def test_an_open_control_interface_is_found(made: Enrolled) -> None:
    """What Flower alone would be: whoever reaches the port starts jobs."""
    with answering(200, tls=made.coordinator.path) as port:
        at(made, port)
        from shiftscope.federations.coordinator_folders import Coordinator

        finding = examinations._door(Coordinator.open(made.coordinator.path.parents[1], "lung"))
    assert finding.status == "fail"
    assert "open to everybody" in finding.found


def test_each_site_of_a_coordinator(made: Enrolled) -> None:
    member = made.coordinator.member("ashford")
    assert member is not None
    known = member.model_copy(update={"node": "7"})

    def said(states, when=NOW) -> list[tuple[str, str]]:
        found = examinations._member("lung", known, states, when)
        return [(finding.status, finding.found) for finding in found]

    assert said({"7": "online"}) == [("ok", "it is online")]
    assert said({"7": "offline"}) == [("warn", "it is offline")]
    assert said({"7": "registered"}) == [("warn", "it was never online")]
    assert said({}) == [("fail", "the SuperLink was not told of it")]
    assert said(None) == []
    assert said({"7": "online"}, NOW + timedelta(days=731))[0][0] == "fail"
    expel(made.coordinator, "ashford", NOW)
    removed = made.coordinator.member("ashford")
    assert removed is not None
    assert list(examinations._member("lung", removed, {}, NOW)) == []


@pytest.mark.parametrize("spoilt", ["server.key", "server.pem"])
def test_a_server_whose_key_and_certificate_do_not_belong_together(made: Enrolled, tmp_path: Path, spoilt: str) -> None:
    other = enrolled(tmp_path / "other", now=NOW)
    shutil.copy(other.coordinator.path / spoilt, made.coordinator.path / spoilt)
    found = [
        finding.found for finding in examinations._server(made.coordinator, NOW, "renew") if finding.status == "fail"
    ]
    assert "it is not for server.key" in found
    assert ("it is not of this federation's authority" in found) is (spoilt == "server.pem")


def test_nothing_is_changed_by_looking(made: Enrolled) -> None:
    admit(made.coordinator, made.site.request(NOW), "a", NOW)
    before = {path: path.read_bytes() for path in made.site.path.rglob("*") if path.is_file()}
    examine_site(made.site, NOW, ())
    assert {path: path.read_bytes() for path in made.site.path.rglob("*") if path.is_file()} == before
