"""Profiles of sites whose patients are drawn numbers: no image is measured, so there can be many."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from shiftscope.measures import AXES, MEASURES
from shiftscope.profiles import Profile
from shiftscope.profiles.parts.origins import Origin
from shiftscope.profiles.patients.patient_averages import Patient
from shiftscope.profiles.sums.site_accumulator import SiteAccumulator

GOLDEN = Profile.read(Path(__file__).parent / "golden" / "profile-1.json")
COORDINATES = 4
MASKS = ("intensity_outside", "lesion", "morphology", "boundary")
PLAIN = tuple(axis for axis in AXES if axis not in (*MASKS, "morphology_3d", "colour"))
NUMBERS = ("noise", "sharpness", "local_contrast", "brightness", "eccentricity", "solidity", "centroid_x")


def drawn_site(
    rng: np.random.Generator,
    name: str,
    n: int = 40,
    moved: Mapping[str, float] | None = None,
    masks: bool = True,
    classes: bool = True,
    scanner: str = "",
) -> Profile:
    """A profile of `n` patients of unit variance, moved by so many deviations on the first coordinate of some axes, or
    on measures, a tenth of whose range is a deviation."""
    far, axes = moved or {}, (*PLAIN, *(MASKS if masks else ()))
    sums = SiteAccumulator()
    for row in range(n):
        coordinates = {axis: rng.standard_normal(COORDINATES) for axis in axes}
        for axis in far.keys() & coordinates.keys():
            coordinates[axis][0] += far[axis]
        numbers = {}
        for measure in NUMBERS:
            low, high = MEASURES[measure].range
            value = (low + high) / 2 + (high - low) / 10 * (rng.standard_normal() + far.get(measure, 0.0))
            numbers[measure] = np.array(np.clip(value, low, high))
        sums.add(
            Patient(
                cases=1,
                masks=int(masks),
                label=None if not classes else "ill" if row % 2 else "well",
                coordinates=coordinates,
                numbers=numbers,
                acquisition={"model": scanner} if scanner else {},
                depths=frozenset({"2-D"}),
                colour=False,
            )
        )
    return sums.export(
        Origin(
            site=name,
            layout=GOLDEN.layout,
            patient_source="manifest",
            seed=0,
            recipe=GOLDEN.recipe,
            excluded={},
            people=(),
            cases=(hashlib.sha256(name.encode()).hexdigest(),),
        )
    )
