"""Tests of no difference between two sites: the project's own, others on its coordinates, and what people use today."""

import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import detection
import numpy as np
from planted import BASES
from scenarios import Measured, Scenario, Truth, profiles_of, scenarios
from scipy import stats as scipy_stats
from scipy.spatial.distance import cdist

from shiftscope.diagnosis import LIMITS
from shiftscope.profiles import Patient, Profile
from shiftscope.shifts import Effect, EffectBatch, SiteStatistics, compare_two

__all__ = [
    "AXES_ONLY",
    "DETECTORS",
    "KINDS",
    "PERMUTATIONS",
    "SEED",
    "SIZES",
    "Found",
    "alarms",
    "permuted",
    "run",
    "test",
]

SEED = 17
SIZES = (20, 40, 100)
PERMUTATIONS = 499  # with nine tests a p of .0056 must be possible, and not only by the luck of no permutation at all
ASKED = ("appearance", "structure", "annotation", "label")
PROPERTIES = ("brightness", "contrast", "sharpness", "noise", "saturation", "redness", "blueness")
FEATURES = ("features_shallow", "features_deep")

DETECTORS = {
    "shiftscope": "its p values from two profiles, prevalence and lesion area held equal where they differ",
    "mahalanobis": "the same distance on the same coordinates, nothing held equal",
    "trace": "squared distance of the means in plain units, Box's approximation",
    "hotelling": "the Mahalanobis distance with a permutation null",
    "energy": "energy distance of the patients, permutation null",
    "mmd": "maximum mean discrepancy of the patients, permutation null",
    "KS properties": "Kolmogorov and Smirnov's test of brightness, contrast, sharpness, noise and colour (Evidently)",
    "KS pixel mean": "the same test of the mean pixel alone (Alibi Detect, on one number an image)",
    "MMD features": "MMD of all pretrained features together, permutation null (TorchDrift)",
}
"""Detector -> what it is. Those from "mahalanobis" to "mmd" take the same coordinates, axis by axis, and Fisher's exact
test of the classes; all but the last two correct for their number of tests."""

KINDS = (
    "appearance",
    "structure, masks",
    "structure, no masks",
    "annotation",
    "label",
    "mixed",
)

AXES_ONLY = "none, by axis"


@dataclass(frozen=True, slots=True)
class Found:
    """One federation tested.

    Attributes:
        base, n, plant, severity: what was planted.
        kind: one of `KINDS`, "none", or `AXES_ONLY` for a null that only shiftscope was asked about, axis by axis.
        p: detector -> p value of no difference at all, corrected for its number of tests.
        axes: axis -> p value of shiftscope on that axis, uncorrected.
        seconds: detector -> wall time.
    """

    base: str
    n: int
    plant: str
    severity: float
    kind: str
    p: Mapping[str, float]
    axes: Mapping[str, float]
    seconds: Mapping[str, float]


def kind_of(truth: Truth, masks: bool) -> str:
    """What was planted; "mixed" for two things or more."""
    planted = [question for question, true in truth.items() if true]
    if len(planted) != 1:
        return "mixed" if planted else "none"
    return planted[0] if planted != ["structure"] else "structure, masks" if masks else "structure, no masks"


