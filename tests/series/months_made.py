"""Series made of one committed profile: months drawn from its own moments, with a shift put in where one is wanted."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Patient, Profile, SiteAccumulator
from shiftscope.profiles.parts.origins import Origin
from shiftscope.profiles.profile_document import Sketch
from shiftscope.shifts import SiteStatistics
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.sites import Site, case_digests
from shiftscope.stats import Moments

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "profile-1.json"

WIDTHS = {"intensity": 8, "texture": 8, "noise": 4, "layout": 16}
"""Axes of a labelled profile, and the coordinates of a patient on each."""


def known_profile() -> Profile:
    return Profile.read(GOLDEN)


def drawn(
    base: Profile,
    n: int,
    rng: np.random.Generator | None = None,
    moved: Mapping[str, float] | None = None,
    **about: object,
) -> Profile:
    """A profile of n patients like those of `base`, some axes moved by so many deviations along each coordinate.

    Without `rng` its means and covariances are those of `base`: nothing is left to chance.
    """
    sketches = {}
    for axis, sketch in base.sketches.items():
        if sketch is not None:
            moments, moments_with = sketch.moments, sketch.moments_with_area(len(sketch.mean))
            whole = moments if moments_with is None else moments_with
            if rng is not None:
                whole = Moments.of(rng.multivariate_normal(whole.mean, whole.cov, n, check_valid="ignore"))
            step = np.zeros(len(whole.mean))
            step[: len(sketch.mean)] = (moved or {}).get(axis, 0.0) * np.sqrt(np.diag(moments.cov))
            sketches[axis] = Sketch.of(
                Moments(n, whole.mean + step, whole.cov), covariates=len(whole.mean) - len(sketch.mean)
            )
        else:
            sketches[axis] = None
    update = {
        "sketches": sketches,
        "patients": n,
        "cases": n,
        "patient_source": "manifest",
        "labels": {},
        "labelled": 0,
    }
    return base.model_copy(update={**update, "by_class": {}, "acquisition": {}, "fingerprint": f"{n}", **about})


def statistics_of_rows(
    name: str, rows: Mapping[str, np.ndarray], labels: Mapping[str, int] | None = None
) -> SiteStatistics:
    """Statistics of a site from patient rows by axis."""
    counts = dict(labels or {})
    return SiteStatistics(
        site=name,
        n=len(next(iter(rows.values()))),
        plain={axis: Moments.of(x) for axis, x in rows.items()},
        joint={},
        area=None,
        classes={},
        labels=LabelCounts(counts, counts, sum(counts.values())),
    )


def normal_series(
    rng: np.random.Generator,
    sizes: Sequence[int],
    axes: Sequence[str] = ("texture",),
    d: int = 4,
    jump: tuple[int, float] | None = None,
) -> list[SiteStatistics]:
    """Baseline and months of standard normal patients; from month `jump[0]` on moved by `jump[1]` in one coordinate."""
    out = []
    for number, n in enumerate(sizes):
        rows = {axis: rng.standard_normal((n, d)) for axis in axes}
        if jump is not None and number > jump[0]:
            for x in rows.values():
                x[:, 0] += jump[1]
        out.append(statistics_of_rows(f"m{number}", rows))
    return out


def labelled_month(
    rng: np.random.Generator,
    name: str,
    sizes: Mapping[str, int],
    swapped: float = 0.0,
    moved: Mapping[str, float] | None = None,
    axes: Sequence[str] = ("texture", "layout"),
    hidden: Collection[str] = (),
) -> SiteStatistics:
    """Statistics of patients of some classes that lie 1.6 apart, one behind the other on the first coordinate.

    Args:
        rng: what is drawn.
        name: of the month.
        sizes: class -> its patients.
        swapped: share of the first two classes that carry the other's label.
        moved: axis -> by how many deviations all patients lie elsewhere in each coordinate.
        axes: on which classes lie so.
        hidden: classes of which no moments are published.
    """
    truth = np.repeat(np.arange(len(sizes)), [*sizes.values()])
    labels = truth.copy()
    for own, other in ((0, 1), (1, 0)):
        place = np.flatnonzero(truth == own)
        labels[place[: round(swapped * len(place))]] = other
    rows = {axis: rng.standard_normal((len(truth), 4)) + (moved or {}).get(axis, 0.0) for axis in axes}
    for x in rows.values():
        x[:, 0] += 1.6 * truth
    known = {label: labels == number for number, label in enumerate(sizes) if label not in hidden}
    return replace(
        statistics_of_rows(name, rows, {label: int(np.sum(labels == k)) for k, label in enumerate(sizes)}),
        classes={label: {axis: Moments.of(x[own]) for axis, x in rows.items()} for label, own in known.items()},
    )


def labelled_profile(
    rng: np.random.Generator, name: str, sizes: tuple[int, int] = (30, 30), swapped: float = 0.0
) -> Profile:
    """The profile of so many benign and malignant patients, exported with all rules of privacy."""
    accumulator = SiteAccumulator()
    for own, (label, other, n) in enumerate(zip(("benign", "malignant"), ("malignant", "benign"), sizes, strict=True)):
        for number in range(n):
            rows = {axis: rng.standard_normal(width) for axis, width in WIDTHS.items()}
            for row in rows.values():
                row[0] += 1.6 * own
            numbers = {"quantiles": np.sort(rng.random(33)), "amplitude": rng.random(24)}
            shown = other if number < swapped * n else label
            accumulator.add(Patient(1, 0, shown, rows, numbers, {}, frozenset({"2-D"}), False))
    site = Site("site", Path("site"), "images", (), "manifest", (), {})
    found = accumulator.export(Origin.of(site, 0, load_extractor(), {}, enumerate(case_digests(site))))
    return found.model_copy(update={"fingerprint": sha256(name.encode()).hexdigest()})
