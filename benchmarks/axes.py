"""What moves what: the effect of every planted change on every axis, and how well geometry is told from appearance.

    python benchmarks/axes.py DATA [--cases 48] [--severity 0.6] [--only BASE ...] [--quick]

The same patients before and after a change, so that no chance of sampling is in it: an effect is the squared distance
of the two means in within-site deviations (`WithinSiteCovariance`), 8 coordinates at most, less what the spread of the
paired differences adds. A cell is the median over the bases that can show it: synthetic anatomies and,
with DATA, real sites. The second table sets the axes that are to see geometry side by side: AUC of a
mild zoom or crop, both ways, against all changes of appearance. Bases are those of `planted.py`.
"""

import argparse
import platform
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from planted import BASES, SEED, cases_of, planted, prepared

from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.canvas_batches import grey_of, harmonized_coordinates, measure_canvases
from shiftscope.measures.features.extractors import Extractor, load_extractor
from shiftscope.phantoms import ANNOTATION, APPEARANCE, SIGNED, STRUCTURE, Phantom
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments

APPEARANCE_AXES = ("intensity", "colour", "texture", "noise")
GEOMETRY_AXES = ("layout", "lesion", "features_deep", "canonical_deep")
MASK_AXES = ("morphology", "boundary")
AXES = APPEARANCE_AXES + GEOMETRY_AXES + MASK_AXES
GEOMETRY = ("zoom", "field_of_view")
MILD = 0.3
WIDTH = 8
BATCH = 16
REAL = ("busbra", "polyp", "guangzhou", "br35h", "cairo")
QUICK = ("phantom_ultrasound", "phantom_endoscopy")

Rows = Mapping[str, np.ndarray]
"""Axis -> (n, d) coordinates of a site's patients, NaN where undefined."""


def signed(name: str, severity: float) -> list[tuple[str, float]]:
    """A plant both ways where it has two; a negative is a negative."""
    if name == "inversion":
        return [(name, 1.0)]
    return [(name, severity), (name, -severity)] if name in SIGNED else [(name, severity)]


def coordinates(phantoms: Sequence[Phantom], masks: bool, extractor: Extractor) -> Rows:
    """Every axis of a site that holds these patients, one image each."""
    base = replace(BASES[QUICK[0]], masks=masks)
    cases = list(prepared(list(phantoms), base))
    n = len(cases)
    rows = {axis: np.full((n, WIDTH), np.nan) for axis in AXES}
    stacks = [torch.from_numpy(case.canvases) for case in cases]
    if len({stack.shape[1] for stack in stacks}) > 1:  # pictures of a site of which some were stored as colour
        stacks = [grey_of(stack)[:, None] for stack in stacks]
    canvases = torch.cat(stacks)
    drawn = torch.zeros(canvases.shape[0], *canvases.shape[2:], dtype=torch.bool)
    for index, case in enumerate(cases):
        if case.masks is not None:
            drawn[index] = torch.from_numpy(case.masks[0])
        for axis, vector in case.coordinates.items():
            if axis in rows:
                rows[axis][index, : len(vector)] = vector[:WIDTH]
    grey = grey_of(canvases)
    canonical = Canonical.fit([grey])
    for start in range(0, n, BATCH):
        part = slice(start, min(start + BATCH, n))
        found = measure_canvases(canvases[part], drawn[part], extractor)[0]
        found |= harmonized_coordinates(grey[part], [1] * len(grey[part]), canonical, extractor)
        for axis in rows.keys() & found.keys():
            values = found[axis][:, :WIDTH]
            rows[axis][part, : values.shape[1]] = values
    return rows


def effect(before: np.ndarray, after: np.ndarray) -> float:
    """Squared distance of the means of the same patients in within-site deviations: (n, d) twice; NaN where fewer than
    half of them have this axis."""
    held = ~np.isnan(before).all(axis=0)
    a, b = before[:, held], after[:, held]
    both = np.isfinite(a).all(axis=1) & np.isfinite(b).all(axis=1)
    if not held.any() or 2 * both.sum() < len(both):
        return float("nan")
    a, b = a[both], b[both]
    unit = WithinSiteCovariance.of([Moments.of(a), Moments.of(b)])
    moved = (b - a) @ unit.root.T
    mean = moved.mean(axis=0)
    return float(mean @ mean - moved.var(axis=0, ddof=1).sum() / len(moved))


