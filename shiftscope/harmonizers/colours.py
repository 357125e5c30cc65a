"""Colours given the federation's mean and spread, picture by picture.

Reinhard et al. 2001, "Color transfer between images", IEEE Computer Graphics and Applications 21,
doi:10.1109/38.946629; in CIELAB instead of their l-alpha-beta, as is common for tissue. A site shares six numbers.
"""

from collections.abc import Sequence

import numpy as np

from shiftscope.harmonizers.averages import over_patients, over_sites
from shiftscope.harmonizers.harmonizer import NOTHING, Patients, Statistics

__all__ = ["mean_colours", "recolour", "reference_colours"]

_FLAT = 0.05
"""Spread in CIELAB units below which a channel is flat: it is moved, not stretched. 8 bits resolve about 0.4."""


def mean_colours(patients: Patients, _own: Statistics = NOTHING, _reference: Statistics = NOTHING) -> Statistics:
    """The site's colours: over a patient's cases first, then over patients; exact-zero padding does not count.

    Returns:
        "mean", "sd": (3,) float64 of L, a, b; nothing at all where no case has a foreground.
    """
    found = over_patients(patients, lambda case: _moments(_lab(case)))
    return {} if found is None else {"mean": found[0], "sd": found[1]}


def reference_colours(shares: Sequence[Statistics], _reference: Statistics = NOTHING) -> Statistics:
    """The average of the sites' means and of their spreads, each site counting once."""
    return over_sites(shares, ("mean", "sd"))


def recolour(case: np.ndarray, _own: Statistics, reference: Statistics) -> np.ndarray:
    """`(lab - mean_case) / sd_case * sd_reference + mean_reference`; as in the paper, picture by picture.

    Two patients whose tissue truly differs in colour therefore end alike, which a map per site would not do. Colours
    that no screen can show are clipped; exact-zero padding stays.

    Args:
        case: (z, 3, y, x) float32 in [0, 1], red, green, blue; one volume is one case.
        reference: `reference_colours`; empty leaves the case as it is.
    """
    inside = (case != 0).any(axis=1)
    if not reference or not inside.any():
        return case.copy()
    lab = _lab(case)
    mean, sd = _moments(lab)
    gain = np.where(sd > _FLAT, reference["sd"] / np.maximum(sd, _FLAT), 1.0)
    result = np.zeros_like(case, dtype=np.float32)
    result.transpose(0, 2, 3, 1)[inside] = _rgb((lab - mean) * gain + reference["mean"])
    return result


def _moments(lab: np.ndarray) -> np.ndarray:
    """(n, 3) -> (2, 3): mean and standard deviation."""
    return np.stack([lab.mean(axis=0), lab.std(axis=0)])


def _lab(case: np.ndarray) -> np.ndarray:
    """(z, 3, y, x) -> (n, 3) CIELAB of the foreground, float64."""
    from skimage.color import rgb2lab

    values = case.transpose(0, 2, 3, 1)[(case != 0).any(axis=1)].astype(np.float64)
    return np.asarray(rgb2lab(values), np.float64)


def _rgb(lab: np.ndarray) -> np.ndarray:
    """(n, 3) -> (n, 3) float in [0, 1]; what lies outside the colour space is brought to its border first."""
    from skimage.color import lab2rgb

    light = np.clip(lab[:, 0], 0, 100)
    blue = np.minimum(lab[:, 2], 199.999 * (light + 16) / 116)  # from 200 on the tristimulus value Z is negative
    rgb: np.ndarray = np.clip(lab2rgb(np.stack([light, lab[:, 1], blue], axis=1)), 0, 1)
    return rgb
