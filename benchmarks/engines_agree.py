"""Do Flower and the engine of one process give the same, to the bit, whatever the network?

python benchmarks/engines_agree.py [KIND...] > docs/results/engines-agree.md

Two rounds of five steps at two planted hospitals, the advice a map of intensities with FedBN beside FedAvg; every
final model of every site and strategy is compared byte by byte, and every score of result.json.
Half a minute a kind on two cores.
"""

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file

from shiftscope.phantoms import Hospital, draw_hospital, write_site
from shiftscope.plans import Plan, PlannedSite, RunResult
from shiftscope.sites import fingerprint, read_site
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions

EXAMPLE = Path(__file__).resolve().parents[1] / "docs" / "examples" / "hospital-models"
"""Put where this process and Flower's find it, as pip would."""

ENCODER = "tf_efficientnet_lite0"
KINDS: dict[str, dict[str, Any]] = {
    "smp.Unet, trained encoder": {"model": "smp.Unet", "encoder": ENCODER, "weights": "imagenet"},
    "smp.DeepLabV3Plus, random encoder": {"model": "smp.DeepLabV3Plus", "encoder": "resnet18"},
    "SegResNet": {"model": "SegResNet"},
    "DynUNet": {"model": "DynUNet"},
    "AttentionUnet": {"model": "AttentionUnet"},
    "UNet": {"model": "UNet"},
    "the example of an own model, with its own loss and augmentation": {
        "model": "hospital_models:outline_net",
        "loss": "hospital_models:overlap_loss",
        "augment": "hospital_models:flips",
        "head": ("last",),
        "stem": ("early",),
    },
}
"""Kind -> keys of the plan."""

HEAD = """# The same weights from both engines

Two planted hospitals of 24 patients, 64 px, two rounds of five steps, seed 0, FedAvg beside zscore + FedBN, through
Flower's simulation and in one process; torch {torch}, {machine}, by `benchmarks/engines_agree.py`. Compared to the bit:
every tensor of every final model; scores as the two files of results have them.
"""


def hospitals(root: Path) -> dict[str, Path]:
    """Two of them, the second with darker images."""
    for number, (name, plants) in enumerate({"a": (), "b": (("gamma", -0.7),)}.items()):
        drawn = draw_hospital("ultrasound", Hospital(24, plants=plants), np.random.default_rng([3, number]), size=64)
        write_site(drawn, root / name, layout="images+masks", format="png")
    return {name: root / name for name in "ab"}


def plan_of(keys: dict[str, Any], folders: dict[str, Path]) -> Plan:
    sites = {name: read_site(path, name=name) for name, path in folders.items()}
    planned = {
        name: PlannedSite(
            fingerprint=fingerprint(site),
            patients=len({case.patient for case in site.cases}),
            cases=len(site.cases),
        )
        for name, site in sites.items()
    }
    return Plan(
        name="engines",
        task="segmentation",
        classes=(),
        colour=False,
        image_size=64,
        rounds=2,
        local_steps=5,
        batch_size=4,
        learning_rate=3e-3,
        seeds=(0,),
        harmonizer="zscore",
        personalizer="fedbn",
        sites=planned,
        **keys,
    )


def models_of(out: Path) -> dict[str, dict[str, np.ndarray]]:
    """Every final model of a run: where it lies -> its tensors."""
    return {str(path.relative_to(out)): load_file(path) for path in sorted(out.rglob("model.safetensors"))}


def compared(keys: dict[str, Any], folders: dict[str, Path]) -> tuple[int, int, int, bool]:
    """Models, tensors, tensors that differ, and whether all scores are the same."""
    plan, outs, results = plan_of(keys, folders), {}, {}
    with tempfile.TemporaryDirectory() as root:
        for engine in ("inline", "flower"):
            out = Path(root) / engine
            train(plan, folders, RunOptions(engine=engine, out=out, allow_code=("hospital_models",)))
            results[engine] = RunResult.read(out / "result.json")
            outs[engine] = models_of(out)
    one, other = outs["inline"], outs["flower"]
    if not one or one.keys() != other.keys():
        raise SystemExit(f"other models: {sorted(one)} and {sorted(other)}")
    pairs = [(one[place][name], other[place][name]) for place in one for name in one[place]]
    differ = sum(left.tobytes() != right.tobytes() for left, right in pairs)
    return len(one), len(pairs), differ, scores_of(results["inline"]) == scores_of(results["flower"])


def scores_of(result: RunResult) -> dict[str, Any]:
    return {name: (site.scores, site.validation, site.also) for name, site in result.sites.items()}


def main() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.path.append(str(EXAMPLE))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(EXAMPLE)]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; all by default")
    chosen = parser.parse_args().kinds or list(KINDS)
    print(HEAD.format(torch=torch.__version__.split("+")[0], machine=platform.machine()))
    print("| network | final models | tensors | tensors that differ | scores |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as root:
        folders = hospitals(Path(root))
        for kind in chosen:
            models, tensors, differ, same = compared(KINDS[kind], folders)
            print(f"| {kind} | {models} | {tensors} | {differ} | {'equal' if same else 'differ'} |", flush=True)


if __name__ == "__main__":
    main()
