"""The profile under differential privacy: what its owner has to state, and what is computed from the noisy sums."""

import math
from collections.abc import Collection, Mapping
from importlib import metadata

import numpy as np
from scipy import special

from shiftscope.errors import InputError, UsageError
from shiftscope.measures import AXES, MEASURES
from shiftscope.measures.basis import load_basis
from shiftscope.measures.lesions import boundary, morphology
from shiftscope.profiles.parts.origins import Origin
from shiftscope.profiles.privacy.clipping import PRIVATE_AXES, WIDTH, norm_of
from shiftscope.profiles.privacy.gaussian_mechanism import (
    BLOCK,
    COUNT,
    DELTA,
    LABEL,
    MEAN,
    PAIRS,
    SECOND,
    TWICE,
    blocks_of,
    calibrated,
    noised,
    patients_needed,
    sensitivity,
    summed_vector,
)
from shiftscope.profiles.profile_document import CELL, WITHHELD, Privacy, Profile, Sketch, Summary
from shiftscope.profiles.sums.moment_sums import MomentSums
from shiftscope.sites import SITE_FILE, Declarations, Site
from shiftscope.stats import Moments

__all__ = ["MECHANISM", "axes_of", "private_profile", "require_declared"]

MECHANISM = "one Gaussian mechanism, patients added or removed"
"""How a private profile says that its promise is kept."""

_MISSING = {
    "layout": 'layout = "images+masks" (as --dry-run finds it)',
    "depth": 'depth = "2-D" (or "3-D", or "mixed")',
    "colour": "colour = false (whether images have colour)",
    "has_masks": "has_masks = true (whether they come with masks)",
}
"""Key of the site file -> how it is written there."""


def require_declared(site: Site) -> None:
    """See that whatever is published without noise comes from the owner and not from the data.

    Layout, depth, colour and which axes there are could be flipped by a single patient, and reveal that patient. So
    could a patient who is counted more than once.

    Raises:
        UsageError: something is missing.
    """
    if site.patient_source == "file":
        raise UsageError(
            f"--epsilon promises something of each patient, and nothing says who the patients of {site.root} are; give"
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
        origin: where the sums come from; what its owner declares is taken as known and decides on the axes.
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
    sigma = calibrated(epsilon) * sensitivity(len(axes))
    noisy = noised(summed_vector([sums.get(axis, MomentSums()) for axis in axes], axes, labels), sigma)
    blocks, counted = np.split(noisy, [BLOCK * len(axes)])
    needed = patients_needed(epsilon, len(axes))
    sketches = {axis: _sketch(axis, block, sigma) for axis, block in zip(axes, blocks_of(blocks), strict=True)}
    patients = sketches["intensity"].n
    sketches = {axis: sketch for axis, sketch in sketches.items() if sketch.n >= needed}
    if patients < needed:
        raise InputError(
            f"{origin.site}: differential privacy at epsilon {epsilon:g} is not meaningful for about {max(patients, 0)}"
            f" patients: {needed} are needed, or the noise would drown the site; give a larger --epsilon, or none: a"
            " profile without it follows the rules of docs/profile.md"
        )
    published = _labels(labels, counted, sigma / LABEL)
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
            mechanism=MECHANISM,
            clipped={axis: norm_of(axis) for axis in sketches},
            count_noise=sigma / COUNT,
            label_noise=sigma / LABEL,
        ),
    )


def _sketch(axis: str, block: np.ndarray, sigma: float) -> Sketch:
    """Moments from a noisy block; the covariance's eigenvalues are at least the noise of one of its entries."""
    norm = norm_of(axis)
    n = max(block[0] / COUNT, 2.0)
    mean = block[1 : 1 + WIDTH] * norm / (MEAN * n)
    mean *= min(1.0, norm / max(float(np.linalg.norm(mean)), 1e-12))
    second = np.zeros((WIDTH, WIDTH))
    second[PAIRS] = block[1 + WIDTH :] / TWICE * norm**2 / (SECOND * n)
    second += np.tril(second, -1).T
    variance = (sigma / n) ** 2 * (norm**2 / MEAN**2 + float(mean @ mean) / WIDTH / COUNT**2)
    cov = (second - np.outer(mean, mean) + variance * np.eye(WIDTH)) * n / (n - 1)
    values, vectors = np.linalg.eigh(cov)
    floor = min(sigma * norm**2 / (SECOND * n), norm**2 / WIDTH)
    cov = (vectors * np.clip(values, floor, norm**2)) @ vectors.T
    sketch = Sketch.of(Moments(round(n), mean, cov))
    return sketch.model_copy(update={"noise": math.sqrt(variance)})


def _labels(labels: Collection[str], counted: np.ndarray, sd: float) -> dict[str, int]:
    """Noisy counts of the classes that are large enough for their name to be published.

    A class of one patient passes with probability delta / 2 (Korolova et al. 2009, doi:10.1145/1526709.1526733).
    """
    least = max(CELL, 1 + sd * float(special.ndtri(1 - DELTA / 2)))
    counts = {name: value / LABEL for name, value in zip(sorted(labels), counted, strict=True)}
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
