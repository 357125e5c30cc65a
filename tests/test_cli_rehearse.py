"""`shiftscope rehearse`: its options reach the rehearsal, and its answer is written as asked."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rehearsed_runs import rehearsal
from small_plans import planned_sites, small_plan

import shiftscope
from shiftscope.errors import PlanError, UsageError
from shiftscope.plans import Plan, RehearsalResult, write_plan
from shiftscope.progress import Progress, Report
from shiftscope.training.data.splits import FOLDS
from shiftscope.training.run_options import RunOptions

RUNS = "shiftscope.api.job_running.run_rehearsal"


class Rehearsals:
    """What was asked, and one planted answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[Plan, Mapping[str, Path], RunOptions]] = []
        self.folds: list[int] = []
        self.problem: Exception | None = None

    def rehearse(
        self, plan: Plan, data: Mapping[str, Path], options: RunOptions, *, folds: int, progress: Report
    ) -> RehearsalResult:
        self.asked.append((plan, data, options))
        self.folds.append(folds)
        if self.problem is not None:
            raise self.problem
        progress(Progress("features", 1, 1, "sites", "features of a: 200 images"))
        return rehearsal({"shrinkage": 0.03}, equal=("fedavg",))


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Rehearsals:
    made = Rehearsals()
    monkeypatch.setattr(RUNS, made.rehearse)
    return made


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_plan(small_plan(name="north", sites=planned_sites("ab", 200)), tmp_path / "plan.toml")
    return Path("plan.toml")


def test_the_answer_is_one_screen_that_names_the_next_step(run, planted: Rehearsals, plan: Path) -> None:
    done = run("rehearse", plan, "--data", "a=x", "--data", "b=y")
    assert done.code == 0
    assert done.out.startswith("try shrinkage: auroc +0.030, 95 % [+0.015, +0.045] over FedAvg\n")
    assert len(done.out.splitlines()) <= 23
    assert "shiftscope train plan.toml" in " ".join(done.out.split())
    assert "features of a: 200 images" in done.err
    assert "result written to runs/north-rehearsal/rehearsal.json" in done.err
    (asked,) = planted.asked
    assert asked[0].name == "north"
    assert asked[1:] == ({"a": Path("x"), "b": Path("y")}, RunOptions(out=Path("runs/north-rehearsal")))
    assert planted.folds == [FOLDS]


def test_every_option_reaches_the_rehearsal(run, planted: Rehearsals, plan: Path) -> None:
    options = ("--engine", "inline", "-o", "r", "--patient-regex", "(p.)", "--timeout", 9, "--device", "auto")
    options += ("--folds", 1)
    assert run("rehearse", plan, *options).code == 0
    assert planted.asked[0][2] == RunOptions(
        out=Path("r"), engine="inline", patient_regex="(p.)", timeout_s=9.0, device="auto"
    )
    assert planted.folds == [1]


@pytest.mark.usefixtures("planted")
def test_json_is_the_document_and_verbose_holds_every_strategy(run, plan: Path) -> None:
    assert json.loads(run("rehearse", plan, "--format", "json").out)["best"] == "shrinkage"
    assert "what is expected of each strategy" in run("rehearse", plan, "-v").out
    assert "### what is expected of each strategy" in run("rehearse", plan, "--format", "markdown").out


@pytest.mark.parametrize(
    ("problem", "code", "says"),
    [
        (UsageError("runs/x holds a trial already; choose another folder"), 2, "error: runs/x holds a trial already"),
        (PlanError("model: no encoder to freeze"), 2, "error: model: no encoder to freeze"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError(), 70, "bug: ZeroDivisionError"),
    ],
)
def test_exit_codes_are_those_of_every_command(
    run, planted: Rehearsals, plan: Path, problem: Any, code: int, says: str
) -> None:
    planted.problem = problem
    done = run("rehearse", plan)
    assert done.code == code
    assert done.err.splitlines()[-1].startswith(says)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"engine": "Inline"}, "no 'Inline'; expected flower, inline, deploy"),
        ({"timeout_s": 0}, "timeout_s: expected a number"),
        ({"data": ["a=x"]}, "data: expected site -> folder"),
        ({"output": 3}, "output: expected a path"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_starts(
    planted: Rehearsals, plan: Path, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        shiftscope.rehearse(plan, **options)
    assert not planted.asked


def test_in_python_it_takes_a_plan_and_reports_progress(planted: Rehearsals, plan: Path) -> None:
    steps: list[Progress] = []
    result = shiftscope.rehearse(shiftscope.read_plan(plan), {"a": "x"}, progress=steps.append)
    assert isinstance(result, RehearsalResult)
    assert [step.unit for step in steps] == ["sites"]
    assert planted.asked[0][1] == {"a": Path("x")}
