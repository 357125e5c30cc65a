"""Progress of a run is the same on either engine."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from small_hospitals import plan_for

from shiftscope.plans import RoundEntry
from shiftscope.progress import Progress
from shiftscope.training.arms import arms_of
from shiftscope.training.federation.flower.server import ROUNDS
from shiftscope.training.federation.flower.submissions.followed_runs import follow
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.jobs import Job


def test_progress_counts_the_rounds_of_all_strategies_on_either_engine(pair: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(pair, image_size=16, rounds=2, personalizer="ditto")
    inline: list[Progress] = []
    result = train(plan, pair, RunOptions(engine="inline", out=tmp_path), progress=inline.append)
    job = Job.read(tmp_path / "job.json")
    assert {arm.name: arm.rounds for arm in arms_of(plan)} == {
        "baseline": 2,
        "adapted": 2,
        "equal_compute": 1,
        "local": 2,
    }
    ended, alive = SimpleNamespace(poll=lambda: 0), SimpleNamespace(alive=lambda: None)
    flower: list[Progress] = []
    assert follow(cast(Any, ended), cast(Any, alive), job, flower.append, 0) == len(result.rounds) == 7
    assert flower == inline
    assert [(step.done, step.total) for step in inline] == [(done, 7) for done in range(1, 8)]
    assert inline[-1].line.startswith("local, seed 0, round 2 of 2: ")
    assert RoundEntry.model_validate_json((tmp_path / ROUNDS).read_text().splitlines()[-1]).round == 2
