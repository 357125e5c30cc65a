"""Does the rehearsal predict what training gives? Five strategies, whole networks trained.

    python benchmarks/regret/tune.py run DATA OUT [--network tuned random] [--first 24 | --only NAME ...] [--share 0/2]
    python benchmarks/regret/tune.py table OUT [--results docs/results/regret]

`run` takes six federations of each task that span the cells in OUT (named in OUT/tuned/chosen-TASK.json, once), or the
first so many of each task, writes their images to OUT/tuned/images, and trains own models, FedAvg, a harmonizer and
personalizers on three folds: tf_efficientnet_lite0 from ImageNet weights ("tuned", classes only) and a small network
from random ones ("random": of residual blocks, or a U-Net for outlines). The harmonizer is the one that removes most.
It goes on where it was broken off, and prints a line for each run. `--share 0/2` takes every other run: start as many
processes as fit on the GPU. `table` adds the gains of OUT to those of tuned.csv, a row for each, beside what the
committed tables say was rehearsed, draws tuned.svg, and prints Spearman's correlation of rehearsed and trained gains
for each network and task.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from drawing import draw_gains
from federations import federations
from members import members_of
from outcomes import REFERENCE, Outcome, read_outcomes
from specs import Federation
from tabled_outcomes import read_tabled
from trained_gains import (
    HARMONIZER,
    OWN,
    PERSONALIZERS,
    Agreement,
    agreement,
    gains_in,
    read_gains,
    rehearsed_gains,
    write_gains,
)

from shiftscope.files import write_text
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.phantoms import write_site
from shiftscope.plans import Plan, propose_plan, read_plan, write_plan
from shiftscope.profiles import Options, profile_site
from shiftscope.recommendation import advise
from shiftscope.recommendation.harmonizing import choose
from shiftscope.sites import Declarations, read_site
from shiftscope.training.arms import arm_of
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions

KINDS = {
    "classification": ("natural", "appearance", "structure", "concept", "appearance+concept", "labels"),
    "segmentation": (
        "natural",
        "appearance",
        "structure",
        "annotation",
        "appearance+annotation",
        "appearance+structure",
    ),
}
"""Of the federations that span a task."""

SMALL = {
    "image_size": 64,
    "rounds": 20,
    "encoder": None,
    "weights": None,
    "weights_sha256": None,
    "learning_rate": 3e-3,
}
NETWORKS: dict[tuple[str, str], dict[str, Any]] = {
    ("tuned", "classification"): {
        "image_size": 128,
        "model": "tf_efficientnet_lite0",
        "weights": "imagenet",
        "learning_rate": 1e-3,
    },
    ("random", "classification"): {**SMALL, "model": "test_resnet"},
    ("random", "segmentation"): {**SMALL, "model": "unet"},
}
"""(network, task) -> keys of the plan."""

BUDGET: dict[str, Any] = {"rounds": 6, "local_steps": 15, "batch_size": 8, "folds": 3, "seeds": (0, 1, 2)}
"""Each seed tests on a fold of its own, so that everybody is tested once."""


def spanning(outcomes: Sequence[Outcome], task: str) -> list[str]:
    """One federation of each kind, of families not taken yet: whose rehearsed gain or loss is the surest."""
    of_task = [item for item in outcomes if item.task == task]
    chosen: dict[str, str] = {}
    for kind in KINDS[task]:
        left = [item for item in of_task if item.about["kind"] == kind and item.family not in chosen.values()]
        if left:
            best = max(left, key=_sureness)
            chosen[best.name] = best.family
    return list(chosen)


def _sureness(outcome: Outcome) -> float:
    """The largest gain or loss of a trained strategy, in its standard errors."""
    found = outcome.on_folds(range(outcome.folds))
    places = [outcome.place(name) for name in rehearsed_gains(outcome)]
    return float(np.nanmax(np.abs(found.gains[places]) / found.errors[places]))


def written(federation: Federation, data: Path, folder: Path) -> dict[str, Path]:
    """Site -> folder of its images by class, or with masks, written once; they are not part of the project."""
    for site, spec in federation.sites.items():
        if not (folder / site).exists():
            found = members_of(spec, data)
            people = [
                replace(phantom, patient=f"p{row:04d}", label=label)
                for row, label, phantom in zip(found.rows, found.labels, found.changed, strict=True)
            ]
            unfinished = folder / f"{site}.part"
            write_site(people, unfinished, layout="images+masks" if found.cohort.outlined else "classes")
            unfinished.rename(folder / site)
    return {site: folder / site for site in federation.sites}


def plan_for(folders: Mapping[str, Path], keys: Mapping[str, Any]) -> Plan:
    """What `recommend` proposes, at this benchmark's budget, with the harmonizer that removes most of what differs."""
    said = Declarations(one_file_per_patient=True)
    sites = [read_site(path, name=site, given=said) for site, path in folders.items()]
    profiles = [profile_site(site, load_extractor(), Options())[0] for site in sites]
    advice = advise(profiles)
    plan = propose_plan(profiles, advice.recommendation, "tuned")
    chosen, _ = choose(advice.diagnosis.removed)
    harmonizer = HARMONIZER if chosen is None else chosen.harmonizer
    return plan.model_copy(update={**BUDGET, **keys, "harmonizer": harmonizer, "personalizer": None})


