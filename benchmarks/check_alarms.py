"""How often `check` fails a delivery of the same patients: random halves of one site, nothing planted.

    python benchmarks/check_alarms.py DATA [--splits 200] [--seed 0]

The patients of each site are measured once; halves are drawn from them and go the whole way, export rules and all.
Prints a Markdown table: deliveries that failed, that were inconclusive, and in which an axis or a question warned.
"""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shiftscope.checks import check
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Options, Patient, Profile, SiteAccumulator, patients_of
from shiftscope.profiles.parts.origins import Origin
from shiftscope.sites import Declarations, Site, case_digests, read_site

SITES = {
    "breast_us/busbra_logiq5": r"(bus_\d+)",
    "breast_us/busbra_logiq7": r"(bus_\d+)",
    "cxr_cls/nih_cxr14": None,
    "polyp/kvasir_seg": None,
}
SIZES = (60, 40)
_ANY = Site("delivery", Path("delivery"), "images", (), "manifest", (), {})


def profile_of(patients: Sequence[Patient]) -> Profile:
    accumulator = SiteAccumulator()
    for patient in patients:
        accumulator.add(patient)
    return accumulator.export(Origin.of(_ANY, 0, load_extractor(), {}, enumerate(case_digests(_ANY))))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("data", type=Path)
    options.add_argument("--splits", type=int, default=200)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    rng = np.random.default_rng(given.seed)
    print("| site | patients a site | deliveries | failed | inconclusive | with a warning | seconds a check |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, regex in SITES.items():
        site = read_site(given.data / name, given=Declarations(patient_regex=regex))
        patients = [*patients_of(site, load_extractor(), Options(), [])]
        for size in SIZES:
            if 2 * size > len(patients):
                continue
            outcomes: Counter[str] = Counter()
            spent = 0.0
            for _ in range(given.splits):
                order = rng.permutation(len(patients))
                new, base = (profile_of([patients[k] for k in part]) for part in np.split(order[: 2 * size], 2))
                start = time.perf_counter()
                result = check(new, [base])
                spent += time.perf_counter() - start
                outcomes[result.outcome] += 1
                outcomes["warned"] += any(finding.status == "warned" for finding in result.findings)
            cells = (outcomes["failed"], outcomes["inconclusive"], outcomes["warned"])
            print(
                f"| `{name}` | {size} | {given.splits} | {' | '.join(map(str, cells))} | {spent / given.splits:.2f} |"
            )


if __name__ == "__main__":
    main()