def permuted(
    rows: np.ndarray, n: int, rng: np.random.Generator, permutations: int = PERMUTATIONS
) -> dict[str, Callable[[], float]]:
    """The tests with a permutation null, each to be run: rows (N, d), the first n of one site."""
    total, d = rows.shape
    m = total - n
    members = np.zeros((total, permutations + 1))
    members[:n, 0] = 1.0
    members[:, 1:] = rng.permuted(np.repeat(members[:, :1], permutations, axis=1), axis=0)

    def p_of(statistic: np.ndarray) -> float:
        observed = statistic[0] - 1e-9 * abs(statistic[0])
        return float((1 + np.sum(statistic[1:] >= observed)) / (1 + permutations))

    def apart(kernel: np.ndarray) -> float:
        """Within less between, for a similarity (N, N)."""
        kernel = kernel - np.diag(np.diag(kernel))
        sums = kernel @ members
        in_a = np.sum(members * sums, axis=0)
        between = np.sum((1 - members) * sums, axis=0)
        in_b = kernel.sum() - in_a - 2 * between
        return p_of(in_a / (n * (n - 1)) + in_b / (m * (m - 1)) - 2 * between / (n * m))

    def hotelling() -> float:
        """As `detection.hotelling`; the scatter within follows from the means, so all permutations are made at once."""
        centred = rows - rows.mean(axis=0)
        delta = members.T @ centred * (1 / n + 1 / m)
        within = centred.T @ centred - (n * m / total) * delta[:, :, None] * delta[:, None, :]
        variance = np.diagonal(within, axis1=1, axis2=2)
        spread = np.sqrt(np.maximum(variance, 1e-12 * variance.mean(axis=1, keepdims=True)))
        correlation = within / (spread[:, :, None] * spread[:, None, :])
        squares = np.sum(correlation**2, axis=(1, 2))
        below = (total - 1 - 2 / d) * (squares - d)
        r = np.where(below > 0, np.minimum(1.0, ((1 - 2 / d) * squares + d**2) / np.where(below > 0, below, 1.0)), 1.0)
        shrunk = (1 - r)[:, None, None] * correlation + r[:, None, None] * np.eye(d)
        z = delta / spread
        return p_of(np.sum(z * np.linalg.solve(shrunk, z[:, :, None])[:, :, 0], axis=1))

    def standardised() -> np.ndarray:
        spread = rows.std(axis=0)
        return np.asarray((rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1.0))

    def gaussian(rows: np.ndarray) -> np.ndarray:
        squared = cdist(rows, rows, "sqeuclidean")
        return np.asarray(np.exp(-squared / np.median(squared[np.triu_indices(total, 1)])))

    return {
        "hotelling": hotelling,
        "energy": lambda: apart(-cdist(standardised(), standardised())),
        "mmd": lambda: apart(gaussian(standardised())),
        "MMD features": lambda: apart(gaussian(rows)),
    }


def test(scenario: Scenario, kind: str, rng: np.random.Generator) -> Found:
    """All detectors on one federation of two sites."""
    a, b = scenario.sites
    seconds: dict[str, float] = defaultdict(float)

    def timed(name: str, work: Callable[[], float]) -> float:
        start = time.perf_counter()
        p = work()
        seconds[name] += time.perf_counter() - start
        return p

    profiles = profiles_of(scenario)
    start = time.perf_counter()
    effects, axes = _compared(profiles)
    seconds["shiftscope"] = time.perf_counter() - start
    family = {effect.axis: effect.width for effect in effects if not _stood_in_for(effect, axes)}
    found: dict[str, list[float]] = {"shiftscope": [axes[axis] for axis in family]}
    for axis, width in family.items():
        if axis == "labels":
            classes = _fisher(a, b)
            for name in ("mahalanobis", "trace", "hotelling", "energy", "mmd"):
                found.setdefault(name, []).append(classes)
            continue
        one, two = (_rows(site, (axis,))[:, :width] for site in (a, b))
        tests = permuted(np.concatenate([one, two]), len(one), rng)
        for name in ("mahalanobis", "trace"):
            tests[name] = lambda test=detection.DETECTORS[name], one=one, two=two: test(one, two, rng)
        for name in ("mahalanobis", "trace", "hotelling", "energy", "mmd"):
            found.setdefault(name, []).append(timed(name, tests[name]))
    numbers = [_numbers(site) for site in (a, b)]
    both = [name for name in PROPERTIES if all(name in site for site in numbers)]
    found["KS properties"] = [
        timed("KS properties", lambda name=name: _ks(*(site[name] for site in numbers))) for name in both
    ]
    found["KS pixel mean"] = [timed("KS pixel mean", lambda: _ks(*(site["brightness"] for site in numbers)))]
    rows = [_rows(site, FEATURES) for site in (a, b)]
    features = permuted(np.concatenate(rows), len(a), rng)["MMD features"]
    found["MMD features"] = [timed("MMD features", features)]
    p = {name: min(1.0, min(found[name]) * len(found[name])) for name in DETECTORS}
    return Found(scenario.base, scenario.n, scenario.plant, scenario.severity, kind, p, axes, dict(seconds))


