"""What of one patient enters a private profile: leading coordinates, pulled in to a public norm."""

import math
from collections.abc import Mapping

import numpy as np

from shiftscope.measures.basis import load_basis

__all__ = ["PRIVATE_AXES", "WIDTH", "clipped", "norm_of"]

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

_NORMS = dict.fromkeys(PRIVATE_AXES, 1.75) | {"colour": 0.9, "layout": 0.9, "boundary": 2.5}
"""The norms that patients are clipped to, in units of the square root of the numbers behind an axis. Those have unit
robust spread in the public corpus, but four coordinates hold less of it on some axes. Most patients are nearer."""


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


def norm_of(axis: str) -> float:
    """The norm that coordinates are clipped to."""
    return _NORMS[axis] * math.sqrt(len(load_basis()[0][axis].directions))
