"""Trials: on planted scores, and whole ones on three small hospitals."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fake_runs import faked, plan_of
from small_hospitals import plan_for
from volumes_on_disk import segmented_volumes

from shiftscope.errors import PlanError, UsageError
from shiftscope.plans import TrialResult, read_plan, write_plan
from shiftscope.plans.plan import Split
from shiftscope.progress import Progress
from shiftscope.reports.sheets.trial_sheet import trial_sheet
from shiftscope.training.algorithms.aggregation import Update
from shiftscope.training.federation.participants import Participant
from shiftscope.training.run_options import RunOptions
from shiftscope.training.trials import trial_runs
from shiftscope.training.trials.prepared_trials import Trial, prepare_trial
from shiftscope.training.trials.rungs import halve
from shiftscope.training.trials.trial_runs import few_validating, run_trial
from shiftscope.training.trials.winners import write_winner

VALIDATION = {
    "fedavg": 0.3,
    "zscore": 0.6,
    "fedbn": 0.7,
    "fedper": 0.4,
    "ditto": 0.5,
    "zscore+fedbn": 0.8,
    "lp_ft": 0.45,
    "silobn": 0.42,
    "nyul": 0.41,
}
NAMES = [name for name in VALIDATION if name != "fedavg"]
FLAT = dict.fromkeys(VALIDATION, 0.5)


def planted(
    test: Mapping[str, float], validation: Mapping[str, float] = VALIDATION, calls: list | None = None
) -> TrialResult:
    return halve(whole_trial(), faked(validation, test, calls=calls))


@cache
def whole_trial() -> Trial:
    """All of them, the plan's whole budget in the last rung; prepared once, for each strategy builds the model."""
    return prepare_trial(plan_of(), NAMES, share=1.0)


def test_the_planted_best_survives_and_is_taken() -> None:
    result = planted({**FLAT, "zscore+fedbn": 0.55})
    assert (result.verdict, result.winner, result.leader) == ("take", "zscore+fedbn", "zscore+fedbn")
    assert [rung.rounds for rung in result.rungs] == [4, 8, 16]
    assert [len(rung.strategies) for rung in result.rungs] == [9, 5, 3]
    assert result.ranking == (
        *("zscore+fedbn", "fedbn", "fedavg"),
        *("zscore", "ditto"),
        *("lp_ft", "silobn", "nyul", "fedper"),
    )
    assert result.rungs[0].strategies["fedper"].fate == "dropped"
    assert result.last("fedbn").fate == "finalist"
    assert result.notes == ("rung 1: site a missed a round",)
    assert "/secret" not in result.to_json()


def test_every_rung_is_a_run_of_its_own_whose_schedule_is_its_budget() -> None:
    calls: list = []
    planted(FLAT, calls=calls)
    for (plan, arms), rounds in zip(calls, (4, 8, 16), strict=True):
        assert plan.rounds == rounds
        assert {arm.rounds for arm in arms} == {rounds}


def test_the_reference_is_in_every_rung_however_bad() -> None:
    calls: list = []
    result = planted(FLAT, {**VALIDATION, "fedavg": -1.0}, calls)
    assert all(arms[0].name == "fedavg" and not arms[0].gated for _, arms in calls)
    assert all(next(iter(rung.strategies)) == "fedavg" for rung in result.rungs)
    assert result.ranking.index("fedavg") == 2


def test_test_scores_decide_nothing_but_the_verdict() -> None:
    """However the test scores lie, the same survive, and the same one is put forward."""
    plain = planted(FLAT)
    for test in ({**FLAT, "fedper": 0.99, "zscore": 0.9}, {**FLAT, "zscore+fedbn": 0.0}, {**FLAT, "fedavg": 1.0}):
        result = planted(test)
        assert result.ranking == plain.ranking
        assert result.leader == plain.leader
        assert [list(rung.strategies) for rung in result.rungs] == [list(rung.strategies) for rung in plain.rungs]


