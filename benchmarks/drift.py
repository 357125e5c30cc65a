"""How often `watch` raises a false alarm in two years, and how soon it finds a planted drift and names it.

    python benchmarks/drift.py measure DATA CACHE       once: pools of measured patients
    python benchmarks/drift.py judge CACHE [--null 200] [--planted 40] [--series N ...]

`measure` measures the patients of a few bases of `planted.py` once as they are, and a half of them once more under each
change. `judge` draws a baseline and months from a pool, with replacement: the pool is the population, its shapes and
tails are those of the images. Profiles are exported with all rules of privacy and watched as `shiftscope watch` does.
It prints the share of unchanged series with an alarm, with its exact binomial interval (Clopper and Pearson 1934,
doi:10.1093/biomet/26.4.404); then, for every planted drift, how many series alarm after it began and how many months
later, how far off the change point is, which questions the last month alarms, and how many series alarm before.
"""

import argparse
import hashlib
import os
import pickle
import platform
import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from planted import BASES, Change, cases_of, planted, prepared
from scipy.stats import beta

from shiftscope.measures import AXES
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Patient, Profile, SiteAccumulator
from shiftscope.profiles.parts.origins import Origin, recipe_of
from shiftscope.profiles.site_blocks.patient_stream import patients_as_they_are
from shiftscope.profiles.sums.moment_sums import MomentSums
from shiftscope.series import Watch, watch
from shiftscope.shifts.contrasts.class_contrasts import COMPARED

SEED = 17
MONTHS, BASELINE, BEGINS = 24, 100, 9
"""Months of a series, patients of its baseline, and the place of the first changed month, counted from 0."""

POOLS = ("phantom_ultrasound", "phantom_chest", "phantom_brain", "busbra", "polyp", "guangzhou", "br35h", "cairo")
MOST = 240  # patients of a pool

CHANGES: dict[str, tuple[Change, ...]] = {
    "phantom_ultrasound": (
        (("gamma", 0.6),),
        (("contrast", 0.6),),
        (("noise", 0.6),),
        (("dilated_masks", 0.6),),
        (("zoom", 0.6),),
    ),
    "busbra": ((("gamma", 0.6),), (("noise", 0.6),), (("dilated_masks", 0.6),)),
    "phantom_chest": ((("gamma", 0.6),), (("zoom", 0.6),)),
    "guangzhou": ((("gamma", 0.6),), (("zoom", 0.6),)),
    "br35h": ((("gamma", 0.6),), (("zoom", 0.6),)),
}
TRUTHS = {
    "gamma": "appearance",
    "contrast": "appearance",
    "noise": "appearance",
    "dilated_masks": "annotation",
    "zoom": "structure",
    "larger lesions": "structure",
    "class ratio": "label",
    "swapped labels": "concept",
}

