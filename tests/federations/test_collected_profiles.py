"""Profiles that sites send: whatever one of them sends, the others' are kept."""

import json
from pathlib import Path
from typing import Any

import pytest
from enrolled_sites import enrolled

from shiftscope.api.federating import collecting
from shiftscope.federations.orders import OrderedProfile
from shiftscope.profiles import Profile
from shiftscope.training.federation.flower.deployed import deployments
from shiftscope.training.federation.flower.deployed.profile_collections import CollectedAnswers, collected
from shiftscope.training.federation.flower.site_nodes import Replies
from shiftscope.training.federation.payloads import Payload


def test_a_profile_of_any_size_costs_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Profile, "MOST_BYTES", 1000)
    answers = {"ashford": Payload(facts={"profile": {"a": 1}}), "bexley": Payload(facts={"profile": "x" * 1000})}
    found = collected(Replies(answers | {"colne": Payload()}, {"derwent": "withheld: kinds"}))
    assert found.profiles == {"ashford": '{"a": 1}', "colne": "null"}
    assert found.failures == {
        "bexley": "its profile takes 1002 bytes, expected 1000 at the most",
        "derwent": "withheld: kinds",
    }


@pytest.mark.parametrize("odd", ["null", "7", "[" * 970 + "]" * 970, '{"schema": 1, "schema": 1}', '{"schema": NaN}'])
def test_what_is_no_profile_costs_nobody_elses(odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(*_asked: Any) -> CollectedAnswers:
        return CollectedAnswers(profiles={"ashford": odd, "bexley": json.dumps({})}, failures={})

    monkeypatch.setattr(deployments, "collect", answers)
    monkeypatch.setattr(deployments, "nodes_of", lambda _coordinator, sites: dict.fromkeys(sites, "1"))
    coordinator = enrolled(tmp_path).coordinator
    profiles, failures = collecting._collected(coordinator, ["ashford", "bexley"], OrderedProfile(), 60.0)
    assert profiles == {}
    assert failures.keys() == {"ashford", "bexley"}
    assert all(why.startswith(f"site {site}: ") for site, why in failures.items())
