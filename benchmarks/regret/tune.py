"""Does the rehearsal predict what training gives? Four strategies, whole networks trained.

    python benchmarks/regret/tune.py run DATA OUT [--network tuned random] [--first 80] [--device cuda] [--share 0/2]
    python benchmarks/regret/tune.py table OUT [--results docs/results/regret]

`run` takes six federations that span the cells in OUT (named in OUT/tuned/chosen.json, once), or the first so many of
the list, writes their images to OUT/tuned/images, and trains own models, FedAvg, a harmonizer and a personalizer on
three folds: tf_efficientnet_lite0 from ImageNet weights ("tuned", classes only) and a small network from random ones
("random": of residual blocks, or a U-Net for outlines). The harmonizer is the advised one. It goes on where it was
broken off, and prints a line for each run. `--share 0/2` takes every other run: start as many processes as fit on the
GPU. `table` prints Spearman's correlation of rehearsed and trained gains for each network and task, and writes
tuned.csv, a row for each.
"""

import argparse
import csv
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from federations import federations
from members import members_of
from outcomes import REFERENCE, Outcome, read_outcomes
from scipy.stats import spearmanr
from specs import Federation

from shiftscope.files import write_text
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.phantoms import write_site
from shiftscope.plans import Plan, RunResult, propose_plan, read_plan, write_plan
from shiftscope.profiles import Options, profile_site
from shiftscope.recommendation import advise
from shiftscope.sites import Declarations, read_site
from shiftscope.training.arms import arm_of
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions

KINDS = ("natural", "appearance", "structure", "concept", "appearance+concept", "labels")
HARMONIZER, PERSONALIZER, OWN = "quantile_map", "lp_ft", "local"
"""The first of them where `recommend` names none."""

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


def spanning(outcomes: Sequence[Outcome]) -> list[str]:
    """Of classes one federation of each kind, of families not taken yet: whose rehearsed gain or loss is the surest."""
    classes = [item for item in outcomes if item.task == "classification"]
    chosen: dict[str, str] = {}
    for kind in KINDS:
        left = [item for item in classes if item.about["kind"] == kind and item.family not in chosen.values()]
        if left:
            best = max(left, key=_sureness)
            chosen[best.name] = best.family
    return list(chosen)


def _sureness(outcome: Outcome) -> float:
    """The largest gain or loss of a trained strategy, in its standard errors."""
    found = outcome.on_folds(range(outcome.folds))
    places = [outcome.place(name) for name in rehearsed_gains(outcome)]
    return float(np.nanmax(np.abs(found.gains[places]) / found.errors[places]))


def rehearsed_gains(outcome: Outcome) -> dict[str, float]:
    """Over FedAvg, of the strategies that are trained here."""
    found = outcome.on_folds(range(outcome.folds))
    strategies = (OWN, outcome.about["advice"]["harmonizer"] or HARMONIZER, PERSONALIZER)
    return {name: float(found.gains[outcome.place(name)]) for name in strategies}


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
    """What `recommend` proposes, at this benchmark's budget."""
    said = Declarations(one_file_per_patient=True)
    sites = [read_site(path, name=site, given=said) for site, path in folders.items()]
    profiles = [profile_site(site, load_extractor(), Options(workers=1))[0] for site in sites]
    plan = propose_plan(profiles, advise(profiles).recommendation, "tuned")
    return plan.model_copy(update={**BUDGET, **keys, "personalizer": None})


def chosen_by(options: argparse.Namespace) -> list[Federation]:
    """The first of the list, or those that span it, chosen once."""
    every = federations()
    if options.first is not None:
        return every[: options.first]
    kept = options.out / "tuned" / "chosen.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_text(kept, json.dumps(spanning(read_outcomes(options.out))))
    chosen = json.loads(kept.read_text(encoding="utf-8"))
    return [item for item in every if item.name in chosen]


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
            arm_of(plan, PERSONALIZER, PERSONALIZER, None).model_copy(update={"gated": False}),
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
    outcomes = {item.name: item for item in read_outcomes(options.out)}
    rows = []
    for path in sorted((options.out / "tuned").glob("*/*/run/result.json")):
        network, name = path.parts[-4], path.parts[-3]
        if name not in outcomes:
            continue
        arms = RunResult.read(path).arms
        for strategy, rehearsed in rehearsed_gains(outcomes[name]).items():
            difference = arms[strategy].difference
            rows.append(
                {
                    "network": network,
                    "task": outcomes[name].task,
                    "federation": name,
                    "strategy": strategy,
                    "rehearsed": f"{rehearsed:.4f}",
                    "trained": f"{difference.mean:.4f}",
                    "low": f"{difference.low:.4f}",
                    "high": f"{difference.high:.4f}",
                }
            )
    for network, task in dict.fromkeys((row["network"], row["task"]) for row in rows):
        chosen = [row for row in rows if (row["network"], row["task"]) == (network, task)]
        pairs = np.array([[float(row["rehearsed"]), float(row["trained"])] for row in chosen])
        found = spearmanr(pairs[:, 0], pairs[:, 1])
        apart = float(np.sqrt(np.mean((pairs[:, 1] - pairs[:, 0]) ** 2)))
        print(
            f"{network}, {task}: {len(pairs)} gains, Spearman {found.statistic:.2f} (p {found.pvalue:.3f}),"
            f" trained less rehearsed {np.mean(pairs[:, 1] - pairs[:, 0]):+.3f}, root mean square {apart:.3f}"
        )
    if rows:
        with (options.results / "tuned.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("run")
    one.add_argument("data", type=Path)
    one.add_argument("out", type=Path)
    one.add_argument("--network", nargs="*", choices=("random", "tuned"), default=("random", "tuned"))
    one.add_argument("--first", type=int, help="the first so many federations instead of six that span them")
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
