"""Enrolment with Flower itself: what the folders say is started, a site comes online, and others are refused."""

import os
import signal
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from deployed_federations import port_pair, until
from enrolled_sites import coordinator_at, site_of

from shiftscope.api.federating.coordinating import accept_site, list_sites, register_sites, remove_site
from shiftscope.api.federating.examining import examine_federation
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.enrolment_documents.admissions import Admission
from shiftscope.federations.enrolments import admit
from shiftscope.federations.federation_names import Address
from shiftscope.federations.services.flower_commands import (
    door_command,
    link_port,
    serve_command,
    superlink_command,
    superlink_environment,
)
from shiftscope.federations.services.mutual_tls import site_context
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.training.federation.flower.processes import Processes, adopting

NOW = datetime.now(UTC)


def posted(port: int, path: str, context: ssl.SSLContext) -> int:
    """The status of a request that shows no SuperNode's key."""
    request = urllib.request.Request(f"https://127.0.0.1:{port}{path}", b"", {"content-type": "application/protobuf"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        return int(opener.open(request, timeout=20).status)
    except urllib.error.HTTPError as problem:
        return problem.code


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Processes]]:
    """Start commands; whatever they started is ended afterwards."""
    running: list[Processes] = []

    def start(name: str, environment: dict[str, str], command: list[str]) -> Processes:
        processes = Processes(environment, tmp_path, tmp_path / f"{name}.log")
        processes.start(*command)
        running.append(processes)
        return processes

    with adopting():
        try:
            yield start
        finally:
            for processes in reversed(running):
                processes.stop()
            assert [processes.alive() for processes in running] == [set()] * len(running)


def node(start: Callable[..., Processes], name: str, site: JoinedSite) -> Processes:
    return start(name, {}, serve_command(site))


@pytest.mark.slow
def test_a_site_comes_online_and_a_stranger_a_killed_one_and_a_removed_one_are_told_why_not(
    tmp_path: Path, started: Callable[..., Processes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "coordinator"
    coordinator = coordinator_at(home, address=Address("127.0.0.1", port_pair()), now=NOW)
    sites = {}
    for name in ("ashford", "birchwood"):
        asking = site_of(coordinator, tmp_path / name, name, now=NOW)
        asking.request(NOW).write(tmp_path / f"{name}.request.json")
        if name == "ashford":
            accept_site("lung", tmp_path / "ashford.request.json", home=home)
            sites[name] = asking.complete(Admission.read(tmp_path / "ashford.admission.json"), "an admission")
        else:  # certified, and not kept: a key that no coordinator knows
            copy = Coordinator.open(home, "lung")
            _, admission = admit(copy, asking.request(NOW), "a request", NOW)
            copy.member_path(name).unlink()
            sites[name] = asking.complete(admission, "an admission")

    started("link", superlink_environment(coordinator), superlink_command(coordinator))
    started("door", {}, door_command(coordinator))
    assert register_sites("lung", wait_s=60, home=home).facts == {"ashford": "registered"}
    ashford = node(started, "ashford", sites["ashford"])
    birchwood = node(started, "birchwood", sites["birchwood"])
    until(lambda: f"online as 'ashford' at {coordinator.address}" in log(tmp_path, "ashford"))
    assert list_sites("lung", home=home).sites[0].state == "online"

    until(lambda: "trying again in 5 s" in log(tmp_path, "birchwood"))
    assert "was not accepted yet (the coordinator runs: shiftscope federation accept lung" in log(tmp_path, "birchwood")
    assert "online as" not in log(tmp_path, "birchwood")
    assert birchwood.started[0].poll() is None, "it tries again"
    assert "refused: 127.0.0.1: the key" in log(tmp_path, "door")

    (found,) = examine_federation("lung", home=home)
    assert [finding for finding in found.findings if finding.status != "ok"] == []
    (found,) = examine_federation("lung", home=tmp_path / "ashford")
    assert {finding.check for finding in found.findings if finding.status != "ok"} <= {"data folder", "policy"}
    assert "admission" in {finding.check for finding in found.findings}

    door, nodes = coordinator.address.port, "/v1/control/list-nodes"
    stranger = ssl.create_default_context(cafile=str(coordinator.path / "authority.pem"))
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        posted(door, nodes, stranger)
    assert posted(door, nodes, site_context(sites["ashford"])) == 404
    assert posted(link_port(coordinator), nodes, stranger) == 200, "Flower asks nobody who he is"

    os.kill(ashford.started[0].pid, signal.SIGKILL)
    ashford.started[0].wait()
    node(started, "again", sites["ashford"])
    until(lambda: "trying again in 5 s" in log(tmp_path, "again"))
    said = log(tmp_path, "again")
    assert "less than 60 s ago" in said
    assert "shiftscope federation register lung" in said
    until(lambda: "online as 'ashford'" in log(tmp_path, "again"), seconds=150)

    assert "the SuperLink was told" in remove_site("lung", "ashford", home=home).then
    (found,) = examine_federation("lung", home=tmp_path / "ashford")
    (failure,) = [finding for finding in found.findings if finding.status == "fail"]
    assert (failure.check, "site 'ashford' was removed from 'lung'" in failure.found) == ("admission", True)
    until(lambda: "site 'ashford' was removed from 'lung'" in log(tmp_path, "again"))


def log(folder: Path, name: str) -> str:
    path = folder / f"{name}.log"
    return " ".join(path.read_text(encoding="utf-8").split()) if path.exists() else ""
