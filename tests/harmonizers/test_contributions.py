"""What counts as a patient with something to contribute."""

import numpy as np
import pytest

from shiftscope.harmonizers import HARMONIZERS, MIN_PATIENTS
from shiftscope.harmonizers.leakage import contrast, contrast_drop


def geometry(*spacing: float) -> np.ndarray:
    return np.array([spacing, (1, 64, 64)])


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
