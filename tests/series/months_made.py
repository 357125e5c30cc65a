"""Series made of one committed profile: months drawn from its own moments, with a shift put in where one is wanted."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from shiftscope.profiles import Profile
from shiftscope.profiles.profile_document import Sketch
from shiftscope.shifts import SiteStatistics
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.stats import Moments

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "profile-1.json"


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
