"""Seconds and memory of a profile beside what other tools take to look at the same pictures on the same cores.

    python benchmarks/peer_costs.py SITE PEERS [--images 1000] [--repeats 5]

SITE is a folder of pictures, of which small noise makes as many as are wanted; PEERS the Python of an environment with
`cleanvision` and `dataeval`, as the package index has them. They look for other things (blurred, dark, odd and repeated
pictures; statistics and hashes), none of which is an effect between sites: the table says what a look at every picture
costs, not who is better. Every run is a process of its own, one process and one thread; imports are not counted.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from loopback import provenance
from noisy_sites import SEED, noisy_site
from scale import apart, measured

CLEANVISION = """
from cleanvision import Imagelab
lab = Imagelab(data_path=folder, verbose=False)
start = time.perf_counter()
lab.find_issues(n_jobs=1, verbose=False)
"""
DATAEVAL = """
import numpy as np
from PIL import Image
from dataeval.core import compute_stats
files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
start = time.perf_counter()
pictures = (np.atleast_3d(np.asarray(Image.open(path))).transpose(2, 0, 1) for path in files)
compute_stats(pictures, normalize_pixel_values=False)
"""
PEER = """
import json, sys, time
from pathlib import Path
folder = sys.argv[1]
{body}
print(json.dumps({{"seconds": time.perf_counter() - start}}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path)
    parser.add_argument("peers", type=Path)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(", ".join(f"{key} {value}" for key, value in provenance().items()) + f", seed {SEED}\n", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = noisy_site(options.site, Path(scratch) / "site", options.images)
        peers = {
            name: [str(options.peers), "-c", PEER.format(body=body), str(folder / "images")]
            for name, body in (("CleanVision", CLEANVISION), ("DataEval", DATAEVAL))
        }
        runs = [
            {
                "the floor": apart("floor", folder),
                "shiftscope": apart("profile", folder),
                **{name: measured(command) for name, command in peers.items()},
            }
            for _ in range(options.repeats)
        ]
    print("| tool | images a second | over shiftscope | peak MiB |\n|---|---:|---:|---:|")
    for name in runs[0]:
        rate, ratio, peak = (
            statistics.median(values)
            for values in zip(
                *(
                    (
                        options.images / float(run[name]["seconds"]),
                        float(run["shiftscope"]["seconds"]) / float(run[name]["seconds"]),
                        float(run[name]["peak_mib"]),
                    )
                    for run in runs
                ),
                strict=True,
            )
        )
        print(f"| {name} | {rate:.1f} | {ratio:.2f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
