"""What each harmonizer sends and how long it takes; how often an inverted site is found. For docs/harmonizers.md.

Run: python benchmarks/harmonizers.py [DATA]   (DATA: the folder of real images, for the second part)
"""

import sys
import time
from pathlib import Path

import numpy as np

from shiftscope.harmonizers import HARMONIZERS, MIN_PATIENTS, fit
from shiftscope.harmonizers.polarities import CLEAR, align, mean_picture, turned
from shiftscope.images import as_seen, canvas
from shiftscope.sites import load, read_site

GROUPS = ("breast_us", "brain_cls", "cxr_cls", "polyp")
TRIALS = 300


def costs() -> None:
    """Bytes a grey site sends at 64 px, and processor time for one slice of 96 px."""
    rng = np.random.default_rng(0)
    small, large = (rng.uniform(0.05, 0.95, (1, 1, size, size)).astype(np.float32) for size in (64, 96))
    for name, harmonizer in HARMONIZERS.items():
        if harmonizer.on not in ("pixels", "colour"):
            continue
        colour = harmonizer.on == "colour"
        few, case = (np.repeat(grey, 3, axis=1) if colour else grey for grey in (small, large))
        owns, reference = fit(harmonizer, {"a": [[few]] * MIN_PATIENTS, "b": [[few**2]] * MIN_PATIENTS})
        harmonizer.apply(case, owns["a"], reference)
        start = time.process_time()
        for _ in range(5):
            harmonizer.apply(case, owns["a"], reference)
        spent = (time.process_time() - start) / 5
        print(f"{name:18s} {sum(a.nbytes for a in owns['a'].values()):6d} bytes {1000 * spent:7.1f} ms")


def pictures(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Up to 70 cases' pictures, upright and inverted: (n, 64) each."""
    cases = read_site(folder, name=folder.name).cases
    canvases = [canvas(as_seen(load(case)[0]), 96)[:1] for case in cases[:: max(1, len(cases) // 70)]]
    both = [
        [mean_picture([[case]])["picture"] for case in group]
        for group in (canvases, [turned(case) for case in canvases])
    ]
    return np.stack(both[0]), np.stack(both[1])


def polarity(data: Path) -> None:
    """Random federations of three sites or all of a group, random patients; none inverted, then one."""
    rng = np.random.default_rng(0)
    for group in GROUPS:
        sites = [pictures(folder) for folder in sorted((data / group).iterdir()) if folder.is_dir()]
        for patients in (10, 30):
            wrong = found = others = upright = 0
            for _ in range(TRIALS):
                picked = rng.choice(len(sites), len(sites) if rng.random() < 0.5 else 3, replace=False)
                lost = rng.integers(len(picked))
                drawn = [rng.choice(len(sites[i][0]), min(patients, len(sites[i][0])), replace=False) for i in picked]
                for inverted in (None, lost):
                    shares = [
                        {"picture": _unit(sites[i][int(k == inverted)][rows].mean(axis=0))}
                        for k, (i, rows) in enumerate(zip(picked, drawn, strict=True))
                    ]
                    mean = _unit(align(shares)["picture"])
                    flagged = np.array([share["picture"] @ mean < -CLEAR for share in shares])
                    if inverted is None:
                        wrong, upright = wrong + flagged.sum(), upright + len(flagged)
                    else:
                        found, others = found + flagged[lost], others + flagged.sum() - flagged[lost]
            print(
                f"{group:10s} {patients} patients: none inverted, {wrong} of {upright} turned;"
                f" one inverted, found in {found} of {TRIALS}, {others} others turned"
            )


def _unit(vector: np.ndarray) -> np.ndarray:
    centred = vector - vector.mean()
    return centred / max(float(np.linalg.norm(centred)), 1e-9)


if __name__ == "__main__":
    costs()
    if len(sys.argv) > 1:
        polarity(Path(sys.argv[1]))