Pool = dict[Change, list[Patient]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One planted series.

    Attributes:
        early: whether it alarmed before anything changed.
        concept: whether it ever alarmed what labels mean.
        delay: months from the change to the first alarm, 0 for at once; None where it was not found.
        off: change point less the planted month, in months; None likewise.
        named: the questions of the last month's alarm; None likewise.
        held: whether the confidence set of the change point holds the planted month; None likewise.
    """

    early: bool
    concept: bool = False
    delay: int | None = None
    off: int | None = None
    named: tuple[str, ...] | None = None
    held: bool | None = None


def pool_of(name: str, data: Path) -> Pool:
    """Patients as they are, and the second half under every change."""
    import torch

    torch.set_num_threads(1)
    base, extractor = BASES[name], load_extractor()
    phantoms = cases_of(base, data)[:MOST]
    out: Pool = {}
    for number, change in enumerate([(), *CHANGES.get(name, ())]):
        rng = np.random.default_rng([SEED, number])
        changed = [planted(phantom, change, rng) for phantom in phantoms[MOST // 2 * bool(change) :]]
        out[change] = [bare(patient) for patient in patients_as_they_are(prepared(changed, base), extractor)]
    return out


def bare(patient: Patient) -> Patient:
    """Without the features after a harmonizer, which decide no question."""
    kept = {
        axis: row for axis, row in patient.coordinates.items() if AXES[axis].question != "features" or axis in COMPARED
    }
    return replace(patient, coordinates=kept)


class Stack:
    """Patients as arrays, so that the sums over many are fast; what is summed is what `SiteAccumulator` sums."""

    def __init__(self, patients: Sequence[Patient]) -> None:
        ones = [SiteAccumulator() for _ in patients]
        for one, patient in zip(ones, patients, strict=True):
            one.add(replace(patient, numbers={}))
        self.labels = np.array([patient.label or "" for patient in patients])
        self.masks = np.array([one.masks for one in ones])
        self.plain, self.joint = (
            {axis: _rows([getattr(one, field).get(axis) for one in ones]) for axis in AXES}
            for field in ("plain", "joint")
        )
        self.first = ones[0]

    def profile(self, name: str, chosen: np.ndarray) -> Profile:
        """The profile that a site with the `chosen` patients would send, without measures for people."""
        accumulator = SiteAccumulator(patients=len(chosen), cases=len(chosen), masks=int(self.masks[chosen].sum()))
        accumulator.plain = _sums(self.plain, chosen)
        accumulator.joint = _sums(self.joint, chosen)
        accumulator.depths.update({depth: len(chosen) for depth in self.first.depths})
        accumulator.coloured = self.first.coloured * len(chosen)
        for label in np.unique(self.labels[chosen]).tolist():
            if label:
                own = chosen[self.labels[chosen] == label]
                accumulator.labels[label], accumulator.by_class[label] = len(own), _sums(self.plain, own)
        return accumulator.export(_origin(name))


def _rows(sums: Sequence[MomentSums | None]) -> np.ndarray:
    """(n, d) coordinates of each patient, not a number where there are none."""
    width = max((item.width for item in sums if item is not None), default=0)
    return np.stack([np.full(width, np.nan) if item is None or not item.n else item.sums for item in sums])


def _sums(stacked: Mapping[str, np.ndarray], chosen: np.ndarray) -> dict[str, MomentSums]:
    out = {}
    for axis, rows in stacked.items():
        if rows.shape[1]:
            out[axis] = MomentSums()
            out[axis].add(rows[chosen])
    return out


def _origin(name: str) -> Origin:
    return Origin(
        site="site",
        layout="manifest",
        patient_source="manifest",
        seed=0,
        recipe=recipe_of(load_extractor()),
        excluded={},
        people=(),
        cases=(hashlib.sha256(name.encode()).hexdigest(),),
    )


def sizes_of(n: str, rng: np.random.Generator) -> list[int]:
    """Patients of each month: a number, or a range such as 20-60."""
    low, _, high = n.partition("-")
    return [int(k) for k in rng.integers(int(low), int(high or low) + 1, MONTHS)]


def watched(stack: Stack, baseline: np.ndarray, months: Sequence[np.ndarray]) -> Watch:
    """The series of these patients."""
    profiles = [(f"{k:02d}", stack.profile(f"{k}", month)) for k, month in enumerate(months)]
    return watch(("baseline", stack.profile("baseline", baseline)), profiles)


def null_series(stack: Stack, n: str, rng: np.random.Generator) -> str:
    """What alarms first in a series without a change, "" for nothing: its axis, and patients since the cut."""
    baseline, *months = (rng.integers(len(stack.labels), size=size) for size in (BASELINE, *sizes_of(n, rng)))
    for month in watched(stack, baseline, months).months:
        if month.alarms:
            reading = min((item for item in month.readings if item.outside), key=lambda item: item.p)
            return f"{reading.axis} ({reading.n[1]})"
    return ""


def growing(begins: int, takes: int) -> list[float]:
    """Share of each month's patients that are changed: 0 before, rising over `takes` months, 1 after."""
    return [min(1.0, max(0.0, (month - begins + 1) / takes)) for month in range(MONTHS)]


@dataclass(frozen=True, slots=True)
class Drift:
    """What a planted series is drawn from.

    Attributes:
        stack: patients as they are, and changed.
        plain: who is drawn before.
        other: who is drawn after.
        weights: how often each of `other`.
        truth: the question.
    """

    stack: Stack
    plain: np.ndarray
    other: np.ndarray
    weights: np.ndarray
    truth: str

    @classmethod
    def of(cls, pool: Pool, plant: str) -> "Drift":
        """Of the patients of the second half under a change; or of all, some more often than others."""
        whole, truth = pool[()], TRUTHS[plant]
        change = next((key for key in pool if key and key[0][0] == plant), None)
        every = np.arange(len(whole))
        if change is not None:
            changed = pool[change]
            other, weights = len(whole) + np.arange(len(changed)), np.ones(len(changed))
            return cls(Stack([*whole, *changed]), every[: len(whole) // 2], other, weights / weights.sum(), truth)
        if truth == "concept":
            return cls.swapped(whole)
        if truth == "structure":  # the larger the more often: about a deviation of log area between the months
            area = np.array([float(patient.numbers["log_area"]) for patient in whole])
            weights = np.exp((area - area.mean()) / area.std())
        else:  # the rarer class three times as often
            labels = [patient.label or "" for patient in whole]
            weights = np.where(np.array(labels) == min(sorted({*labels}), key=labels.count), 3.0, 1.0)
        return cls(Stack(whole), every, every, weights / weights.sum(), truth)

    @classmethod
    def swapped(cls, whole: Sequence[Patient]) -> "Drift":
        """As many patients of either of two classes before and after, so that prevalence stays what it is; after, each
        is drawn once with its own label and once with the other."""
        labels = np.array([patient.label or "" for patient in whole])
        one, other = np.unique(labels)
        each = [np.flatnonzero(labels == label) for label in (one, other)]
        plain = np.concatenate([group[: min(map(len, each))] for group in each])
        swapped = [replace(whole[row], label=str(other if labels[row] == one else one)) for row in plain]
        both = np.concatenate([plain, len(whole) + np.arange(len(swapped))])
        return cls(Stack([*whole, *swapped]), plain, both, np.full(len(both), 1 / len(both)), "concept")

    def series(self, takes: int, n: str, rng: np.random.Generator) -> Outcome:
        """A series in which the change comes at once (`takes` 1), or to more and more patients over `takes` months."""
        months = []
        for size, share in zip(sizes_of(n, rng), growing(BEGINS, takes), strict=True):
            changed = int(rng.binomial(size, share))
            later = rng.choice(self.other, changed, p=self.weights)
            months.append(np.concatenate([rng.choice(self.plain, size - changed), later]))
        return judged(watched(self.stack, rng.choice(self.plain, BASELINE), months), self.truth)


def judged(found: Watch, truth: str) -> Outcome:
    """What came of a planted series."""
    first = next((place for place, month in enumerate(found.months) if month.alarms), None)
    concept = any(change.question == "concept" for change in found.changes)
    if first is None:
        return Outcome(early=False)
    if first < BEGINS:
        return Outcome(early=True, concept=concept)
    change = next((change for change in found.changes if change.question == truth), found.changes[0])
    return Outcome(
        early=False,
        concept=concept,
        delay=first - BEGINS,
        off=int(change.start) - BEGINS,
        named=found.months[-1].alarms,
        held=f"{BEGINS:02d}" in change.possible,
    )


def exact(k: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Clopper and Pearson)."""
    low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
    return low, high


def row(cells: Sequence[object]) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def report_nulls(pools: dict[str, Pool], sizes: Sequence[str], count: int) -> None:
    """The share of unchanged series with an alarm."""
    row(["pool", "patients a month", "series", "with an alarm", "95 %", "first outside (patients since)"])
    row(["---", "---:", "---:", "---:", "---", "---"])
    together = [0, 0]
    for name, pool in pools.items():
        stack = Stack(pool[()])
        for n in sizes:
            rng = np.random.default_rng([SEED, POOLS.index(name), sizes.index(n)])
            alarms = list(filter(None, (null_series(stack, n, rng) for _ in range(count))))
            together = [together[0] + len(alarms), together[1] + count]
            low, high = exact(len(alarms), count)
            row([name, n, count, len(alarms), f"{low:.1%} to {high:.1%}", ", ".join(alarms)])
    low, high = exact(*together)
    row(["all", "", together[1], f"{together[0]} ({together[0] / together[1]:.1%})", f"{low:.1%} to {high:.1%}", ""])


def plants_of(name: str, pool: Pool) -> list[str]:
    """What can be planted in a pool, in the order of the tables."""
    whole = pool[()]
    classes = {patient.label for patient in whole}
    plants = [change[0][0] for change in CHANGES[name]]
    plants += ["larger lesions"] * all("log_area" in patient.numbers for patient in whole)
    return plants + ["class ratio"] * (len(classes) > 1) + ["swapped labels"] * (len(classes) == 2)


def report_planted(
    pools: dict[str, Pool], sizes: Sequence[str], count: int, only: Sequence[str], over: Sequence[int]
) -> None:
    """Detection, delay, change point and name of every planted drift; and in how many series label meaning was ever
    alarmed."""
    row(
        [
            "pool",
            "planted",
            "over months",
            "n",
            "found",
            "delay: median, 90 %",
            "off: median size",
            "set holds",
            "named at the end",
            "label meaning",
        ]
    )
    row(["---", "---", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:"])
    for name, pool in pools.items():
        for place, plant in enumerate(plants_of(name, pool)):
            if plant not in only:
                continue
            drift = Drift.of(pool, plant)
            for takes in over:
                for n in sizes:
                    rng = np.random.default_rng([SEED, POOLS.index(name), place, takes, sizes.index(n), 1])
                    found = [drift.series(takes, n, rng) for _ in range(count)]
                    row([name, plant, takes, n, *summed(found)])


def summed(found: Sequence[Outcome]) -> list[str]:
    """Cells of one planted drift; series that alarmed before it began are left out, and counted in the first cell."""
    rest = [item for item in found if not item.early]
    hits = [item for item in rest if item.delay is not None]
    share = f"{len(hits)} of {len(rest)}" + (f", {len(found) - len(rest)} early" if len(rest) < len(found) else "")
    concept = str(sum(item.concept for item in found))
    if not hits:
        return [share, "-", "-", "-", "-", concept]
    names = Counter(item.named or () for item in hits)
    delays = sorted(item.delay for item in hits if item.delay is not None)
    return [
        share,
        f"{statistics.median(delays):.0f}, {delays[int(0.9 * (len(delays) - 1))]}",
        f"{statistics.median(abs(item.off or 0) for item in hits):.0f}",
        f"{sum(bool(item.held) for item in hits) / len(hits):.0%}",
        ", ".join(f"{count} {' + '.join(named) or '-'}" for named, count in names.most_common()),
        concept,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("measure")
    measure.add_argument("data", type=Path)
    judge = commands.add_parser("judge")
    judge.add_argument("--null", type=int, default=200, help="series of each kind without a change")
    judge.add_argument("--planted", type=int, default=40, help="series of each planted drift")
    judge.add_argument("--plants", nargs="+", default=list(TRUTHS), choices=list(TRUTHS), help="which drifts")
    judge.add_argument("--over", nargs="+", type=int, default=[1, 6, 12], help="months over which a drift comes")
    judge.add_argument("--sizes", nargs="+", default=["20", "20-60", "100"], help="patients a month")
    for command in (measure, judge):
        command.add_argument("cache", type=Path)
        command.add_argument("--only", nargs="*", default=list(POOLS))
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}, seed {SEED}\n")
    start = time.perf_counter()
    if options.command == "measure":
        for name in options.only:
            (options.cache / f"{name}.pool.pickle").write_bytes(pickle.dumps(pool_of(name, options.data)))
            print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
        return
    pools = {name: pickle.loads((options.cache / f"{name}.pool.pickle").read_bytes()) for name in options.only}
    if options.null:
        report_nulls(pools, options.sizes, options.null)
    if options.planted:
        changed = {name: pool for name, pool in pools.items() if name in CHANGES}
        report_planted(changed, options.sizes, options.planted, options.plants, options.over)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
