"""What an engine costs: one job on Flower, in one process, and as a bare loop, interleaved in one run.

    python benchmarks/engine_overhead.py --quick                       # minutes: see that it works
    python benchmarks/engine_overhead.py --out docs/results/engine-overhead.json

The job is FedAvg of two sites, the plan's U-Net at 96 px. The bare loop reads the same files, takes the same batches
through the same model with the same schedule, averages, and judges the same cases; there are no messages, no
checkpoints and no apps. It is run one site after the other, as `inline` does, and with a process per site, as
`flower` does. All four end with the same scores, within .00001, or the comparison is refused.

Each run is a process of its own. `work` is the wall time from the start of the first round to the last score; `start`
is what comes before (libraries, reading images, and, for Flower, its processes), `end` what comes after. The steps of
a round are chosen so that a round of the slowest takes `--round-s` seconds on this machine.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

BEGUN = time.time()
MODES = ("bare", "bare_parallel", "inline", "flower")
BESIDE = {"inline": "bare", "flower": "bare_parallel"}
TARGETS = {"inline": 1.1, "flower": 1.25}
SITES = ("ashford", "birchwood")
CASES = 60
SIZE = 96
SEED = 0


def write_job(folder: Path, rounds: int, steps: int) -> None:
    """Two synthetic hospitals and their plan."""
    import numpy as np

    from shiftscope.phantoms import ANATOMIES, write_site
    from shiftscope.plans import Plan, PlannedSite, write_plan
    from shiftscope.sites import fingerprint, read_site

    draw = ANATOMIES["ultrasound"]
    planned = {}
    for number, name in enumerate(SITES):
        if not (folder / name).exists():
            rng = np.random.default_rng([SEED, number])
            write_site([draw(rng, size=SIZE, label="malignant") for _ in range(CASES)], folder / name)
        site = read_site(folder / name, name=name)
        planned[name] = PlannedSite(fingerprint=fingerprint(site), patients=CASES, cases=CASES)
    plan = Plan(
        name="overhead",
        task="segmentation",
        classes=(),
        model="unet",
        colour=False,
        image_size=SIZE,
        rounds=rounds,
        local_steps=steps,
        batch_size=8,
        learning_rate=3e-3,
        seeds=(SEED,),
        harmonizer=None,
        personalizer=None,
        sites=planned,
        data={name: str(folder / name) for name in SITES},
    )
    write_plan(plan, folder / "plan.toml")


@cache
def cases_of(plan_file: str, name: str) -> Any:
    """A site's cases, read once in a process."""
    from shiftscope.plans import read_plan
    from shiftscope.sites import read_site
    from shiftscope.training.data.model_inputs import load_samples

    plan = read_plan(Path(plan_file))
    return load_samples(read_site(Path(plan.data[name]), name=name), plan)


def train_bare(plan_file: str, name: str, weights: dict[str, Any], number: int) -> tuple[dict[str, Any], int]:
    """One site's steps of one round, written out; returns its weights and how many cases it has."""
    import numpy as np
    import torch

    from shiftscope.plans import read_plan
    from shiftscope.training.algorithms.local_rounds import learning_rate, loss_for
    from shiftscope.training.data.batches import draw
    from shiftscope.training.data.randomness import generator
    from shiftscope.training.models.networks import build

    torch.set_num_threads(1)
    plan, cases = read_plan(Path(plan_file)), cases_of(plan_file, name).train
    model = build(plan).to(memory_format=torch.channels_last)
    model.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in weights.items()})
    model.train()
    loss_of, optimizer = loss_for(plan), torch.optim.AdamW(model.parameters(), lr=plan.learning_rate)
    batches = draw(cases, plan, generator(SEED, name, number, "train"))
    for step in range(plan.local_steps):
        images, targets = next(batches)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(plan, plan.rounds, (number - 1) * plan.local_steps + step)
        optimizer.zero_grad()
        loss = loss_of(model(images), targets)
        loss.backward()
        optimizer.step()
        float(loss.detach())
    return {key: value.numpy().copy() for key, value in model.state_dict().items()}, len(cases)


