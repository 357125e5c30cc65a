"""Every strategy on real hospitals, on one budget: which help, which harm, what the gate gives.

python benchmarks/portfolio.py run DATA GROUP -o runs/GROUP [--rounds 10 --steps 15 --folds 5 --size 64]
                               [--model M --encoder E --weights imagenet --rate 1e-3]  random weights unless said
                               [--only STRATEGY...]             FedAvg and these
                               [--folds 1 --seeds 0 1 2]        one split for all seeds
                               [--device cuda --shares 2]       every seed in so many processes at the same time
python benchmarks/portfolio.py redo runs/GROUP STRATEGY...      forgets strategies, so that `run` does them anew
python benchmarks/portfolio.py table runs/GROUP... > tables.md  all tables, as Markdown

`run` goes on where it was broken off. A strategy is a harmonizer, an algorithm, or "harmonizer+algorithm"; the second
table, at equal compute, holds those that compute more than FedAvg in each step, in as many fewer rounds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from portfolio_tables import EQUAL, tables

from shiftscope.harmonizers import HARMONIZERS
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.plans import Plan, RunResult, propose_plan, read_plan, write_plan
from shiftscope.profiles import Options, profile_site
from shiftscope.progress import Progress
from shiftscope.recommendation import advise
from shiftscope.sites import Declarations, read_site
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS
from shiftscope.training.arms import arm_of, at_equal_compute
from shiftscope.training.launch import train
from shiftscope.training.plan_checks import check_plan
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.jobs import Arm

REGEX = {
    "breast_us": r"(bus_\d+|busi_\w+_\d+)",
    "polyp": r"(clinicdb_\d\d|colondb_\d\d|kvasir_[a-z]+_\d+)",
    "cxr_cls": None,
    "breast_cls": None,
    "brain_cls": None,
}
"""How to find the patient. Ten consecutive frames of an endoscopy count as one: no file names its sequence."""

TOO_SMALL = {"breast_us": ("busbra_usystems",)}
"""Sites with fewer than ten patients: two test cases decide nothing, and every site counts alike in a mean."""

MODEL = {"segmentation": "unet", "classification": "test_resnet"}
HYBRIDS = ("zscore+fedbn", "zscore+lp_ft", "quantile_map+fedper", "quantile_map+ditto")
LEFT_OUT = {
    "n4": "minutes per hundred images on these cores",
    "macenko": "these images hold no stains, so no site has anything to share",
}


def strategies(plan: Plan) -> tuple[list[Arm], dict[str, str]]:
    """What this plan allows, FedAvg first, and why the rest is left out."""
    arms, left_out = [arm_of(plan, "fedavg", "fedavg", None)], dict(LEFT_OUT)
    names = dict.fromkeys([*CONTROLS, *PERSONALIZERS, *HARMONIZERS, *HYBRIDS, advised(plan)])
    for name in names:
        if name == "fedavg" or name in LEFT_OUT:
            continue
        harmonizer, _, algorithm = (
            name.partition("+")
            if "+" in name
            else (("", "", name) if name in {**CONTROLS, **PERSONALIZERS} else (name, "", "fedavg"))
        )
        arm = arm_of(plan, name, algorithm, harmonizer or None)
        try:
            check_plan(plan, [arm])
        except Exception as problem:  # noqa: BLE001 - whatever the reason, it is reported in the table
            left_out[name] = str(problem)
            continue
        if harmonizer and HARMONIZERS[harmonizer].on == "geometry":
            left_out[name] = "the images do not say how large a pixel is"
            continue
        arms.append(arm)
    arms += [
        less.model_copy(update={"name": arm.name + EQUAL})
        for arm in arms
        if (less := at_equal_compute(plan, arm, arms[0])) is not None
    ]
    return arms, left_out


def advised(plan: Plan) -> str:
    """The strategy that `recommend` chose; its plan keeps it."""
    return "+".join(filter(None, (plan.harmonizer, plan.personalizer))) or "fedavg"


def plan_for(data: dict[str, Path], group: str, budget: argparse.Namespace) -> Plan:
    """The plan `recommend` proposes, with this benchmark's budget."""
    regex = REGEX[group]
    said = Declarations(patient_regex=regex, one_file_per_patient=None if regex else True)
    sites = [read_site(path, name=site, given=said) for site, path in data.items()]
    extractor = load_extractor()
    profiles = [profile_site(site, extractor, Options())[0] for site in sites]
    advice = advise(profiles)
    plan = propose_plan(profiles, advice.recommendation, group)
    return plan.model_copy(
        update={
            "image_size": budget.size,
            "rounds": budget.rounds,
            "local_steps": budget.steps,
            "batch_size": budget.batch,
            "learning_rate": budget.rate,
            "model": budget.model or MODEL[plan.task],
            "encoder": budget.encoder,
            "weights": budget.weights,
            "weights_sha256": None,
            "folds": budget.folds,
            "seeds": tuple(range(budget.folds) if budget.folds > 1 else budget.seeds),
            "data": {site: str(path) for site, path in data.items()},
        }
    )


