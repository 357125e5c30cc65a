"""Differential privacy for a profile: one Gaussian mechanism on clipped sums.

Two sites that differ in one patient, present or absent, must give nearly the same profile (Dwork and Roth 2014,
doi:10.1561/0400000042). A patient is in everything a profile says, so everything is released at once: the clipped
moments of all axes and the label are one vector per patient, of bounded length, and normal noise in proportion to that
length is added to the sum over patients. All that is published is computed from the noisy sum.

OpenDP draws the noise on a grid of exact arithmetic, so that its last digits tell nothing (Mironov 2012,
doi:10.1145/2382196.2382264), and accounts for it in zero-concentrated privacy (Bun and Steinke 2016, arXiv 1605.02065).
"""

import math
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib import metadata

import numpy as np
from scipy import special

from shiftscope.errors import InputError, UsageError
from shiftscope.measures import AXES, MEASURES
from shiftscope.measures.basis import load_basis
from shiftscope.measures.lesions import boundary, morphology
from shiftscope.profiles.moment_sums import MomentSums
from shiftscope.profiles.parts.origins import Origin
from shiftscope.profiles.profile_document import CELL, WITHHELD, Privacy, Profile, Sketch, Summary
from shiftscope.sites import SITE_FILE, Declarations, Site
from shiftscope.stats import Moments

__all__ = [
    "DELTA",
    "PRIVATE_AXES",
    "axes_of",
    "calibrated",
    "clipped",
    "norm_of",
    "patients_needed",
    "private_profile",
    "require_declared",
]

DELTA = 1e-6
"""One in a million, fixed: a delta that follows the number of patients would tell that number. Half is for the noise,
half for the names of classes."""

PRIVATE_AXES = (
    "intensity",
    "intensity_outside",
    "colour",
    "texture",
    "layout",
    "morphology",
    "morphology_3d",
    "boundary",
)
"""What a diagnosis rests on, measured on each patient alone. The feature axes would need the noise spread over twice as
many, and those after a map depend on all patients at once, so that no bound on one patient's part holds."""

WIDTH = 4
"""Coordinates of an axis: noise grows with their number."""

_REACH = dict.fromkeys(PRIVATE_AXES, 1.75) | {"colour": 0.9, "layout": 0.9, "boundary": 2.5}
"""The norms that patients are clipped to, in units of the square root of the numbers behind an axis. Those have unit
robust spread in the public corpus, but four coordinates hold less of it on some axes. Most patients are nearer."""

_COUNT, _MEAN, _SECOND, _LABEL = 0.5, 1.0, 0.6, 0.5
"""Weights: what is noised less costs the rest more. Means are what a comparison turns on."""

_SPREAD, _OFFSET = 0.15, 0.36
"""Usual share of the clipping norm, squared, that is spread within a site, and that is its mean's distance from the
public centre: public guesses, for telling in advance how many patients are needed."""


def clipped(coordinates: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A patient's leading coordinates (4,) on each private axis, pulled in to the public norm."""
    out = {}
    for axis in PRIVATE_AXES:
        row = coordinates.get(axis)
        # one patient has one size: of two, the picture's
        if row is None or not np.all(np.isfinite(row)) or (axis == "morphology_3d" and "morphology" in coordinates):
            continue
        lead = row[:WIDTH]
        out[axis] = lead * min(1.0, norm_of(axis) / max(float(np.linalg.norm(lead)), 1e-12))
    return out


def calibrated(epsilon: float) -> float:
    """Standard deviation of the noise for a patient's vector of length 1.

    Raises:
        UsageError: epsilon out of range, or OpenDP is not installed.
    """
    if not 0.01 <= epsilon <= 20:
        raise UsageError(f"--epsilon {epsilon:g}: expected 0.01 to 20; 1 is strong protection, 8 is weak")
    try:
        import opendp.prelude  # noqa: F401
    except ImportError:
        raise UsageError("--epsilon needs OpenDP; install it with: pip install 'shiftscope-fl[privacy]'") from None
    return _calibrated(epsilon)


@cache
def _calibrated(epsilon: float) -> float:
    import opendp.prelude as dp

    def promise(scale: float) -> object:
        return dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(_mechanism(scale)), delta=DELTA / 2)

    return float(dp.binary_search_param(promise, d_in=1.0, d_out=(epsilon, DELTA / 2)))


def _mechanism(scale: float):  # type: ignore[no-untyped-def]  # OpenDP has no types
    import opendp.prelude as dp

    dp.enable_features("contrib")
    return dp.m.make_gaussian(
        dp.vector_domain(dp.atom_domain(T=float, nan=False)), dp.l2_distance(T=float), scale=scale
    )


