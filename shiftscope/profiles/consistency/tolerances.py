"""How far the numbers of an honest profile may be apart: rounding, and the noise of a private profile."""

from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shiftscope.profiles.profile_document import Profile

__all__ = ["DEVIATIONS", "ROUNDING", "slack"]

DEVIATIONS = 8.0
"""How far a noisy count may be off, in standard deviations of its noise: a chance of 1e-15."""

ROUNDING = 1e-4
"""Share by which a number may be off that is computed from several published ones."""


def slack(profile: "Profile") -> float:
    """How far two counts of patients may be apart through noise."""
    return 0.0 if profile.privacy is None else DEVIATIONS * sqrt(2.0) * profile.privacy.count_noise
