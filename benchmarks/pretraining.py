"""Networks from trained and from random weights on real hospitals, FedAvg alone, one budget.

python benchmarks/pretraining.py DATA GROUP [--rounds 6 --steps 10 --size 64 --seeds 0] [--only NAME...] > rows.md

Groups: breast_us (outlines) and cxr_cls (classes). A row for each network and learning rate, as Markdown; which rate to
take is read off the validation column, never off the test column. Nothing is read from the network.
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from portfolio import REGEX, TOO_SMALL

from shiftscope.plans import Plan, PlannedSite, RunResult
from shiftscope.sites import Declarations, Site, fingerprint, read_site
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions

ENCODER = "tf_efficientnet_lite0"


@dataclass(frozen=True, slots=True)
class Start:
    """A network and what it starts from."""

    task: str
    model: str
    encoder: str | None
    weights: str | None
    learning_rate: float


STARTS = {
    "unet": Start("segmentation", "unet", None, None, 3e-3),
    "random-1": Start("segmentation", "smp.Unet", ENCODER, None, 1e-3),
    "random-3": Start("segmentation", "smp.Unet", ENCODER, None, 3e-3),
    "trained-.3": Start("segmentation", "smp.Unet", ENCODER, "imagenet", 3e-4),
    "trained-1": Start("segmentation", "smp.Unet", ENCODER, "imagenet", 1e-3),
    "trained-3": Start("segmentation", "smp.Unet", ENCODER, "imagenet", 3e-3),
    "resnet18": Start("classification", "resnet18", None, None, 1e-3),
    "random-lite0-1": Start("classification", ENCODER, None, None, 1e-3),
    "random-lite0-3": Start("classification", ENCODER, None, None, 3e-3),
    "trained-lite0-.3": Start("classification", ENCODER, None, "imagenet", 3e-4),
    "trained-lite0-1": Start("classification", ENCODER, None, "imagenet", 1e-3),
    "trained-lite0-3": Start("classification", ENCODER, None, "imagenet", 3e-3),
    "linear": Start("classification", "linear", None, None, 3e-3),
    "linear-lite0": Start("classification", "linear", ENCODER, "imagenet", 3e-3),
}


def plan_of(start: Start, sites: dict[str, Site], options: argparse.Namespace) -> Plan:
    labels = sorted({case.label for site in sites.values() for case in site.cases if case.label is not None})
    planned = {
        name: PlannedSite(
            fingerprint=fingerprint(site),
            patients=len({case.patient for case in site.cases}),
            cases=len(site.cases),
            one_file_per_patient=REGEX[options.group] is None,
        )
        for name, site in sites.items()
    }
    return Plan(
        name="pretraining",
        task=start.task,
        classes=() if start.task == "segmentation" else tuple(labels),
        model=start.model,
        encoder=start.encoder,
        weights=start.weights,
        colour=False,
        image_size=options.size,
        rounds=options.rounds,
        local_steps=options.steps,
        batch_size=options.batch,
        learning_rate=start.learning_rate,
        seeds=tuple(options.seeds),
        harmonizer=None,
        personalizer=None,
        sites=planned,
    )


def mean_of(result: RunResult, kind: str) -> float:
    """Of the baseline's scores: over seeds, then sites."""
    values = [getattr(site, kind)["baseline"] for site in result.sites.values()]
    return float(np.mean([np.mean([v for v in each if v is not None]) for each in values if any(each)]))


def main() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("group", choices=("breast_us", "cxr_cls"))
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    regex = REGEX[options.group]
    said = Declarations(patient_regex=regex, one_file_per_patient=None if regex else True)
    folders = sorted(path for path in (options.data / options.group).iterdir() if path.is_dir())
    data = {path.name: path for path in folders if path.name not in TOO_SMALL.get(options.group, ())}
    sites = {name: read_site(path, name=name, given=said) for name, path in data.items()}
    task = "segmentation" if options.group == "breast_us" else "classification"
    print("| network | encoder | weights | learning rate | px | steps | validation | test | by site | CPU seconds |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for name, start in STARTS.items():
        if start.task != task or (options.only and name not in options.only):
            continue
        since = time.process_time()
        with tempfile.TemporaryDirectory() as out:
            how = RunOptions(engine="inline", out=Path(out) / "run", patient_regex=regex)
            result = train(plan_of(start, sites, options), data, how)
        each = " ".join(f"{np.mean(site.scores['baseline']):.3f}" for site in result.sites.values())
        print(
            f"| {start.model} | {start.encoder or ''} | {start.weights or 'random'} | {start.learning_rate:g}"
            f" | {options.size} | {options.rounds} x {options.steps} | {mean_of(result, 'validation'):.3f}"
            f" | {mean_of(result, 'scores'):.3f} | {each} | {time.process_time() - since:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
