"""A run goes on with the patients it learned from, or not at all."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from recorded_runs import apart, arms_for, go_on, job_for
from small_hospitals import plan_for

from shiftscope.errors import EngineError, UsageError
from shiftscope.training.algorithms.aggregation import Update
from shiftscope.training.federation.flower.client import participant
from shiftscope.training.federation.participants import Participant
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.jobs import Job


@pytest.fixture
def begun(pair: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A run that was broken off in its second round."""
    plan = apart(pair, rounds=2)
    job = job_for(plan, pair, tmp_path / "run", arms_for(plan, ["fedavg"]))
    original = Participant.train

    def interrupted(self: Participant, arm: str, seed: int, number: int, *rest: object) -> Update:
        if number == 2:
            raise KeyboardInterrupt
        return original(self, arm, seed, number, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Participant, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            go_on(job)
    return job


def test_every_site_is_marked_by_who_is_on_which_side(begun: Job) -> None:
    text = (begun.out / "splits.json").read_text()
    site = Participant(begun, "a")
    samples = site.site_data.plain
    marks = json.loads(text)
    assert marks["a"] == site.describe()["split"]
    assert marks["a"] != marks["b"]  # the pair's files have the same names, but each site a key of its own
    assert not any(sample.patient in text for sample in samples.train)
    moved = Participant(begun, "a")
    moved.site_data.__dict__["loaded"] = replace(
        samples, train=samples.train[1:], test=[*samples.test, samples.train[0]]
    )
    assert moved.describe()["split"] != site.describe()["split"]


def test_the_same_division_goes_on(begun: Job) -> None:
    before = (begun.out / "splits.json").read_bytes()
    result = go_on(begun).result
    assert len(result.rounds) == 2
    assert (begun.out / "splits.json").read_bytes() == before


def test_patients_divided_in_another_way_are_refused(begun: Job) -> None:
    other = begun.model_copy(update={"patient_regex": r"^p..(\d)"})
    other.write(other.path)
    with pytest.raises(EngineError, match=r"^site a: patients are divided in another way than when .* was begun; "):
        go_on(other)
    assert not (begun.out / "result.json").exists()
    participant.cache_clear()
    begun.write(begun.path)
    assert len(go_on(begun).result.rounds) == 2


def test_a_site_that_was_away_at_first_is_marked_when_it_comes(begun: Job) -> None:
    path = begun.out / "splits.json"
    marks = json.loads(path.read_text())
    path.write_text(json.dumps({"a": marks["a"]}))
    go_on(begun)
    assert json.loads(path.read_text()) == marks


def test_a_site_that_is_away_keeps_its_mark(begun: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = json.loads((begun.out / "splits.json").read_text())
    describe = Participant.describe

    def lost(self: Participant) -> dict[str, object]:
        if self.site == "b":
            raise OSError("not mounted")
        return describe(self)

    monkeypatch.setattr(Participant, "describe", lost)
    go_on(begun)
    assert json.loads((begun.out / "splits.json").read_text()) == marks


def test_another_patient_regex_is_refused_before_anything_runs(pair: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(pair, image_size=16, rounds=1)
    out = tmp_path / "run"
    train(plan, pair, RunOptions(engine="inline", out=out))
    said = r"--patient-regex: None when .* was begun, now '\^\(p\\\\d\+\)'; patients would change parts"
    with pytest.raises(UsageError, match=said):
        train(plan, pair, RunOptions(engine="inline", out=out, resume=True, patient_regex=r"^(p\d+)"))
    assert (out / "result.json").exists()
