"""How often labels that mean something else are seen from profiles alone, and how often they are where there are none.

    python benchmarks/concept.py DATA CACHE --draws 50 > docs/results/concept.md

Patients of one source are measured once as they are and once under each planted change, and their coordinates kept in
CACHE. Each draw makes three sites of other patients, of which the third is changed: in its images, in the shares of its
classes, or in what its labels mean. Then the diagnosis judges every site against all others, Holm over sites, axes and
classes, and is asked about the third. Phantoms have 100 patients of each class at a site, real sources the 30 that they
have. DATA as for `planted.py`.
"""

import argparse
import pickle
import platform
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from planted import Change

from shiftscope.diagnosis import LIMITS, AxisVerdict
from shiftscope.diagnosis.concept_verdicts import judge_concepts
from shiftscope.measures.features.extractors import Extractor, load_extractor
from shiftscope.profiles import Options
from shiftscope.profiles.site_blocks.patient_stream import patients_of
from shiftscope.profiles.widths import CELL, CLASS_WIDTH, largest_width
from shiftscope.shifts import Shift, SiteStatistics
from shiftscope.shifts.contrasts.class_contrasts import COMPARED
from shiftscope.shifts.contrasts.compared_classes import contrasts_of_sites
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.sites import site_of_arrays
from shiftscope.stats import Moments

sys.path.append(str(Path(__file__).resolve().parent / "regret"))

import sources

SEED = 77
PHANTOMS = tuple(f"phantom_{anatomy}" for anatomy in ("chest", "ultrasound", "brain", "endoscopy"))
REAL = ("guangzhou", "nih", "br35h", "cairo", "busbra")
WHOLE, CHANGED = 600, 300  # patients measured as they are, and under each change
APPEARANCE = ("gamma", "contrast", "window", "inversion", "noise", "blur", "downsampling", "bias_field")
CHANGES: tuple[Change, ...] = (
    *(((name, 1.0),) for name in APPEARANCE),
    *(((name, 0.5),) for name in ("gamma", "contrast", "window", "noise", "blur", "downsampling", "bias_field")),
    *(((name, size),) for name in ("zoom", "field_of_view") for size in (1.0, 0.5)),
    (("gamma", -1.0),),
    (("zoom", -1.0),),
)
BESIDE = ((("gamma", 1.0),), (("blur", 1.0),), (("zoom", 1.0),))
SWAPPED = (0.15, 0.25, 0.35, 0.5, 1.0)

Rows = tuple[np.ndarray, np.ndarray]  # patients of the positive class and of the other


@dataclass(frozen=True, slots=True)
class Measured:
    """One source: coordinates of its patients, as they are under () and under each change.

    Attributes:
        positive: (N,) whether a patient has the disease.
        findings: (N,) which of two findings that one class joins, -1 for none.
        areas: (N,) of lesions, as a share of the image; 0 where there is none.
        rows: change -> which patients were measured.
        changes: change -> axis -> (N, d) coordinates, of others not a number.
    """

    positive: np.ndarray
    findings: np.ndarray
    areas: np.ndarray
    rows: dict[Change, np.ndarray]
    changes: dict[Change, dict[str, np.ndarray]]


@dataclass(frozen=True, slots=True)
class Plant:
    """What is done to the third site, under a name.

    Attributes:
        concept: whether its labels mean something else.
        change: of its images.
        swapped: share of labels that are the other one.
        threshold: share of the smallest lesions that are called healthy.
        finding: whether its disease is the other finding.
        odds: of its two classes.
    """

    name: str
    concept: bool = False
    change: Change = ()
    swapped: float = 0.0
    threshold: float = 0.0
    finding: bool = False
    odds: float = 1.0


