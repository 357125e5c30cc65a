"""Results that version 0.1 wrote are read as results of today, whose words mean more."""

import json
from pathlib import Path
from typing import Any

import pytest
from small_plans import planned_sites, small_plan

from shiftscope.errors import EngineError
from shiftscope.plans import RunResult, TrialResult

OLD = Path(__file__).parents[1] / "docs" / "results"
KEPT = {
    path.relative_to(OLD).as_posix(): values
    for path in sorted(OLD.rglob("*.json"))
    if {"verdict", "rounds"} <= (values := json.loads(path.read_text(encoding="utf-8"))).keys()
}
SURE = {"mean": 0.002, "low": -0.003, "high": 0.005}
UNSURE = {"mean": 0.03, "low": -0.02, "high": 0.08}
GAIN = {"mean": 0.03, "low": 0.01, "high": 0.05}
LOSS = {"mean": -0.03, "low": -0.05, "high": -0.01}
NOTHING = {"mean": None, "low": None, "high": None}


def old_plan() -> dict[str, Any]:
    """As version 0.1 wrote it: without the keys of today."""
    values = small_plan(harmonizer="zscore", sites=planned_sites("ab", 40), seeds=(3, 4)).to_dict()
    new = ("folds", "margin", "balance", "encoder", "weights_sha256", "head", "stem", "loss", "augment", "code")
    return {key: value for key, value in values.items() if key not in ("schema", *new)}


def old_result(verdict: str, difference: dict[str, Any], **changes: Any) -> dict[str, Any]:
    arm = {"algorithm": "fedavg", "harmonizer": "zscore", "rounds": 10, "mean": 0.7}
    site = {"cases": 9, "scores": {"baseline": [0.6, None], "adapted": [0.7, 0.71]}, "difference": difference}
    values = {
        "schema": 1,
        "plan": old_plan(),
        "engine": "inline",
        "metric": "dice",
        "verdict": verdict,
        "difference": difference,
        "sites": {"a": site, "b": site},
        "harmed": [],
        "worst": {"baseline": {"site": "a", "score": 0.6}},
        "arms": {
            "baseline": {**arm, "harmonizer": None, "verdict": "no_difference", "difference": NOTHING},
            "adapted": {
                **arm,
                "verdict": verdict,
                "difference": difference,
                "ungated": {"mean": 0.7, "verdict": verdict, "difference": difference},
            },
        },
        "rounds": [],
        "cost": {"bytes": 10, "seconds": 2.5},
    }
    return {**values, **changes}


def old_trial(verdict: str, difference: dict[str, Any]) -> dict[str, Any]:
    numbers = {"validation": 0.7, "test": 0.71, "passes": 100, "bytes": 1000, "seconds": 2.5}
    first = {"fate": "reference", "harmonizer": None, "algorithm": "fedavg", "verdict": "no_difference", **numbers}
    other = {"fate": "finalist", "harmonizer": "zscore", "algorithm": "fedavg", "verdict": verdict, **numbers}
    names = {"fedavg": first, "zscore": {**other, "difference": difference}}
    return {
        "schema": 1,
        "plan": old_plan(),
        "engine": "inline",
        "metric": "dice",
        "reference": "fedavg",
        "verdict": "pool",
        "leader": "zscore",
        "winner": None,
        "ranking": ["zscore", "fedavg"],
        "keep": 0.5,
        "seeds": [3, 4],
        "rungs": [{"rounds": 4, "judged": ["a"], "strategies": names}],
        "cost": {"passes": 500, "full_passes": 900, "bytes": 5000, "seconds": 20.0},
        "machine": {},
    }


def result_of(values: Any) -> RunResult:
    return RunResult.from_dict(json.loads(json.dumps(values)), "old.json", EngineError)


def trial_of(values: Any) -> TrialResult:
    return TrialResult.from_dict(json.loads(json.dumps(values)), "old.json", EngineError)


VERDICTS = [
    ("helped", GAIN, "helped"),
    ("harmed", LOSS, "harmed"),
    ("no_difference", SURE, "no_difference"),
    ("no_difference", {**SURE, "high": 0.0051}, "undecided"),
    ("no_difference", {**SURE, "low": -0.0051}, "undecided"),
    ("no_difference", UNSURE, "undecided"),
    ("no_difference", NOTHING, "undecided"),
]


@pytest.mark.parametrize(("was", "difference", "now"), VERDICTS)
def test_a_verdict_of_a_run_keeps_what_its_interval_bears_out(was: str, difference: dict[str, Any], now: str) -> None:
    result = result_of(old_result(was, difference))
    adapted = result.arms["adapted"]
    assert adapted.ungated is not None
    assert (result.verdict, adapted.verdict, adapted.ungated.verdict) == (now, now, now)
    assert result.arms["baseline"].verdict == "undecided"  # from itself, nothing is to be told
    assert result.difference.model_dump() == {**difference, "level": 0.95}