def test_nothing_beats_the_reference() -> None:
    result = planted({**FLAT, "zscore+fedbn": 0.509, "fedbn": 0.4})
    assert (result.verdict, result.winner) == ("pool", None)


def test_finalists_that_noise_parts_from_the_leader_are_reported() -> None:
    assert planted(FLAT).close == ()
    result = planted({**FLAT, "fedbn": 0.6}, {**VALIDATION, "fedbn": 0.8})
    assert (result.leader, result.close) == ("fedbn", ("zscore+fedbn",))
    assert "within noise of fedbn on validation: zscore+fedbn" in str(trial_sheet(result))


def test_a_finalist_with_luck_on_the_test_cases_is_no_winner() -> None:
    result = planted({**FLAT, "fedbn": 0.6})
    assert (result.verdict, result.winner, result.leader) == ("unclear", None, "zscore+fedbn")


def test_cost_counts_what_the_sites_reported() -> None:
    result = planted(FLAT)
    assert result.cost.passes == 9 * 100 + 5 * 200 + 3 * 300
    assert result.cost.full_passes == 16 * 10 * 4 * 5 * (9 + 1)  # rounds, steps, sites, folds; ditto counts twice
    entry = result.rungs[1].strategies["fedbn"]
    assert (entry.passes, entry.bytes, entry.seconds) == (200, 100, 1.5)
    assert (result.cost.bytes, result.cost.seconds) == (3000, 6.0)


