"""Flower's simulation, on a SuperLink of our own that ends with the run."""

import logging
import math
import os
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from socket import create_connection

from shiftscope.errors import EngineError
from shiftscope.plans import RunResult
from shiftscope.progress import Report, silent
from shiftscope.training.federation.flower.interruptions import interruptible
from shiftscope.training.federation.flower.processes import Processes, adopting, free_port, tool
from shiftscope.training.federation.flower.site_nodes import WorkerDied
from shiftscope.training.federation.flower.submissions.followed_runs import (
    LOG,
    end_of,
    failure_of_run,
    follow,
    forget_last_run,
)
from shiftscope.training.federation.flower.submissions.job_apps import app_folder
from shiftscope.training.runs.jobs import Job

__all__ = ["run_simulation", "simulate"]

_LOGGER = logging.getLogger(__name__)

START_S = 60.0
RESTARTS = 2
LONGEST_SCRATCH = 15
"""Characters a temporary folder's path may have: Ray appends 88, and a socket's path ends at 103."""

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
        problem = failure_of_run(job)
        if problem is None:
            return
        if restarts == RESTARTS or not (isinstance(problem, WorkerDied) or reported > before):
            raise problem
        _LOGGER.warning("%s; going on from the last checkpoint", problem)
        restarts += 1


def _once(job: Job, progress: Report, reported: int) -> int:
    """One life of the engine; returns how many rounds have been reported, `reported` of them before."""
    forget_last_run(job)
    with ExitStack() as stack:
        scratch = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="shiftscope-", dir=_scratch_root(), ignore_cleanup_errors=True)
        )
        if threading.current_thread() is threading.main_thread():
            stack.enter_context(interruptible())
        stack.enter_context(adopting())
        processes = Processes(_environment(Path(scratch)), Path(scratch), job.out / LOG)
        stack.callback(end_of, processes)
        port = _superlink(processes)
        (Path(scratch) / "config.toml").write_text(CONNECTION.format(port=port), encoding="utf-8")
        app = app_folder(Path(scratch), {"job": str(job.path)})
        run = processes.start(tool("flwr"), "run", str(app), "here", "--stream", *_settings(job))
        return follow(run, processes, job, progress, reported)


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


def _settings(job: Job) -> tuple[str, ...]:
    """One node per site, no more workers than sites or cores."""
    workers = min(len(job.sites), os.cpu_count() or 1)
    federation = f"num-supernodes={len(job.sites)} client-resources-num-cpus=1 init-args-num-cpus={workers}"
    if job.device == "cuda":
        share = math.floor(1000 / workers) / 1000  # rounded up, one worker would find no share left
        federation += f" client-resources-num-gpus={share} init-args-num-gpus=1"
    return ("--federation-config", federation)