def _compared(profiles: Sequence[Profile]) -> tuple[list[Effect], dict[str, float]]:
    """The effects that the diagnosis goes by, and their p values by axis."""
    shift = compare_two(*map(SiteStatistics.of, profiles))
    effects = [effect for effect in shift.effects if effect.question in ASKED and min(effect.n) >= LIMITS.enough]
    return effects, dict(zip([effect.axis for effect in effects], EffectBatch.of(effects).p.tolist(), strict=True))


def _stood_in_for(effect: Effect, axes: Iterable[str]) -> bool:
    """Whether the axis is left out of the family, as the diagnosis does: what is outside the masks stands for it."""
    return effect.axis == "intensity" and "intensity_outside" in axes


def _rows(site: Sequence[Patient], axes: Sequence[str]) -> np.ndarray:
    found = [[patient.coordinates[axis] for axis in axes] for patient in site if axes[0] in patient.coordinates]
    return np.array([np.concatenate(row) for row in found])


def _numbers(site: Sequence[Patient]) -> dict[str, np.ndarray]:
    return {
        name: np.array([float(patient.numbers[name]) for patient in site])
        for name in PROPERTIES
        if all(name in patient.numbers for patient in site)
    }


def _ks(one: np.ndarray, two: np.ndarray) -> float:
    return float(scipy_stats.ks_2samp(one, two).pvalue)


def _fisher(a: Sequence[Patient], b: Sequence[Patient]) -> float:
    """Fisher's exact test of two classes; more do not occur here."""
    classes = sorted({patient.label or "" for patient in (*a, *b)})
    if len(classes) < 2:
        return 1.0
    table = [[sum(patient.label == label for patient in site) for label in classes] for site in (a, b)]
    return float(scipy_stats.fisher_exact(table).pvalue)


def run(measured: Measured, base: str, sizes: Sequence[int], nulls: int) -> Iterator[Found]:
    """All federations of two sites of one base. At 20 patients only those without a shift are tested."""
    for n in sizes:
        for masks in (True, False) if BASES[base].masks else (False,):
            seed = [SEED, zlib.crc32(base.encode()), n, masks]
            rng = np.random.default_rng([*seed, 1])
            for scenario in scenarios(measured, base, n, np.random.default_rng(seed), masks=masks, nulls=nulls):
                if scenario.form != "two" or len(scenario.sites) != 2:
                    continue
                kind = kind_of(scenario.whole(), masks)
                if kind == "none":
                    yield test(dealt_anew(scenario, rng), kind, rng)
                elif n > min(SIZES):
                    yield test(scenario, kind, rng)


def alarms(measured: Measured, base: str, sizes: Sequence[int], draws: int) -> Iterator[Found]:
    """Nulls that shiftscope alone is asked about, axis by axis: many more than there is time to permute."""
    masks = BASES[base].masks
    for n in sizes:
        rng = np.random.default_rng([SEED, zlib.crc32(base.encode()), n, 2])
        for scenario in islice(scenarios(measured, base, n, rng, masks=masks, nulls=draws), draws):
            if scenario.plant == "none" and scenario.form == "two":
                _, axes = _compared(profiles_of(dealt_anew(scenario, rng)))
                yield Found(base, n, "none", 0.0, AXES_ONLY, {}, axes, {})


def dealt_anew(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """A null with its patients shuffled over its two sites: where they are all that a base has, every null is drawn
    from the same ones, and which half they are in must not decide."""
    pool = [patient for site in scenario.sites for patient in site]
    order = [pool[index] for index in rng.permutation(len(pool))]
    return replace(scenario, sites=(order[: scenario.n], order[scenario.n :]))
