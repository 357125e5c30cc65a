"""How far do the updates of honest sites lie from what they received, when their images have nothing in common?

python benchmarks/update_norms.py [ROUNDS] [STEPS] > docs/results/update-norms.md

Every algorithm that shares anything, at seven planted hospitals: as they are, dark, bright, noisy, inverted, blank, and
one with a third of the patients. Told is the largest distance of a site beside the median of its round, the number by
which `update_checks.standing_out` leaves sites out. About five minutes on two cores.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from shiftscope.phantoms import Hospital, draw_hospital, write_site
from shiftscope.plans import Plan, PlannedSite, RoundEntry
from shiftscope.sites import fingerprint, read_site
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS
from shiftscope.training.algorithms.update_checks import FARTHEST_STEP
from shiftscope.training.arms import arm_of
from shiftscope.training.federation.flower.inline import run_inline
from shiftscope.training.models import networks
from shiftscope.training.runs.jobs import Job

HOSPITALS = {
    "plain": Hospital(24),
    "dark": Hospital(24, plants=(("gamma", -0.9),)),
    "bright": Hospital(24, plants=(("gamma", 0.9),)),
    "noisy": Hospital(24, plants=(("noise", 0.4),)),
    "inverted": Hospital(24),
    "blank": Hospital(24),
    "few": Hospital(8),
}

CHANNELS = (4, 8)
"""Of a U-Net that trains in seconds."""

HEAD = """# How far honest updates lie apart

{sites} planted hospitals whose images have nothing in common ({names}), every algorithm that shares anything, {rounds}
rounds of {steps} steps, seed 0; a U-Net of two levels at 32 px, by `benchmarks/update_norms.py`. A distance is
the length of what a site changed, all tensors of a kind together; the ratio is that of the farthest site of a round to
the round's median. Sites that were left out: {odd}.

| kind | rounds | largest ratio | algorithm | round | site | 99 % of rounds below |
|---|---:|---:|---|---:|---|---:|"""


def hospitals(root: Path) -> dict[str, Path]:
    """One folder each; two of them are changed pixel by pixel once they are written."""
    for number, (name, hospital) in enumerate(HOSPITALS.items()):
        drawn = draw_hospital("ultrasound", hospital, np.random.default_rng([5, number]), size=32)
        write_site(drawn, root / name)
    for name in ("inverted", "blank"):
        for path in sorted((root / name / "images").glob("*.png")):
            values = np.asarray(Image.open(path)).astype(np.float64)
            Image.fromarray(np.rint(255 - values if name == "inverted" else values / 40).astype(np.uint8)).save(path)
    return {name: root / name for name in HOSPITALS}


def job_of(data: dict[str, Path], rounds: int, steps: int, out: Path) -> Job:
    """All algorithms in one run."""
    sites = {name: read_site(path, name=name) for name, path in data.items()}
    planned = {
        name: PlannedSite(
            fingerprint=fingerprint(site), patients=len(site.cases), cases=len(site.cases), cluster=number % 2
        )
        for number, (name, site) in enumerate(sites.items())
    }
    plan = Plan(
        name="norms",
        task="segmentation",
        classes=(),
        model="unet",
        colour=False,
        image_size=32,
        rounds=rounds,
        local_steps=steps,
        batch_size=4,
        learning_rate=0.01,
        seeds=(0,),
        harmonizer=None,
        personalizer=None,
        sites=planned,
    )
    names = [name for name in (*CONTROLS, *PERSONALIZERS) if name not in ("local", "pooled")]
    folders = {name: str(path) for name, path in data.items()}
    arms = tuple(arm_of(plan, name, name, None) for name in names)
    job = Job(plan=plan, arms=arms, data=folders, patient_regex=None, out=out, timeout_s=600, device="cpu")
    job.write(job.path)
    return job


def ratios(entry: RoundEntry) -> Iterator[tuple[str, float, str]]:
    """Kind, the largest distance over the median, and whose it is."""
    for kind in dict.fromkeys(kind for distances in entry.distances.values() for kind in distances):
        lengths = {site: distances[kind] for site, distances in entry.distances.items() if kind in distances}
        middle = float(np.median([*lengths.values()]))
        farthest = max(lengths, key=lambda site: lengths[site])
        if middle > 0:
            yield kind, lengths[farthest] / middle, farthest


def main(rounds: int = 5, steps: int = 4) -> None:
    networks.CHANNELS = CHANNELS
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        job = job_of(hospitals(root / "data"), rounds, steps, root / "run")
        entries = run_inline(job).rounds
    odd = [f"{site} ({entry.arm})" for entry in entries for site, reply in entry.replies.items() if reply != "ok"]
    found: dict[str, list[tuple[float, str, int, str]]] = {}
    for entry in entries:
        for kind, ratio, site in ratios(entry):
            found.setdefault(kind, []).append((ratio, entry.arm, entry.round, site))
    print(
        HEAD.format(
            sites=len(HOSPITALS),
            names=", ".join(HOSPITALS),
            rounds=rounds,
            steps=steps,
            odd=", ".join(odd) or "none",
        )
    )
    for kind, rows in found.items():
        ratio, arm, number, site = max(rows)
        usual = np.quantile([row[0] for row in rows], 0.99)
        print(f"| {kind} | {len(rows)} | {ratio:.2f} | {arm} | {number} | {site} | {usual:.2f} |")
    print(f"\nA weight may move {FARTHEST_STEP:g} times as far as the rates of its steps add up to.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
