"""How long `shiftscope recommend` takes for many sites.

    python benchmarks/many_sites.py [--sites 10 25 50 100] [--repeats 3]

Profiles of two fixture sites are made once; every synthetic site is one of them with its means moved at random and its
patients' spread left alone, so that some pairs differ and most are noise. Prints the median wall time of the whole
process, the interpreter's start and the reading of the files included, and the processor time it took (the rest is
waiting for other work on the machine).
"""

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Options, Profile, profile_site
from shiftscope.sites import read_site

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "both"
SEED = 5


def synthetic_sites(count: int, moved: float) -> list[Profile]:
    """Profiles of `count` sites: the fixtures' own, each mean moved by noise of `moved` within-site deviations."""
    extractor, rng = load_extractor(), np.random.default_rng(SEED)
    bases = [
        profile_site(read_site(folder), extractor, Options())[0]
        for folder in sorted(FIXTURES.iterdir())
        if folder.is_dir()
    ]
    out = []
    for index in range(count):
        base = bases[index % len(bases)]
        sketches = {}
        for axis, sketch in base.sketches.items():
            if sketch is not None:
                step = rng.standard_normal(len(sketch.mean)) * np.sqrt(np.diag(sketch.moments.cov)) * moved
                sketch = sketch.model_copy(update={"mean": sketch.mean + step})
            sketches[axis] = sketch
        measures = {
            name: item.model_copy(update={"mean": item.mean + moved * item.sd * rng.standard_normal()})
            for name, item in base.measures.items()
        }
        out.append(base.model_copy(update={"site": f"site{index:03d}", "sketches": sketches, "measures": measures}))
    return out


def _processor() -> float:
    """Processor seconds of all processes started so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, nargs="+", default=[10, 25, 50, 100])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--moved", type=float, default=0.3, help="within-site deviations that means are moved by")
    parser.add_argument("--format", default="json", choices=("json", "table"))
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}, seed {SEED}")
    print("sites  pairs  kB a profile  seconds  of processor")
    profiles = synthetic_sites(max(options.sites), options.moved)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{profile.site}.profile.json" for profile in profiles]
        for profile, path in zip(profiles, paths, strict=True):
            profile.write(path)
        size = statistics.mean(path.stat().st_size for path in paths) / 1000
        for count in options.sites:
            command = [sys.executable, "-m", "shiftscope", "recommend", "--format", options.format]
            seconds = []
            before = _processor()
            for _ in range(options.repeats):
                start = time.perf_counter()
                subprocess.run([*command, *map(str, paths[:count])], check=True, stdout=subprocess.DEVNULL)
                seconds.append(time.perf_counter() - start)
            used = (_processor() - before) / options.repeats
            print(
                f"{count:5d}  {count * (count - 1) // 2:5d}  {size:12.1f}  {statistics.median(seconds):7.2f}"
                f"  {used:12.2f}"
            )


if __name__ == "__main__":
    main()
