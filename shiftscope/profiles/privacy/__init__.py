"""Differential privacy for a profile: one Gaussian mechanism on clipped sums.

Two sites that differ in one patient, present or absent, must give nearly the same profile (Dwork and Roth 2014,
doi:10.1561/0400000042). A patient is in everything a profile says, so everything is released at once: the clipped
moments of all axes and the label are one vector per patient, of bounded length, and normal noise in proportion to that
length is added to the sum over patients. All that is published is computed from the noisy sum.

In: sums over patients of `clipped` coordinates, and what the owner declares. Out: `private_profile -> Profile`.
"""

from shiftscope.profiles.privacy.clipping import PRIVATE_AXES, WIDTH, clipped, norm_of
from shiftscope.profiles.privacy.gaussian_mechanism import DELTA, calibrated, patients_needed
from shiftscope.profiles.privacy.private_profiles import axes_of, private_profile, require_declared

__all__ = [
    "DELTA",
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
