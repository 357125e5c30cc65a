"""From how many patients on is differential privacy useful? The noise against the spread of patients at real sites.

    python benchmarks/privacy_cost.py DATA

Every site of DATA/<group>/<site> with 60 patients or more is measured. For each epsilon, the number of patients from
which the noise adds no more than chance to the variance of an axis' mean: of the clipped coordinates as they are at
that site, by axis; and the number that the program asks for.
"""

import argparse
import platform
import time
from pathlib import Path

import numpy as np
import torch

from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Options, SiteAccumulator, patients_of, privacy
from shiftscope.sites import read_site

GROUPS = ("breast_us", "polyp", "cxr_cls", "brain_cls", "breast_cls")
EPSILONS = (0.5, 1.0, 2.0, 4.0, 8.0)
LEAST = 60


def measure(folder: Path) -> dict[str, tuple[float, float]]:
    """Axis -> spread and squared mean of the clipped coordinates, as shares of the squared norm."""
    accumulator = SiteAccumulator()
    for patient in patients_of(read_site(folder), load_extractor(), Options(), []):
        accumulator.add(patient)
    out = {}
    for axis, sums in accumulator.clipped.items():
        moments = sums.moments(privacy.WIDTH)
        if accumulator.patients >= LEAST and moments is not None and 2 * sums.n >= accumulator.patients:
            norm = privacy.norm_of(axis) ** 2
            out[axis] = (float(np.trace(moments.cov)) / norm, float(moments.mean @ moments.mean) / norm)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    torch.set_num_threads(1)
    sites = [measure(folder) for group in GROUPS for folder in sorted((data / group).iterdir()) if folder.is_dir()]
    sites = [site for site in sites if site]
    print(f"{platform.machine()}, {time.strftime('%Y-%m-%d')}, {len(sites)} sites")
    print("| axis | sites | spread | offset | " + " | ".join(f"epsilon {epsilon:g}" for epsilon in EPSILONS) + " |")
    print("|---" * (4 + len(EPSILONS)) + "|")
    for axis in privacy.PRIVATE_AXES:
        shares = np.array([site[axis] for site in sites if axis in site])
        if not len(shares):
            continue
        axes = np.array([len(site) for site in sites if axis in site])
        cells = []
        for epsilon in EPSILONS:
            needed = [
                privacy.patients_needed(epsilon, int(k), spread=spread, offset=offset)
                for k, (spread, offset) in zip(axes, shares, strict=True)
            ]
            cells.append(f"{np.median(needed):.0f} ({min(needed)}-{max(needed)})")
        spread, offset = np.median(shares, axis=0)
        print(f"| {axis} | {len(shares)} | {spread:.2f} | {offset:.2f} | {' | '.join(cells)} |")
    for k in (3, 4, 6, 7):
        print(f"| the program asks, {k} axes | | | | ", end="")
        print(" | ".join(str(privacy.patients_needed(epsilon, k)) for epsilon in EPSILONS), "|")


if __name__ == "__main__":
    main()
