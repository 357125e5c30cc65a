"""Haematoxylin and eosin brought to the federation's stain colours, slide image by slide image.

Macenko et al. 2009, "A method for normalizing histology slides for quantitative analysis", ISBI,
doi:10.1109/ISBI.2009.5193250. A site shares two colours and two strengths, eight numbers.
"""

from collections.abc import Sequence

import numpy as np

from shiftscope.harmonizers.averages import over_patients, over_sites
from shiftscope.harmonizers.harmonizer import NOTHING, Patients, Statistics

__all__ = ["MIN_STAINED", "is_stained", "mean_stains", "reference_stains", "restain", "stains"]

MIN_DENSITY = 0.15
"""Length of the optical density (log10) below which a pixel is glass: the method's beta."""

EXTREMES = (1.0, 99.0)
"""Percentiles of the angle between the stains, and (the upper one) of their amount: the method's alpha."""

MIN_STAINED = 64
"""Stained pixels a case needs before its stains are trusted."""

MIN_ANGLE = np.deg2rad(3.0)
"""Stains nearer to each other than this are one colour (grey pictures, a single stain) and cannot be told apart."""

_DARKEST = 1 / 255


def mean_stains(patients: Patients, _own: Statistics = NOTHING, _reference: Statistics = NOTHING) -> Statistics:
    """The site's stains: averaged over a patient's cases first, then over patients.

    Returns:
        "vectors": (3, 2) float64, optical density of red, green, blue per unit of haematoxylin and of eosin, columns of
        length 1; "amounts": (2,) float64, the 99th percentile of each. Nothing at all where no case is stained.
    """
    found = over_patients(patients, _stacked)
    return {} if found is None else {"vectors": _unit(found[:3]), "amounts": found[3]}


def reference_stains(shares: Sequence[Statistics], _reference: Statistics = NOTHING) -> Statistics:
    """The average of the sites' stains, at length 1 again, and of their amounts; each site counting once."""
    mean = over_sites(shares, ("vectors", "amounts"))
    return {**mean, "vectors": _unit(mean["vectors"])}


def restain(case: np.ndarray, _own: Statistics, reference: Statistics) -> np.ndarray:
    """The case's amounts of both stains, in the reference's colours and strengths; as in the paper, image by image.

    What the two stains cannot explain (pigment, pen) is lost, as in the paper. Exact-zero padding stays, and a case
    in which `stains` finds no pair of stains stays as it is.

    Args:
        case: (z, 3, y, x) float32 in [0, 1], red, green, blue.
        reference: `reference_stains`; empty leaves the case as it is.
    """
    found = stains(case) if reference else None
    if found is None:
        return case.copy()
    vectors, amounts = found
    inside = (case != 0).any(axis=1)
    strength = np.linalg.pinv(vectors) @ _density(case.transpose(1, 0, 2, 3)[:, inside])
    density = reference["vectors"] @ (strength * (reference["amounts"] / amounts)[:, None])
    result = np.zeros_like(case, dtype=np.float32)
    result.transpose(1, 0, 2, 3)[:, inside] = np.clip(10.0**-density, 0, 1)
    return result


def stains(case: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The two stains of one case, haematoxylin first, and the 99th percentile of how much of each there is.

    Optical densities of the stained pixels lie near a plane through the origin: their two leading singular vectors. The
    robust extremes of the angle in this plane are the stains.

    Args:
        case: (z, 3, y, x) float in [0, 1]; exact-zero pixels are padding.

    Returns:
        ((3, 2) unit columns, (2,)) float64; None where fewer than `MIN_STAINED` pixels are stained, where their colours
        are one, or where a stain absorbs blue as much as green: haematoxylin and eosin, blue-violet to pink, do not.
    """
    density = _density(case.transpose(1, 0, 2, 3)[:, (case != 0).any(axis=1)])
    stained = density[:, np.linalg.norm(density, axis=0) >= MIN_DENSITY]
    if stained.shape[1] < MIN_STAINED:
        return None
    plane = np.linalg.eigh(stained @ stained.T)[1][:, [2, 1]]
    plane[:, 0] *= np.sign(plane[:, 0].sum())  # densities are positive: so is the leading direction, and no angle wraps
    along, across = plane.T @ stained
    low, high = np.percentile(np.arctan2(across, along), EXTREMES)
    pair = plane @ np.array([[np.cos(low), np.cos(high)], [np.sin(low), np.sin(high)]])
    if high - low < MIN_ANGLE or (pair[1] <= pair[2]).any():
        return None
    vectors = pair[:, np.argsort(-pair[0])]  # haematoxylin absorbs more red
    amounts = np.percentile(np.linalg.pinv(vectors) @ stained, EXTREMES[1], axis=1)
    return (vectors, amounts) if (amounts > 0).all() else None


def is_stained(case: np.ndarray) -> bool:
    """Whether `stains` finds a pair of stains in the case."""
    return stains(case) is not None


def _stacked(case: np.ndarray) -> np.ndarray | None:
    """(4, 2): the case's stains and, below them, their amounts; None where there is no pair of stains."""
    found = stains(case)
    return None if found is None else np.vstack(found)


def _density(values: np.ndarray) -> np.ndarray:
    """-log10, with black at one grey level of 255."""
    return -np.log10(np.maximum(values.astype(np.float64), _DARKEST))


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=0)
    return unit
