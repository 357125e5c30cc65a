"""Membership inference against plain profiles: does a profile tell whether a patient is in it?

    python benchmarks/membership.py [DATA] [--draws 20] [--phantoms 400]

The attacker knows everything that is measured of a candidate (coordinates on all axes, all measures), and sees the
profile of n patients. Half of the candidates are in it. He has patients to compare with: of another hospital with the
same kind of images ("elsewhere"), or of this very hospital, which is as much as anybody could have ("here"). Printed is
the AUC of the best of his attacks, by size and by what is published: 0.5 is a guess.

Every published number is, or is a smooth function of, a mean over patients of something that the attacker can compute
for the candidate: its influence. With the influences whitened by the reference, the optimal test of membership adds up
how far the published means lean towards the candidate (Homer et al. 2008, doi:10.1371/journal.pgen.1000167; Dwork et
al. 2015, doi:10.1109/FOCS.2015.46): K independent numbers at n patients give an AUC of about Phi(sqrt(K / 2n)). Beside
it, without any reference: the candidate's distance in the site's own covariance, which hugs those it was made of.
"""

import argparse
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from scipy import stats

from shiftscope.measures import AXES
from shiftscope.measures.features.extractors import Extractor, load_extractor
from shiftscope.phantoms import ANATOMIES, write_site
from shiftscope.profiles import Options, Patient, Profile, SiteAccumulator, Sketch, patients_of, widths
from shiftscope.profiles.parts.origins import Origin
from shiftscope.sites import Site, read_site

SIZES = (20, 40, 100)
SEED = 23
RIDGES = (0.05, 0.3)
"""Share of the diagonal in the reference's correlation. The best is reported: the attacker tunes it on other sites."""

MOST_SPREAD = 6.0  # standard deviations: an influence beyond says no more

Table = dict[str, np.ndarray]
"""What is known of patients, key -> (m,) or (m, k), NaN where unknown."""


@dataclass(frozen=True)
class Evidence:
    """A group of published numbers against what the reference expects.

    Attributes:
        kind: "means", "covariances" or "histograms".
        lean: (k,) published less expected.
        influences: (m, k) of all patients, their expectation taken off; 0 where a patient does not count.
    """

    kind: str
    lean: np.ndarray
    influences: np.ndarray


def table_of(patients: Sequence[Patient]) -> tuple[Table, np.ndarray]:
    """Coordinates by "axis" and measures by "measure:name", one row a patient; and their labels."""
    out: Table = {}
    for source, prefix in (("coordinates", ""), ("numbers", "measure:")):
        for name in sorted({key for patient in patients for key in getattr(patient, source)}):
            found = [getattr(patient, source).get(name) for patient in patients]
            shape = next(np.shape(value) for value in found if value is not None)
            out[prefix + name] = np.array([np.full(shape, np.nan) if value is None else value for value in found])
    return out, np.array([patient.label or "" for patient in patients])


def evidence(profile: Profile, table: Table, labels: np.ndarray, reference: np.ndarray) -> Iterator[Evidence]:
    """All that a profile publishes, as leans and influences.

    Args:
        profile: what is attacked.
        table: of all patients, candidates and reference.
        labels: of all patients.
        reference: (m,) bool.
    """
    everyone = np.ones(len(labels), dtype=bool)
    for axis, sketch in profile.sketches.items():
        if sketch is not None:
            yield from _of_sketch(sketch, table[axis], everyone, reference, profile.patients)
    for label, axes in profile.by_class.items():
        for axis, sketch in axes.items():
            if (reference & (labels == label)).sum() > 1:
                yield from _of_sketch(sketch, table[axis], labels == label, reference, profile.patients)
    for name, item in profile.measures.items():
        values = table[f"measure:{name}"][:, None]
        moments = Sketch(n=item.n, mean=np.array([item.mean]), cov=np.array([item.sd**2]))
        yield from _of_sketch(moments, values, everyone, reference, profile.patients)
        if len(item.counts) > 1:
            below = np.where(np.isfinite(values), values < np.array(item.edges[1:-1]), np.nan)
            yield _centred(
                "histograms", np.cumsum(item.counts)[:-1] / item.n, below, reference, profile.patients / item.n
            )
    for key, curve in (("quantiles", profile.quantiles), ("amplitude", profile.spectrum)):
        if curve is not None:
            yield _centred("means", curve, table[f"measure:{key}"], reference, 1.0)


