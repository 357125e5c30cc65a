"""Sites drawn from patients that were measured once."""

from collections.abc import Sequence
from pathlib import Path

from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Patient, Profile, SiteAccumulator
from shiftscope.profiles.parts.origins import Origin
from shiftscope.sites import Site, case_digests

__all__ = ["site_of"]

_SITE = Site("ward", Path("ward"), "images", (), "manifest", (), {})


def site_of(patients: Sequence[Patient], name: str = "ward") -> Profile:
    """The profile of some patients."""
    accumulator = SiteAccumulator()
    for patient in patients:
        accumulator.add(patient)
    return accumulator.export(Origin.of(_SITE, 0, load_extractor(), {}, enumerate(case_digests(_SITE)))).model_copy(
        update={"site": name}
    )