def judge_bare(plan_file: str, name: str, weights: dict[str, Any]) -> float:
    """Mean Dice of the site's test cases; the validation cases are judged too, as the engines do."""
    import numpy as np
    import torch

    from shiftscope.plans import read_plan
    from shiftscope.training.evaluation.scores import judge
    from shiftscope.training.models.networks import build

    torch.set_num_threads(1)
    plan, cases = read_plan(Path(plan_file)), cases_of(plan_file, name)
    model = build(plan).to(memory_format=torch.channels_last)
    model.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in weights.items()})
    judge(model, cases.val, plan)
    return float(judge(model, cases.test, plan)["dice"].mean())


def run_bare(plan_file: str, parallel: bool) -> dict[str, Any]:
    """The whole job without an engine."""
    from shiftscope.plans import read_plan
    from shiftscope.training.algorithms.aggregation import Update, weighted_mean
    from shiftscope.training.data.randomness import seeded
    from shiftscope.training.models.networks import build

    plan = read_plan(Path(plan_file))
    pools = {name: ProcessPoolExecutor(1, mp_context=get_context("spawn")) for name in SITES} if parallel else {}

    def each(work: Any, *rest: Any) -> dict[str, Any]:
        if not parallel:
            return {name: work(plan_file, name, *rest) for name in SITES}
        asked = {name: pools[name].submit(work, plan_file, name, *rest) for name in SITES}
        return {name: answer.result() for name, answer in asked.items()}

    with seeded(SEED):
        model = build(plan)
    shared = {key: value.numpy().copy() for key, value in model.state_dict().items()}
    each(ready)
    start, rounds = time.time(), []
    for number in range(1, plan.rounds + 1):
        since = time.time()
        sent = each(train_bare, shared, number)
        shared = weighted_mean([Update(name, weights, count, 0.0) for name, (weights, count) in sent.items()])
        rounds.append(time.time() - since)
    scores = each(judge_bare, shared)
    end = time.time()
    for pool in pools.values():
        pool.shutdown()
    return {"first": start, "last": end, "rounds": rounds, "scores": scores}


def ready(plan_file: str, name: str) -> None:
    """Libraries loaded, images read."""
    import monai.losses
    import torch

    torch.set_num_threads(1)
    del monai
    cases_of(plan_file, name)


def run_engine(plan_file: str, engine: Literal["flower", "inline"]) -> dict[str, Any]:
    """The whole job on an engine; the start of the first round is its end less its length."""
    from shiftscope.plans import read_plan
    from shiftscope.training.arms import arm_of
    from shiftscope.training.launch import train
    from shiftscope.training.run_options import RunOptions

    plan = read_plan(Path(plan_file))
    out = Path(tempfile.mkdtemp(dir=Path(plan_file).parent)) / "run"
    ended: list[float] = []

    def watch() -> None:
        while not (out / "rounds.jsonl").exists():
            time.sleep(0.05)
        ended.append(time.time())

    threading.Thread(target=watch, daemon=True).start()
    result = train(plan, {}, RunOptions(engine=engine, out=out), arms=[arm_of(plan, "baseline", "fedavg", None)])
    rounds = [entry.seconds for entry in result.rounds]
    return {
        "first": ended[0] - rounds[0],
        "last": (out / "result.json").stat().st_mtime,
        "rounds": rounds,
        "scores": {name: site.scores["baseline"][0] for name, site in result.sites.items()},
    }


def one(mode: str, plan_file: str) -> dict[str, Any]:
    """One run, timed from the start of this process."""
    timing = run_bare(plan_file, mode == "bare_parallel") if mode.startswith("bare") else run_engine(plan_file, mode)
    end = time.time()
    return {
        "start_s": timing["first"] - BEGUN,
        "work_s": timing["last"] - timing["first"],
        "end_s": end - timing["last"],
        "rounds_s": timing["rounds"],
        "scores": timing["scores"],
    }


def steps_for(plan_file: str, seconds: float) -> int:
    """Steps that take `seconds` at a site, from the pace of this machine."""
    from shiftscope.plans import read_plan
    from shiftscope.training.models.networks import build
    from shiftscope.training.runs.pace import time_steps

    plan = read_plan(Path(plan_file))
    return max(1, math.ceil(seconds / time_steps(plan, build(plan), "cpu").seconds))


