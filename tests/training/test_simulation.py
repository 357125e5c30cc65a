"""The real engine: the same weights as in one process, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from safetensors.numpy import load_file
from small_hospitals import plan_for, segmented

from shiftscope.errors import EngineError
from shiftscope.plans import Plan, write_plan
from shiftscope.progress import Progress
from shiftscope.training.arms import arms_of
from shiftscope.training.federation.flower.processes import adopting
from shiftscope.training.federation.flower.simulation import run_simulation
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.jobs import Job

pytestmark = pytest.mark.slow

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc")

PROGRAM = """
import logging
import sys
from pathlib import Path
from shiftscope.plans import read_plan
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions
plan, out, *sites = sys.argv[1:]
logging.basicConfig(stream=sys.stdout, level=logging.INFO)
train(read_plan(Path(plan)), {Path(site).name: Path(site) for site in sites}, RunOptions(out=Path(out)))
"""


def assert_same_weights(a: Path, b: Path) -> None:
    names = sorted(path.relative_to(a) for path in a.rglob("*.safetensors"))
    assert names == sorted(path.relative_to(b) for path in b.rglob("*.safetensors"))
    assert len(names) > 2
    for name in names:
        x, y = load_file(a / name), load_file(b / name)
        assert x.keys() == y.keys()
        for key in x:
            assert x[key].dtype == y[key].dtype
            assert x[key].tobytes() == y[key].tobytes(), f"{name}: {key} differs"


def children() -> set[int]:
    """Children of this process, defunct ones included."""
    return {child.pid for child in psutil.Process().children()}


def worker() -> int:
    """A Ray worker that descends from this process."""
    for child in psutil.Process().children(recursive=True):
        if "ray::ClientApp" in Path("/proc", str(child.pid), "cmdline").read_text(errors="replace"):
            return int(child.pid)
    raise AssertionError("no worker found")


def test_inline_and_flower_give_the_same_weights_bit_for_bit(hospitals: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(hospitals, harmonizer="quantile_map", personalizer="fedbn")
    inline = train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "inline"))
    steps: list[Progress] = []
    before = children()
    flower = train(plan, hospitals, RunOptions(engine="flower", out=tmp_path / "flower"), progress=steps.append)
    assert children() <= before
    assert_same_weights(tmp_path / "inline", tmp_path / "flower")
    assert flower.engine == "flower"
    assert flower.sites["b"].scores == {
        arm: pytest.approx(series, rel=1e-5) for arm, series in inline.sites["b"].scores.items()
    }
    assert flower.cost.bytes == inline.cost.bytes
    assert [step.line.split(":")[0] for step in steps] == [
        f"{arm}, seed 0, round {number} of 2" for arm in ("baseline", "adapted", "local") for number in (1, 2)
    ]
    assert [(step.done, step.total, step.unit) for step in steps] == [(done, 6, "rounds") for done in range(1, 7)]


def test_a_site_that_fails_is_accounted_for(hospitals: dict[str, Path], tmp_path: Path) -> None:
    blocked = tmp_path / "run" / "sites" / "b"
    blocked.mkdir(parents=True)
    (blocked / "baseline-seed0").write_text("a file where site b wants its folder")
    result = train(plan_for(hospitals), hospitals, RunOptions(engine="flower", out=tmp_path / "run"))
    for entry in (entry for entry in result.rounds if entry.arm == "baseline"):
        assert entry.replies == {"a": "ok", "b": "failed: ShiftscopeError, see sites/b/errors.log", "c": "ok"}
    assert result.sites["a"].scores["baseline"][0] is not None
    assert any("site b missed 2 of 4 rounds" in note for note in result.notes)
    assert "cannot be written: File exists" in (blocked / "errors.log").read_text()


@LINUX
def test_a_killed_worker_costs_time_but_no_round(hospitals: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(hospitals, rounds=3)
    train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "inline"))
    killed: list[int] = []

    def kill_one(step: Progress) -> None:
        if "round 1 of 3" in step.line and not killed:
            killed.append(worker())
            os.kill(killed[0], signal.SIGKILL)

    result = train(plan, hospitals, RunOptions(engine="flower", out=tmp_path / "flower"), progress=kill_one)
    assert killed
    assert_same_weights(tmp_path / "inline", tmp_path / "flower")
    assert result.notes[0] == "restarts of the engine after a process of it died: 1"
    assert not [note for note in result.notes if "missed" in note]
    assert {reply for entry in result.rounds for reply in entry.replies.values()} == {"ok"}


def test_a_coordinator_that_cannot_go_on_says_why(tmp_path: Path) -> None:
    small = segmented(tmp_path / "data", {"a": 1.0, "b": 2.0}, cases=6)
    before = children()
    with pytest.raises(EngineError, match=r"no site has 10 training patients with .* choose 'zscore'"):
        train(plan_for(small, harmonizer="quantile_map"), small, RunOptions(engine="flower", out=tmp_path / "run"))
    assert children() <= before


def test_an_engine_that_dies_is_an_error(
    hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shiftscope.training.federation.flower.simulation.tool", lambda _name: "/bin/false")
    data = {site: str(path) for site, path in hospitals.items()}
    plan = plan_for(hospitals)
    job = Job(plan=plan, arms=arms_of(plan), data=data, patient_regex=None, out=tmp_path, timeout_s=9, device="cpu")
    job.write(job.path)
    with pytest.raises(EngineError, match=r"SuperLink ended with code 1; .*flower.log says why"):
        run_simulation(job)


@LINUX
def test_ctrl_c_leaves_no_process_and_a_checkpoint_to_resume_from(hospitals: dict[str, Path], tmp_path: Path) -> None:
    plan: Plan = plan_for(hospitals, personalizer="fedper", rounds=15)
    write_plan(plan, tmp_path / "plan.toml")
    run = tmp_path / "run"
    with adopting():  # orphans of the command become children of this process, where they can be seen
        before = children()
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "plan.toml"), str(run), *map(str, hospitals.values())]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 120
            while not (run / "rounds.jsonl").exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            said, complaint = process.communicate(timeout=60)
        time.sleep(0.2)
        assert children() <= before
    assert process.returncode != 0
    assert complaint.rstrip().endswith("KeyboardInterrupt")
    assert "interrupted; " in said
    assert not (run / "result.json").exists()
    done = len((run / "rounds.jsonl").read_text().splitlines())
    assert 1 <= done < 45

    resumed = train(plan, hospitals, RunOptions(engine="inline", out=run, resume=True))
    assert len(resumed.rounds) == 45
    train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "undisturbed"))
    assert_same_weights(run, tmp_path / "undisturbed")