def _of_sketch(
    sketch: Sketch, rows: np.ndarray, counted: np.ndarray, reference: np.ndarray, patients: int
) -> Iterator[Evidence]:
    d = len(sketch.mean)
    own = np.where(counted[:, None], rows[:, :d], np.nan)
    if not np.isfinite(own[reference]).all(axis=1).any():
        return
    weight = patients / sketch.n
    yield _centred("means", sketch.mean, own, reference, weight)
    if np.isfinite(sketch.cov).any():
        centre = np.nanmean(own[reference], axis=0)
        known = np.isfinite(sketch.cov)
        i, j = (index[known] for index in np.tril_indices(d))
        gap = sketch.mean - centre
        second = sketch.cov[known] * (sketch.n - 1) / sketch.n + gap[i] * gap[j]
        yield _centred("covariances", second, (own - centre)[:, i] * (own - centre)[:, j], reference, weight)


def _centred(kind: str, published: np.ndarray, rows: np.ndarray, reference: np.ndarray, weight: float) -> Evidence:
    expected = np.nanmean(rows[reference], axis=0)
    return Evidence(kind, published - expected, weight * np.nan_to_num(rows - expected))


def attacks(
    profile: Profile, table: Table, labels: np.ndarray, reference: np.ndarray, candidates: np.ndarray
) -> dict[str, np.ndarray]:
    """Scores of the candidates by attack, larger for "is in it"."""
    found = list(evidence(profile, table, labels, reference))
    out = {"own sketch": _own_sketch(profile, table, labels, candidates)}
    for name, kinds in {
        "means": {"means"},
        "covariances": {"covariances"},
        "histograms": {"histograms"},
        "all": {"means", "covariances", "histograms"},
    }.items():
        parts = [item for item in found if item.kind in kinds]
        if not parts:
            continue
        lean = np.concatenate([item.lean for item in parts])
        influences = np.concatenate([item.influences for item in parts], axis=1)
        for ridge in RIDGES:
            out[f"{name} {ridge}"] = _likelihood_ratio(
                lean, influences[reference], influences[candidates], profile.patients, ridge
            )
    return out


