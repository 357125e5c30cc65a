"""A site that fails, hangs or lies: the round goes on without it, and the account says so."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from flwr.app import Message
from small_hospitals import plan_for

from shiftscope.errors import EngineError
from shiftscope.plans import Plan, RunResult
from shiftscope.progress import Progress
from shiftscope.training.algorithms.aggregation import Update
from shiftscope.training.arms import arms_of
from shiftscope.training.evaluation.patient_spreads import PatientSpread
from shiftscope.training.federation.flower import simulation
from shiftscope.training.federation.flower.client import participant
from shiftscope.training.federation.flower.inline import InlineGrid, task_identity
from shiftscope.training.federation.flower.messages import refuse, unpack
from shiftscope.training.federation.flower.server import coordinate
from shiftscope.training.federation.flower.site_nodes import WorkerDied
from shiftscope.training.federation.participants import Participant
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.states import load_checkpoint

SECRET = "/archive/patient-4711.dcm"


def break_training(monkeypatch: pytest.MonkeyPatch, sites: str, number: int) -> None:
    """These sites raise in one round of every strategy."""
    original = Participant.train

    def broken(self: Participant, arm: str, seed: int, at: int, *rest: object) -> Update:
        if self.site in sites and at == number:
            raise RuntimeError(f"cannot read {SECRET}")
        return original(self, arm, seed, at, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Participant, "train", broken)


def test_the_round_goes_on_without_a_failed_site(
    hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_training(monkeypatch, "b", 2)
    steps: list[Progress] = []
    plan = plan_for(hospitals, personalizer="fedbn", rounds=3)
    result = train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "run"), progress=steps.append)
    replies = {(entry.arm, entry.round): entry.replies for entry in result.rounds}
    for arm in ("baseline", "adapted", "local"):
        assert replies[arm, 1] == replies[arm, 3] == {"a": "ok", "b": "ok", "c": "ok"}
        assert replies[arm, 2] == {"a": "ok", "b": "failed: RuntimeError, see sites/b/errors.log", "c": "ok"}
    assert result.sites["b"].scores["adapted"][0] is not None
    assert [note for note in result.notes if "site b missed 3 of 9 rounds; the others went on without it" in note]
    assert any("2 of 3 sites" in step.line and "b failed: RuntimeError" in step.line for step in steps)
    log = (tmp_path / "run" / "sites" / "b" / "errors.log").read_text()
    assert SECRET in log
    assert SECRET not in result.to_json()


def test_a_round_without_any_site_ends_the_run_and_can_be_resumed(
    hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(hospitals)
    with monkeypatch.context() as patch:
        break_training(patch, "abc", 2)
        with pytest.raises(EngineError, match=r"baseline seed 0 round 2: no site sent an update .*resume"):
            train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "run"))
    assert not (tmp_path / "run" / "result.json").exists()
    state = load_checkpoint(tmp_path / "run" / "checkpoints" / "baseline-seed0.safetensors")
    assert state is not None
    assert state.round == 1
    assert train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "run", resume=True)).verdict == "undecided"


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (
            lambda t: {n: np.full_like(v, np.nan) if n == "model.2.0.conv.weight" else v for n, v in t.items()},
            "diverged",
        ),
        (lambda t: {n: v for n, v in t.items() if n != "model.2.0.conv.weight"}, "other tensors than the shared ones"),
        (lambda t: {n: v[:1] if n == "model.2.0.conv.weight" else v for n, v in t.items()}, "expected .32, 2, 3, 3."),
    ],
)
def test_an_unsound_update_is_not_averaged(
    lie: object, said: str, hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Participant.train

    def lying(self: Participant, *args: object) -> Update:
        update = original(self, *args)  # type: ignore[arg-type]
        if self.site == "c" and update.tensors:
            return Update(update.site, lie(update.tensors), update.cases, update.loss)  # type: ignore[operator]
        return update

    monkeypatch.setattr(Participant, "train", lying)
    result = train(plan_for(hospitals, rounds=1), hospitals, RunOptions(engine="inline", out=tmp_path / "run"))
    reply = result.rounds[0].replies["c"]
    assert reply.startswith("failed: sent ")
    assert re.search(said, reply)
    state = load_checkpoint(tmp_path / "run" / "checkpoints" / "baseline-seed0.safetensors")
    assert state is not None
    assert all(np.isfinite(tensor).all() for tensor in state.shared.values())


class DeafGrid(InlineGrid):
    """One node stops answering after it has joined, as a hung process does."""

    deaf = 101

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        messages = list(messages)
        heard = [
            m for m in messages if m.metadata.dst_node_id != self.deaf or m.metadata.message_type == "query.describe"
        ]
        return super().send_and_receive(heard, timeout=timeout)


class AbsentGrid(InlineGrid):
    """One node dies before it can say who it is."""

    def _deliver(self, message: Message) -> Message:
        if message.metadata.dst_node_id == 102:
            return refuse(message, "<class 'flwr.clientapp.client_app.LoadClientAppError'>:<'no\nmodule'>")
        return super()._deliver(message)


class DyingGrid(InlineGrid):
    """The process that serves one node is killed in the third round."""

    def _deliver(self, message: Message) -> Message:
        if message.metadata.dst_node_id == 101 and unpack(message.content).facts.get("round") == 3:
            return refuse(message, "<class 'ray.exceptions.ActorDiedError'>:<'The actor died\nbecause'>")
        return super()._deliver(message)


def through(grid_type: type[InlineGrid], plan: Plan, data: dict[str, Path], out: Path) -> RunResult:
    job = Job(
        plan=plan,
        arms=arms_of(plan),
        data={s: str(p) for s, p in data.items()},
        patient_regex=None,
        out=out,
        timeout_s=7,
        device="cpu",
    )
    job.write(job.path)
    with task_identity():
        result = coordinate(grid_type(job), job, "inline")
    participant.cache_clear()
    return result


def test_a_hung_site_times_out(hospitals: dict[str, Path], tmp_path: Path) -> None:
    result = through(DeafGrid, plan_for(hospitals, personalizer="fedbn"), hospitals, tmp_path)
    assert {entry.replies["b"] for entry in result.rounds} == {"failed: no answer within 7 s"}
    assert result.sites["b"].scores == {"baseline": (None,), "adapted": (None,), "local": (None,)}
    assert result.sites["a"].scores["adapted"][0] is not None
    assert result.difference.mean is not None
    assert any("site b did not judge baseline seed 0" in note for note in result.notes)


def test_a_site_that_never_joined_is_told_in_every_round(hospitals: dict[str, Path], tmp_path: Path) -> None:
    result = through(AbsentGrid, plan_for(hospitals), hospitals, tmp_path)
    assert {entry.replies["c"] for entry in result.rounds} == {"failed: never joined: LoadClientAppError"}
    assert {entry.replies["a"] for entry in result.rounds} == {"ok"}


def test_nobody_there_is_an_error(hospitals: dict[str, Path], tmp_path: Path) -> None:
    class Nobody(AbsentGrid):
        def _deliver(self, message: Message) -> Message:
            return refuse(message, "ValueError, see sites/x/errors.log")

    with pytest.raises(EngineError, match="no site could take part: ValueError"):
        through(Nobody, plan_for(hospitals), hospitals, tmp_path)


def test_a_dead_worker_stops_the_round_so_that_it_can_be_done_again(hospitals: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(WorkerDied, match="a worker process died .ActorDiedError."):
        through(DyingGrid, plan_for(hospitals, rounds=4), hospitals, tmp_path)
    state = load_checkpoint(tmp_path / "checkpoints" / "baseline-seed0.safetensors")
    assert state is not None
    assert (state.round, len(state.entries)) == (2, 2)


@pytest.mark.parametrize(
    ("kinds", "lives", "rounds", "outcome"),
    [
        (["WorkerDied", None], 2, 0, "result"),
        (["WorkerDied", "WorkerDied", None], 3, 0, "result"),
        (["WorkerDied", "WorkerDied", "WorkerDied"], 3, 0, "message WorkerDied"),
        (["EngineError"], 1, 0, "message EngineError"),
        (["silent"], 1, 0, "Flower ended without a result"),
        (["silent", None], 2, 1, "result"),
    ],
)
def test_the_engine_is_started_again_when_it_is_to_blame(
    kinds: list[str | None],
    lives: int,
    rounds: int,
    outcome: str,
    hospitals: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = plan_for(hospitals, rounds=1)
    finished = train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "inline"))
    data = {site: str(path) for site, path in hospitals.items()}
    job = Job(plan=plan, arms=arms_of(plan), data=data, patient_regex=None, out=tmp_path, timeout_s=9, device="cpu")
    restarts = []

    def life(now: Job, _progress: object, reported: int) -> int:
        kind = kinds[now.restarts]
        restarts.append(Job.read(job.path).restarts)
        (tmp_path / "failure.json").unlink(missing_ok=True)
        if kind is None:
            finished.write(tmp_path / "result.json")
        elif kind != "silent":
            (tmp_path / "failure.json").write_text(f'["{kind}", "message {kind}"]')
        return reported + rounds

    monkeypatch.setattr(simulation, "_once", life)
    if outcome == "result":
        assert simulation.run_simulation(job).verdict == finished.verdict
    else:
        with pytest.raises(EngineError, match=outcome):
            simulation.run_simulation(job)
    assert restarts == list(range(lives))


@pytest.mark.parametrize(
    ("shape", "freedom", "said"),
    [
        ((1, 1, 1, 1), 9, "sent no covariance of 2 strategies and 1 seeds"),
        ((2, 1, 2, 1), 0, "sent a covariance over patients with 0 degrees of freedom"),
    ],
)
def test_a_covariance_that_cannot_be_is_not_believed(
    hospitals: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shape: tuple[int, ...],
    freedom: int,
    said: str,
) -> None:
    """Of one site: its difference stays out of the mean, which is that of the others."""
    honest = Participant.compare
    forged = PatientSpread(("adapted", "local"), np.ones(shape), freedom)
    monkeypatch.setattr(
        Participant, "compare", lambda self, *asked: (forged, 48) if self.site == "a" else honest(self, *asked)
    )
    plan = plan_for(hospitals, rounds=1, image_size=16, harmonizer="zscore")
    result = train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "run"))
    assert any(note.startswith("site a did not compare the strategies: it ") and said in note for note in result.notes)
    assert result.sites["a"].difference.mean is None
    assert result.sites["a"].scores["adapted"][0] is not None
    assert result.difference.mean == pytest.approx(np.mean([result.sites[site].difference.mean for site in "bc"]))
