"""Two commands at once in a coordinator's folder: one waits for the other, and nothing that it did is lost."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from enrolled_sites import ADDRESS, NOW, coordinator_at, enrolled, site_of

import shiftscope.federations.services.node_registrations as node_registrations
from shiftscope.errors import FederationError
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.enrolments import admit, expel

LONG_S = 0.5


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each gives, or how it failed."""

    def called(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except FederationError as problem:
            return problem

    with ThreadPoolExecutor(len(calls)) as pool:
        return [*pool.map(called, calls)]


@pytest.fixture
def slow_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between what a command reads and what it writes there is time for another."""
    members = Coordinator.members

    def slow(self: Coordinator) -> Any:
        found = members(self)
        time.sleep(LONG_S)
        return found

    monkeypatch.setattr(Coordinator, "members", slow)


@pytest.mark.usefixtures("slow_reading")
def test_of_two_sites_that_ask_for_one_name_at_once_one_is_admitted(tmp_path: Path) -> None:
    made = coordinator_at(tmp_path)
    requests = [site_of(made, tmp_path / end).request(NOW) for end in "ab"]
    found = at_once(*(lambda request=request: admit(made, request, "a.json", NOW) for request in requests))
    (refusal,) = [one for one in found if isinstance(one, FederationError)]
    (admitted,) = [one for one in found if not isinstance(one, FederationError)]
    assert "is in 'lung' since" in str(refusal)
    (member,) = made.members()
    assert (member, admitted[0]) == (admitted[0], member)


@pytest.mark.usefixtures("slow_reading")
def test_a_site_that_is_removed_while_another_command_registers_it_stays_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who registers writes the node's number beside what it read, and that would admit the site again."""
    made = enrolled(tmp_path).coordinator
    monkeypatch.setattr(node_registrations, "link_answers", lambda _: True)
    answers = {"list": {"nodes": []}, "register": {"node-id": 7}}
    monkeypatch.setattr(node_registrations, "_flwr", lambda _, verb, *__: answers[verb])

    def remove() -> None:
        time.sleep(LONG_S / 2)
        expel(made, "ashford", NOW)

    done, _ = at_once(lambda: node_registrations.register_all(made), remove)
    assert done == {"ashford": "registered"}
    member = made.member("ashford")
    assert member is not None
    assert (member.removed is not None, member.former_nodes) == (True, ("7",))


def test_a_new_certificate_waits_too(tmp_path: Path) -> None:
    made = enrolled(tmp_path).coordinator
    with ThreadPoolExecutor(1) as pool:
        with made.alone():
            waiting = pool.submit(made.renew, ADDRESS, 30, {"shiftscope": "0.1.0"}, NOW)
            time.sleep(LONG_S)
            assert not waiting.done()
        assert waiting.result(timeout=30).settings.days == 30


def test_a_folder_that_cannot_be_locked_says_what_to_do(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    (made.coordinator.path / "lock").unlink()
    (made.coordinator.path / "lock").mkdir()
    with pytest.raises(FederationError, match="cannot be locked: Is a directory; mend the rights of the folder"):
        expel(made.coordinator, "ashford", NOW)
    member = made.coordinator.member("ashford")
    assert member is not None
    assert member.removed is None