def test_what_a_trial_will_cost_is_said_before() -> None:
    trial = prepare_trial(plan_of(), NAMES)
    assert trial.rungs == (2, 4, 8)
    assert trial.expects().startswith("8 strategies beside fedavg, rungs of 2, 4, 8 rounds: about ")
    most = int(trial.expects().split("at most ")[1].split()[0])
    assert most <= trial.full_gradients  # the default never takes more than everything in full


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"keep": 1.0}, "--keep 1: expected a share between 0 and 1"),
        ({"share": 1.5}, "--budget 1.5: expected a share above 0"),
        ({"rungs": 0}, "--rungs 0: expected 1 or more"),
    ],
)
def test_shares_that_are_none(how: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        prepare_trial(plan_of(), **how)  # type: ignore[arg-type]


def test_a_plan_of_one_round_has_no_trial() -> None:
    with pytest.raises(PlanError, match="rounds: 1 for a trial"):
        prepare_trial(plan_of(rounds=1))


def test_the_winner_as_a_plan(tmp_path: Path) -> None:
    trial = prepare_trial(plan_of(harmonizer="nyul", personalizer="fedper"), NAMES, share=1.0)
    result = halve(trial, faked(VALIDATION, {**FLAT, "zscore+fedbn": 0.55}))
    write_winner(trial, result, tmp_path / "winner.toml")
    found = read_plan(tmp_path / "winner.toml")
    assert (found.harmonizer, found.personalizer, found.rounds) == ("zscore", "fedbn", 16)
    assert "+0.050, 95 % [+0.040, +0.060]" in (tmp_path / "winner.toml").read_text()
    write_winner(trial, halve(trial, faked(VALIDATION, FLAT)), tmp_path / "none.toml")
    alone = read_plan(tmp_path / "none.toml")
    assert (alone.harmonizer, alone.personalizer, alone.name) == (None, None, "fake-winner")


@pytest.mark.parametrize(
    ("gains", "first"),
    [
        ({"zscore+fedbn": 0.05}, "take zscore+fedbn: dice +0.050, 95 % [+0.040, +0.060] over fedavg"),
        ({"zscore+fedbn": 0.005}, "nothing beats fedavg: pool (best, zscore+fedbn: +0.005, 95 % [-0.005, +0.015])"),
        ({"fedbn": 0.05}, "undecided: zscore+fedbn, the best by validation, +0.000, 95 % [-0.010, +0.010] over fedavg"),
    ],
)
def test_the_first_line_says_what_to_do(gains: dict[str, float], first: str) -> None:
    sheet = trial_sheet(planted({**FLAT, **{name: 0.5 + gain for name, gain in gains.items()}}), verbose=True)
    assert sheet[0].title == first
    text = str(sheet)
    assert "fedper 0.400" in text  # dropped, and by which score
    assert "site a missed a round" in text


def command(data: dict[str, Path], out: Path, *more: object) -> list[object]:
    folders = [part for site, path in data.items() for part in ("--data", f"{site}={path}")]
    return ["trial", out / "plan.toml", *folders, "--engine", "inline", "-o", out / "t", *more]


@pytest.mark.slow
def test_a_trial_end_to_end_and_again(run, hospitals: dict[str, Path], tmp_path: Path, monkeypatch) -> None:
    write_plan(plan_for(hospitals, rounds=4, seeds=(0, 1)), tmp_path / "plan.toml")
    asked = command(
        hospitals, tmp_path, "--strategies", "zscore,fedbn", "--budget", "1", "--folds", "2", "-p", tmp_path / "w.toml"
    )
    done = run(*asked)
    assert done.code == 0, done.err
    assert done.out.startswith(("take ", "nothing beats fedavg: pool", "undecided: "))
    assert all(len(line) <= 80 for line in done.out.splitlines())
    assert "2 strategies beside fedavg, rungs of 2, 4 rounds: about " in done.err
    result = TrialResult.read(tmp_path / "t" / "trial.json")
    assert [rung.rounds for rung in result.rungs] == [2, 4]
    first, last = result.rungs
    assert {next(iter(rung.strategies)) for rung in (first, last)} == {"fedavg"}
    for rung in result.rungs:
        run_of = json.loads((tmp_path / "t" / f"rung-{result.rungs.index(rung) + 1}" / "result.json").read_text())
        assert run_of["plan"]["rounds"] == rung.rounds
        for name, entry in rung.strategies.items():
            scores = [score for site in run_of["sites"].values() for score in site["validation"][name]]
            assert entry.validation == pytest.approx(sum(scores) / len(scores), abs=1e-5)
            assert entry.passes == 2 * 3 * 2 * rung.rounds
    assert result.plan.folds == 2
    won = read_plan(tmp_path / "w.toml")
    assert (won.rounds, won.folds, won.seeds) == (4, 1, (0, 1))

    assert run(*asked).code == 2
    monkeypatch.setattr(trial_runs, "train", lambda *_, **__: pytest.fail("nothing is left to run"))
    again = run(*asked, "--resume", "--format", "json")
    assert again.code == 0, again.err
    assert json.loads(again.out) == result.to_dict()
    other = run(
        *command(hospitals, tmp_path, "--strategies", "zscore,fedper", "--budget", "1", "--folds", "2", "--resume")
    )
    assert (other.code, "the trial had other strategies" in other.err) == (2, True)


@pytest.mark.slow
def test_an_interrupted_trial_goes_on_where_it_was(
    hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(hospitals, rounds=4)
    trial = prepare_trial(plan, ["zscore", "fedbn"], share=1.0, folds=1)

    def stop(step: Progress) -> None:
        if step.line.startswith("zscore, seed 0, round 1 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trial(trial, hospitals, RunOptions(engine="inline", out=tmp_path / "t"), progress=stop)
    trained: list[tuple[Path, str, int]] = []
    step = Participant.train

    def counted(self: Participant, arm: str, seed: int, number: int, *rest: Any) -> Update:
        trained.append((self.job.out.name, arm, number))
        return step(self, arm, seed, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Participant, "train", counted)
        resumed = run_trial(trial, hospitals, RunOptions(engine="inline", out=tmp_path / "t", resume=True))
    assert trained[0] == ("rung-1", "zscore", 2)
    assert not [arm for rung, arm, _ in trained if (rung, arm) == ("rung-1", "fedavg")]
    steps: list[Progress] = []
    whole = run_trial(trial, hospitals, RunOptions(engine="inline", out=tmp_path / "whole"), progress=steps.append)
    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert steps[0].doing == "rung 1 of 2: fedavg, seed 0"
    assert {step.total for step in steps if step.doing.startswith("rung 1")} == {3 * 2 + 2 * 4}
    assert steps[-1].done == steps[-1].total
    assert steps[-1].total == sum(len(rung.strategies) * rung.rounds for rung in whole.rungs)
    for one, other in zip(resumed.rungs, whole.rungs, strict=True):
        assert one.judged == other.judged
        for name, entry in one.strategies.items():
            assert (entry.validation, entry.test, entry.difference) == (
                other.strategies[name].validation,
                other.strategies[name].test,
                other.strategies[name].difference,
            )


def test_too_few_validation_cases_are_told_before_anything_runs(hospitals: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(hospitals, rounds=4, split=Split(train=0.8, val=0.0, test=0.2))
    trial = prepare_trial(plan, ["zscore"])
    with pytest.raises(PlanError, match=r"split.val: 3 of 3 sites \(a, b, c\) have no validation case.*enlarge"):
        run_trial(trial, hospitals, RunOptions(engine="inline", out=tmp_path / "t"))
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("patients", "val", "folds", "few"),
    [(60, 0.1, 5, True), (60, 0.2, 5, False), (100, 0.1, 1, False), (99, 0.1, 1, True)],
)
def test_sites_that_can_only_keep_their_validation_scores(patients: int, val: float, folds: int, few: bool) -> None:
    """Five patients of each of two classes are asked for; a fold that tests a fifth leaves fewer to validate."""
    sites = {"a": {"fingerprint": "", "patients": patients, "cases": patients}}
    split = Split(train=0.8 - val, val=val, test=0.2)
    plan = plan_for({}, task="classification", classes=("one", "other"), model="test_resnet", sites=sites)
    assert few_validating(plan.model_copy(update={"split": split, "folds": folds})) == ["a"] * few


def test_errors_of_the_command_line(run, hospitals: dict[str, Path], tmp_path: Path) -> None:
    write_plan(plan_for(hospitals, rounds=4), tmp_path / "plan.toml")
    for more, said in (
        (("--strategies", "zscoer"), "did you mean zscore?"),
        (("--keep", "half"), "--keep half: expected a share such as 1/2 or 0.5"),
        (("--budget", "2"), "--budget 2: expected a share above 0"),
        (("--resume",), "holds no trial to resume"),
    ):
        done = run(*command(hospitals, tmp_path, *more))
        assert done.code == 2
        assert said in done.err
        assert "Traceback" not in done.err


@pytest.mark.slow
def test_a_trial_of_volumes_on_flower_is_the_one_in_this_process(tmp_path: Path) -> None:
    data = segmented_volumes(tmp_path / "data", {"thin": 6, "thick": 10}, cases=10)
    split = Split(train=0.5, val=0.3, test=0.2)
    plan = plan_for(data, image_size=24, patch=(8, 16, 16), rounds=4, split=split)
    trial = prepare_trial(plan, ["fedbn"], share=1.0, rungs=2)
    found = [
        run_trial(trial, data, RunOptions(engine=engine, out=tmp_path / engine)) for engine in ("inline", "flower")
    ]
    assert [result.engine for result in found] == ["inline", "flower"]
    assert [rung.rounds for rung in found[1].rungs] == list(trial.rungs)
    assert (found[0].verdict, found[0].ranking) == (found[1].verdict, found[1].ranking)
    for one, other in zip(found[0].rungs, found[1].rungs, strict=True):
        for name, entry in one.strategies.items():
            there = other.strategies[name]
            assert (entry.validation, entry.test, entry.difference, entry.passes) == (
                there.validation,
                there.test,
                there.difference,
                there.passes,
            )