def patients_needed(epsilon: float, axes: int, spread: float = _SPREAD, offset: float = _OFFSET) -> int:
    """Patients from which the noise adds no more to the variance of a mean than chance does, at a usual site.

    Args:
        epsilon: of the promise.
        axes: how many are published.
        spread: of patients around the site's mean, as a share of the squared norm.
        offset: of that mean from the public centre, likewise.
    """
    noise = (calibrated(epsilon) * _length(axes)) ** 2 * (WIDTH / _MEAN**2 + offset / _COUNT**2)
    return math.ceil(noise / spread)


_MISSING = {
    "layout": 'layout = "images+masks" (as --dry-run finds it)',
    "depth": 'depth = "2-D" (or "3-D", or "mixed")',
    "colour": "colour = false (whether images have colour)",
    "has_masks": "has_masks = true (whether they come with masks)",
}
"""Key of the site file -> how it is written there."""


def require_declared(site: Site) -> None:
    """See that whatever is told exactly beside the noise comes from the owner and not from the data.

    Layout, depth, colour and which axes there are could be flipped by a single patient, and tell that patient. So could
    a patient who is counted more than once.

    Raises:
        UsageError: something is missing.
    """
    if site.patient_source == "file":
        raise UsageError(
            f"--epsilon promises something of each patient, and nothing tells the patients of {site.root} apart; give"
            " --patient-regex, or --one-file-per-patient where each file is another patient's"
        )
    known = {"layout"} if site.layout == "manifest" else set()  # no file beside a table changes what it lists
    missing = [how for key, how in _MISSING.items() if getattr(site.declared, key) is None and key not in known]
    if missing:
        raise UsageError(
            f"--epsilon: one patient could change what is computed of all, so the site's owner writes into"
            f" {site.root / SITE_FILE} what is known without looking at any, a line for each: {'; '.join(missing)}"
        )


def axes_of(declared: Declarations) -> list[str]:
    """The private axes of a site that is as declared."""
    left_out = set() if declared.colour else {"colour"}
    if not declared.has_masks:
        left_out |= {"intensity_outside", "boundary", "morphology", "morphology_3d"}
    if declared.depth != "mixed":
        left_out.add("morphology_3d" if declared.depth == "2-D" else "morphology")
    return [axis for axis in PRIVATE_AXES if axis not in left_out]


def private_profile(
    sums: Mapping[str, MomentSums], labels: Mapping[str, int], origin: Origin, epsilon: float
) -> Profile:
    """The profile under differential privacy.

    Args:
        sums: axis -> sums of `clipped` coordinates over the site's patients.
        labels: patients by class.
        origin: where the sums come from; what its owner declares is taken as known and decides which axes are told.
        epsilon: of the promise.

    Raises:
        UsageError: see `calibrated`.
        InputError: too few patients for a useful answer, or the owner did not declare what has to be known.
    """
    declared = origin.declared
    if (
        declared.depth is None
        or declared.colour is None
        or declared.has_masks is None
        or origin.patient_source == "file"
    ):
        raise InputError(
            f"{origin.site}: its parts were made without what --epsilon has to know; write depth, colour and has_masks"
            " into site.toml, say who is a patient, and make them again"
        )
    axes = axes_of(declared)
    sigma = calibrated(epsilon) * _length(len(axes))
    noisy = _noised(_vector([sums.get(axis, MomentSums()) for axis in axes], axes, labels), sigma)
    blocks, counted = np.split(noisy, [_BLOCK * len(axes)])
    needed = patients_needed(epsilon, len(axes))
    sketches = {axis: _sketch(axis, block, sigma) for axis, block in zip(axes, _rows(blocks), strict=True)}
    patients = sketches["intensity"].n
    sketches = {axis: sketch for axis, sketch in sketches.items() if sketch.n >= needed}
    if patients < needed:
        raise InputError(
            f"{origin.site}: differential privacy at epsilon {epsilon:g} is not meaningful for about {max(patients, 0)}"
            f" patients: {needed} are needed, or the noise would drown the site; give a larger --epsilon, or none: a"
            " profile without it follows the rules of docs/profile.md"
        )
    published = _labels(labels, counted, sigma / _LABEL)
    return Profile(
        site=origin.site,
        version=metadata.version("shiftscope-fl"),
        patients=patients,
        cases=patients,
        masks=sketches["boundary"].n if "boundary" in sketches else 0,
        patient_source=origin.patient_source,
        layout=WITHHELD,
        fingerprint=WITHHELD,
        seed=origin.seed,
        recipe=origin.recipe,
        colour=declared.colour,
        depth=declared.depth,
        excluded={},
        labelled=sum(published.values()),
        labels=dict(published),
        several_classes="hidden",
        acquisition={},
        sketches={axis: sketches.get(axis) for axis in AXES},
        by_class={},
        measures=_summaries(sketches),
        quantiles=None,
        spectrum=None,
        privacy=Privacy(
            epsilon=epsilon,
            delta=DELTA,
            mechanism="one Gaussian mechanism, patients added or removed",
            clipped={axis: norm_of(axis) for axis in sketches},
            count_noise=sigma / _COUNT,
            label_noise=sigma / _LABEL,
        ),
    )


