"""The verdict, and who an average hides."""

from pathlib import Path

import numpy as np
import pytest
from small_plans import planned_sites, small_plan

from shiftscope.plans import Cost, Difference, RoundEntry, RunResult
from shiftscope.training.arms import arms_of
from shiftscope.training.evaluation.bootstrap import REPLICATES
from shiftscope.training.evaluation.claims import verdict_on
from shiftscope.training.evaluation.run_summaries import SiteFacts, summarise
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.states import Checkpoint, Evaluation


@pytest.mark.parametrize(
    ("mean", "low", "high", "verdict"),
    [
        (0.02, 0.001, 0.04, "helped"),
        (0.02, 0.0, 0.04, "undecided"),
        (0.01, 0.009, 0.011, "undecided"),
        (0.0101, 0.009, 0.011, "helped"),
        (0.005, 0.004, 0.006, "no_difference"),
        (0.0, -0.01, 0.01, "no_difference"),
        (0.0, -0.01, 0.0101, "undecided"),
        (-0.02, -0.04, -0.001, "harmed"),
        (-0.02, -0.04, 0.0, "undecided"),
        (-0.004, -0.005, -0.003, "no_difference"),
        (None, None, None, "undecided"),
    ],
)
def test_verdict(mean: float | None, low: float | None, high: float | None, verdict: str) -> None:
    assert verdict_on(Difference(mean=mean, low=low, high=high), margin=0.01) == verdict


def job(harmonizer: str | None = "zscore", seeds: tuple[int, ...] = (0, 1)) -> Job:
    plan = small_plan(
        rounds=1,
        local_steps=1,
        batch_size=2,
        learning_rate=0.1,
        seeds=seeds,
        harmonizer=harmonizer,
        sites=planned_sites("abc", 9),
        data={"a": "/secret"},
    )
    return Job(
        plan=plan,
        arms=arms_of(plan),
        data=dict.fromkeys("abc", "/x"),
        patient_regex=None,
        out=Path("out"),
        timeout_s=1,
        device="cpu",
    )


def checkpoint(arm: str, seed: int, scores: dict[str, float | None], failed: str | None = None) -> Checkpoint:
    replies = {site: "failed: ValueError" if site == failed else "ok" for site in "abc"}
    entry = RoundEntry(round=1, arm=arm, seed=seed, replies=replies, loss=0.5, bytes=100, seconds=2.0)
    words = {
        s: Evaluation(cases=5, scores={"dice": v, "surface_px": 1.0}, ungated={"dice": v}, validation={"dice": v})
        for s, v in scores.items()
    }
    return Checkpoint(1, {}, {}, [entry], words, 10)


def account(job: Job, gain: dict[str, float], failed: str | None = None) -> RunResult:
    base: dict[str, float | None] = {"a": 0.8, "b": 0.6, "c": 0.7}
    runs = {}
    for seed in job.plan.seeds:
        runs["baseline", seed] = checkpoint("baseline", seed, base)
        if len(job.arms) == 2:
            runs["adapted", seed] = checkpoint("adapted", seed, {s: base[s] + gain[s] for s in gain}, failed)  # type: ignore[operator]
    rng = np.random.default_rng(0)
    drawn = {
        site: (gain[site] + rng.normal(0, 0.01, (REPLICATES, len(job.plan.seeds)))).astype(np.float32) for site in gain
    }
    facts = {site: SiteFacts({"train": 6, "val": 1, "test": 2}, {"truncated": 1}, {"zscore": 0.1}) for site in "abc"}
    return summarise(
        job, "inline", runs, facts, {"adapted": drawn} if len(job.arms) == 2 else {}, Cost(bytes=9, seconds=1), {}
    )


def test_the_mean_over_sites_decides_and_the_harmed_site_is_named() -> None:
    result = account(job(), {"a": -0.1, "b": 0.2, "c": 0.2})
    assert result.verdict == "helped"
    assert result.difference.mean == pytest.approx(0.1)
    assert result.harmed == ("a",)
    assert result.worst["baseline"].site == "b"
    assert result.worst["adapted"].model_dump() == {"site": "a", "score": pytest.approx(0.7)}
    assert result.sites["b"].scores == {"baseline": (0.6, 0.6), "adapted": pytest.approx((0.8, 0.8))}
    assert result.sites["b"].also["surface_px"]["adapted"] == (1.0, 1.0)
    assert result.cost_by_arm["adapted"].bytes == 2 * 110


def test_a_site_that_gave_nothing_is_null_and_reported() -> None:
    """Trained without it, a model is another one: there is no difference to report, and it is said why."""
    result = account(job(seeds=(3,)), {"a": 0.1, "b": 0.1}, failed="c")
    assert result.sites["c"].scores["adapted"] == (None,)
    assert result.sites["a"].scores["adapted"] == (pytest.approx(0.9),)
    assert result.difference.mean is None
    assert result.sites["a"].difference.mean is None
    assert result.verdict == "undecided"
    assert any(
        "'adapted' is not compared with 'baseline': with seed 3 site c missed 1" in note for note in result.notes
    )
    assert any(note.startswith("one seed: ") for note in result.notes)
    assert any("site c missed 1 of 2 rounds" in note and "ValueError" in note for note in result.notes)
    assert any("site c: dice of 'adapted' is undefined or missing for seed 3" in note for note in result.notes)


def test_a_pool_plan_has_nothing_to_compare() -> None:
    result = account(job(harmonizer=None), {})
    assert result.verdict == "undecided"
    assert result.difference == Difference()
    assert result.sites["a"].scores == {"baseline": (0.8, 0.8)}
    assert not result.harmed


def test_the_account_keeps_no_path_and_reads_back(tmp_path: Path) -> None:
    result = account(job(), {"a": 0.0, "b": 0.0, "c": 0.0})
    assert "/secret" not in result.to_json()
    result.write(tmp_path / "result.json")
    again = RunResult.read(tmp_path / "result.json")
    assert again.to_json() == result.to_json()
    assert result.to_dict()["schema"] == 2
