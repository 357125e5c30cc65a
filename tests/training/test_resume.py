"""Broken off anywhere and resumed, a run ends where it would have ended."""

import logging
import re
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file
from small_hospitals import plan_for

from shiftscope.errors import ShiftscopeError
from shiftscope.plans import RunResult
from shiftscope.progress import Progress
from shiftscope.training.algorithms.aggregation import Update
from shiftscope.training.federation.participants import Participant
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions

PLAN = {"harmonizer": "quantile_map", "personalizer": "fedbn", "rounds": 3, "seeds": (0, 1)}


@pytest.fixture(scope="module")
def whole(hospitals: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult, Path]:
    """The run nobody disturbed."""
    out = tmp_path_factory.mktemp("whole") / "run"
    return train(plan_for(hospitals, **PLAN), hospitals, RunOptions(engine="inline", out=out)), out


def comparable(result: RunResult) -> dict[str, object]:
    """Everything but what was measured, what it takes to ask for a reference once more, and that it was resumed."""
    values = result.to_dict()
    values["notes"] = [note for note in result.notes if not note.startswith("resumed at ")]
    for key in ("cost", "cost_by_arm", "ledger"):
        values.pop(key)
    for entry in values["rounds"]:
        entry.pop("seconds")
        for spent in entry["sites"].values():
            spent.pop("seconds")
            spent.pop("peak_bytes")
    return {**values, "bytes": {arm: cost.bytes for arm, cost in result.cost_by_arm.items()}}


def same_files(a: Path, b: Path) -> bool:
    names = sorted(path.relative_to(a) for path in a.rglob("*.safetensors"))
    assert names == sorted(path.relative_to(b) for path in b.rglob("*.safetensors"))
    loaded = ((load_file(a / name), load_file(b / name)) for name in names)
    return all(x.keys() == y.keys() and all((x[k] == y[k]).all() for k in x) for x, y in loaded)


@pytest.mark.parametrize(
    ("arm", "seed", "number", "site"),
    [
        ("baseline", 0, 2, "a"),
        ("adapted", 0, 1, "c"),
        ("adapted", 0, 3, "b"),
        ("adapted", 1, 2, "c"),
    ],
)
def test_interrupted_in_the_middle_of_a_round(
    arm: str,
    seed: int,
    number: int,
    site: str,
    whole: tuple[RunResult, Path],
    hospitals: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    original = Participant.train

    def interrupted(self: Participant, a: str, s: int, n: int, *rest: object) -> Update:
        if (a, s, n, self.site) == (arm, seed, number, site):
            raise KeyboardInterrupt
        return original(self, a, s, n, *rest)  # type: ignore[arg-type]

    plan = plan_for(hospitals, **PLAN)
    with monkeypatch.context() as patch, caplog.at_level(logging.INFO, "shiftscope"):
        patch.setattr(Participant, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "run"))
    assert "add --resume to go on" in caplog.messages[-1]
    done = len((tmp_path / "run" / "rounds.jsonl").read_text().splitlines())
    steps: list[Progress] = []
    resumed = train(
        plan, hospitals, RunOptions(engine="inline", out=tmp_path / "run", resume=True), progress=steps.append
    )
    assert comparable(resumed) == comparable(whole[0])
    assert re.fullmatch(rf"resumed at 2\d{{3}}-\S+Z, with {done} rounds done before", resumed.notes[0])
    assert resumed.cost.bytes == whole[0].cost.bytes  # asking for references is counted once
    assert same_files(tmp_path / "run", whole[1])
    assert [(step.done, step.total) for step in steps] == [(done, 18) for done in range(1, 19)]
    assert len((tmp_path / "run" / "rounds.jsonl").read_text().splitlines()) == 18


def test_resuming_a_finished_run_trains_nothing(
    whole: tuple[RunResult, Path], hospitals: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_args: object) -> Update:
        raise AssertionError("a finished round was trained again")

    monkeypatch.setattr(Participant, "train", never)
    again = train(plan_for(hospitals, **PLAN), hospitals, RunOptions(engine="inline", out=whole[1], resume=True))
    assert comparable(again) == comparable(whole[0])


def test_the_reference_stays_though_a_site_is_missing_on_resume(
    hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(hospitals, harmonizer="quantile_map")

    def interrupted(*_args: object) -> Update:
        raise KeyboardInterrupt

    def lost() -> tuple[dict[str, object], dict[str, object]]:
        raise OSError("share not mounted")

    with monkeypatch.context() as patch:
        patch.setattr(Participant, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "run"))
    reference = tmp_path / "run" / "references" / "quantile_map.safetensors"
    before = reference.read_bytes()
    describe = Participant.describe
    monkeypatch.setattr(Participant, "describe", lambda self: lost() if self.site == "b" else describe(self))
    result = train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "run", resume=True))
    assert reference.read_bytes() == before
    assert {entry.replies["b"] for entry in result.rounds} == {"failed: never joined: OSError, see sites/b/errors.log"}
    assert result.sites["b"].scores == {"baseline": (None,), "adapted": (None,), "local": (None,)}
    assert result.difference.mean is not None


def test_what_was_damaged_since_is_told_before_a_round(
    whole: tuple[RunResult, Path], hospitals: dict[str, Path], tmp_path: Path
) -> None:
    plan = plan_for(hospitals, **PLAN)
    for place, change, says in (
        ("checkpoints/baseline-seed0.safetensors", lambda _: b"junk", "expected tensors as a run keeps them"),
        ("references/quantile_map.safetensors", lambda _: b"junk", "expected a reference for quantile_map"),
        ("splits.json", lambda _: b"[]", "expected site -> mark"),
        (
            "job.json",
            lambda text: text.replace(b'"forecast": {', b'"forecast": {"x": {"total": {}, "rounds": {"z": []}},'),
            "'x' is not of the plan's sites",
        ),
    ):
        out = tmp_path / Path(place).name
        shutil.copytree(whole[1], out)
        data = (out / place).read_bytes()
        (out / place).write_bytes(change(data))
        assert (out / place).read_bytes() != data
        with pytest.raises(ShiftscopeError, match=says):
            train(plan, hospitals, RunOptions(engine="inline", out=out, resume=True))
