"""How long `shiftscope recommend` takes for many sites, and how much memory.

    python benchmarks/many_sites.py [--sites 10 25 50 100 300 1000] [--moved 0.1 0.3] [--write]

Patients of two fixture sites are measured once. Every synthetic site is 40 to 80 of them, drawn anew, all moved by one
random step on each axis and measure: `--moved` within-site deviations of each coordinate, so that with .1 some pairs
differ and with .3 most do. Two classes are larger and smaller lesions. Prints what the whole process takes, the
interpreter's start and the reading of the files included: wall time, processor time (the rest is waiting for other work
on the machine) and peak memory. `--write` makes docs/results/many-sites.md of it.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from loopback import provenance

from shiftscope.measures import MEASURES
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Options, Profile, patients_of
from shiftscope.profiles.parts.origins import Origin
from shiftscope.profiles.patients.patient_averages import Patient
from shiftscope.profiles.sums.site_accumulator import SiteAccumulator
from shiftscope.sites import read_site

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "both"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "results" / "many-sites.md"
SEED = 5
PATIENTS = (40, 80)

_MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
with open(sys.argv[1], "wb") as out:
    code = subprocess.call(sys.argv[2:], stdout=out)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
"""A small process that starts the one to be measured: a process begins with the memory of the one that starts it."""


@dataclass(frozen=True)
class Run:
    """What one process took.

    Attributes:
        sites: how many.
        moved: within-site deviations that they were moved by.
        called, listed: pairs.
        seconds, processor: wall and processor time.
        memory: peak, in MB.
        written: MB of JSON.
    """

    sites: int
    moved: float
    called: int
    listed: int
    seconds: float
    processor: float
    memory: float
    written: float


def synthetic_sites(count: int, moved: float) -> Iterator[Profile]:
    """Profiles of `count` sites, each coordinate's mean moved by noise of `moved` within-site deviations."""
    extractor, rng = load_extractor(), np.random.default_rng(SEED)
    bases = []
    for folder in sorted(FIXTURES.iterdir()):
        if folder.is_dir():
            site = read_site(folder)
            bases.append((Origin.of(site, 0, extractor, {}, cases=()), [*patients_of(site, extractor, Options(), [])]))
    for index in range(count):
        origin, patients = bases[index % len(bases)]
        name = f"site{index:04d}"
        changed = {"site": name, "cases": (hashlib.sha256(name.encode()).hexdigest(),), "patient_source": "manifest"}
        drawn = rng.integers(len(patients), size=rng.integers(PATIENTS[0], PATIENTS[1] + 1))
        yield _moved([patients[row] for row in drawn], moved, rng).export(origin.model_copy(update=changed))


def _moved(patients: Sequence[Patient], moved: float, rng: np.random.Generator) -> SiteAccumulator:
    """The sums of a site whose patients are all moved alike, in two classes."""
    steps = {
        axis: moved * rng.standard_normal(len(row)) * np.std([one.coordinates[axis] for one in patients], axis=0)
        for axis, row in patients[0].coordinates.items()
    }
    sizes = [one.coordinates["morphology"][0] for one in patients]
    numbers = {
        name: moved * rng.standard_normal() * float(np.std([one.numbers[name] for one in patients]))
        for name in MEASURES
        if all(name in one.numbers for one in patients)
    }
    large = float(np.quantile(sizes, rng.uniform(0.3, 0.7)))
    out = SiteAccumulator()
    for one, size in zip(patients, sizes, strict=True):
        values = {name: np.clip(one.numbers[name] + step, *MEASURES[name].range) for name, step in numbers.items()}
        out.add(
            replace(
                one,
                label="large" if size > large else "small",
                coordinates={axis: row + steps[axis] for axis, row in one.coordinates.items()},
                numbers={**one.numbers, **values},
            )
        )
    return out


def timed(paths: Sequence[Path], moved: float, scratch: Path) -> Run:
    """One process on some profiles."""
    command = [sys.executable, "-m", "shiftscope", "recommend", "--format", "json", *map(str, paths)]
    measured = subprocess.run([sys.executable, "-c", _MEASURE, str(scratch), *command], check=True, capture_output=True)
    code, seconds, processor, memory = json.loads(measured.stdout)
    if code:
        raise SystemExit(f"{len(paths)} sites: recommend ended with {code}")
    diagnosis = json.loads(scratch.read_bytes())["diagnosis"]
    called = sum(any(answer["called"] for answer in pair["axes"].values()) for pair in diagnosis["pairs"])
    return Run(
        sites=len(paths),
        moved=moved,
        called=diagnosis.get("listing", {"called": called})["called"],
        listed=len(diagnosis["pairs"]),
        seconds=seconds,
        processor=processor,
        memory=memory,
        written=scratch.stat().st_size / 1e6,
    )


def table(runs: Sequence[Run]) -> str:
    """As Markdown."""
    rows = [
        "| sites | moved | pairs | of which a shift is called | listed | seconds | of processor | peak MB | JSON, MB |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    rows += [
        f"| {run.sites:,} | {run.moved:g} | {run.sites * (run.sites - 1) // 2:,} | {run.called:,} | {run.listed:,} |"
        f" {run.seconds:.1f} | {run.processor:.1f} | {run.memory:,.0f} | {run.written:.1f} |"
        for run in runs
    ]
    return "\n".join(rows)


def page(runs: Sequence[Run], load: float) -> str:
    """The whole page."""
    measured = ", ".join(f"{key} {value}" for key, value in provenance().items())
    return (
        "# `recommend` on many sites\n\n"
        f"`python benchmarks/many_sites.py --write`: {measured}, seed {SEED}, {PATIENTS[0]} to {PATIENTS[1]} patients a"
        " site with masks and two classes; means moved by so many within-site deviations of each coordinate. Seconds"
        " are those of the whole process, start and reading included. Other work ran on the same cores meanwhile"
        f" (load {load:.1f}): what the process itself took is the processor time, on up to two threads."
        f"\n\n{table(runs)}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, nargs="+", default=[10, 25, 50, 100, 300, 1000])
    parser.add_argument("--moved", type=float, nargs="+", default=[0.1, 0.3])
    parser.add_argument("--write", action="store_true", help="the page in docs/results")
    options = parser.parse_args()
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for moved in options.moved:
            paths = []
            for profile in synthetic_sites(max(options.sites), moved):
                paths.append(Path(folder) / f"{moved:g}-{profile.site}.profile.json")
                profile.write(paths[-1])
            for count in options.sites:
                runs.append(timed(paths[:count], moved, Path(folder) / "advice.json"))
                print(runs[-1], flush=True)
    print(table(runs))
    if options.write:
        PAGE.write_text(page(runs, os.getloadavg()[2]), encoding="utf-8")


if __name__ == "__main__":
    main()
