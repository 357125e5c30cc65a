"""Speed, memory and stops of `profile`, beside a floor measured in the same run; see docs/scale.md.

    python benchmarks/scale.py rates SITE [SITE ...] [--images 1000] [--repeats 5]
    python benchmarks/scale.py sizes SITE [--images 1000 10000 100000] [--jobs 1 2] [--repeats 5] [--runs FILE]
    python benchmarks/scale.py kills SITE [--images 1000] [--kills 20]

SITE is a folder of images and masks, or of images alone; small noise makes as many pictures of it as are wanted, none a
copy of another. The floor is what nobody can save: decoding the files once and one forward pass of the extractor an
image, in one thread, as one job has. Every run is a process of its own, so that its peak memory is its own; the peak of
several jobs is the sum of their own peaks, pages that they share counted in each.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from loopback import provenance
from noisy_sites import SEED, first_of, noisy_site
from scale_costs import Costs, Run

BATCH = 32


def run_profile(folder: Path, jobs: int, sample: int | None) -> dict[str, float | str]:
    """One whole profile, the listing of the folder included."""
    from shiftscope.measures.features.extractors import load_extractor
    from shiftscope.profiles import Options, profile_site
    from shiftscope.sites import Declarations, read_site

    extractor = load_extractor()
    start = time.perf_counter()
    site = read_site(folder, given=Declarations(one_file_per_patient=True))
    listed = time.perf_counter() - start
    made, failures = profile_site(site, extractor, Options(jobs=jobs, sample=sample))
    seconds = time.perf_counter() - start
    if failures:
        raise SystemExit(f"{len(failures)} files could not be read: {failures[0]}")
    return {"seconds": seconds, "listed": listed, "digest": hashlib.sha256(made.to_json().encode()).hexdigest()}


def run_floor(folder: Path) -> dict[str, float | str]:
    """Decode once, then one forward pass an image; nothing is measured."""
    import torch

    from shiftscope.images import as_seen, canvas
    from shiftscope.measures.features.extractors import load_extractor
    from shiftscope.profiles.patients.prepared_cases import CANVAS
    from shiftscope.sites import Declarations, load, read_site

    torch.set_num_threads(1)
    extractor = load_extractor()
    site = read_site(folder, given=Declarations(one_file_per_patient=True))
    start = time.perf_counter()
    for case in site.cases:
        image, _ = load(case)
    decoded = time.perf_counter() - start
    one = torch.from_numpy(canvas(as_seen(image), CANVAS)).mean(dim=1, keepdim=True)
    batch = one[:1].expand(BATCH, -1, -1, -1).contiguous()
    start = time.perf_counter()
    with torch.inference_mode():
        for _ in range(len(site.cases) // BATCH):
            extractor.compute(batch)
    return {"seconds": decoded + time.perf_counter() - start, "decoded": decoded}


def apart(what: str, folder: Path, jobs: int = 1, sample: str = "256") -> dict[str, float | str]:
    """One measurement in a process of its own, as `measured` has it."""
    return measured([sys.executable, __file__, "child", what, str(folder), str(jobs), sample])


def measured(command: Sequence[str]) -> dict[str, float | str]:
    """What a command prints, in JSON, and the sum of the peaks of all its processes, in MiB; in one thread each."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, env=environment)
    peaks: dict[int, int] = {}
    while child.poll() is None:
        peaks |= _peaks_of_session(child.pid)
        time.sleep(0.2)
    answer = child.stdout.read() if child.stdout is not None else ""
    if child.returncode:
        raise SystemExit(f"{command}: ended with {child.returncode}")
    return {**json.loads(answer), "peak_mib": sum(peaks.values()) / 1024}


