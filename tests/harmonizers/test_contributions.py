"""What counts as a patient with something to tell."""

import numpy as np
import pytest
from slides import RUIFROK, tile, tissue

from shiftscope.harmonizers import HARMONIZERS, MIN_PATIENTS
from shiftscope.harmonizers.leakage import contrast, contrast_drop

SHARING = {name: chosen for name, chosen in HARMONIZERS.items() if chosen.shares}


def geometry(*spacing: float) -> np.ndarray:
    return np.array([spacing, (1, 64, 64)])


def contributing_case(name: str) -> np.ndarray:
    rng = np.random.default_rng(1)
    return {
        "geometry": geometry(5, 0.5, 0.5),
        "features": rng.normal(size=9),
        "colour": tile(tissue(rng), RUIFROK),
        "pixels": rng.uniform(0.1, 0.9, (1, 1, 16, 16)).astype(np.float32),
    }[SHARING[name].on]


def silent_case(name: str) -> np.ndarray:
    if name == "macenko":
        return np.full((1, 3, 48, 48), 0.98, np.float32)  # glass
    if name == "resample":
        return geometry(np.nan, np.nan, np.nan)
    return np.zeros_like(contributing_case(name))


@pytest.mark.parametrize("name", SHARING)
def test_a_case_contributes_where_there_is_something_to_learn_from_it(name: str) -> None:
    assert SHARING[name].contributes(contributing_case(name))
    assert not SHARING[name].contributes(silent_case(name))


@pytest.mark.parametrize("name", [name for name, chosen in SHARING.items() if chosen.on != "features"])
def test_who_does_not_tell_adds_nothing(name: str) -> None:
    """Beside them, a silent patient leaves the first pass as it is: a share rests on those who are counted."""
    told, silent = contributing_case(name), silent_case(name)
    learn = SHARING[name].exchanges[0].share
    alone, beside = learn([[told]], {}, {}), learn([[told], [silent]], {}, {})
    assert alone
    assert alone.keys() == beside.keys()
    for key, array in alone.items():
        np.testing.assert_allclose(beside[key], array)


@pytest.mark.parametrize("spacing", [(1, 1, 0), (1, -1, 1), (np.inf, 1, 1)])
def test_a_spacing_no_scanner_has_tells_nothing(spacing: tuple[float, ...]) -> None:
    assert not HARMONIZERS["resample"].contributes(geometry(*spacing))


def frames(count: int) -> tuple[list[float | None], list[float | None]]:
    """Lesions that stood out and do so half as much."""
    rng = np.random.default_rng(2)
    target = np.zeros((1, 24, 24), np.uint8)
    target[0, 8:16, 8:16] = 1
    before, after = [], []
    for _ in range(count):
        noise = rng.normal(0.5, 0.1, (1, 1, 24, 24))
        before.append(contrast(noise + 0.2 * target, target))
        after.append(contrast(noise + 0.1 * target, target))
    return before, after


def test_twelve_frames_of_one_patient_say_nothing_of_lesions() -> None:
    before, after = frames(12)
    assert contrast_drop(before, after, patients=["p"] * 12) is None
    assert contrast_drop(before, after, patients=[f"p{index % 9}" for index in range(12)]) is None
    ten = contrast_drop(before, after, patients=[f"p{index % MIN_PATIENTS}" for index in range(12)])
    assert ten is not None
    assert ten.cases == 12
    assert ten.drop > 0.3


def test_patients_whose_cases_had_no_contrast_do_not_count() -> None:
    before, after = frames(12)
    blank = [None if index < 3 else value for index, value in enumerate(before)]
    assert contrast_drop(blank, after) is None
    assert contrast_drop([None, *blank[1:2], *before[2:]], after) is not None
