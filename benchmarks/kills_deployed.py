"""Is anything lost when any process of a run between hospitals is killed, at any instant?

python benchmarks/kills_deployed.py > docs/results/kills-deployed.md

A federation on the loopback (`loopback.py`) carries one run after the other. In each, all processes of one party are
killed at once (`kill -9`): the SuperLink, the door, a site, or the command that follows the run. When, is drawn: after
how many rounds of all strategies, from none to all, and how long after that, up to five seconds. What was killed is
started again as an operator or systemd would, and a run that ended without a result is resumed.

Each finished run is compared with one in a single process, in which the same sites' answers are lost in the same
rounds, and with the same reference of the harmonizer where a site was not there to share in it: weights have to be
equal within rounding. Rounds that were done when something was killed must stand in the result as they were, and the
command must leave no process behind. Exits with 1 where anything differs. About 15 minutes on two slow cores.
"""

import argparse
import logging
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kills_inline
import numpy as np
from flwr.app import Message
from loopback import NAME, SITES, Loopback, federation, hospitals, plan_of, provenance

from shiftscope.errors import EngineError
from shiftscope.plans import RoundEntry, RunResult, write_plan
from shiftscope.training.federation.flower.inline import InlineGrid, task_identity
from shiftscope.training.federation.flower.messages import unpack
from shiftscope.training.federation.flower.processes import Processes
from shiftscope.training.federation.flower.server import coordinate
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.states import load_checkpoint

VICTIMS = ("link", "door", *SITES, "command")
PLAN: dict[str, Any] = {**kills_inline.PLAN, "personalizer": "fedbn"}
WAIT_S, LONGEST_S, RESUMPTIONS = 90, 600.0, 3
ROUNDS, LATEST_S = 13, 5.0
"""Of all strategies and their end; how long after a round something is killed."""

RELATIVE, ABSOLUTE = 1e-5, 1e-6

HEAD = """# Killed at any instant, between hospitals

{kills} runs over SuperLink, door and three services on the loopback, in TLS and with keys. In each one party was
killed (`kill -9`), up to {latest:g} s after a round that was drawn (seed {seed}), started again, and the run resumed
where it had ended. Three planted hospitals of 24 patients, {size} px, a U-Net; FedAvg, quantile_map + FedBN and
each site's own model, {rounds} rounds of {steps} steps; torch {torch}, {machine}, {cores} cores, no GPU, {date}, by
`benchmarks/kills_deployed.py`. Answers lost: of sites, over all rounds. Weights: the largest difference from a run in
one process that lost the same answers; equal is within 1e-5 of each weight.

| killed | drawn round | after, s | rounds done | resumed | answers lost | rounds kept | weights | processes left |
|---|---:|---:|---:|---:|---:|---|---|---:|
"""

Lost = Collection[tuple[str, str, int]]
"""(strategy, site, round)."""


class Losing(InlineGrid):
    """Does not ask sites whose answers are to be lost."""

    def __init__(self, job: Job, lost: Lost) -> None:
        super().__init__(job)
        self.job, self.lost = job, lost

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """As the other grid does, of the messages that are left."""
        return super().send_and_receive([each for each in messages if not self._loses(each)], timeout=timeout)

    def _loses(self, message: Message) -> bool:
        if message.metadata.message_type != "train":
            return False
        facts = unpack(message.content).facts
        site = self.job.sites[int(self.contexts[message.metadata.dst_node_id].node_config["partition-id"])]
        return (facts["arm"], site, facts["round"]) in self.lost


