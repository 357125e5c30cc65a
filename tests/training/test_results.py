"""The verdict, and who an average hides."""

from pathlib import Path

import numpy as np
import pytest
from small_plans import planned_sites, small_plan

from shiftscope.plans import Cost, Difference, Needed, RoundEntry, RunResult
from shiftscope.training.arms import arms_of
from shiftscope.training.evaluation.accounts import Account, SiteFacts
from shiftscope.training.evaluation.claims import verdict_on
from shiftscope.training.evaluation.patient_spreads import PatientSpread
from shiftscope.training.evaluation.primary_claims import primary_claim
from shiftscope.training.evaluation.run_summaries import summarise
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.states import Checkpoint, ReceivedEvaluation


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


def job(
    harmonizer: str | None = "zscore",
    seeds: tuple[int, ...] | str = (0, 1),
    personalizer: str | None = None,
    baseline: str = "fedavg",
) -> Job:
    plan = small_plan(
        rounds=1,
        local_steps=1,
        batch_size=2,
        learning_rate=0.1,
        seeds=seeds,
        harmonizer=harmonizer,
        personalizer=personalizer,
        baseline=baseline,
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
        s: ReceivedEvaluation(
            cases=5, scores={"dice": v, "surface_px": 1.0}, ungated={"dice": v}, validation={"dice": v}
        )
        for s, v in scores.items()
    }
    return Checkpoint(1, {}, {}, [entry], words, 10)


BASE: dict[str, float | None] = {"a": 0.8, "b": 0.6, "c": 0.7}


def account(
    job: Job,
    gain: dict[str, float],
    failed: str | None = None,
    alone: float = -0.2,
    level: float = 0.95,
    seeds: tuple[int, ...] | None = None,
    unsure: str | None = None,
) -> RunResult:
    """A run in which the advice gains so much at each site, and each site's own model as much as `alone`.

    Of the patients of `unsure` nothing is known.
    """
    seeds = job.plan.every_seed if seeds is None else seeds
    gains = {"adapted": gain, "local": dict.fromkeys(gain or "abc", alone)}
    runs: dict[tuple[str, int], Checkpoint] = {}
    for arm in job.arms:
        at = gains.get(arm.name, dict.fromkeys("abc", 0.0))
        scores = {site: BASE[site] + at[site] for site in at}  # type: ignore[operator]
        for seed in seeds:
            runs[arm.name, seed] = checkpoint(arm.name, seed, scores, failed if arm.name == "adapted" else None)
    names = tuple(arm.name for arm in job.arms[1:])
    alike = np.einsum("ab,st->asbt", np.eye(len(names)), np.eye(len(seeds))) * 0.01**2
    spreads = {site: PatientSpread(names, alike * (np.nan if site == unsure else 1), 1000) for site in (gain or "abc")}
    facts = {site: SiteFacts({"train": 6, "val": 1, "test": 2}, {"truncated": 1}, {"zscore": 0.1}) for site in "abc"}
    known = Account.of(job, runs, facts, spreads, level)
    return summarise(known, [primary_claim(known)], "inline", Cost(bytes=9, seconds=1), {})


def test_the_mean_over_sites_decides_and_the_harmed_site_is_named() -> None:
    result = account(job(), {"a": -0.1, "b": 0.2, "c": 0.2})
    assert result.verdict == "helped"
    assert result.difference.mean == pytest.approx(0.1)
    assert result.harmed == ("a",)
    assert result.worst["baseline"].site == "b"
    assert result.worst["adapted"].model_dump() == {"site": "a", "score": pytest.approx(0.7)}
    assert result.sites["b"].scores == {
        "baseline": (0.6, 0.6),
        "adapted": pytest.approx((0.8, 0.8)),
        "local": pytest.approx((0.4, 0.4)),
    }
    assert result.worst_site is not None
    assert (result.worst_site.site, result.worst_site.difference.mean) == ("b", pytest.approx(0.2))
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
    assert any("site c missed 1 of 3 rounds" in note and "ValueError" in note for note in result.notes)
    assert any("site c: dice of 'adapted' is undefined or missing for seed 3" in note for note in result.notes)


