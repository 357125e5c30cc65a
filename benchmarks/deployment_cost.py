"""What a round between hospitals costs beside the simulation and one process, for the same plan.

python benchmarks/deployment_cost.py > docs/results/deployment-cost.md

Three planted hospitals of 24 patients at 96 px, a U-Net, FedAvg and each site's own model, ten rounds of five steps,
seed 0. The deployment is SuperLink, door and three services as processes on the loopback, in TLS and with keys, each
site under a policy that allows everything. Start is the time until the first round began; a round's overhead is its
time without the slowest site's training. About five minutes on two cores.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from loopback import federation, hospitals, plan_of, provenance

from shiftscope.plans import Plan, RunResult
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions

ROUNDS, STEPS, SIZE = 10, 5, 96
PLAN = {
    "name": "cost",
    "image_size": SIZE,
    "rounds": ROUNDS,
    "local_steps": STEPS,
    "batch_size": 8,
    "harmonizer": None,
    "personalizer": None,
}

HEAD = """# What a round between hospitals costs

{rounds} rounds of {steps} steps at three planted hospitals of 24 patients, U-Net, {size} px, batch 8, seed 0,
FedAvg and each site's own model; torch {torch}, {machine}, {cores} cores, no GPU, {date}, by
`benchmarks/deployment_cost.py`. Start: until the first round begins. Overhead: a round's time without its slowest
site's training. Medians over {counted} rounds, the first of each strategy left out.

| engine | start, s | a round, s | slowest site's training, s | overhead, s | bytes a round | whole, s |
|---|---:|---:|---:|---:|---:|---:|
"""


def row(name: str, result: RunResult, whole: float) -> str:
    """A line of the table."""
    entries = [entry for entry in result.rounds if entry.round > 1]
    training = [max(site.seconds for site in entry.sites.values()) for entry in entries]
    seconds = [entry.seconds for entry in entries]
    shared = [entry.bytes for entry in entries if entry.bytes]
    start = whole - sum(entry.seconds for entry in result.rounds)
    overhead = np.median(np.subtract(seconds, training))
    return (
        f"| `{name}` | {start:.1f} | {np.median(seconds):.2f} | {np.median(training):.2f} | {overhead:.2f} |"
        f" {np.median(shared):,.0f} | {whole:.1f} |"
    )


def measured(name: str, plan: Plan, data: dict[str, Path], options: RunOptions) -> str:
    """One engine, from its start to its result."""
    since = time.monotonic()
    result = train(plan, data, options)
    print(name, file=sys.stderr)
    return row(name, result, time.monotonic() - since)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root = Path(folder)
        data = hospitals(root / "data", SIZE)
        plan = plan_of(data, **PLAN)
        rows = [
            measured(engine, plan, data, RunOptions(engine=engine, out=root / engine))
            for engine in ("inline", "flower")
        ]
        with federation(root, data) as running:
            deployed = RunOptions(engine="deploy", out=root / "deploy", federation=running.coordinator, timeout_s=300)
            rows.append(measured("deploy", plan, {}, deployed))
    print(
        HEAD.format(
            rounds=ROUNDS,
            steps=STEPS,
            size=SIZE,
            **provenance(),
            counted=2 * (ROUNDS - 1),
        )
        + "\n".join(rows)
    )


if __name__ == "__main__":
    main()