def plants() -> Iterator[Plant]:
    yield Plant("nothing")
    yield Plant("class ratio 2 : 1", odds=2.0)
    yield Plant("class ratio 1 : 2", odds=0.5)
    for change in CHANGES:
        yield Plant(" and ".join(f"{name} {size:g}" for name, size in change), change=change)
    for share in SWAPPED:
        yield Plant(f"swapped labels, {share:g}", True, swapped=share)
    for share in (0.25, 0.5):
        yield Plant(f"another threshold, {share:g}", True, threshold=share)
    yield Plant("another finding", True, finding=True)
    for change in BESIDE:
        yield Plant(f"swapped labels, 0.5, beside {change[0][0]} 1", True, change, swapped=0.5)


def measured(source: str, data: Path, cache: Path, extractor: Extractor) -> Measured:
    """What the cache has, and what it lacks measured now."""
    path = cache / f"{source}.pickle"
    known = Measured(*(pickle.loads(path.read_bytes()) if path.exists() else (*[np.zeros(0)] * 3, {}, {})))
    if missing := [change for change in ((), *CHANGES) if change not in known.rows]:
        cohort = sources.cohort_of(source, data)
        known = replace(known, positive=cohort.labels == cohort.positive, findings=cohort.findings, areas=cohort.areas)
        for change in missing:
            known.rows[change] = _picked(known.positive, CHANGED if change else WHOLE)
            known.changes[change] = _coordinates(cohort, known.rows[change], change, extractor)
        cache.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps((known.positive, known.findings, known.areas, known.rows, known.changes)))
    return known


