"""Computing time and memory of listing a site, beside a floor measured in the same run.

    python benchmarks/listing.py [--cases 1000 10000 100000] [--repeat 3]

The floor is what cannot be saved: `os.scandir` over the same tree, once, asking of each entry what it is. Before, the
tree is walked once without being timed, so that both find it in the system's memory; seconds are the processor's, the
system's part included, so that they do not depend on what else the machine does. Files are names and no more: their
content is not read by any of these layouts. Every run is a process of its own, so that its peak memory is its own.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

MIB = 2**20

PREAMBLE = """\
# What listing a site costs

Until every case is known with its masks, label and patient, before a pixel is read. Folders of {most:,} cases at the
most whose files are empty; runs a line, each a process of its own: {repeat}; Python {python}, {machine}, {cores}
cores, {date}, by `benchmarks/listing.py`. Seconds are of one processor, the system's part included, with the tree in
the system's memory. Floor: `os.scandir` over the same tree once, in the same run. Memory: what is held once all is
listed, and at the most while it is, without what imports take.

| layout | cases | s | us a case | times the floor | held, MiB | at the most, MiB |
|---|---:|---:|---:|---:|---:|---:|"""


def images_and_masks(count: int) -> Iterator[str]:
    """Two files a case."""
    for number in range(count):
        yield f"images/case_{number:06d}.png"
        yield f"masks/case_{number:06d}.png"


def classes(count: int) -> Iterator[str]:
    """A folder for each of two classes."""
    for number in range(count):
        yield f"{('benign', 'malignant')[number % 2]}/case_{number:06d}.png"


def patients(count: int) -> Iterator[str]:
    """A folder for each patient, of five images: many small folders."""
    for number in range(count):
        yield f"patient{number // 5:05d}/view{number % 5}.png"


LAYOUTS: dict[str, Callable[[int], Iterator[str]]] = {
    "images/, masks/": images_and_masks,
    "classes": classes,
    "folders of patients": patients,
}


def make(root: Path, names: Iterator[str]) -> None:
    """Empty files of these names."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def entries_below(folder: str) -> int:
    """How many files lie there; each entry is asked what it is, and nothing is kept."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            total += entries_below(entry.path) if entry.is_dir() else entry.is_file()
    return total


def resident() -> int:
    """Bytes of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def child(folder: Path) -> None:
    """The body of one measurement."""
    from shiftscope.sites import Declarations, read_site

    said = Declarations() if folder.name.startswith("folders") else Declarations(one_file_per_patient=True)
    entries_below(str(folder))
    start = time.process_time()
    entries_below(str(folder))
    floor = time.process_time() - start
    before = resident()
    start = time.process_time()
    site = read_site(folder, given=said)
    seconds = time.process_time() - start
    held = resident() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    print(
        json.dumps(
            {"cases": len(site.cases), "seconds": seconds, "floor": floor, "held": held / MIB, "peak": peak / MIB}
        )
    )


def measured(folder: Path) -> dict[str, float]:
    """One measurement in a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def row(layout: str, count: int, repeat: int) -> str:
    """A line of the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / layout.split("/")[0]
        make(folder, LAYOUTS[layout](count))
        runs = [measured(folder) for _ in range(repeat)]
    if any(run["cases"] != count for run in runs):
        raise SystemExit(f"{layout}: {runs[0]['cases']} cases were listed, and {count} lie there")
    seconds, held, peak = (statistics.median(run[what] for run in runs) for what in ("seconds", "held", "peak"))
    ratio = statistics.median(run["seconds"] / run["floor"] for run in runs)
    each = 1e6 * seconds / count
    return f"| {layout} | {count:,} | {seconds:.2f} | {each:.0f} | {ratio:.0f} | {held:.0f} | {peak:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    print(
        PREAMBLE.format(
            most=max(options.cases),
            repeat=options.repeat,
            python=platform.python_version(),
            machine=platform.machine(),
            cores=os.cpu_count(),
            date=time.strftime("%Y-%m-%d"),
        )
    )
    for layout in LAYOUTS:
        for count in options.cases:
            print(row(layout, count, options.repeat), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]))
    else:
        main()
