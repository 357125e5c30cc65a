"""Profiles of the planted federations, and patients of which sites are drawn."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from shiftscope.measures.features.extractors import load_extractor
from shiftscope.phantoms import ANATOMIES, write_site
from shiftscope.profiles import Options, Patient, Profile, patients_of, profile_site
from shiftscope.sites import read_site


@pytest.fixture(scope="session")
def planted(fixtures: Path) -> Callable[[str], Profile]:
    """ "federation/site" of fixtures -> its profile, measured once."""

    @cache
    def profile(name: str) -> Profile:
        return profile_site(read_site(fixtures / name), load_extractor(), Options())[0]

    return profile


@pytest.fixture(scope="session")
def patients(tmp_path_factory: pytest.TempPathFactory) -> list[Patient]:
    """120 patients with masks, alike but for chance, half of them with another label."""
    rng = np.random.default_rng(5)
    folder = tmp_path_factory.mktemp("ward")
    write_site([ANATOMIES["ultrasound"](rng, size=48) for _ in range(120)], folder, layout="manifest", format="png")
    return [*patients_of(read_site(folder), load_extractor(), Options(), [])]
