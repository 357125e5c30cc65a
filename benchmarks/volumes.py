"""Training in three dimensions on real volumes: four MR contrasts of the spinal cord, one site each.

python benchmarks/volumes.py DATA -o docs/results/volumes.json [--rounds 5 --steps 20 --seeds 0 1 2 --ends head foot]

DATA/nifti holds one volume of each contrast that has a mask of the cord, so there is nobody to hold out: a site learns
from one end of its cord and is judged on the other, once with either end. Slices of the two lie 3 mm or more apart.
A run that was broken off goes on where it was.
"""

import argparse
import csv
import itertools
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from shiftscope.plans import Plan, PlannedSite
from shiftscope.sites import fingerprint, read_site
from shiftscope.training.arms import arm_of
from shiftscope.training.data.model_inputs import Sample, load_samples
from shiftscope.training.data.randomness import seeded, single_threaded
from shiftscope.training.evaluation.scores import dice, judge
from shiftscope.training.launch import train
from shiftscope.training.models.networks import build
from shiftscope.training.run_options import RunOptions

SITES = {
    "t1": ("t1_t1w.nii.gz", "t1_t1w_seg-manual.nii.gz"),
    "t2": ("t2_t2.nii.gz", "t2_t2_seg-manual.nii.gz"),
    "t2s": ("t2s_t2s.nii.gz", "t2s_t2s_seg.nii.gz"),
    "mt": ("mt_mt1.nii.gz", "mt_mt1_seg.nii.gz"),
}
"""Site -> volume and mask of the whole cord, from spinalcordtoolbox's test data. Other masks mark other things."""

STRATEGIES = {"fedavg": ("fedavg", None), "ditto": ("ditto", None), "local": ("local", None)}
"""Name -> algorithm and harmonizer; with four cases a site, only a harmonizer that shares nothing can be used."""

ENDS = ("head", "foot")
HELD_OUT = 0.35
APART_MM = 3.0
SLICES = 12
"""A case has this many slices at the most, so that a long volume counts as several."""


def federation(data: Path, out: Path, end: str) -> dict[str, Path]:
    """Each site's volume cut across the cord into cases, with a manifest that says which end is held out.

    Returns:
        Site -> folder in `out`.
    """
    folders = {}
    for site, names in SITES.items():
        volumes = [
            nibabel.as_closest_canonical(nibabel.load(data / "nifti" / "sct_spinalcord" / name)) for name in names
        ]
        folders[site] = out / site
        folders[site].mkdir(parents=True)
        rows = []
        for part, first, last in cases(volumes[0].shape[2], float(volumes[0].header.get_zooms()[2]), end):
            files = [f"{kind}_{first:03d}.nii.gz" for kind in ("image", "mask")]
            for volume, file in zip(volumes, files, strict=True):
                nibabel.save(volume.slicer[:, :, first:last], folders[site] / file)
            rows.append((*files, f"{part}{first:03d}", part))
        with (folders[site] / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("image", "mask", "patient", "split"), *rows])
    return folders


def cases(count: int, step_mm: float, end: str) -> list[tuple[str, int, int]]:
    """(part, first slice, one past the last) of each case of a volume of `count` slices, foot first."""
    held, gap = round(HELD_OUT * count), max(0, int(np.ceil(APART_MM / step_mm)) - 1)
    parts = [("train", 0, count - held - gap), ("test", count - held, count)]
    found = []
    for part, first, last in parts:
        edges = np.linspace(first, last, int(np.ceil((last - first) / SLICES)) + 1).round().astype(int).tolist()
        found += [(part, a, b) for a, b in itertools.pairwise(edges)]
    return found if end == "head" else [(part, count - b, count - a) for part, a, b in found]