def chosen_by(options: argparse.Namespace) -> list[Federation]:
    """Those that are named; or the tasks in turn: the first federations of each, or those that span it."""
    every = federations()
    if options.only:
        return [item for name in options.only for item in every if item.name == name]
    by_task = [[item for item in every if item.task == task] for task in KINDS]
    if options.first is None:
        names = {name for task in KINDS for name in _spanning_once(options.out, task)}
        by_task = [[item for item in items if item.name in names] for items in by_task]
    return [item for turn in zip_longest(*(items[: options.first] for items in by_task)) for item in turn if item]


def _spanning_once(out: Path, task: str) -> list[str]:
    """Chosen when first asked for, so that more cells do not change what has been trained."""
    kept = out / "tuned" / f"chosen-{task}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_text(kept, json.dumps(spanning(read_outcomes(out), task)))
    return list(json.loads(kept.read_text(encoding="utf-8")))


def run(options: argparse.Namespace) -> None:
    start, step = map(int, options.share.split("/"))
    wanted = [pair for pair in product(chosen_by(options), options.network) if (pair[1], pair[0].task) in NETWORKS]
    for federation, network in wanted[start::step]:
        since = time.perf_counter()
        folders = written(federation, options.data, options.out / "tuned" / "images" / federation.name)
        out = options.out / "tuned" / network / federation.name
        if not (out / "plan.toml").exists():
            write_plan(plan_for(folders, NETWORKS[network, federation.task]), out / "plan.toml")
        asked = read_plan(out / "plan.toml")
        harmonizer, plan = asked.harmonizer or HARMONIZER, asked.model_copy(update={"harmonizer": None})
        arms = [
            arm_of(plan, REFERENCE, REFERENCE, None),
            arm_of(plan, OWN, OWN, None),
            arm_of(plan, harmonizer, REFERENCE, harmonizer),
            *(arm_of(plan, name, name, None).model_copy(update={"gated": False}) for name in PERSONALIZERS[network]),
        ]
        resume = (out / "run" / "job.json").exists()
        result = train(
            plan,
            folders,
            RunOptions(engine="inline", out=out / "run", resume=resume, device=options.device),
            arms=arms,
        )
        means = {arm: found.mean for arm, found in result.arms.items()}
        print(f"{network} {federation.name}: {time.perf_counter() - since:.0f} s, {means}", flush=True)


def table(options: argparse.Namespace) -> None:
    made = gains_in(options.out / "tuned", read_tabled(options.results))
    if not made:
        raise SystemExit(f"{options.out}/tuned: no finished run yet; start with tune.py run")
    anew = {(gain.network, gain.federation) for gain in made}
    kept = [gain for gain in read_gains(options.results / "tuned.csv") if (gain.network, gain.federation) not in anew]
    gains = sorted([*kept, *made], key=lambda gain: (gain.network, gain.federation))
    for network, task in dict.fromkeys((gain.network, gain.task) for gain in gains):
        chosen = [gain for gain in gains if (gain.network, gain.task) == (network, task)]
        print(f"{network}, {task}: {_line(agreement(chosen))}")
        for family in dict.fromkeys(gain.family for gain in chosen):
            print(f"  {family}: {_line(agreement([gain for gain in chosen if gain.family == family]))}")
    write_gains(gains, options.results / "tuned.csv")
    draw_gains(gains, options.results / "tuned.svg")


def _line(found: Agreement) -> str:
    return (
        f"{found.count} gains, Spearman {found.correlation:.2f} [{found.low:.2f}, {found.high:.2f}],"
        f" trained less rehearsed {found.bias:+.3f}, standard deviation {found.spread:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("run")
    one.add_argument("data", type=Path)
    one.add_argument("out", type=Path)
    one.add_argument("--network", nargs="*", choices=("random", "tuned"), default=("random", "tuned"))
    one.add_argument("--first", type=int, help="the first so many federations of each task instead of six that span it")
    one.add_argument("--only", nargs="*", help="federations by name, in this order")
    one.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    one.add_argument("--share", default="0/1", help="K/N: every N-th run, from the K-th on")
    one.set_defaults(do=run)
    two = commands.add_parser("table")
    two.add_argument("out", type=Path)
    two.add_argument("--results", type=Path, default=Path("docs/results/regret"))
    two.set_defaults(do=table)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