def effects(name: str, data: Path, count: int, severity: float) -> dict[tuple[str, float], dict[str, float]]:
    """Plant and severity -> axis -> effect, for one base."""
    base = replace(BASES[name], most=count)
    extractor = load_extractor()
    phantoms = cases_of(base, data)
    plants = [*(plant for plant in APPEARANCE if plant != "colour_cast" or all(item.is_colour for item in phantoms))]
    plants += [*STRUCTURE, *ANNOTATION] if base.masks else [*GEOMETRY]
    changes = [change for plant in plants for change in signed(plant, severity)]
    changes += [change for plant in GEOMETRY for change in signed(plant, MILD)]
    eight_bits = np.random.default_rng(0)
    before = coordinates([planted(item, (), eight_bits) for item in phantoms], base.masks, extractor)
    out = {}
    for change in changes:
        rng = np.random.default_rng([SEED, zlib.crc32(repr((name, change)).encode())])
        after = coordinates([planted(item, (change,), rng) for item in phantoms], base.masks, extractor)
        out[change] = {axis: effect(before[axis], after[axis]) for axis in AXES}
    return out


def auc(high: Sequence[float], low: Sequence[float]) -> float:
    """Share of pairs in which the first is larger, half of the ties."""
    gap = np.subtract.outer(np.asarray(high), np.asarray(low))
    return float(((gap > 0) + 0.5 * (gap == 0)).mean())


def moved_table(found: Mapping[str, Mapping[tuple[str, float], Mapping[str, float]]], severity: float) -> str:
    """Rows of changes, columns of axes; medians over bases, "-" where no base shows it."""
    lines = [f"| change | {' | '.join(f'`{axis}`' for axis in AXES)} |", "|---|" + "---|" * len(AXES)]
    for plant in (*APPEARANCE, *STRUCTURE, *ANNOTATION):
        for change in signed(plant, severity):
            cells = []
            for axis in AXES:
                shown = [base[change][axis] for base in found.values() if change in base]
                known = [value for value in shown if np.isfinite(value)]
                cells.append(f"{np.median(known).round(2) + 0.0:.2f}" if known else "-")  # no minus before 0.00
            sign = "" if plant not in SIGNED else " +" if change[1] > 0 else " -"
            lines.append(f"| {plant}{sign} | {' | '.join(cells)} |")
    return "\n".join(lines)


def detector_table(found: Mapping[str, Mapping[tuple[str, float], Mapping[str, float]]], severity: float) -> str:
    """AUC of mild geometry against all appearance, every base and change counting once."""
    appearance = [change for plant in APPEARANCE for change in signed(plant, severity)]
    frames = {plant: signed(plant, MILD) for plant in GEOMETRY}
    both = [change for changes in frames.values() for change in changes]
    lines = ["| axis | zoom | field of view | both | both, within a base (median, least) |", "|---|---|---|---|---|"]
    for axis in ("layout", "features_deep", "canonical_deep"):

        def effects(changes: Sequence[tuple[str, float]], bases: Sequence[str], axis: str = axis) -> list[float]:
            return [found[base][change][axis] for base in bases for change in changes if change in found[base]]

        low = effects(appearance, [*found])
        pooled = [auc(effects(changes, [*found]), low) for changes in (*frames.values(), both)]
        within = [auc(effects(both, [base]), effects(appearance, [base])) for base in found]
        aucs = " | ".join(f"{value:.2f}" for value in pooled)
        lines.append(f"| `{axis}` | {aucs} | {np.median(within):.2f}, {min(within):.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="real images; synthetic bases alone without")
    parser.add_argument("--cases", type=int, default=48, help="patients of a base")
    parser.add_argument("--severity", type=float, default=0.6)
    parser.add_argument("--only", nargs="*", help="names of bases")
    parser.add_argument("--quick", action="store_true", help="two synthetic bases, 16 patients")
    options = parser.parse_args()
    torch.set_num_threads(1)
    phantoms = [name for name in BASES if name.startswith("phantom")]
    names = options.only or (QUICK if options.quick else [*phantoms, *(REAL if options.data else ())])
    count = 16 if options.quick else options.cases
    found = {}
    with torch.inference_mode():
        for name in names:
            start = time.perf_counter()
            found[name] = effects(name, options.data or Path(), count, options.severity)
            print(
                f"{name}: {len(found[name])} changes, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True
            )
    print(
        f"{platform.machine()}, {time.strftime('%Y-%m-%d')}, seed {SEED}, {count} patients a base, severity"
        f" {options.severity} (1 for inversion); bases: {', '.join(names)}\n"
    )
    print(moved_table(found, options.severity))
    print(f"\nGeometry at severity {MILD} against appearance at {options.severity}, AUC:\n")
    print(detector_table(found, options.severity))


if __name__ == "__main__":
    main()
