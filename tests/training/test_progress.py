"""What is told of a run under way is the same whoever tells it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from small_hospitals import plan_for

from shiftscope.plans import RoundEntry
from shiftscope.training.federation.flower.server import ROUNDS
from shiftscope.training.federation.flower.simulation import _follow
from shiftscope.training.launch import arms_of, train
from shiftscope.training.runs.jobs import Job


def test_every_strategy_tells_its_own_number_of_rounds_on_either_engine(pair: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(pair, image_size=16, rounds=2, personalizer="ditto")
    inline: list[str] = []
    result = train(plan, pair, engine="inline", out=tmp_path, progress=inline.append)
    job = Job.read(tmp_path / "job.json")
    assert {arm.name: arm.rounds for arm in arms_of(plan)} == {"baseline": 2, "adapted": 2, "equal_compute": 1}
    ended, alive = SimpleNamespace(poll=lambda: 0), SimpleNamespace(alive=lambda: None)
    flower: list[str] = []
    assert _follow(cast(Any, ended), cast(Any, alive), job, flower.append, 0) == len(result.rounds) == 5
    assert flower == [line for line in inline if ", round " in line]
    assert flower[-1].startswith("equal_compute, seed 0, round 1 of 1: ")
    assert RoundEntry.model_validate_json((tmp_path / ROUNDS).read_text().splitlines()[-1]).round == 1