def _own_sketch(profile: Profile, table: Table, labels: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """log P(distance | in) - log P(distance | not in), summed over sketches; it needs no reference at all.

    The squared Mahalanobis distance to a site's own mean and covariance is never more than (n - 1)^2 / n for a member,
    and Beta distributed below; an outsider's follows an F (Gnanadesikan and Kettenring 1972, doi:10.2307/2528963).
    """
    out = np.zeros(len(candidates))
    everyone = np.ones(len(candidates), dtype=bool)
    whole = [(axis, sketch, everyone) for axis, sketch in profile.sketches.items() if sketch is not None]
    classes = [
        (axis, sketch, labels[candidates] == label)
        for label, axes in profile.by_class.items()
        for axis, sketch in axes.items()
    ]
    for axis, sketch, counted in whole + classes:
        n, d = sketch.n, len(sketch.mean)
        rows = table[axis][candidates, :d] - sketch.mean
        cov = sketch.moments.cov
        if n < d + 2 or not np.isfinite(cov).all() or np.trace(cov) <= 0:
            continue
        distance = np.einsum("md,de,me->m", rows, np.linalg.pinv(cov, rcond=1e-9, hermitian=True), rows)
        share = np.clip(distance * n / (n - 1) ** 2, 1e-9, None)
        inside = stats.beta(d / 2, (n - d - 1) / 2).logpdf(np.clip(share, None, 1 - 1e-6)) + np.log(n / (n - 1) ** 2)
        scale = d * (n * n - 1) / (n * (n - d))
        outside = stats.f(d, n - d).logpdf(distance / scale) - np.log(scale)
        ratio = np.where(share < 1, np.clip(inside - outside, -10, 10), -10)
        out += np.where(counted & np.isfinite(distance), ratio, 0.0)
    return out


def _likelihood_ratio(
    lean: np.ndarray, reference: np.ndarray, candidates: np.ndarray, n: int, ridge: float
) -> np.ndarray:
    """log P(lean | in) - log P(lean | not in), up to a factor, when means over n are normal.

    With Z the standardised reference, the covariance is (1 - ridge) Z'Z / m + ridge, inverted in the space of the m
    patients (Woodbury).
    """
    spread = reference.std(axis=0)
    keep = spread > 1e-9 * max(spread.max(), 1e-9)
    z = np.clip(reference[:, keep] / spread[keep], -MOST_SPREAD, MOST_SPREAD)
    x = np.clip(candidates[:, keep] / spread[keep], -MOST_SPREAD, MOST_SPREAD)
    r = lean[keep] / spread[keep]
    m = len(z)
    if ridge < 1:
        inner = np.linalg.inv(m * ridge / (1 - ridge) * np.eye(m) + z @ z.T)
        white = (x - (x @ z.T @ inner) @ z) / ridge
    else:
        white = x
    score: np.ndarray = white @ r - np.sum(white * x, axis=1) / (2 * n)
    return score


def auc(members: np.ndarray, others: np.ndarray) -> float:
    """Probability that a member scores higher."""
    return float(stats.mannwhitneyu(members, others).statistic / (len(members) * len(others)))


def profile_of(site: Site, patients: Sequence[Patient], extractor: Extractor) -> Profile:
    """The profile of some of a site's patients."""
    accumulator = SiteAccumulator()
    for patient in patients:
        accumulator.add(patient)
    return accumulator.export(Origin.of(replace(site, cases=()), 0, extractor, {}, cases=()))


Release = Callable[[Profile], Profile]


def attacked(
    site: Site,
    patients: Sequence[Patient],
    extractor: Extractor,
    n: int,
    draws: int,
    rng: np.random.Generator,
    releases: Mapping[str, Release],
    strangers: Sequence[Patient] = (),
) -> dict[str, dict[str, float]]:
    """Mean AUC over draws of n members and as many candidates outside: release -> attack -> AUC.

    The reference is the site's other patients, or `strangers`, patients of other hospitals, where they are given.
    """
    table, labels = table_of([*patients, *strangers])
    outside = min(n, len(patients) // 4)
    sums: dict[str, dict[str, list[float]]] = {name: {} for name in releases}
    for _ in range(draws):
        order = rng.permutation(len(patients))
        members, others = order[:n], order[n : n + outside]
        reference = np.zeros(len(labels), dtype=bool)
        reference[np.arange(len(patients), len(labels)) if strangers else order[n + outside :]] = True
        whole = profile_of(site, [patients[i] for i in members], extractor)
        candidates = np.concatenate([members, others])
        for name, release in releases.items():
            for attack, scores in attacks(release(whole), table, labels, reference, candidates).items():
                sums[name].setdefault(attack, []).append(auc(scores[:n], scores[n:]))
    return {name: {attack: float(np.mean(values)) for attack, values in by.items()} for name, by in sums.items()}


def best(by_attack: Mapping[str, float], kind: str = "") -> float:
    """The AUC of the best attack whose name begins with `kind`."""
    return max((value for attack, value in by_attack.items() if attack.startswith(kind)), default=0.5)


def _without(*questions: str, classes: bool = True) -> Release:
    """Publish neither the axes of these questions nor, if so asked, the classes."""

    def release(profile: Profile) -> Profile:
        kept = {axis: None if AXES[axis].question in questions else item for axis, item in profile.sketches.items()}
        by_class = {
            label: {axis: item for axis, item in axes.items() if AXES[axis].question not in questions}
            for label, axes in profile.by_class.items()
        }
        return profile.model_copy(update={"sketches": kept, "by_class": by_class if classes else {}})

    return release


def _means_alone(profile: Profile) -> Profile:
    """Four coordinates without covariances, and nothing for people to read: what no diagnosis could do without."""
    kept = {
        axis: None
        if sketch is None or AXES[axis].question == "features"
        else Sketch.model_construct(n=sketch.n, mean=sketch.mean[:4], cov=np.full(10, np.nan))
        for axis, sketch in profile.sketches.items()
    }
    update = {"sketches": kept, "by_class": {}, "measures": {}, "quantiles": None, "spectrum": None}
    return profile.model_copy(update=update)


RELEASES: dict[str, Release] = {
    "as published": lambda profile: profile,
    "no classes": _without(classes=False),
    "no features, no classes": _without("features", classes=False),
    "means alone": _means_alone,
}

RULES = {"2.5 a coordinate": (2.5, 10), "10 a coordinate": (10, 20), "20 a coordinate": (20, 20)}
"""What the export rules could ask: patients per coordinate, and for the first four."""

PAIRS = (
    ("cxr_cls/nih_cxr14", "cxr_cls/guangzhou_pediatric"),
    ("brain_cls/br35h", "brain_cls/sartaj_residual"),
    ("breast_us/busbra_logiq5", "breast_us/busbra_logiq7"),
    ("polyp/kvasir_seg", "polyp/cvc_clinicdb"),
)
"""Sites of 120 to 200 patients, each with another of its kind."""


def phantom_patients(count: int, extractor: Extractor, seed: int = SEED, anatomy: str = "ultrasound") -> list[Patient]:
    """Patients of a synthetic hospital."""
    rng = np.random.default_rng(seed)
    with TemporaryDirectory() as folder:
        drawn = [ANATOMIES[anatomy](rng, size=64) for _ in range(count)]
        write_site(drawn, Path(folder) / "site", layout="images+masks", format="png")
        return list(patients_of(read_site(Path(folder) / "site"), extractor, Options(), []))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--phantoms", type=int, default=400)
    options = parser.parse_args()
    torch.set_num_threads(1)
    extractor = load_extractor()
    print(f"{platform.machine()}, {time.strftime('%Y-%m-%d')}, seed {SEED}, {options.draws} draws")
    print("| site | reference | published | n | best | own sketch | means | covariances | histograms | all |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    pools: list[tuple[str, str, list[Patient], list[Patient]]] = []
    if options.phantoms:
        pools.append(("phantoms", "here", phantom_patients(options.phantoms, extractor), []))
    for name, other in PAIRS if options.data else ():
        here, there = (
            list(patients_of(read_site(options.data / part), extractor, Options(), [])) for part in (name, other)
        )
        pools += [(name, "here", here, []), (name, "elsewhere", here, there)]
    site = Site("attacked", Path("attacked"), "images", (), "manifest", (), {})
    for name, where, patients, strangers in pools:
        for n in SIZES:
            if len(patients) < 1.5 * n + 20 and not (strangers and len(patients) >= 1.2 * n):
                continue
            for rule, (widths.PATIENTS_PER_COORDINATE, widths.FEWEST) in RULES.items():
                rng = np.random.default_rng(SEED)  # the same members for every rule
                found = attacked(site, patients, extractor, n, options.draws, rng, RELEASES, strangers)
                for release, by in found.items():
                    cells = [f"{best(by, kind):.2f}" for kind in ("", "own", "means", "cov", "hist", "all")]
                    print(f"| {name} | {where} | {rule}, {release} | {n} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