def run(options: argparse.Namespace) -> None:
    folders = sorted(path for path in (options.data / options.group).iterdir() if path.is_dir())
    data = {path.name: path for path in folders if path.name not in TOO_SMALL.get(options.group, ())}
    out: Path = options.out
    plan_path = out / "plan.toml"
    if not plan_path.exists():
        write_plan(plan_for(data, options.group, options), plan_path)
    plan = read_plan(plan_path)
    arms, left_out = strategies(plan)
    if options.only:
        arms = [arm for arm in arms if arm.name in {"fedavg", *options.only}]
    (out / "left_out.json").write_text(json.dumps(left_out, indent=1), encoding="utf-8")
    since = time.time()

    def say(step: Progress) -> None:
        print(f"{time.time() - since:7.0f} s  {step.line}", file=sys.stderr, flush=True)

    kept = out / "run"
    if options.shares and options.folds > 1:
        raise SystemExit("--shares: every process trains one seed, so it goes with --folds 1")
    if options.shares and not kept.exists():
        run_apart(plan, arms, options)
    train(
        plan,
        data,
        RunOptions(
            engine="inline",
            out=kept,
            resume=(kept / "job.json").exists(),
            patient_regex=REGEX[options.group],
            device=options.device,
        ),
        progress=say,
        arms=arms,
    )


def run_apart(plan: Plan, arms: list[Arm], options: argparse.Namespace) -> None:
    """Train every seed in `options.shares` processes of their own, then lay their checkpoints together.

    Splits and references follow from the plan, not from the seed, and strategies know nothing of each other. FedAvg is
    trained first, once for each seed, for the gate looks at it.
    """
    seeds = {seed: plan.model_copy(update={"seeds": (seed,)}) for seed in plan.seeds}
    bases = {options.out / f"seed-{seed}": (alone, ["fedavg"]) for seed, alone in seeds.items()}
    _run_all(bases, options)
    shares = {}
    for base, (alone, _) in bases.items():
        for share in range(options.shares):
            part = base.with_name(f"{base.name}-share-{share}")
            shutil.copytree(base / "run", part / "run", ignore=_OWN)
            shares[part] = (alone, [arm.name for arm in arms[1:][share :: options.shares]])
    _run_all(shares, options)
    for part in shares:
        shutil.copytree(part / "run", options.out / "run", dirs_exist_ok=True, ignore=_OWN)


_OWN = shutil.ignore_patterns("job.json", "result.json", "rounds.jsonl")
"""What says which run a folder belongs to."""


def _run_all(parts: dict[Path, tuple[Plan, list[str]]], options: argparse.Namespace) -> None:
    """Each folder's plan and strategies in a process of its own."""
    running: dict[Path, subprocess.Popen[bytes]] = {}
    for part, (plan, names) in parts.items():
        part.mkdir(parents=True, exist_ok=True)
        write_plan(plan, part / "plan.toml")
        command = [sys.executable, __file__, "run", str(options.data), options.group, "-o", str(part)]
        command += ["--device", options.device, "--only", *names]
        running[part] = subprocess.Popen(command, stderr=(part / "log").open("wb"))
    for part, process in running.items():
        if process.wait():
            raise SystemExit(f"{part} failed:\n{(part / 'log').read_text()[-2000:]}")


def redo(options: argparse.Namespace) -> None:
    """Forget strategies."""
    for name in options.strategies:
        for path in sorted((options.out / "run").rglob(f"{name}-seed*"), reverse=True):
            for inner in sorted(path.rglob("*"), reverse=True) if path.is_dir() else []:
                inner.unlink()
            path.rmdir() if path.is_dir() else path.unlink()


def table(options: argparse.Namespace) -> None:
    results = {out.name: RunResult.read(out / "run" / "result.json") for out in options.out}
    left_out = {out.name: json.loads((out / "left_out.json").read_text(encoding="utf-8")) for out in options.out}
    print(tables(results, left_out))


def main() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("run")
    one.add_argument("data", type=Path)
    one.add_argument("group", choices=sorted(REGEX))
    one.add_argument("-o", "--out", type=Path, required=True)
    one.add_argument("--rounds", type=int, default=10)
    one.add_argument("--steps", type=int, default=15)
    one.add_argument("--batch", type=int, default=8)
    one.add_argument("--model", help="linear: a classifier on frozen features, the only one for combat")
    one.add_argument("--encoder", help="of a decoder, or of linear")
    one.add_argument("--weights", help="imagenet, or a file")
    one.add_argument("--rate", type=float, default=3e-3)
    one.add_argument("--folds", type=int, default=5, help="one seed a fold; 1: the seeds on one split")
    one.add_argument("--size", type=int, default=64)
    one.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    one.add_argument("--only", nargs="*")
    one.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    one.add_argument("--shares", type=int, default=0, help="processes for each seed; 0: one for everything")
    one.set_defaults(do=run)
    two = commands.add_parser("redo")
    two.add_argument("out", type=Path)
    two.add_argument("strategies", nargs="+")
    two.set_defaults(do=redo)
    three = commands.add_parser("table")
    three.add_argument("out", type=Path, nargs="+")
    three.set_defaults(do=table)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