def _peaks_of_session(session: int) -> dict[int, int]:
    """Process -> the most memory it has held, in KiB."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                lines = (folder / "status").read_text().splitlines()
                found[int(folder.name)] = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            continue
    return found


def rates(sites: Sequence[Path], count: int, repeats: int) -> None:
    """Images a second as a share of the floor, one job and two, and all patients harmonized."""
    print("| site | floor, img/s | one job | two jobs | all harmonized | one job / floor | two jobs / one | peak MiB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for source in sites:
        with tempfile.TemporaryDirectory() as scratch:
            folder = noisy_site(source, Path(scratch) / "site", count)
            runs = [
                (
                    apart("floor", folder),
                    apart("profile", folder),
                    apart("profile", folder, jobs=2),
                    apart("profile", folder, sample="all"),
                )
                for _ in range(repeats)
            ]
        if len({run["digest"] for each in runs for run in each[1:3]}) != 1:
            raise SystemExit("one job and two gave different profiles")
        speed = [[count / float(run["seconds"]) for run in each] for each in runs]
        floor, one, two, whole = (statistics.median(each) for each in zip(*speed, strict=True))
        share = statistics.median(each[1] / each[0] for each in speed)
        gain = statistics.median(each[2] / each[1] for each in speed)
        peak = statistics.median(float(each[1]["peak_mib"]) for each in runs)
        print(
            f"| {source.name} | {floor:.1f} | {one:.1f} | {two:.1f} | {whole:.1f} | {share:.2f} | {gain:.2f} |"
            f" {peak:.0f} |",
            flush=True,
        )


def sizes(source: Path, counts: Sequence[int], jobs: Sequence[int], repeats: int, kept: Path) -> None:
    """Seconds and peak memory by the number of images and of jobs, and what they say of a million. Each run is a line
    of `kept`, so that what was broken off goes on there."""
    known = {(run.repeat, run.images, run.jobs): run for run in _read(kept)}
    asked = [(repeat, count, many) for repeat in range(repeats) for count in counts for many in jobs]
    if todo := [each for each in asked if each not in known]:
        with tempfile.TemporaryDirectory() as scratch:
            largest = noisy_site(source, Path(scratch) / f"{max(counts)}", max(counts))
            made = {max(counts): largest} | {
                count: first_of(largest, Path(scratch) / f"{count}", count) for count in sorted(counts)[:-1]
            }
            for repeat, count, many in todo:
                floor = min(counts) / float(apart("floor", made[min(counts)])["seconds"])
                run = apart("profile", made[count], jobs=many)
                numbers = (float(run[name]) for name in ("seconds", "listed", "peak_mib"))
                known[repeat, count, many] = Run(repeat, count, many, *numbers, floor)
                with kept.open("a") as lines:
                    lines.write(json.dumps(known[repeat, count, many]._asdict()) + "\n")
    _print_sizes([known[each] for each in asked])


def _read(kept: Path) -> list[Run]:
    return [Run(**json.loads(line)) for line in kept.read_text().splitlines()] if kept.exists() else []


def _print_sizes(runs: Sequence[Run]) -> None:
    print("| images | jobs | seconds | listing | images a second | of the floor | peak MiB |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    groups = {(run.images, run.jobs): [each for each in runs if each[1:3] == run[1:3]] for run in runs}
    for (images, jobs), group in sorted(groups.items()):
        seconds, listed, peak, share = (
            statistics.median(values)
            for values in zip(
                *((run.seconds, run.listed, run.peak_mib, images / run.seconds / run.floor) for run in group),
                strict=True,
            )
        )
        rate = f"{images / seconds:.1f} | {share:.2f}"
        print(f"| {images:,} | {jobs} | {seconds:.0f} | {listed:.1f} | {rate} | {peak:.0f} |")
    if len({run.images for run in runs}) > 1 and len({run.jobs for run in runs}) > 1:
        costs = Costs.of(runs)
        serial, low, high = costs.serial()
        print(f"\nOf an image's time goes one by one: {serial:.3f} [{low:.3f}, {high:.3f}]")
        for jobs in (1, 2, 32):
            hours, low, high = (value / 3600 for value in costs.seconds(1_000_000, jobs))
            print(f"A million images, {jobs} jobs: {hours:.2f} h [{low:.2f}, {high:.2f}]")


def kills(source: Path, count: int, number: int) -> None:
    """Kill a run of two jobs at random moments until it ends, and compare its bytes with those of one in one go."""
    rng, same = random.Random(SEED), 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = noisy_site(source, Path(scratch) / "site", count)
        whole = _command(folder, Path(scratch) / "whole.json")
        start = time.perf_counter()
        subprocess.run(whole, check=True, capture_output=True)
        seconds = time.perf_counter() - start
        lives, killed = 0, 0
        while killed < number:
            target = Path(scratch) / f"{lives}.json"
            while not target.exists():
                lives += 1
                command = [*_command(folder, target), "--resume"]
                child = subprocess.Popen(
                    command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
                )
                try:
                    child.wait(rng.uniform(0.1, 0.9) * seconds if killed < number else None)
                except subprocess.TimeoutExpired:
                    os.kill(child.pid, signal.SIGKILL)
                    child.wait()
                    killed += 1
                    _require_ended(child.pid)
            if target.read_bytes() != (Path(scratch) / "whole.json").read_bytes():
                raise SystemExit("a run that was killed gave another profile")
            same += 1
    print(f"{killed} kills of two jobs in {lives} lives; {same} profiles, all the bytes of one run of {seconds:.0f} s")


def _require_ended(session: int) -> None:
    """See that all that a killed process had started ends with it, within seconds."""
    until = time.monotonic() + 20.0
    while left := _peaks_of_session(session):
        if time.monotonic() > until:
            lines = [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in left]
            raise SystemExit(f"processes outlived the one that started them: {lines}")
        time.sleep(0.1)


def _command(folder: Path, target: Path) -> list[str]:
    """The state is kept every second, so that runs of a minute have one."""
    begin = "from shiftscope.profiles.site_blocks import unfinished_runs; unfinished_runs.EVERY_S = 1.0"
    body = f"{begin}; from shiftscope.cli import main; main()"
    options = ["--site", "site", "--one-file-per-patient", "--jobs", "2", "-o", str(target)]
    return [sys.executable, "-c", body, "profile", str(folder), *options]


def child(what: str, folder: Path, jobs: int, sample: str) -> None:
    """The body of one measurement."""
    measure: dict[str, Callable[[], dict[str, float | str]]] = {
        "profile": lambda: run_profile(folder, jobs, None if sample == "all" else int(sample)),
        "floor": lambda: run_floor(folder),
    }
    print(json.dumps(measure[what]()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("rates", "sizes", "kills"))
    parser.add_argument("sites", type=Path, nargs="+")
    parser.add_argument("--images", type=int, nargs="+", default=[1000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1])
    parser.add_argument("--runs", type=Path, default=Path("build/scale-runs.jsonl"), help="of sizes, kept here")
    options = parser.parse_args()
    print(", ".join(f"{key} {value}" for key, value in provenance().items()) + f", seed {SEED}\n", flush=True)
    if options.what == "rates":
        rates(options.sites, options.images[0], options.repeats)
    elif options.what == "sizes":
        options.runs.parent.mkdir(parents=True, exist_ok=True)
        sizes(options.sites[0], options.images, options.jobs, options.repeats, options.runs)
    else:
        kills(options.sites[0], options.images[0], options.kills)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    else:
        main()
