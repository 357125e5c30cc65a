"""A job on the SuperLink of a federation: handed in, followed, stopped."""

import base64
import logging
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from shiftscope.errors import EngineError
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.orders import Kind, Order
from shiftscope.federations.services.flower_commands import CONNECTION, link_port, superlink_environment
from shiftscope.federations.services.node_registrations import link_answers, node_states
from shiftscope.federations.signed_orders import sign_order
from shiftscope.plans import RunResult
from shiftscope.progress import Report, silent
from shiftscope.training.federation.flower.deployed.profile_collections import (
    COLLECTOR,
    CollectedAnswers,
    ProfileCollection,
)
from shiftscope.training.federation.flower.interruptions import interruptible, undisturbed
from shiftscope.training.federation.flower.processes import Processes, adopting, tool
from shiftscope.training.federation.flower.submissions.followed_runs import (
    LOG,
    end_of,
    failure_of_run,
    follow,
    forget_last_run,
)
from shiftscope.training.federation.flower.submissions.job_apps import SERVER, app_folder
from shiftscope.training.federation.job_orders import order_of
from shiftscope.training.runs.jobs import Job

__all__ = ["collect", "deploy", "nodes_of", "run_deployment", "submitted"]

_LOGGER = logging.getLogger(__name__)

_STARTED = re.compile(rb"Successfully started run (\d+)")
_STOP_S = 60.0
_POLL_S = 0.5


def nodes_of(coordinator: Coordinator, sites: list[str]) -> dict[str, str]:
    """Site -> its node, of sites that were accepted and registered.

    Raises:
        EngineError: the SuperLink is not running, or knows one of the sites no more than the federation does.
    """
    name = coordinator.settings.federation
    if not link_answers(coordinator):
        raise EngineError(
            f"the SuperLink of '{name}' does not listen on 127.0.0.1, port {link_port(coordinator)}; start it"
            f" ({coordinator.path / 'README.md'} says how), then run this once more"
        )
    members = {member.site: member for member in coordinator.members() if member.removed is None}
    if strangers := [site for site in sites if site not in members]:
        raise EngineError(
            f"site {strangers[0]} is not in the federation '{name}' (in it are: {', '.join(members) or 'none'});"
            " invite it, or take it out of the plan"
        )
    states = node_states(coordinator)
    if unknown := [site for site in sites if members[site].node not in states]:
        raise EngineError(
            f"the SuperLink was not told of site {unknown[0]}; run: shiftscope federation register {name}"
        )
    nodes = {site: str(members[site].node) for site in sites}
    if absent := [site for site, node in nodes.items() if states[node] != "online"]:
        _LOGGER.warning("not online now: %s; they are waited for, and left out if they do not come", ", ".join(absent))
    return nodes


def run_deployment(job: Job, progress: Report = silent, *, coordinator: Coordinator, kind: Kind) -> RunResult:
    """Carry out a run, as `deploy`, and read what came of it."""
    deploy(job, progress, coordinator=coordinator, kind=kind)
    return RunResult.read(job.result_path, EngineError)


def deploy(job: Job, progress: Report = silent, *, coordinator: Coordinator, kind: Kind) -> None:
    """Carry out `job` between the sites of a federation, under an order signed for it, until its result is written.

    The coordinator's app runs where the SuperLink does, on this machine, and writes into the job's folder.

    Args:
        progress: called after every round, by what the coordinator writes.
        kind: of the order.

    Raises:
        EngineError: no result; the checkpoints stay.
        KeyboardInterrupt: Ctrl-C or SIGTERM, after the run was stopped.
    """
    if (job.out / LOG).exists():  # the run of a command that was killed goes on, and would write into the same folder
        _stop(coordinator, job.out / LOG)
    job.write(job.path)
    forget_last_run(job)
    order = order_of(job, kind, coordinator.settings.federation, datetime.now(UTC))
    config = _config(job.path, coordinator, order)
    with submitted(coordinator, job.out / LOG, config) as (run, processes):
        follow(run, processes, job, progress, 0)
    if (problem := failure_of_run(job)) is not None:
        raise problem


def collect(collection: ProfileCollection, coordinator: Coordinator, order: Order) -> CollectedAnswers:
    """Ask sites for their profiles, and wait for what comes.

    Raises:
        EngineError: the run ended without an answer.
        KeyboardInterrupt: Ctrl-C or SIGTERM, after the run was stopped.
    """
    collection.write(collection.path)
    config = _config(collection.path, coordinator, order)
    with submitted(coordinator, collection.out / LOG, config, COLLECTOR) as (run, _):
        while run.poll() is None and not collection.answers_path.exists():
            time.sleep(_POLL_S)
    if not collection.answers_path.exists():
        raise EngineError(f"Flower ended without an answer; {collection.out / LOG} says why")
    return CollectedAnswers.read(collection.answers_path, EngineError)


def _config(job: Path, coordinator: Coordinator, order: Order) -> dict[str, str]:
    """What the app's two components find: the coordinator's its job, the sites' the signed order."""
    signed = sign_order(order, coordinator.signing_key())
    return {"job": str(job), "order": base64.b64encode(signed.to_bytes()).decode("ascii")}


@contextmanager
def submitted(
    coordinator: Coordinator, log: Path, config: Mapping[str, str], server: str = SERVER
) -> Iterator[tuple[subprocess.Popen[bytes], Processes]]:
    """A run on the federation's SuperLink; left early, by Ctrl-C or an error, it is stopped there.

    Args:
        log: receives what Flower says.
        config: of the app.
        server: the coordinator's component.
    """
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="shiftscope-", ignore_cleanup_errors=True))
        if threading.current_thread() is threading.main_thread():
            stack.enter_context(interruptible())
        stack.enter_context(adopting())
        processes = Processes(superlink_environment(coordinator), Path(scratch), log)
        stack.callback(end_of, processes)
        app = app_folder(Path(scratch), config, server)
        run = processes.start(tool("flwr"), "run", str(app), CONNECTION, "--stream")
        try:
            yield run, processes
        finally:
            if run.poll() is None:
                _stop(coordinator, log)


def _stop(coordinator: Coordinator, log: Path) -> None:
    """Have the SuperLink end the last run that the log names; one that has ended stays as it is."""
    if not (started := _STARTED.findall(log.read_bytes())):
        return
    command = [tool("flwr"), "stop", started[-1].decode(), CONNECTION]
    environment, nothing = {**os.environ, **superlink_environment(coordinator)}, subprocess.DEVNULL
    with log.open("ab") as out, undisturbed(), suppress(subprocess.TimeoutExpired):
        subprocess.run(command, env=environment, stdin=nothing, stdout=out, stderr=out, timeout=_STOP_S, check=False)