def _picked(positive: np.ndarray, most: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    each = [rng.permutation(np.flatnonzero(positive == label))[: most // 2] for label in (True, False)]
    return np.sort(np.concatenate(each))


def _coordinates(
    cohort: sources.Cohort, rows: np.ndarray, change: Change, extractor: Extractor
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([SEED, zlib.crc32(repr(change).encode())])
    names = [f"q{row:05d}" for row in rows]
    site = site_of_arrays(
        [cohort.planted(int(row), change, rng).pixels for row in rows],
        name="site",
        classes=list(cohort.labels[rows]),
        patients=names,
        class_names=sorted({cohort.positive, cohort.negative}),
    )
    order: list[str] = []
    options = Options()
    found = [*patients_of(site, extractor, options, [], on_patient=order.append)]
    place = rows[[names.index(name) for name in order]]
    out = {}
    for axis in COMPARED:
        if all(axis in patient.coordinates for patient in found):
            out[axis] = np.full((len(cohort.labels), len(found[0].coordinates[axis])), np.nan)
            out[axis][place] = [patient.coordinates[axis] for patient in found]
    return out


def drawn(known: Measured, plant: Plant, n: int, rng: np.random.Generator) -> list[Rows] | None:
    """Patients of three sites; None where the source has not what the plant takes."""
    if plant.change not in known.rows or (plant.threshold and not (known.areas > 0).any()):
        return None
    whole, changed = known.rows[()], known.rows[plant.change]
    sick, well = whole[known.positive[whole]], whole[~known.positive[whole]]
    if plant.finding:
        one, other = (rng.permutation(whole[known.findings[whole] == kind]) for kind in (0, 1))
        others, size = rng.permutation(well), min(len(one) // 2, len(other), len(well) // 3, n)
        if size < CELL:
            return None
        parts = (one[:size], one[size : 2 * size], other[:size])
        return [(part, others[k * size : (k + 1) * size]) for k, part in enumerate(parts)]
    share = plant.odds / (1 + plant.odds)
    own = [
        rng.permutation(changed[known.positive[changed] == label])[: round(2 * n * part)]
        for label, part in ((True, share), (False, 1 - share))
    ]
    rest = [rng.permutation(np.setdiff1d(group, mine)) for group, mine in zip((sick, well), own, strict=True)]
    size = [min(n, len(group) // 2) for group in rest]
    a, b = own
    if plant.swapped:
        i, j = (round(plant.swapped * len(group)) for group in own)
        a, b = np.concatenate([own[0][i:], own[1][:j]]), np.concatenate([own[1][j:], own[0][:i]])
    if plant.threshold:
        small = known.areas[a] <= np.quantile(known.areas[known.areas > 0], plant.threshold)
        a, b = a[~small], np.concatenate([b, a[small]])
    others = [(rest[0][k * size[0] : (k + 1) * size[0]], rest[1][k * size[1] : (k + 1) * size[1]]) for k in (0, 1)]
    return [*others, (a, b)]


def answer(known: Measured, plant: Plant, sites: Sequence[Rows]) -> tuple[AxisVerdict, float]:
    """What is said of the third site, and its smallest p before any correction."""
    made = [_site(str(k), known.changes[plant.change if k == 2 else ()], rows) for k, rows in enumerate(sites)]
    shifts = [Shift((), contrasts) for contrasts in contrasts_of_sites(made).values()]
    return judge_concepts(shifts, LIMITS)[-1], min(contrast.p for contrast in shifts[-1].contrasts)


def _site(name: str, axes: dict[str, np.ndarray], rows: Rows) -> SiteStatistics:
    """As a profile publishes it: fewer coordinates of classes, fewest of features."""
    classes: dict[str, dict[str, Moments]] = {"sick": {}, "well": {}}
    plain = {}
    for axis, values in axes.items():
        most = min(4 if axis.startswith("features") else CLASS_WIDTH, values.shape[1])
        width = largest_width(min(map(len, rows)), most, CELL)
        for label, group in zip(classes, rows, strict=True):
            classes[label][axis] = Moments.of(values[group, :width])
        plain[axis] = Moments.of(values[np.concatenate(rows), :width])
    return SiteStatistics(name, sum(map(len, rows)), plain, {}, None, classes, LabelCounts({}, {}, 0))


def table(title: str, found: dict[Plant, list[tuple[AxisVerdict, float]]]) -> Iterator[str]:
    nothing = np.array([p for plant, answers in found.items() if plant.name == "nothing" for _, p in answers])
    yield from ("", f"## {title}", "")
    yield from ("| at the third site | draws | called | cannot be told | AUC |", "|---|---:|---:|---:|---:|")
    nulls = [item for plant, answers in found.items() if not plant.concept for item in answers]
    called = sum(item.called for item, _ in nulls)
    yield f"| **nothing but images and shares** | {len(nulls)} | **{called / len(nulls):.3f}** ({called}) | | |"
    for plant, answers in found.items():
        called, hidden = (sum(getattr(item, key) for item, _ in answers) for key in ("called", "hidden"))
        above = [np.mean(p < nothing) + np.mean(p == nothing) / 2 for _, p in answers]
        cells = f"{called / len(answers):.3f} ({called}) | {hidden / len(answers):.2f}"
        cells += f" | {np.mean(above):.2f}" if plant.concept else " |"
        yield f"| {plant.name} | {len(answers)} | {cells} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--draws", type=int, default=200, help="of each kind and source")
    arguments = parser.parse_args()
    extractor = load_extractor()
    print("# Labels that mean something else, from profiles alone\n")
    print(f"{arguments.draws} draws of each kind and source, seed {SEED}; {platform.machine()}, {time.strftime('%F')}.")
    sources.DRAWN = WHOLE
    for n, chosen in ((100, PHANTOMS), (30, REAL)):
        found: dict[Plant, list[tuple[AxisVerdict, float]]] = {}
        for source in chosen:
            known = measured(source, arguments.data, arguments.cache, extractor)
            for plant in plants():
                rng = np.random.default_rng([SEED, zlib.crc32(f"{source} {plant.name}".encode())])
                for _ in range(arguments.draws):
                    if (sites := drawn(known, plant, n, rng)) is not None:
                        found.setdefault(plant, []).append(answer(known, plant, sites))
            print(source, file=sys.stderr, flush=True)
        print("\n".join(table(f"{n} patients of each class: {', '.join(chosen)}", found)))


if __name__ == "__main__":
    main()
