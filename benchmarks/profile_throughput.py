"""Throughput and memory of `profile`, beside a floor measured in the same run.

    python benchmarks/profile_throughput.py FOLDER [--images 200 2000] [--repeat 3]

The floor is what cannot be saved: decoding the same files once with the same workers, plus the same number of forward
passes of the extractor (two an image: as it is, and after the canonical map). The files of FOLDER are repeated until
the number of images is reached. Every run is a process of its own, so that its peak memory is its own.
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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

WORKERS = max(1, (os.cpu_count() or 2) // 2)
BATCH = 32


def repeat_site(source: Path, target: Path, count: int) -> None:
    """Link the cases of an images + masks folder, or of a flat one, until there are `count` images."""
    images = sorted((source / "images" if (source / "images").is_dir() else source).iterdir())
    masks = {path.stem: path for path in (source / "masks").iterdir()} if (source / "masks").is_dir() else {}
    (target / "images").mkdir(parents=True)
    if masks:
        (target / "masks").mkdir()
    for index, image in enumerate(islice(cycle(images), count)):
        (target / "images" / f"{index:05d}{image.suffix}").symlink_to(image.resolve())
        if image.stem in masks:
            mask = masks[image.stem]
            (target / "masks" / f"{index:05d}{mask.suffix}").symlink_to(mask.resolve())


def run_profile(folder: Path) -> dict[str, float]:
    """One whole profile."""
    from shiftscope.measures.features.extractors import load_extractor
    from shiftscope.profiles import Options, profile_site
    from shiftscope.sites import Declarations, read_site

    extractor = load_extractor()
    start = time.perf_counter()
    site = read_site(folder, given=Declarations(one_file_per_patient=True))  # images are repeated to make a large site
    made, failures = profile_site(site, extractor, Options(workers=WORKERS))
    seconds = time.perf_counter() - start
    if failures:
        raise SystemExit(f"{len(failures)} files could not be read: {failures[0]}")
    return {"seconds": seconds, "cases": made.cases}


def run_floor(folder: Path) -> dict[str, float]:
    """Decode once, then two forward passes an image; nothing is measured."""
    import torch

    from shiftscope import images
    from shiftscope.measures.features.extractors import load_extractor
    from shiftscope.profiles.patients.patient_stream import CANVAS
    from shiftscope.sites import load, read_site

    extractor = load_extractor()
    site = read_site(folder)
    start = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        for image, _ in pool.map(load, site.cases):
            last = image
    decode = time.perf_counter() - start
    canvas = torch.from_numpy(images.canvas(images.as_seen(last), CANVAS)).mean(dim=1, keepdim=True)
    batch = canvas[:1].expand(BATCH, -1, -1, -1).contiguous()
    start = time.perf_counter()
    with torch.inference_mode():
        for _ in range(2 * len(site.cases) // BATCH):
            extractor.compute(batch)
    return {"seconds": decode + time.perf_counter() - start, "decode": decode, "cases": len(site.cases)}


def in_process(what: str, folder: Path) -> dict[str, float]:
    """Run one measurement in a fresh process; adds its peak memory in MiB."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", what, str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def child(what: str, folder: Path) -> None:
    """The body of one measurement."""
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) - WORKERS))
    measure: Callable[[Path], dict[str, float]] = {"profile": run_profile, "floor": run_floor}[what]
    measured = measure(folder)
    measured["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(measured))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a site: images/ and masks/, or images only")
    parser.add_argument("--images", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {WORKERS} decoding threads, {time.strftime('%Y-%m-%d')}")
    print("images  profile img/s  floor img/s  profile/floor  peak MiB")
    for count in options.images:
        with tempfile.TemporaryDirectory() as scratch:
            site = Path(scratch) / "site"
            repeat_site(options.folder, site, count)
            pairs = [(in_process("profile", site), in_process("floor", site)) for _ in range(options.repeat)]
        ratio = statistics.median(floor["seconds"] / profile["seconds"] for profile, floor in pairs)
        rates = [statistics.median(count / pair[variant]["seconds"] for pair in pairs) for variant in (0, 1)]
        peak = statistics.median(profile["peak_mib"] for profile, _ in pairs)
        print(f"{count:6d}  {rates[0]:13.1f}  {rates[1]:11.1f}  {ratio:13.2f}  {peak:8.0f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
