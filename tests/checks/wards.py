"""Sites drawn from patients that were measured once."""

from collections.abc import Sequence
from pathlib import Path

from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Patient, Profile, SiteAccumulator
from shiftscope.sites import Site

__all__ = ["site_of"]

_SITE = Site("ward", Path("ward"), "images", (), "manifest", (), {})


def site_of(patients: Sequence[Patient], name: str = "ward") -> Profile:
    """The profile of some patients."""
    accumulator = SiteAccumulator()
    for patient in patients:
        accumulator.add(patient)
    return accumulator.profile(_SITE, 0, load_extractor(), {}).model_copy(update={"site": name})
