"""A rehearsal's document: what it refuses, and what it is as a table."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rehearsed_runs import rehearsal

from shiftscope.errors import EngineError, PlanError
from shiftscope.plans import RehearsalResult

GAINS = {"shrinkage": 0.03, "local": 0.01}


def read(values: Any) -> RehearsalResult:
    return RehearsalResult.from_dict(json.loads(json.dumps(values)), "rehearsal.json", EngineError)


def test_it_is_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    made = rehearsal(GAINS, equal=("local",), left_out={"n4": "too slow"})
    made.write(tmp_path / "rehearsal.json")
    assert RehearsalResult.read(tmp_path / "rehearsal.json") == made


def swapped(values: dict[str, Any]) -> None:
    values["strategies"].reverse()


def harmonized(values: dict[str, Any]) -> None:
    values["strategies"][0]["harmonizer"] = "zscore"


def withheld(values: dict[str, Any]) -> None:
    values["sites"]["b"]["withheld"] = "3 patients"


def doubled(values: dict[str, Any]) -> None:
    values["strategies"].append(values["strategies"][-1])


def elsewhere(values: dict[str, Any]) -> None:
    values["sites"]["x"] = values["sites"]["a"]


def unheard(values: dict[str, Any]) -> None:
    values["strategies"][1]["harmed"] = ["x"]


def renamed(values: dict[str, Any]) -> None:
    values["best"] = "ditto"


def equalled(values: dict[str, Any]) -> None:
    values["equal"] = ["shrinkage"]


def forged(values: dict[str, Any]) -> None:
    values["strategies"].append({**values["strategies"][1], "name": "another"})


def elsewhere_than_its_interval(values: dict[str, Any]) -> None:
    values["strategies"][1]["gain"]["mean"] = -0.9


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (forged, "each method behind each harmonizer once"),
        (elsewhere_than_its_interval, "a gain of shrinkage from 0.015 to 0.045, its interval"),
        (swapped, "FedAvg without a harmonizer first"),
        (harmonized, "FedAvg without a harmonizer first"),
        (withheld, "key 'sites.b.withheld': expected no score of a site that withholds it"),
        (doubled, "each name once"),
        (elsewhere, "key 'sites': expected sites of the plan: a, b, c"),
        (unheard, "expected sites of the rehearsal: a, b, c"),
        (renamed, "key 'best': expected rehearsed strategies: fedavg, shrinkage, local"),
        (equalled, "key 'equal': expected strategies beside the best"),
    ],
)
def test_what_does_not_fit_is_refused(change: Callable[[dict[str, Any]], None], says: str) -> None:
    values = rehearsal(GAINS).to_dict()
    change(values)
    with pytest.raises(EngineError, match="rehearsal.json: ") as refused:
        read(values)
    assert says in str(refused.value)


def test_a_site_that_withholds_its_scores_has_none() -> None:
    values = rehearsal(GAINS).to_dict()
    withheld(values)
    for strategy in values["strategies"]:
        del strategy["sites"]["b"]
    assert read(values).sites["b"].withheld == "3 patients"


def test_it_is_a_table_with_the_mean_over_sites_first() -> None:
    made = rehearsal(GAINS)
    frame = made.to_dataframe()
    assert list(frame.columns) == ["strategy", "site", "metric", "score", "gain", "low", "high"]
    assert len(frame) == 3 * 4
    assert made.to_rows()[4] == {
        "strategy": "shrinkage",
        "site": None,
        "metric": "auroc",
        "score": pytest.approx(0.83),
        "gain": 0.03,
        "low": pytest.approx(0.015),
        "high": pytest.approx(0.045),
    }
    assert made._repr_html_().startswith("<div><p><b>rehearsed on tf_efficientnet_lite0: shrinkage, auroc +0.030")
    assert "95 % [+0.015, +0.045]" in repr(made)
    assert "nothing is expected to gain more" in repr(rehearsal({}))


def test_it_is_evidence_for_advice() -> None:
    """Every gain with its standard error; FedAvg's own, and those without an interval, say nothing."""
    made = rehearsal({"shrinkage": 0.03, "zscore+lp_ft": -0.01})
    (one, two) = made.measured()
    assert (one.harmonizer, one.method, one.mean) == (None, "shrinkage", 0.03)
    assert one.error == pytest.approx(0.015 / 1.959964)
    assert (two.harmonizer, two.method) == ("zscore", "lp_ft")


def test_an_interval_of_next_to_no_confidence_is_no_evidence() -> None:
    values = rehearsal(GAINS).to_dict()
    values["strategies"][1]["gain"]["level"] = 1e-300
    first, second = read(values).measured()
    assert first.error == float("inf")
    assert second.error < 0.01


def test_it_is_evidence_for_its_own_sites_alone() -> None:
    made = rehearsal(GAINS)
    known = {site: planned.fingerprint for site, planned in made.plan.sites.items()}
    made.require_of(known)
    first = min(known)
    with pytest.raises(PlanError, match="was profiled and not rehearsed"):
        made.require_of({**known, "elsewhere": "0"})
    with pytest.raises(PlanError, match="was rehearsed and not profiled"):
        made.require_of({site: mark for site, mark in known.items() if site != first})
    with pytest.raises(PlanError, match="rehearsed with other data than its profile describes"):
        made.require_of({**known, first: "changed"})
    with pytest.raises(PlanError, match="there is no harmonizer 'nonesuch'; expected zscore"):
        rehearsal({"nonesuch+lp_ft": 0.02}).require_of(known)
    with pytest.raises(PlanError, match="no gain in it has an interval"):
        rehearsal({}).require_of(known)