@dataclass(slots=True)
class Disturbed:
    """One run.

    Attributes:
        killed: the party.
        drawn: after which round.
        after: seconds after it.
        rounds: that were done then.
        resumed: how often the run was gone on with.
        lost: whose answers were, and when.
        kept: whether the rounds done stand in the result as they were.
        farthest: of a weight, in units of what counts as equal.
        difference: the largest of a weight.
        left: processes of the command, after its end.
        problem: why there is no result.
    """

    killed: str
    drawn: int
    after: float
    rounds: int = 0
    resumed: int = 0
    lost: set[tuple[str, str, int]] = field(default_factory=set)
    kept: bool = False
    farthest: float = np.inf
    difference: float = np.inf
    left: int = 0
    problem: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing was lost but answers."""
        return self.kept and self.farthest <= 1 and not self.left

    @property
    def row(self) -> str:
        """A line of the table."""
        equal = f"{'equal' if self.farthest <= 1 else '**differ**'}, {self.difference:.1e}"
        return (
            f"| {self.killed} | {self.drawn} | {self.after:.1f} | {self.rounds} | {self.resumed} | {len(self.lost)} |"
            f" {'yes' if self.kept else '**no**'} | {self.problem or equal} | {self.left} |"
        )


class Disturber:
    """Begins runs and kills a party of each.

    Args:
        running: the federation.
        data: site -> its images.
        seed: of parties and instants.
    """

    def __init__(self, running: Loopback, data: Mapping[str, Path], seed: int) -> None:
        self.running = running
        self.data = data
        self.rng = np.random.default_rng(seed)
        self.plan = running.root / "plan.toml"
        write_plan(plan_of(data, **PLAN), self.plan)

    def disturbed(self, killed: str, number: int) -> Disturbed:
        """A run in which this party was killed."""
        found = Disturbed(killed, int(self.rng.integers(ROUNDS)), float(self.rng.uniform(0, LATEST_S)))
        out = self.running.root / f"run{number}"
        command = self._command(out, resume=False)
        done: dict[tuple[str, int, int], RoundEntry] = {}
        if self._reached(out, found.drawn, command) and not self._ended(command, found.after):
            done = kills_inline.rounds_in(out)
            found.rounds = len(done)
            found.left += self._kill(killed, command)
        self._ended(command, LONGEST_S)
        found.left += len(command.alive())
        while not (out / "result.json").exists() and found.resumed < RESUMPTIONS:
            done |= kills_inline.rounds_in(out)
            found.resumed += 1
            command = self._command(out, resume=(out / "job.json").exists())
            self._ended(command, LONGEST_S)
            found.left += len(command.alive())
        if not (out / "result.json").exists():
            found.problem = "no result"
            return found
        result = RunResult.read(out / "result.json")
        now = {(entry.arm, entry.seed, entry.round): entry for entry in result.rounds}
        found.kept = all(now.get(key) == entry for key, entry in done.items())
        found.lost = {
            (entry.arm, site, entry.round)
            for entry in result.rounds
            for site, reply in entry.replies.items()
            if reply != "ok"
        }
        self._compare(out, found)
        return found

    def _kill(self, killed: str, command: Processes) -> int:
        """Kill a party and start it again; how many processes a killed command leaves."""
        if killed == "command":
            os.kill(command.started[0].pid, 9)
            command.started[0].wait()
            time.sleep(10)
            left = len(command.alive())
            command.stop()
            return left
        self.running.kill(killed)
        self.running.start(killed)
        if killed == "link":
            self.running.wait_until_online()
        return 0

    def _compare(self, out: Path, found: Disturbed) -> None:
        """With one process that lost the same."""
        job, other = Job.read(out / "job.json"), self.running.root / "compared"
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(out / "references", other / "references")
        data = {site: str(path) for site, path in self.data.items()}
        job = job.model_copy(update={"data": data, "out": other, "nodes": {}, "resumptions": ()})
        job.write(job.path)
        with task_identity():
            try:
                coordinate(Losing(job, found.lost), job, "inline")
            except EngineError as problem:
                found.problem = str(problem)
                return
        distances = [
            (np.abs(mine.shared[name] - tensor), RELATIVE * np.abs(tensor) + ABSOLUTE)
            for arm in job.arms
            for seed in job.plan.every_seed
            for mine, theirs in [[load_checkpoint(each.checkpoint(arm.name, seed)) for each in (_at(job, out), job)]]
            if mine is not None and theirs is not None
            for name, tensor in theirs.shared.items()
        ]
        found.difference = max(float(apart.max(initial=0)) for apart, _ in distances)
        found.farthest = max(float((apart / allowed).max(initial=0)) for apart, allowed in distances)

    def _command(self, out: Path, *, resume: bool) -> Processes:
        """The operator's command, as a process."""
        environment = {"SHIFTSCOPE_HOME": str(self.running.home), "OMP_NUM_THREADS": "1"}
        command = Processes(environment, self.running.root, self.running.root / "commands.log")
        options = ["--engine", "deploy", "--federation", NAME, "-o", str(out), "--timeout", str(WAIT_S)]
        command.start(
            sys.executable, "-m", "shiftscope", "train", str(self.plan), *options, *["--resume"] * bool(resume)
        )
        return command

    def _reached(self, out: Path, rounds: int, command: Processes) -> bool:
        """Wait for so many rounds; whether there were any before the command ended."""
        log, until = out / "rounds.jsonl", time.monotonic() + LONGEST_S
        while command.started[0].poll() is None and time.monotonic() < until:
            if (out / "job.json").exists() and (
                not rounds or (log.exists() and log.read_bytes().count(b"\n") >= rounds)
            ):
                return True
            time.sleep(0.05)
        return False

    def _ended(self, command: Processes, seconds: float) -> bool:
        """Whether it ends by itself in this time."""
        until = time.monotonic() + seconds
        while command.started[0].poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        return command.started[0].poll() is not None


def _at(job: Job, out: Path) -> Job:
    return job.model_copy(update={"out": out})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=17)
    given = parser.parse_args()
    logging.getLogger("flwr").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root = Path(folder)
        data = hospitals(root / "data", kills_inline.SIZE)
        with federation(root, data) as running:
            disturber = Disturber(running, data, given.seed)
            order = [VICTIMS[number % len(VICTIMS)] for number in range(given.kills)]
            runs = []
            for number, killed in enumerate(order):
                runs.append(disturber.disturbed(killed, number))
                print(runs[-1].row, sorted(runs[-1].lost), file=sys.stderr)
                if not runs[-1].sound:
                    said = (root / "commands.log").read_text(encoding="utf-8", errors="replace")
                    print(re.sub(r"\n+", "\n", said)[-4000:], file=sys.stderr)
    values = {
        "kills": given.kills,
        "latest": LATEST_S,
        "seed": given.seed,
        "size": kills_inline.SIZE,
        "rounds": PLAN["rounds"],
        "steps": PLAN["local_steps"],
        **provenance(),
    }
    print(HEAD.format(**values) + "\n".join(run.row for run in runs))
    if not all(run.sound for run in runs):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
