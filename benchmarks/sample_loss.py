"""What is lost where harmonizers are measured on a sample of a site's patients and not on all.

    python benchmarks/sample_loss.py DATA [--groups cxr_cls brain_cls breast_cls] [--draws 20]

DATA holds the shared collections. Every patient is measured once after each harmonizer; then as if the site had drawn
samples of several sizes at random: how far the share that a harmonizer removes of the difference moves from that of all
patients (root mean square over draws; in brackets in how many of them anything is said of it), beside half of the width
of its 95 % interval over all patients.
"""

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from loopback import provenance

from shiftscope.diagnosis import Removal, diagnose
from shiftscope.measures import HARMONIZED
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Options, Patient, Profile, SiteAccumulator, patients_of
from shiftscope.profiles.parts.origins import Origin
from shiftscope.profiles.sums.harmonized_sample import HarmonizedSample, SampledPatient
from shiftscope.profiles.sums.site_accumulator import size_of
from shiftscope.sites import Declarations, Site, read_site

SEED = 19
SIZES = (80, 160, 180)


def measured(group: Path) -> dict[str, tuple[Site, list[Patient]]]:
    """The patients of each site of a group, all of them after each harmonizer."""
    said = Declarations(one_file_per_patient=True)
    sites = [read_site(folder, given=said) for folder in sorted(group.iterdir()) if folder.is_dir()]
    return {site.name: (site, [*patients_of(site, load_extractor(), Options(), [])]) for site in sites}


def profile_of(site: Site, patients: Sequence[Patient], drawn: Sequence[int]) -> Profile:
    """The profile of a site with harmonizers measured on those drawn."""
    sums = SiteAccumulator(sample=HarmonizedSample(len(drawn)))
    split = [_split(one.coordinates) for one in patients]
    sums.add_all([replace(one, coordinates=plain) for one, (plain, _) in zip(patients, split, strict=True)])
    rows = [SampledPatient(f"{k:064x}", split[k][1], size_of(patients[k]), patients[k].label) for k in sorted(drawn)]
    sums.sample.merge(HarmonizedSample(len(drawn), rows))
    digest = hashlib.sha256(site.name.encode()).hexdigest()
    return sums.export(Origin.of(site, 0, load_extractor(), {}, cases=[(0, digest)]))


def _split(coordinates: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Coordinates of the images as they are, and after harmonizers."""
    parts: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = ({}, {})
    for axis, row in coordinates.items():
        parts[axis in HARMONIZED][axis] = row
    return parts


def removed(sites: Mapping[str, tuple[Site, list[Patient]]], size: int | None, seed: int) -> dict[str, Removal]:
    """What each harmonizer removes, from a sample of each site of `size` patients; None for all."""
    rng, profiles = np.random.default_rng([SEED, seed]), []
    for site, patients in sites.values():
        count = len(patients) if size is None else min(size, len(patients))
        profiles.append(profile_of(site, patients, rng.permutation(len(patients))[:count].tolist()))
    return {item.harmonizer: item for item in diagnose(profiles).removed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--groups", nargs="+", default=["cxr_cls", "brain_cls", "breast_cls"])
    parser.add_argument("--draws", type=int, default=20)
    options = parser.parse_args()
    print(", ".join(f"{key} {value}" for key, value in provenance().items()) + f", seed {SEED}\n")
    print("| group | harmonizer | all patients | " + " | ".join(f"of {size}" for size in SIZES) + " |")
    print("|---|---|---:|" + "---:|" * len(SIZES))
    for name in options.groups:
        sites = measured(options.data / name)
        whole = removed(sites, None, 0)
        drawn = {size: [removed(sites, size, seed) for seed in range(options.draws)] for size in SIZES}
        for harmonizer, item in whole.items():
            cells = [f"{item.share:.3f} +- {(item.high - item.low) / 2:.3f}"]
            for size in SIZES:
                found = [each[harmonizer].share for each in drawn[size] if harmonizer in each]
                error = np.sqrt(np.mean(np.square(np.array(found) - item.share))) if found else np.nan
                cells.append(f"{error:.3f} ({len(found)})")
            print(f"| {name} | {harmonizer} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