def summary(runs: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Medians over repeats; ratios are medians of ratios within a repeat."""
    medians = {
        mode: {
            **{key: statistics.median(run[mode][key] for run in runs) for key in ("start_s", "work_s", "end_s")},
            "round_s": statistics.median(second for run in runs for second in run[mode]["rounds_s"]),
        }
        for mode in MODES
    }
    ratios = {
        f"{mode} / {other}": {
            "work": statistics.median(run[mode]["work_s"] / run[other]["work_s"] for run in runs),
            "lowest": min(run[mode]["work_s"] / run[other]["work_s"] for run in runs),
            "highest": max(run[mode]["work_s"] / run[other]["work_s"] for run in runs),
            "whole": statistics.median(_whole(run[mode]) / _whole(run[other]) for run in runs),
        }
        for mode, other in (*BESIDE.items(), ("flower", "bare"))
    }
    targets = {
        mode: {"target": limit, "met": ratios[f"{mode} / {BESIDE[mode]}"]["work"] <= limit}
        for mode, limit in TARGETS.items()
    }
    return {"medians": medians, "ratios": ratios, "targets": targets}


def _whole(run: dict[str, Any]) -> float:
    return float(run["start_s"] + run["work_s"] + run["end_s"])


def show(found: dict[str, Any]) -> None:
    """As Markdown."""
    print("| | start, s | rounds and judging, s | a round, s | end, s |\n|---|---:|---:|---:|---:|")
    for mode, row in found["medians"].items():
        print(f"| {mode} | {row['start_s']:.1f} | {row['work_s']:.1f} | {row['round_s']:.1f} | {row['end_s']:.1f} |")
    print("\n| | rounds and judging | lowest to highest | whole process |\n|---|---:|---:|---:|")
    for name, row in found["ratios"].items():
        print(f"| {name} | {row['work']:.3f} | {row['lowest']:.3f} to {row['highest']:.3f} | {row['whole']:.3f} |")


def main() -> None:
    """Repeats of all four, in turned order; the table on stdout, everything in --out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--round-s", type=float, default=33.0, help="seconds of steps at a site in a round")
    parser.add_argument("--quick", action="store_true", help="two rounds of two seconds, once")
    parser.add_argument("--out", type=Path, help="JSON with every repeat")
    parser.add_argument("--one", choices=MODES, help=argparse.SUPPRESS)
    parser.add_argument("--plan", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(one(chosen.one, chosen.plan)))
        return
    rounds, repeat, round_s = (2, 1, 2.0) if chosen.quick else (chosen.rounds, chosen.repeat, chosen.round_s)
    with tempfile.TemporaryDirectory() as scratch:
        plan_file = str(Path(scratch) / "plan.toml")
        write_job(Path(scratch), rounds, 1)
        steps = steps_for(plan_file, round_s)
        write_job(Path(scratch), rounds, steps)
        runs = []
        for number in range(repeat):
            order = MODES[number % len(MODES) :] + MODES[: number % len(MODES)]
            runs.append({mode: _process(mode, plan_file) for mode in order})
            _require_same_scores({mode: run["scores"] for mode, run in runs[-1].items()})
    machine = f"{platform.machine()}, {os.cpu_count()} cores, no GPU used, Python {platform.python_version()}"
    settings = {"rounds": rounds, "local_steps": steps, "repeats": repeat, "sites": len(SITES), "image_size": SIZE}
    found = {"date": time.strftime("%Y-%m-%d"), "machine": machine, **settings, **summary(runs), "runs": runs}
    show(found)
    if chosen.out:
        chosen.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _require_same_scores(scores: dict[str, dict[str, float]]) -> None:
    """All modes did the same work; a result's file holds six digits, so the last of five may differ."""
    for mode, found in scores.items():
        if any(abs(found[name] - scores["bare"][name]) > 1e-5 for name in SITES):
            raise SystemExit(f"not the same work: {mode} {found}, bare {scores['bare']}")


def _process(mode: str, plan_file: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", mode, "--plan", plan_file]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    since = time.time()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{mode} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    timing: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{mode}: {timing['work_s']:.1f} s of {time.time() - since:.1f} s", file=sys.stderr)
    return timing


if __name__ == "__main__":
    main()
