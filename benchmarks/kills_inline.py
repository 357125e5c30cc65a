"""Is anything lost when the process of a run is killed, at any instant?

python benchmarks/kills_inline.py > docs/results/kills-inline.md

Runs of one process are killed (`kill -9`) at instants drawn evenly over the time that a whole run takes, resumed, and
killed again where the next instant comes before their end. Each finished run is compared with one that nobody
disturbed: every tensor that it leaves, at the coordinator and at the sites, byte by byte; every score; the files that
it leaves. The rounds that were done when it was killed must stand in its result as they were. Exits with 1 where
anything differs. About 15 minutes on two slow cores.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from loopback import hospitals, plan_of, provenance
from safetensors.numpy import load_file

from shiftscope.plans import Plan, RoundEntry, RunResult
from shiftscope.training.federation.flower import inline  # noqa: F401 - loaded once, for all runs
from shiftscope.training.launch import train
from shiftscope.training.models import segmentation_nets  # noqa: F401 - likewise
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.states import load_checkpoint

SIZE = 32
PLAN: dict[str, Any] = {
    "name": "kills",
    "image_size": SIZE,
    "rounds": 4,
    "local_steps": 2,
    "batch_size": 8,
    "harmonizer": "quantile_map",
    "personalizer": "ditto",
}

HEAD = """# Killed at any instant, in one process

{kills} kills (`kill -9`) of {runs} runs at instants drawn over the {seconds:.1f} s of a whole one (seed {seed}), each
run resumed and killed again as the draw has it. Three planted hospitals of 24 patients, {size} px, a U-Net; FedAvg,
quantile_map + Ditto and each site's own model, {rounds} rounds of {steps} steps; torch {torch}, {machine}, {cores}
cores, no GPU, {date}, by `benchmarks/kills_inline.py`.

| rounds done when killed | kills |
|---|---:|
"""

TAIL = """
| of the {runs} runs | |
|---|---:|
| finished after their last kill | {finished} |
| finished rounds kept as they were | {kept} |
| tensors equal to the undisturbed run's, byte by byte | {weights} |
| scores equal | {scores} |
| the same files left, and no other | {files} |
"""


@dataclass(slots=True)
class Disturbed:
    """One run.

    Attributes:
        rounds: how many were done at each kill.
        kept: whether all of these stand in the result as they were.
        weights, scores, files: whether they equal the undisturbed run's.
        finished: whether there was a result at all.
    """

    rounds: list[int] = field(default_factory=list)
    kept: bool = True
    weights: bool = False
    scores: bool = False
    files: bool = False
    finished: bool = False


def forked(work: Callable[[], object], log: Path) -> int:
    """The process in which `work` goes on; libraries are loaded here before, and no tensor is touched."""
    if pid := os.fork():
        return pid
    status = 1
    try:
        with log.open("ab") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            work()
        status = 0
    finally:
        os._exit(status)


def ended(pid: int, seconds: float) -> bool:
    """Whether it ends by itself in this time; else it is killed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def rounds_in(out: Path) -> dict[tuple[str, int, int], RoundEntry]:
    """Those that are done, as the checkpoints have them."""
    states = (load_checkpoint(path) for path in sorted((out / "checkpoints").glob("*.safetensors")))
    entries = [entry for state in states if state is not None for entry in state.entries]
    return {(entry.arm, entry.seed, entry.round): entry for entry in entries}


def same_tensors(out: Path, whole: Path) -> bool:
    """Of all files."""
    for path in whole.rglob("*.safetensors"):
        mine, theirs = (load_file(each) for each in (out / path.relative_to(whole), path))
        if mine.keys() != theirs.keys():
            return False
        if any(mine[name].tobytes() != tensor.tobytes() for name, tensor in theirs.items()):
            return False
    return True


def files_in(out: Path) -> set[str]:
    """What a run leaves."""
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


class Disturber:
    """Begins runs and breaks them off.

    Args:
        root: of all runs.
        seed: of the instants.
    """

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.rng = np.random.default_rng(seed)
        self.data = hospitals(root / "data", SIZE)
        self.plan: Plan = plan_of(self.data, **PLAN)
        self.whole = root / "whole"
        since = time.monotonic()
        if not ended(self._begun(self.whole, resume=False), 3600):
            raise SystemExit(f"the undisturbed run did not end; {self.root / 'log.txt'} says why")
        self.seconds = time.monotonic() - since
        self.expected = RunResult.read(self.whole / "result.json")

    def disturbed(self, most: int) -> Disturbed:
        """A run that is killed until an instant comes after its end, so many times at the most."""
        out, found = self.root / "run", Disturbed()
        shutil.rmtree(out, ignore_errors=True)
        done: dict[tuple[str, int, int], RoundEntry] = {}
        while len(found.rounds) < most:
            running = self._begun(out, resume=(out / "job.json").exists())
            if ended(running, self.rng.uniform(0, self.seconds)):
                break
            done |= rounds_in(out)
            found.rounds.append(len(done))
        if not (out / "result.json").exists():
            ended(self._begun(out, resume=(out / "job.json").exists()), 3600)
        if not (out / "result.json").exists():
            return found
        result = RunResult.read(out / "result.json")
        now = {(entry.arm, entry.seed, entry.round): entry for entry in result.rounds}
        found.finished = True
        found.kept = all(now.get(key) == entry for key, entry in done.items())
        found.weights = same_tensors(out, self.whole)
        found.scores = result.sites == self.expected.sites
        found.files = files_in(out) == files_in(self.whole)
        return found

    def _begun(self, out: Path, *, resume: bool) -> int:
        options = RunOptions(engine="inline", out=out, resume=resume)
        return forked(lambda: train(self.plan, self.data, options), self.root / "log.txt")


def page(values: Mapping[str, Any], runs: list[Disturbed]) -> str:
    """The numbers."""
    done = Counter(rounds for run in runs for rounds in run.rounds)
    rows = [f"| {rounds} | {count} |\n" for rounds, count in sorted(done.items())]
    counts = {key: sum(getattr(run, key) for run in runs) for key in ("finished", "kept", "weights", "scores", "files")}
    return HEAD.format(**values) + "".join(rows) + TAIL.format(runs=len(runs), **counts)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=17)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        disturber = Disturber(Path(folder), given.seed)
        runs: list[Disturbed] = []
        while (left := given.kills - sum(len(run.rounds) for run in runs)) > 0:
            runs.append(disturber.disturbed(left))
            print(runs[-1], file=sys.stderr)
        values = {
            "kills": given.kills,
            "runs": len(runs),
            "seconds": disturber.seconds,
            "seed": given.seed,
            "size": SIZE,
            "rounds": PLAN["rounds"],
            "steps": PLAN["local_steps"],
            **provenance(),
        }
        print(page(values, runs), end="")
    if not all(run.finished and run.kept and run.weights and run.scores and run.files for run in runs):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
