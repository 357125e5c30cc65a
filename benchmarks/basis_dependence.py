"""Does a verdict depend on the public basis? Real sites measured in two bases from different phantoms.

python benchmarks/basis_dependence.py DATA [--phantoms 1500]
"""

import argparse
import platform
import time
from itertools import combinations
from pathlib import Path

import torch
from build_basis import fitted

from shiftscope.diagnosis import Diagnosis, diagnose
from shiftscope.measures import basis
from shiftscope.measures.basis import Basis, load_basis
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Options, profile_site
from shiftscope.sites import Declarations, read_site

SEED = 8
GROUPS = {"breast_us": r"bus_(\d+)", "polyp": None, "cxr_cls": None, "brain_cls": None, "breast_cls": None}


def diagnoses(data: Path) -> dict[str, Diagnosis]:
    """Every pair of sites of a group, as a federation of two."""
    extractor, out = load_extractor(), {}
    for group, regex in GROUPS.items():
        profiles = []
        for folder in sorted(path for path in (data / group).iterdir() if path.is_dir()):
            pattern = regex if folder.name != "busi" else None
            said = Declarations(patient_regex=pattern, one_file_per_patient=None if pattern else True)
            profile, _ = profile_site(read_site(folder, given=said), extractor, Options())
            if profile.patients >= 30:
                profiles.append(profile)
        for a, b in combinations(profiles, 2):
            out[f"{group}: {a.site} - {b.site}"] = diagnose([a, b])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--phantoms", type=int, default=1500)
    options = parser.parse_args()
    torch.set_num_threads(1)
    first = diagnoses(options.data)
    arrays = fitted(SEED, options.phantoms)
    other = {
        axis: Basis(*(arrays[f"{axis}.{part}"].astype(float) for part in ("centre", "spread", "directions")))
        for axis in load_basis()[0]
    }
    basis._stored = lambda: (other, f"seed {SEED}")  # the basis is package data: no other way in is wanted
    second = diagnoses(options.data)
    print(f"{platform.machine()}, 2 cores, {time.strftime('%Y-%m-%d')}; seed {SEED}, {options.phantoms} phantoms\n")
    print("| pair | kind | with the other basis | appearance | | structure | |\n|---|---|---|---|---|---|---|")
    for pair, found in first.items():
        again = second[pair]
        cells = [
            f"{answer.effect:.2f}" if (answer := item.axes[question]).effect is not None else "-"
            for question in ("appearance", "structure")
            for item in (found, again)
        ]
        print(f"| {pair} | {found.kind} | {again.kind} | " + " | ".join(cells) + " |")
    same = sum(found.kind == second[pair].kind for pair, found in first.items())
    print(f"\n{same} of {len(first)} kinds are the same.")


if __name__ == "__main__":
    main()
