"""A run that Flower carries out elsewhere, as whoever started it sees it: its rounds, its end, its failure."""

import json
import subprocess
import time

from shiftscope.errors import EngineError
from shiftscope.plans import RoundEntry
from shiftscope.progress import Report
from shiftscope.training.federation.flower.interruptions import undisturbed
from shiftscope.training.federation.flower.processes import Processes
from shiftscope.training.federation.flower.server import FAILURE, ROUNDS
from shiftscope.training.federation.flower.site_nodes import WorkerDied
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.round_progress import round_progress

__all__ = ["LOG", "end_of", "failure_of_run", "follow", "forget_last_run"]

LOG = "flower.log"
POLL_S = 0.5
GRACE_S = 15.0
"""How long the engine may take to end once the coordinator is through; what still runs then is ended."""


def forget_last_run(job: Job) -> None:
    """Take away what an earlier life of the engine said of its end."""
    for leftover in (ROUNDS, FAILURE):
        (job.out / leftover).unlink(missing_ok=True)


def follow(run: subprocess.Popen[bytes], processes: Processes, job: Job, progress: Report, reported: int) -> int:
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


def end_of(processes: Processes) -> None:
    """End its processes, which no second Ctrl-C breaks off."""
    with undisturbed():
        processes.stop()


def failure_of_run(job: Job) -> EngineError | None:
    """Why there is no result, None where there is one."""
    if job.result_path.exists():
        return None
    if (job.out / FAILURE).exists():
        kind, message = json.loads((job.out / FAILURE).read_text(encoding="utf-8"))
        return (WorkerDied if kind == WorkerDied.__name__ else EngineError)(message)
    return EngineError(f"Flower ended without a result; {job.out / LOG} says why; --resume goes on from the last round")
