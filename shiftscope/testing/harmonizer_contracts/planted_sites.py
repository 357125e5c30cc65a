"""Small federations for every kind of case a harmonizer acts on: three sites, the third on another scanner."""

from collections.abc import Callable
from functools import cache

import numpy as np

from shiftscope.phantoms import Hospital, Phantom, draw_hospital
from shiftscope.testing.harmonizer_contracts.stained_tiles import EOSIN_RICH, RUIFROK, tile, tissue

__all__ = ["FORMS", "PALE", "SITES", "Sites", "as_case", "planted"]

Sites = dict[str, list[list[np.ndarray]]]
"""site -> patients -> cases."""

SITES = ("east", "west", "other")
PALE = (("gamma", -0.7), ("contrast", 0.3))
"""What the third site's scanner does to its images."""

FORMS: dict[str, tuple[str, ...]] = {
    "pixels": ("grey", "colour", "volume"),
    "colour": ("slides",),
    "features": ("features",),
    "geometry": ("geometry",),
}
"""What a harmonizer is `on` -> the federations it is tried on."""


@cache
def planted(
    form: str, patients: int = 12, cases: int = 1, *, seed: int = 0, size: int = 48, shift: bool = True
) -> Sites:
    """Three sites of `patients` with `cases` each; without `shift` the third is a further draw of the first two.

    The arrays cannot be written to: a harmonizer that works in place fails.
    """
    drawn = {}
    for number, site in enumerate(SITES):
        rng = np.random.default_rng([seed, number])
        flat = _DRAW[form](rng, patients * cases, size, shift and site == "other")
        for case in flat:
            case.flags.writeable = False
        drawn[site] = [flat[start : start + cases] for start in range(0, len(flat), cases)]
    return drawn


def as_case(phantom: Phantom) -> np.ndarray:
    """(1, c, y, x)."""
    return np.moveaxis(phantom.pixels, -1, 0)[None] if phantom.is_colour else phantom.pixels[None, None]


def _phantoms(anatomy: str) -> Callable[[np.random.Generator, int, int, bool], list[np.ndarray]]:
    def draw(rng: np.random.Generator, count: int, size: int, shifted: bool) -> list[np.ndarray]:
        hospital = Hospital(count, plants=PALE if shifted else ())
        return [as_case(phantom) for phantom in draw_hospital(anatomy, hospital, rng, size=size)]

    return draw


def _volumes(rng: np.random.Generator, count: int, size: int, shifted: bool) -> list[np.ndarray]:
    slices = _phantoms("chest")(rng, 3 * count, size, shifted)
    return [np.concatenate(slices[start : start + 3]) for start in range(0, len(slices), 3)]


def _slides(rng: np.random.Generator, count: int, size: int, shifted: bool) -> list[np.ndarray]:
    vectors, strength = (EOSIN_RICH, (0.7, 1.0)) if shifted else (RUIFROK, (1.0, 0.8))
    return [tile(tissue(rng, size), vectors, strength) for _ in range(count)]


def _features(rng: np.random.Generator, count: int, _size: int, shifted: bool) -> list[np.ndarray]:
    site = np.random.default_rng(99).normal(0, 1, (2, 64)) if shifted else np.zeros((2, 64))
    return list(site[0] + rng.normal(0, 1, (count, 64)) * np.exp(0.3 * site[1]))


def _geometries(rng: np.random.Generator, count: int, _size: int, shifted: bool) -> list[np.ndarray]:
    step = 0.9 if shifted else 0.5
    steps = step * np.exp(rng.normal(0, 0.02, count)) if shifted else np.full(count, step)
    return [np.array([[5, mm, mm], [1, 100, 120]], np.float64) for mm in steps]


_DRAW = {
    "grey": _phantoms("ultrasound"),
    "colour": _phantoms("endoscopy"),
    "volume": _volumes,
    "slides": _slides,
    "features": _features,
    "geometry": _geometries,
}