_PAIRS = np.tril_indices(WIDTH)
_TWICE = np.where(_PAIRS[0] == _PAIRS[1], 1.0, math.sqrt(2.0))
"""The norm of a symmetric matrix is that of its lower triangle with what stands for two entries counted so."""

_BLOCK = 1 + WIDTH + len(_TWICE)


def norm_of(axis: str) -> float:
    """The norm that coordinates are clipped to."""
    return _REACH[axis] * math.sqrt(len(load_basis()[0][axis].directions))


def _length(axes: int) -> float:
    """The most one patient can add to the vector of sums: each axis (count, mean, second moment), and one label."""
    return math.sqrt(axes * (_COUNT**2 + _MEAN**2 + _SECOND**2) + _LABEL**2)


def _vector(parts: Sequence[MomentSums], axes: Sequence[str], labels: Mapping[str, int]) -> np.ndarray:
    """Weighted sums over patients of (1, x, xx') on each axis, in units of its norm, then the labels in order."""
    out = []
    for part, axis in zip(parts, axes, strict=True):
        total = np.zeros(WIDTH) if part.total is None else part.total
        outer = np.zeros((WIDTH, WIDTH)) if part.outer is None else part.outer
        norm = norm_of(axis)
        out += [[_COUNT * part.n], _MEAN * total / norm, _SECOND * outer[_PAIRS] * _TWICE / norm**2]
    return np.concatenate([*out, [_LABEL * labels[name] for name in sorted(labels)]])


def _noised(vector: np.ndarray, sigma: float) -> np.ndarray:
    return np.array(_mechanism(sigma)(vector.tolist()))


def _rows(blocks: np.ndarray) -> np.ndarray:
    return blocks.reshape(-1, _BLOCK)


def _sketch(axis: str, block: np.ndarray, sigma: float) -> Sketch:
    """Moments from a noisy block; the covariance's eigenvalues are at least the noise of one of its entries."""
    norm = norm_of(axis)
    n = max(block[0] / _COUNT, 2.0)
    mean = block[1 : 1 + WIDTH] * norm / (_MEAN * n)
    mean *= min(1.0, norm / max(float(np.linalg.norm(mean)), 1e-12))
    second = np.zeros((WIDTH, WIDTH))
    second[_PAIRS] = block[1 + WIDTH :] / _TWICE * norm**2 / (_SECOND * n)
    second += np.tril(second, -1).T
    variance = (sigma / n) ** 2 * (norm**2 / _MEAN**2 + float(mean @ mean) / WIDTH / _COUNT**2)
    cov = (second - np.outer(mean, mean) + variance * np.eye(WIDTH)) * n / (n - 1)
    values, vectors = np.linalg.eigh(cov)
    floor = min(sigma * norm**2 / (_SECOND * n), norm**2 / WIDTH)
    cov = (vectors * np.clip(values, floor, norm**2)) @ vectors.T
    sketch = Sketch.of(Moments(round(n), mean, cov))
    return sketch.model_copy(update={"noise": math.sqrt(variance)})


def _labels(labels: Collection[str], counted: np.ndarray, sd: float) -> dict[str, int]:
    """Noisy counts of the classes that are large enough for their name to be told.

    A class of one patient passes with probability delta / 2 (Korolova et al. 2009, doi:10.1145/1526709.1526733).
    """
    least = max(CELL, 1 + sd * float(special.ndtri(1 - DELTA / 2)))
    counts = {name: value / _LABEL for name, value in zip(sorted(labels), counted, strict=True)}
    return {name: round(value) for name, value in counts.items() if value > least}


_NAMED = {
    "morphology": morphology.VECTOR_2D,
    "morphology_3d": morphology.VECTOR_3D,
    "boundary": boundary.VECTOR,
}
"""Axes whose coordinates are measures, scaled."""


def _summaries(sketches: Mapping[str, Sketch]) -> dict[str, Summary]:
    """Measures that can be had from the noisy moments, at no further cost; one cell, no histogram."""
    out = {}
    bases = load_basis()[0]
    for axis in _NAMED.keys() & sketches.keys():
        moments, basis = sketches[axis].moments, bases[axis]
        for index, name in enumerate(_NAMED[axis][:WIDTH]):
            if name in MEASURES:
                mean = basis.centre[index] + basis.spread[index] * moments.mean[index]
                sd = basis.spread[index] * math.sqrt(moments.cov[index, index])
                out[name] = _summary(name, moments.n, mean, sd)
    return {name: out[name] for name in MEASURES if name in out}


def _summary(name: str, n: int, mean: float, sd: float) -> Summary:
    measure = MEASURES[name]
    return Summary(unit=measure.unit, n=n, mean=mean, sd=sd, edges=measure.range, counts=(n,))
