"""Many sites of planted groups: one profile with its averages moved, as many times as there are sites."""

from collections.abc import Mapping

import numpy as np

from shiftscope.profiles import Profile
from shiftscope.reports.html.material import SharedFile

__all__ = ["ODD", "planted_group", "planted_sites", "shared"]

ODD = (37, 141)
"""Places of the two sites that stand alone, each in its own way."""

_NOISE = 0.1  # standard deviations of patients by which every average lies off
_STEPS: Mapping[object, Mapping[str, float]] = {
    0: {},
    1: {"texture": 1.5, "noise": 1.5},
    ODD[0]: {"intensity": 6.0, "intensity_outside": 6.0},
    ODD[1]: {"layout": 7.0},
}
"""Group or odd site -> by how many standard deviations of patients an axis is moved."""


def planted_group(place: int) -> object:
    """Of a site: two in three are of the first group, the others of the second."""
    return place if place in ODD else int(place % 3 == 2)


def planted_sites(base: Profile, count: int, *, alike: bool = False) -> list[Profile]:
    """Profiles of two groups and the odd sites; or of sites that differ by noise alone."""
    rng = np.random.default_rng(3)
    return [_moved(base, place, {} if alike else _STEPS[planted_group(place)], rng) for place in range(count)]


def _moved(base: Profile, place: int, steps: Mapping[str, float], rng: np.random.Generator) -> Profile:
    sketches = {}
    for axis, sketch in base.sketches.items():
        if sketch is not None:
            deviations = np.sqrt(np.diag(sketch.moments.cov))
            step = _NOISE * rng.standard_normal(len(deviations))
            step[1:2] += steps.get(axis, 0.0)
            step[: int(axis == "morphology")] = 0.0  # the area of lesions, at which all other axes are held equal
            sketch = sketch.model_copy(update={"mean": sketch.mean + step * deviations})
        sketches[axis] = sketch
    measures = {
        name: item.model_copy(update={"mean": item.mean + _NOISE * item.sd * rng.standard_normal()})
        for name, item in base.measures.items()
    }
    changes = {"site": f"hospital {place:03d}", "fingerprint": f"{place:064x}"}
    return base.model_copy(update={**changes, "sketches": sketches, "measures": measures})


def shared(profiles: list[Profile]) -> tuple[SharedFile, ...]:
    """As if they had been read from files."""
    return tuple(SharedFile(profile, len(profile.to_json()), f"{place:064x}") for place, profile in enumerate(profiles))