def plan_for(folders: dict[str, Path], rounds: int, steps: int, seed: int) -> Plan:
    """The three-dimensional job, small enough for one core."""
    sites = {name: read_site(folder, name=name) for name, folder in folders.items()}
    return Plan(
        name="cord",
        task="segmentation",
        classes=(),
        model="unet",
        colour=False,
        image_size=48,
        patch=(8, 24, 24),
        rounds=rounds,
        local_steps=steps,
        batch_size=4,
        learning_rate=3e-3,
        seeds=(seed,),
        harmonizer=None,
        personalizer=None,
        sites={
            name: PlannedSite(fingerprint=fingerprint(site), patients=len(site.cases), cases=len(site.cases))
            for name, site in sites.items()
        },
    )


def without_learning(plan: Plan, folders: dict[str, Path]) -> dict[str, dict[str, float]]:
    """What Dice is worth here, site -> reference score -> mean over the test cases, scored as `judge` scores them.

    "position" marks in every slice where most of the site's training slices have the cord, whatever the image shows.
    """
    found = {}
    with single_threaded():
        for name, folder in folders.items():
            samples = load_samples(read_site(folder, name=name), plan)
            usual = np.concatenate([np.asarray(sample.target) for sample in samples.train]).mean(axis=0) > 0.5
            with seeded(plan.seeds[0]):
                untrained = judge(build(plan), samples.test, plan)["dice"]
            found[name] = {
                "empty": _mean_dice(samples.test, np.zeros_like(usual)),
                "untrained": float(untrained.mean()),
                "position": _mean_dice(samples.test, usual),
            }
    return found


def _mean_dice(samples: Sequence[Sample], slice_: np.ndarray) -> float:
    truths = [np.asarray(sample.target) > 0 for sample in samples]
    return float(np.mean([dice(np.broadcast_to(slice_, truth.shape), truth) for truth in truths]))


def compare(data: Path, end: str, rounds: int, steps: int, seed: int) -> dict[str, Any]:
    """One held-out end and seed: every strategy's scores per site, beside what no learning gives."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = federation(data, Path(scratch) / "sites", end)
        plan = plan_for(folders, rounds, steps, seed)
        arms = [arm_of(plan, name, *strategy) for name, strategy in STRATEGIES.items()]
        since = time.process_time()
        result = train(plan, folders, RunOptions(engine="inline", out=Path(scratch) / "run"), arms=arms)
        seconds = time.process_time() - since
        references = without_learning(plan, folders)
    return {
        "held_out": end,
        "seed": seed,
        "rounds": rounds,
        "local_steps": steps,
        "cpu_seconds": round(seconds, 1),
        "sites": {
            site: {
                "cases": {"train": scores.patients["train"], "test": scores.patients["test"]},
                "dice": _rounded({**references[site], **{name: value for name, (value,) in scores.scores.items()}}),
                "surface_px": _rounded({name: value for name, (value,) in scores.also["surface_px"].items()}),
            }
            for site, scores in result.sites.items()
        },
    }


def _rounded(values: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 4) for name, value in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ends", nargs="+", choices=ENDS, default=ENDS)
    given = parser.parse_args()
    results = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else {"runs": []}
    results["machine"] = (
        f"{platform.machine()}, one core of {os.cpu_count()}, no GPU, Python {platform.python_version()}"
    )
    results["date"] = time.strftime("%Y-%m-%d")
    for end, seed in itertools.product(given.ends, given.seeds):
        if not any((run["held_out"], run["seed"]) == (end, seed) for run in results["runs"]):
            results["runs"].append(compare(given.data, end, given.rounds, given.steps, seed))
            given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results["runs"]))


def table(runs: Sequence[dict[str, Any]]) -> str:
    """Markdown: mean Dice over runs, site by site."""
    names = ["empty", "untrained", "position", *STRATEGIES]
    means = {
        site: [float(np.mean([run["sites"][site]["dice"][name] for run in runs])) for name in names] for site in SITES
    }
    means["mean"] = np.mean(list(means.values()), axis=0).tolist()
    rows = [f"| {site} | {' | '.join(f'{value:.3f}' for value in values)} |" for site, values in means.items()]
    return "\n".join([f"| site | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|", *rows])


if __name__ == "__main__":
    main()
