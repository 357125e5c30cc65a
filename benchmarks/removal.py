"""What each harmonizer removes of each planted change, computed from profiles alone: a table in Markdown.

    python benchmarks/removal.py [--cases 80] [--data DATA] [--severity 0.7]

Two halves of one population, other patients in each, one of them changed; on synthetic patients of every anatomy and,
with DATA, on the real images of every DATA/<group>/<site> with enough of them. A cell is the median share over the
populations whose features differ, with the smallest and the largest; changes of structure and another anatomy are the
controls, whose effect must remain. `effect` is what differs before, in squared within-site deviations per coordinate.
Where turning a site back is not clearly better, `polarity` is the quantile map.
"""

import argparse
import platform
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from shiftscope import images, sites
from shiftscope.diagnosis.removal import MEASURED, FeatureEffects, Removal, removals
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.canvas_batches import grey_of, harmonized_coordinates, measure_canvases
from shiftscope.measures.features.extractors import Extractor, load_extractor
from shiftscope.phantoms import ANATOMIES, APPEARANCE, Phantom
from shiftscope.phantoms.structures import lesion_scale, zoom_in
from shiftscope.shifts import SiteStatistics, compare_two
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.stats import Moments

SEED = 23
SIZE = 128
GROUPS = ("breast_us", "polyp", "cxr_cls", "brain_cls")
CONTROLS = {"zoom": zoom_in, "lesion_scale": lesion_scale}
ANATOMY = "other anatomy"


def statistics_of(name: str, phantoms: Sequence[Phantom], extractor: Extractor) -> SiteStatistics:
    """The features of a site that holds these patients, one image each."""
    grey = []
    for phantom in phantoms:
        pixels = phantom.pixels if phantom.is_colour else phantom.pixels[..., None]
        grey.append(grey_of(torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))))
    canvases = torch.cat(grey)
    canonical = Canonical.fit([canvases])
    rows: dict[str, list[np.ndarray]] = defaultdict(list)
    with torch.inference_mode():
        for batch in canvases.split(16):
            found = measure_canvases(batch[:, None], None, extractor)[0]
            found |= harmonized_coordinates(batch, [1] * len(batch), canonical, extractor)
            for axis, values in found.items():
                rows[axis].append(values)
    plain = {
        axis: Moments.of(np.concatenate(parts)) for axis, parts in rows.items() if axis.endswith(("_shallow", "_deep"))
    }
    return SiteStatistics(name, len(phantoms), plain, {}, None, {}, LabelCounts({}, {}, 0))


def synthetic(anatomy: str, count: int, rng: np.random.Generator) -> list[Phantom]:
    """Patients as drawn."""
    return [ANATOMIES[anatomy](rng, size=SIZE) for _ in range(count)]


def real(folder: Path, count: int, rng: np.random.Generator) -> list[Phantom]:
    """Up to `count` images of a site, as phantoms without a lesion."""
    cases = sites.read_site(folder).cases
    out = []
    for index in rng.permutation(len(cases))[:count]:
        shown = images.as_seen(sites.load(cases[index])[0])
        canvas = images.canvas(shown[len(shown) // 2 : len(shown) // 2 + 1], SIZE)[0]
        pixels = canvas[0] if len(canvas) == 1 else np.ascontiguousarray(canvas.transpose(1, 2, 0))
        out.append(Phantom(pixels, np.zeros((SIZE, SIZE), np.uint8), "", folder.name, (1.0, 1.0)))
    return out


def measured(
    halves: tuple[list[Phantom], list[Phantom]], other: list[Phantom], severity: float, extractor: Extractor
) -> dict[str, tuple[Removal, ...]]:
    """Change -> what every harmonizer removes, for one population."""
    plain, changed = halves
    base = statistics_of("a", plain, extractor)
    out = {}
    plants = {**APPEARANCE, **(CONTROLS if any(item.mask.any() for item in changed) else {"zoom": zoom_in})}
    for name, plant in plants.items():
        if name == "colour_cast" and not any(item.is_colour for item in changed):
            continue
        rng = np.random.default_rng(SEED)
        strength = 1.0 if name == "inversion" else severity
        moved = statistics_of("b", [plant(item, strength, rng) for item in changed], extractor)
        out[name] = removals(FeatureEffects.of({("a", "b"): compare_two(base, moved)}))
    out[ANATOMY] = removals(FeatureEffects.of({("a", "b"): compare_two(base, statistics_of("b", other, extractor))}))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=80, help="patients a site")
    parser.add_argument("--severity", type=float, default=0.7)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.perf_counter()
    extractor = load_extractor()
    n = options.cases
    families: dict[str, dict[str, list[Phantom]]] = {"synthetic patients": {}}
    for index, anatomy in enumerate(ANATOMIES):
        families["synthetic patients"][anatomy] = synthetic(anatomy, 2 * n, np.random.default_rng([SEED, index]))
    if options.data:
        families["real images"] = {}
        for group in GROUPS:
            folders = sorted(folder for folder in (options.data / group).iterdir() if folder.is_dir())
            largest = max(folders, key=lambda folder: len(sites.read_site(folder).cases))
            families["real images"][f"{group}/{largest.name}"] = real(largest, 2 * n, np.random.default_rng(SEED))
    print(
        f"{platform.machine()}, {time.strftime('%Y-%m-%d')}, seed {SEED}, {n} patients a site,"
        f" severity {options.severity}"
    )
    for family, populations in families.items():
        found: dict[str, list[tuple[Removal, ...]]] = defaultdict(list)
        pools = list(populations.values())
        for index, pool in enumerate(pools):
            half = len(pool) // 2
            other = pools[(index + 1) % len(pools)][:half]
            for change, removed in measured((pool[:half], pool[half:]), other, options.severity, extractor).items():
                found[change].append(removed)
        print(f"\n{family}: {', '.join(populations)}\n")
        print(table(found))
    print(f"\n{time.perf_counter() - began:.0f} s")


def table(found: dict[str, list[tuple[Removal, ...]]]) -> str:
    """Rows of changes, columns of harmonizers."""
    lines = [f"| change | differ | effect | {' | '.join(MEASURED)} |", "|---|---|---|" + "---|" * len(MEASURED)]
    for change, populations in found.items():
        present = [{item.harmonizer: item for item in removed} for removed in populations if removed]
        cells = []
        for name in MEASURED:
            shares = [(removed.get(name) or removed["quantile_map"]).share for removed in present]
            cells.append(f"{np.median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})" if shares else "")
        effect = np.median([removed["zscore"].before for removed in present]) if present else 0.0
        lines.append(f"| {change} | {len(present)} of {len(populations)} | {effect:.2f} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