@pytest.mark.parametrize(("was", "difference", "now"), VERDICTS)
def test_so_does_a_verdict_in_a_trial(was: str, difference: dict[str, Any], now: str) -> None:
    assert trial_of(old_trial(was, difference)).last("zscore").verdict == now


def test_what_schema_1_did_not_say_is_filled_in_and_the_rest_is_kept() -> None:
    result = result_of(old_result("helped", GAIN))
    assert (result.seeds, result.margin, result.plan.folds) == ((3, 4), 0.005, 1)
    assert result.sites["a"].scores["adapted"] == (0.7, 0.71)
    assert {scores.answer for scores in result.sites.values()} == {"undecided"}
    assert (result.needed.seeds, result.needed.patients, result.worst_site, result.analyses) == (None, None, None, ())
    assert [row["seed"] for row in result.to_rows()] == [3, 4] * 4
    assert trial_of(old_trial("helped", GAIN)).margin == 0.005


def test_what_is_written_is_schema_2_and_reads_back(tmp_path: Path) -> None:
    result, trial = result_of(old_result("no_difference", UNSURE)), trial_of(old_trial("helped", GAIN))
    result.write(tmp_path / "result.json")
    trial.write(tmp_path / "trial.json")
    assert [json.loads(path.read_text())["schema"] for path in sorted(tmp_path.iterdir())] == [2, 2]
    assert RunResult.read(tmp_path / "result.json") == result
    assert TrialResult.read(tmp_path / "trial.json") == trial


@pytest.mark.parametrize("name", KEPT)
def test_every_result_of_the_documentation_is_read(name: str) -> None:
    result, values = RunResult.read(OLD / name), KEPT[name]
    may = ("no_difference", "undecided") if values["verdict"] == "no_difference" else (values["verdict"],)
    assert result.verdict in may
    assert list(result.seeds) == values.get("seeds", values["plan"]["seeds"])


def test_the_documentation_holds_results_of_schema_1() -> None:
    assert sum(values["schema"] == 1 for values in KEPT.values()) >= 8


def forged(*path: str, value: Any) -> dict[str, Any]:
    """An old result with one odd value."""
    tree = json.loads(json.dumps(old_result("no_difference", UNSURE)))
    here = tree
    for step in path[:-1]:
        here = here[step]
    if value is ...:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return tree


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        (("plan",), 3, "plan"),
        (("plan",), None, "plan"),
        (("plan",), ..., "plan"),
        (("plan", "seeds"), {"a": 1}, "plan.seeds"),
        (("plan", "seeds"), ..., "plan.seeds"),
        (("plan", "seeds"), [1.5], "plan.seeds.0"),
        (("verdict",), ["helped"], "verdict"),
        (("verdict",), True, "verdict"),
        (("verdict",), ..., "verdict"),
        (("verdict",), "helped", ""),
        (("difference",), [1, 2], "difference"),
        (("difference",), None, "difference"),
        (("difference",), ..., "difference"),
        (("difference", "low"), "x", "difference.low"),
        (("difference", "low"), [0], "difference.low"),
        (("difference", "high"), 10**400, ""),
        (("arms",), [1], "arms"),
        (("arms",), "x", "arms"),
        (("arms", "adapted"), 7, "arms.adapted"),
        (("arms", "adapted", "ungated"), "x", "arms.adapted.ungated"),
        (("arms", "adapted", "difference"), "x", "arms.adapted.difference"),
        (("arms", "adapted", "verdict"), {}, "arms.adapted.verdict"),
        (("sites",), [], "sites"),
        (("speed",), 3, "speed"),
    ],
)
def test_an_odd_old_result_is_refused_in_one_line(path: tuple[str, ...], value: Any, key: str) -> None:
    with pytest.raises(EngineError) as refused:
        RunResult.from_dict(forged(*path, value=value), "old.json", EngineError)
    said = str(refused.value)
    assert said.startswith("old.json: ")
    assert len(said.splitlines()) == 1
    assert f"'{key}" in said


@pytest.mark.parametrize(
    ("key", "value"), [("rungs", 3), ("rungs", [7]), ("rungs", [{"strategies": [1]}]), ("rungs", []), ("speed", 3)]
)
def test_so_is_an_odd_old_trial(key: str, value: Any) -> None:
    with pytest.raises(EngineError, match=f"^old.json: .*'{key}") as refused:
        TrialResult.from_dict({**old_trial("helped", GAIN), key: value}, "old.json", EngineError)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("schema", [0, 3, True, 1.0, 2.0, "1", None, [1]])
def test_other_schemas_are_refused(schema: Any) -> None:
    for read, values in ((result_of, old_result("helped", GAIN)), (trial_of, old_trial("helped", GAIN))):
        with pytest.raises(EngineError, match="is not the schema 2 this version reads"):
            read({**values, "schema": schema})
