"""Flower's simulation, on a SuperLink of our own that ends with the run."""

import json
import logging
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from socket import create_connection

import flwr

from shiftscope.errors import EngineError
from shiftscope.plans import RoundEntry, RunResult
from shiftscope.progress import Report, silent
from shiftscope.training.federation.flower.interruptions import interruptible, undisturbed
from shiftscope.training.federation.flower.processes import Processes, adopting, free_port, tool
from shiftscope.training.federation.flower.server import FAILURE, ROUNDS
from shiftscope.training.federation.flower.site_nodes import WorkerDied
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.round_progress import round_progress

__all__ = ["LOG", "run_simulation", "simulate"]

_LOGGER = logging.getLogger(__name__)

LOG = "flower.log"
START_S = 60.0
POLL_S = 0.5
GRACE_S = 15.0
"""How long the engine may take to end once the coordinator is through; what still runs then is ended."""

RESTARTS = 2
LONGEST_SCRATCH = 15
"""Characters a temporary folder's path may have: Ray appends 88, and a socket's path ends at 103."""

APP = """\
[project]
name = "shiftscope-job"
version = "1.0.0"
description = "A shiftscope plan on Flower"
license = {file = "LICENSE"}
dependencies = ["flwr>=VERSION"]

[tool.flwr.app]
publisher = "shiftscope"
fab-format-version = 1
flwr-version-target = "VERSION"

[tool.flwr.app.components]
serverapp = "shiftscope.training.federation.flower.server:server"
clientapp = "shiftscope.training.federation.flower.client:client"

[tool.flwr.app.config]
job = ""
"""
"""What Flower needs to know: the two apps are in the installed package, the job is a file."""

CONNECTION = """\
[superlink]
default = "here"

[superlink.here]
address = "127.0.0.1:{port}"
insecure = true
"""


def run_simulation(job: Job, progress: Report = silent) -> RunResult:
    """Run `job` with one simulated node per site, as `simulate`, and read what came of it."""
    simulate(job, progress)
    return RunResult.read(job.result_path, EngineError)


def simulate(job: Job, progress: Report = silent) -> None:
    """Carry out `job`, a run or a rehearsal, with one simulated node per site, until its result is written.

    What Flower says of success is not trusted (a run may end "completed" with sites that died): there is a result
    when our coordinator wrote one. When a worker process dies the engine is started again, from the last checkpoint.
    Its log is `flower.log` in the job's folder.

    Args:
        progress: called after every round, by what the coordinator writes.

    Raises:
        EngineError: no result; the checkpoints stay.
        KeyboardInterrupt: Ctrl-C or SIGTERM, after every process of the run has ended.
    """
    reported, restarts = 0, 0
    while True:
        job = job.model_copy(update={"restarts": restarts})
        job.write(job.path)
        _LOGGER.info("starting Flower; its log is %s", job.out / LOG)
        before, reported = reported, _once(job, progress, reported)
        problem = _failure(job)
        if problem is None:
            return
        if restarts == RESTARTS or not (isinstance(problem, WorkerDied) or reported > before):
            raise problem
        _LOGGER.warning("%s; going on from the last checkpoint", problem)
        restarts += 1


def _once(job: Job, progress: Report, reported: int) -> int:
    """One life of the engine; returns how many rounds have been reported, `reported` of them before."""
    for leftover in (ROUNDS, FAILURE):
        (job.out / leftover).unlink(missing_ok=True)
    with ExitStack() as stack:
        scratch = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="shiftscope-", dir=_scratch_root(), ignore_cleanup_errors=True)
        )
        if threading.current_thread() is threading.main_thread():
            stack.enter_context(interruptible())
        stack.enter_context(adopting())
        processes = Processes(_environment(Path(scratch)), Path(scratch), job.out / LOG)
        stack.callback(_end, processes)
        port = _superlink(processes)
        (Path(scratch) / "config.toml").write_text(CONNECTION.format(port=port), encoding="utf-8")
        run = processes.start(tool("flwr"), "run", str(_app(Path(scratch))), "here", "--stream", *_settings(job))
        return _follow(run, processes, job, progress, reported)


def _scratch_root() -> str:
    root = tempfile.gettempdir()
    return root if len(root) <= LONGEST_SCRATCH else "/tmp"


def _environment(scratch: Path) -> dict[str, str]:
    """Our own commands first (Flower finds its helpers by PATH), private folders, nothing sent or installed."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "FLWR_HOME": str(scratch),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_TMPDIR": str(scratch),
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
    }


def _superlink(processes: Processes) -> int:
    """Start a SuperLink and wait until it listens; returns its port."""
    port = free_port()
    options = ("--insecure", "--simulation", "--host", "127.0.0.1", "--port", str(port))
    link = processes.start(
        tool("flower-superlink"), *options, "--database", "runs.db", "--disable-runtime-dependency-installation"
    )
    deadline = time.monotonic() + START_S
    while link.poll() is None and time.monotonic() < deadline:
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return port
    how = f"did not listen within {START_S:g} s" if link.poll() is None else f"ended with code {link.returncode}"
    raise EngineError(f"Flower's SuperLink {how}; {processes.log} says why")


def _app(scratch: Path) -> Path:
    folder = scratch / "job"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(APP.replace("VERSION", flwr.__version__), encoding="utf-8")
    (folder / "LICENSE").write_text("Apache-2.0\n", encoding="utf-8")
    return folder


def _settings(job: Job) -> tuple[str, ...]:
    """One node per site, no more workers than sites or cores."""
    workers = min(len(job.sites), os.cpu_count() or 1)
    federation = f"num-supernodes={len(job.sites)} client-resources-num-cpus=1 init-args-num-cpus={workers}"
    if job.device == "cuda":
        share = math.floor(1000 / workers) / 1000  # rounded up, one worker would find no share left
        federation += f" client-resources-num-gpus={share} init-args-num-gpus=1"
    return ("--federation-config", federation, "--run-config", f"job={json.dumps(str(job.path))}")


def _follow(run: subprocess.Popen[bytes], processes: Processes, job: Job, progress: Report, reported: int) -> int:
    """Report the rounds in the job's log until the run ends; returns how many there are."""
    rounds = job.out / ROUNDS
    through: float | None = None
    while True:
        if through is None and (job.result_path.exists() or (job.out / FAILURE).exists()):
            through = time.monotonic()
        ended = run.poll() is not None or (through is not None and time.monotonic() - through > GRACE_S)
        lines = rounds.read_text(encoding="utf-8").split("\n")[:-1] if rounds.exists() else []
        for number, line in enumerate(lines[reported:], reported + 1):
            progress(round_progress(RoundEntry.model_validate_json(line), job, number))
        reported = max(reported, len(lines))
        processes.alive()
        if ended:
            return reported
        time.sleep(POLL_S)


def _end(processes: Processes) -> None:
    if threading.current_thread() is threading.main_thread():
        with undisturbed():
            processes.stop()
    else:
        processes.stop()


def _failure(job: Job) -> EngineError | None:
    """Why there is no result, None where there is one."""
    if job.result_path.exists():
        return None
    if (job.out / FAILURE).exists():
        kind, message = json.loads((job.out / FAILURE).read_text(encoding="utf-8"))
        return (WorkerDied if kind == WorkerDied.__name__ else EngineError)(message)
    return EngineError(f"Flower ended without a result; {job.out / LOG} says why; --resume goes on from the last round")
