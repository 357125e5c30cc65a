"""N4 on phantoms whose field is known, and what it leaves alone."""

import sys

import numpy as np
import pytest

from shiftscope.errors import UsageError
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.harmonizers.bias_fields import correct_bias

SIZE = 64
Y, X = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
DISC = np.hypot(Y, X) < 0.9
FIELD = np.exp(0.4 * X - 0.3 * Y)


def phantom(count: int = 1, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Two tissues in a disc with a little noise, exactly zero around it."""
    tissue = np.where(np.hypot(Y - 0.2, X) < 0.4, 0.45, 0.3)
    noise = np.random.default_rng(seed).normal(0, 0.005, (count, channels, SIZE, SIZE))
    return (DISC * (tissue + noise)).astype(np.float32)


def unevenness(case: np.ndarray) -> float:
    """How much the outer tissue's brightness varies, relative to its mean."""
    values = case[0, 0][DISC & (np.hypot(Y - 0.2, X) > 0.45)]
    return float(values.std() / values.mean())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_planted_field_is_taken_off(channels: int) -> None:
    uneven = (phantom(channels=channels) * FIELD).astype(np.float32)
    corrected = correct_bias(uneven, {}, {})
    assert unevenness(uneven) > 0.2
    assert unevenness(corrected) < 0.25 * unevenness(uneven)
    assert corrected[DISC[None, None].repeat(channels, 1)].mean() == pytest.approx(
        uneven[DISC[None, None].repeat(channels, 1)].mean(), rel=1e-3
    )


def test_a_volume_has_one_field() -> None:
    uneven = (phantom(10) * FIELD).astype(np.float32)
    corrected = correct_bias(uneven, {}, {})
    assert unevenness(corrected) < 0.35 * unevenness(uneven)
    ratio = corrected[:, 0][:, DISC] / uneven[:, 0][:, DISC]
    assert np.abs(ratio - ratio.mean(axis=0)).max() < 0.1


def test_channels_keep_their_proportions() -> None:
    uneven = (phantom(channels=3) * FIELD * np.array([1, 0.7, 0.4])[:, None, None]).astype(np.float32)
    corrected = correct_bias(uneven, {}, {})
    ratio = corrected[0][:, DISC] / uneven[0][:, DISC]
    np.testing.assert_allclose(ratio, ratio[[0, 0, 0]], rtol=1e-4)


def test_padding_the_input_and_the_result_of_a_second_run_stay() -> None:
    uneven = (phantom() * FIELD).astype(np.float32)
    before = uneven.copy()
    corrected = correct_bias(uneven, {}, {})
    np.testing.assert_array_equal(uneven, before)
    assert (corrected[uneven == 0] == 0).all()
    np.testing.assert_array_equal(correct_bias(uneven, {}, {}), corrected)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 5, 7), (9, 1, 12, 12), (1, 1, 130, 20)])
def test_what_has_no_field_is_left_or_at_least_in_range(shape: tuple[int, ...]) -> None:
    for value in (0.0, 0.4, 1.0):
        flat = np.full(shape, value, dtype=np.float32)
        np.testing.assert_allclose(correct_bias(flat, {}, {}), flat, atol=1e-6)
    point = np.zeros(shape, dtype=np.float32)
    point[0, 0, 0, 0] = 0.5
    np.testing.assert_array_equal(correct_bias(point, {}, {}), point)
    noise = np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)
    result = correct_bias(noise, {}, {})
    assert (result.shape, result.dtype) == (shape, np.float32)
    assert np.isfinite(result).all()
    assert 0 <= result.min() <= result.max() <= 1


def test_a_missing_library_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(UsageError, match=r"n4 needs SimpleITK; install it with: pip install"):
        correct_bias(phantom(), {}, {})


def test_nothing_is_shared() -> None:
    assert not HARMONIZERS["n4"].shares
