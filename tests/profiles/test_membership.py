"""What a profile reveals of who is in it, by attack: less than it did, and the attacks do work."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shiftscope.measures.features.extractors import Extractor, load_extractor
from shiftscope.profiles import Patient, Profile, widths
from shiftscope.sites import Site

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from membership import attacked, auc, best, phantom_patients

SITE = Site("attacked", Path("attacked"), "images", (), "manifest", (), {})


def plain(profile: Profile) -> Profile:
    return profile


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return load_extractor()


@pytest.fixture(scope="module")
def patients(extractor: Extractor) -> list[Patient]:
    return phantom_patients(150, extractor)


@pytest.fixture(scope="module")
def strangers(extractor: Extractor) -> list[Patient]:
    """Another hospital's, with other anatomy: the attacker has no patients of the hospital he attacks."""
    return phantom_patients(80, extractor, seed=1, anatomy="chest")


@pytest.fixture
def old_rule() -> Iterator[None]:
    kept = widths.PATIENTS_PER_COORDINATE, widths.FEWEST
    widths.PATIENTS_PER_COORDINATE, widths.FEWEST = 2.5, 10
    yield
    widths.PATIENTS_PER_COORDINATE, widths.FEWEST = kept


def found(
    patients: list[Patient], extractor: Extractor, n: int, draws: int, strangers: list[Patient] | None = None
) -> dict[str, float]:
    rng = np.random.default_rng(0)
    return attacked(SITE, patients, extractor, n, draws, rng, {"": plain}, strangers or ())[""]


def test_auc_is_the_share_of_pairs_in_order() -> None:
    assert auc(np.array([2.0, 3.0]), np.array([1.0, 0.0])) == 1.0
    assert auc(np.array([1.0, 3.0]), np.array([2.0, 2.0])) == 0.5


def test_from_elsewhere_a_hundred_patients_hide_each_other(
    patients: list[Patient], strangers: list[Patient], extractor: Extractor
) -> None:
    assert best(found(patients, extractor, 100, 6, strangers)) <= 0.65


@pytest.mark.usefixtures("old_rule")
def test_the_rule_that_was_gave_patients_away(
    patients: list[Patient], strangers: list[Patient], extractor: Extractor
) -> None:
    """So the attack can find a member: 2.5 patients a coordinate, at 20 patients."""
    assert best(found(patients, extractor, 20, 3, strangers), "own") > 0.8


def test_with_patients_of_the_same_hospital_members_are_found(patients: list[Patient], extractor: Extractor) -> None:
    """What remains, and only differential privacy would change: twenty patients, and an attacker who has others of the
    very same hospital. The limit shows when it becomes worse, the lower one that the attack is no straw man."""
    by_size = {n: best(found(patients, extractor, n, 3)) for n in (20, 60)}
    assert 0.7 < by_size[20] < 0.97
    assert by_size[60] < by_size[20]