def test_a_pool_plan_has_nothing_to_compare() -> None:
    result = account(job(harmonizer=None), {})
    assert result.verdict == "undecided"
    assert result.difference == Difference()
    assert result.sites["a"].scores == {"baseline": (0.8, 0.8), "local": pytest.approx((0.6, 0.6))}
    assert {site.answer for site in result.sites.values()} == {"take_part"}
    assert not result.harmed
    assert result.worst_site is None
    assert result.needed == Needed()


def test_a_harmonizer_alone_is_judged_beside_local_models() -> None:
    result = account(job(baseline="local"), dict.fromkeys("abc", 0.2))
    assert result.verdict == "helped"
    assert result.sites["a"].difference.mean == pytest.approx(0.2)
    assert {site.answer for site in result.sites.values()} == {"undecided"}


def test_no_site_is_told_to_take_part_in_a_bound() -> None:
    result = account(job(harmonizer=None, baseline="pooled"), {}, alone=-0.2)
    assert {site.answer for site in result.sites.values()} == {"undecided"}


def test_a_site_that_leaves_the_mean_without_an_interval_is_named() -> None:
    result = account(job(), dict.fromkeys("abc", 0.2), unsure="b")
    assert (result.difference.mean, result.difference.low) == (pytest.approx(0.2), None)
    assert [note for note in result.notes if note.startswith("site b: each of its test parts has one patient")]
    assert not [note for note in result.notes if note.startswith(("site a", "site c"))]


@pytest.mark.parametrize(
    ("gain", "alone", "answer"),
    [(0.1, -0.2, "take_part"), (-0.1, 0.19, "alone"), (-0.1, 0.001, "undecided"), (0.1, 0.19, "alone")],
)
def test_each_site_is_told_whether_taking_part_pays(gain: float, alone: float, answer: str) -> None:
    result = account(job(), dict.fromkeys("abc", gain), alone=alone)
    assert {site.answer for site in result.sites.values()} == {answer}


@pytest.mark.parametrize(("gain", "answer"), [(0.1, "own_model"), (0.0, "take_part")])
def test_an_own_model_made_together_is_another_answer(gain: float, answer: str) -> None:
    result = account(job(harmonizer=None, personalizer="fedper"), dict.fromkeys("abc", gain))
    assert {site.answer for site in result.sites.values()} == {answer}


def test_a_look_before_the_last_spends_its_share_on_sites_too() -> None:
    """What would be called at 95 % is not at the level of the first of three looks; nor is a site."""
    auto = job(seeds="auto")
    plan = auto.plan
    assert [analysis.seeds for analysis in plan.analyses] == [3, 5, 10]
    result = account(auto, {"a": 0.2, "b": 0.2, "c": -0.0135}, level=plan.analyses[0].level, seeds=(0, 1, 2))
    assert result.seeds == (0, 1, 2)
    assert result.difference.level == pytest.approx(0.99)
    assert all(site.difference.level == pytest.approx(0.99) for site in result.sites.values())
    assert [(each.seeds, each.verdict) for each in result.analyses] == [(3, result.verdict)]
    assert account(auto, {"a": 0.2, "b": 0.2, "c": -0.0135}, seeds=(0, 1, 2)).harmed == ("c",)
    assert result.harmed == ()


def test_the_account_keeps_no_path_and_reads_back(tmp_path: Path) -> None:
    result = account(job(), {"a": 0.0, "b": 0.0, "c": 0.0})
    assert "/secret" not in result.to_json()
    result.write(tmp_path / "result.json")
    again = RunResult.read(tmp_path / "result.json")
    assert again.to_json() == result.to_json()
    assert result.to_dict()["schema"] == 2
