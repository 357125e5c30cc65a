"""One Gaussian mechanism on the sum over patients of a vector of bounded length.

Two sites that differ in one patient, present or absent, must give nearly the same profile (Dwork and Roth 2014,
doi:10.1561/0400000042). A patient is in everything a profile says, so everything is released at once: the clipped
moments of all axes and the label are one vector per patient, of bounded length, and normal noise in proportion to that
length is added to the sum over patients. All that is published is computed from the noisy sum.

OpenDP draws the noise on a grid of exact arithmetic, so that its last digits reveal nothing (Mironov 2012,
doi:10.1145/2382196.2382264), and accounts for it in zero-concentrated privacy (Bun and Steinke 2016, arXiv 1605.02065).
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from shiftscope.errors import UsageError
from shiftscope.profiles.privacy.clipping import WIDTH, norm_of
from shiftscope.profiles.sums.moment_sums import MomentSums

__all__ = [
    "BLOCK",
    "COUNT",
    "DELTA",
    "LABEL",
    "MEAN",
    "PAIRS",
    "SECOND",
    "TWICE",
    "blocks_of",
    "calibrated",
    "noised",
    "patients_needed",
    "sensitivity",
    "summed_vector",
]

DELTA = 1e-6
"""One in a million, fixed: a delta that follows the number of patients would reveal that number. Half is for the noise,
half for the names of classes."""

COUNT, MEAN, SECOND, LABEL = 0.5, 1.0, 0.6, 0.5
"""Weights: what is noised less costs the rest more. Means are what a comparison turns on."""

_SPREAD, _OFFSET = 0.15, 0.36
"""Usual share of the clipping norm, squared, that is spread within a site, and that is its mean's distance from the
public centre: public guesses, from which the number of patients needed is known in advance."""


PAIRS = np.tril_indices(WIDTH)
TWICE = np.where(PAIRS[0] == PAIRS[1], 1.0, math.sqrt(2.0))
"""The norm of a symmetric matrix is that of its lower triangle with what stands for two entries counted so."""

BLOCK = 1 + WIDTH + len(TWICE)


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
    noise = (calibrated(epsilon) * sensitivity(axes)) ** 2 * (WIDTH / MEAN**2 + offset / COUNT**2)
    return math.ceil(noise / spread)


def sensitivity(axes: int) -> float:
    """The most one patient can add to the norm: count, mean and second moment on each axis, and one label."""
    return math.sqrt(axes * (COUNT**2 + MEAN**2 + SECOND**2) + LABEL**2)


def summed_vector(parts: Sequence[MomentSums], axes: Sequence[str], labels: Mapping[str, int]) -> np.ndarray:
    """Weighted sums over patients of (1, x, xx') on each axis, in units of its norm, then the labels in order."""
    out = []
    for part, axis in zip(parts, axes, strict=True):
        total = part.sums if part.n else np.zeros(WIDTH)
        outer = part.products if part.n else np.zeros((WIDTH, WIDTH))
        norm = norm_of(axis)
        out += [[COUNT * part.n], MEAN * total / norm, SECOND * outer[PAIRS] * TWICE / norm**2]
    return np.concatenate([*out, [LABEL * labels[name] for name in sorted(labels)]])


def noised(vector: np.ndarray, sigma: float) -> np.ndarray:
    """The vector with normal noise of standard deviation `sigma` on each of its numbers."""
    return np.array(_mechanism(sigma)(vector.tolist()))


def blocks_of(blocks: np.ndarray) -> np.ndarray:
    """The numbers of all axes, a row for each: (axes, BLOCK)."""
    return blocks.reshape(-1, BLOCK)
