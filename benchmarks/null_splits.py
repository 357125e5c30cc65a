"""False alarms and agreement: random halves of one site must come out `none`.

    python benchmarks/null_splits.py DATA [--splits 30]

Every site of DATA/<group>/<site> with 40 patients or more is measured once, then its patients are divided at random,
each half is exported as a profile of its own, and the two are diagnosed. Prints calls by question and by group.
"""

import argparse
import platform
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from shiftscope.diagnosis import diagnose
from shiftscope.measures.features import Extractor, load_extractor
from shiftscope.profiles import Options, Patient, Profile, Tally, patients_of
from shiftscope.sites import Site, read_site

GROUPS = ("breast_us", "polyp", "cxr_cls", "brain_cls", "breast_cls")
SIZES = (20, 40, 60, 100)
SEED = 11


def half(site: Site, name: str, patients: list[Patient], extractor: Extractor) -> Profile:
    """The profile of some of a site's patients, as if they were a site."""
    tally = Tally()
    for patient in patients:
        tally.add(patient)
    part = replace(site, name=name, cases=(), patient_source="manifest")
    return tally.profile(part, 0, extractor, {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--splits", type=int, default=30, help="per site and size")
    options = parser.parse_args()
    torch.set_num_threads(1)
    extractor = load_extractor()
    rng = np.random.default_rng(SEED)
    calls: dict[tuple[str, int], Counter[str]] = {}
    for group in GROUPS:
        for folder in sorted((options.data / group).iterdir()):
            if not folder.is_dir():
                continue
            site = read_site(folder)
            patients = list(patients_of(site, extractor, Options(), []))
            for n in SIZES:
                if len(patients) < 2 * n:
                    continue
                count = calls.setdefault((group, n), Counter())
                for _ in range(options.splits):
                    order = rng.permutation(len(patients))
                    parts = (order[:n], order[n : 2 * n])
                    halves = [
                        half(site, f"half{k}", [patients[i] for i in part], extractor) for k, part in enumerate(parts)
                    ]
                    found = diagnose(halves)
                    count["splits"] += 1
                    count["not none"] += found.kind != "none"
                    for question, answer in found.axes.items():
                        count[question] += answer.called
                        count[f"{question} p<.05"] += answer.p is not None and answer.p < 0.05
    print(f"{platform.machine()}, {time.strftime('%Y-%m-%d')}, seed {SEED}")
    keys = [
        "splits",
        "not none",
        *(f"{q}{end}" for q in ("appearance", "structure", "label", "annotation") for end in ("", " p<.05")),
    ]
    print("group        n  " + "  ".join(keys))
    for (group, n), count in calls.items():
        print(f"{group:11s} {n:3d}  " + "  ".join(f"{count[key]:{len(key)}d}" for key in keys))
    total = sum(calls.values(), Counter())
    print(f"all splits: {total['not none']} of {total['splits']} not none")


if __name__ == "__main__":
    main()
