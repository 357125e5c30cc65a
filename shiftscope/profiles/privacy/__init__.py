"""Differential privacy for a profile: one Gaussian mechanism on clipped sums.

In: sums over patients of `clipped` coordinates, and what the owner declares.
Out: `private_profile -> Profile`, computed from noisy sums alone. `gaussian_mechanism` says what is promised, and why.
"""

from shiftscope.profiles.privacy.clipping import PRIVATE_AXES, WIDTH, clipped, norm_of
from shiftscope.profiles.privacy.gaussian_mechanism import DELTA, calibrated, patients_needed
from shiftscope.profiles.privacy.private_profiles import MECHANISM, axes_of, private_profile, require_declared

__all__ = [
    "DELTA",
    "MECHANISM",
    "PRIVATE_AXES",
    "WIDTH",
    "axes_of",
    "calibrated",
    "clipped",
    "norm_of",
    "patients_needed",
    "private_profile",
    "require_declared",
]
