"""One physical scale: what is a centimetre stays a centimetre, and a label stays a label."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from shiftscope.errors import InputError
from shiftscope.harmonizers.resampling import common_geometry, median_geometry, resample_case, resampled_geometry

RNG = np.random.default_rng(0)


def geometry(spacing: tuple[float, float, float], pixels: tuple[int, int, int]) -> np.ndarray:
    return np.array([spacing, pixels], np.float64)


def disc(spacing: float, size: int, radius_mm: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    """A disc of known size in millimetres around the centre, its edge soft by one pixel."""
    place = (np.arange(size) - (size - 1) / 2) * spacing
    depth = (radius_mm - np.hypot(place[:, None], place)) / spacing
    return np.clip(0.5 + depth, 0, 1).astype(np.float32)[None, None], (depth > 0).astype(np.uint8)[None]


def test_spacing_and_field_of_the_case_give_the_case() -> None:
    pixels = RNG.uniform(0, 1, (2, 3, 20, 31)).astype(np.float32)
    mask = RNG.integers(0, 4, (2, 20, 31)).astype(np.int16)
    result, labels = resample_case(pixels, mask, (3, 0.7, 0.7), (3, 0.7, 0.7), (6, 14, 21.7))
    np.testing.assert_array_equal(result, pixels)
    np.testing.assert_array_equal(labels, mask)
    assert labels.dtype == np.int16


def test_enlarging_is_linear_interpolation() -> None:
    pixels = RNG.uniform(0, 1, (1, 1, 16, 16)).astype(np.float32)
    result, _ = resample_case(pixels, None, (1, 1, 1), (1, 0.4, 0.4), (1, 16, 16))
    place = 7.5 + (np.arange(40) - 19.5) * 0.4
    expected = map_coordinates(
        pixels[0, 0].astype(float), np.meshgrid(place, place, indexing="ij"), order=1, mode="nearest"
    )
    np.testing.assert_allclose(result[0, 0], expected, atol=1e-5)


def test_shrinking_does_not_alias() -> None:
    stripes = np.tile(np.array([0, 1], np.float32), 60)[None, None, None, :].repeat(120, axis=2)
    result, _ = resample_case(stripes, None, (1, 1, 1), (1, 2.9, 2.9), (1, 100, 100))
    assert np.ptp(result) < 0.12
    assert abs(result.mean() - 0.5) < 0.01


def test_a_disc_has_the_same_size_in_pixels_whatever_the_scanner() -> None:
    areas, contents = [], []
    for spacing, size in ((0.25, 160), (0.5, 100), (0.9, 70)):
        pixels, mask = disc(spacing, size)
        result, labels = resample_case(pixels, mask, (1, spacing, spacing), (1, 0.5, 0.5), (1, 30, 30))
        assert result.shape == (1, 1, 60, 60)
        assert labels is not None
        areas.append(labels.sum() * 0.25)
        contents.append(result.sum() * 0.25)
    np.testing.assert_allclose(areas, np.pi * 64, rtol=0.03)
    np.testing.assert_allclose(contents, np.pi * 64, rtol=0.02)


def test_a_smaller_case_is_padded_and_a_larger_one_cut_about_the_centre() -> None:
    pixels = np.ones((1, 1, 10, 30), np.float32)
    result, labels = resample_case(pixels, np.ones((1, 10, 30), np.uint8), (1, 1, 1), (1, 1, 1), (1, 20, 20))
    expected = np.zeros((20, 20))
    expected[5:15] = 1
    np.testing.assert_array_equal(result[0, 0], expected)
    np.testing.assert_array_equal(labels[0], expected)


@settings(deadline=None, max_examples=60)
@given(
    spacing=st.tuples(*[st.floats(0.2, 3)] * 3),
    to=st.tuples(*[st.floats(0.3, 3)] * 3),
    field=st.tuples(*[st.floats(1, 40)] * 3),
    depth=st.booleans(),
)
def test_values_and_labels_are_those_that_were_there(
    spacing: tuple[float, ...], to: tuple[float, ...], field: tuple[float, ...], depth: bool
) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.uniform(0.2, 0.9, (4, 1, 9, 12)).astype(np.float32)
    mask = rng.choice([0, 3, 7], (4, 9, 12)).astype(np.uint8)
    before = pixels.copy(), mask.copy()
    result, labels = resample_case(pixels, mask, spacing, to, field, depth=depth)
    assert result.dtype == np.float32
    assert labels is not None
    assert labels.dtype == np.uint8
    assert labels.shape == (result.shape[0], *result.shape[2:])
    assert set(np.unique(labels)) <= {0, 3, 7}
    assert result.min() >= 0
    assert result.max() <= pixels.max() + 1e-6
    assert depth or len(result) == 4
    np.testing.assert_array_equal(pixels, before[0])
    np.testing.assert_array_equal(mask, before[1])


def test_slices_are_resampled_only_when_asked() -> None:
    volume = RNG.uniform(0, 1, (6, 1, 8, 8)).astype(np.float32)
    flat, _ = resample_case(volume, None, (4, 1, 1), (2, 1, 1), (24, 8, 8))
    deep, labels = resample_case(volume, np.ones((6, 8, 8), np.uint8), (4, 1, 1), (2, 1, 1), (24, 8, 8), depth=True)
    np.testing.assert_array_equal(flat, volume)
    assert deep.shape == (12, 1, 8, 8)
    assert labels is not None
    assert labels.shape == (12, 8, 8)
    np.testing.assert_allclose(deep[1:-1:2], 0.75 * volume[:-1] + 0.25 * volume[1:], atol=1e-6)


@pytest.mark.parametrize("spacing", [(1, 0, 1), (1, 1, np.nan), (1, -1, 1)])
def test_unknown_spacing_is_refused(spacing: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="expected positive numbers"):
        resample_case(np.ones((1, 1, 4, 4), np.float32), None, spacing, (1, 1, 1), (4, 4, 4))


@pytest.mark.parametrize(("step", "field"), [(1e-6, 64.0), (1.0, 1e9), (0.001, 17.0)])
def test_more_pixels_than_any_case_has_are_refused(step: float, field: float) -> None:
    with pytest.raises(InputError, match="too fine, or a field that is too large"):
        resample_case(np.zeros((1, 1, 8, 8)), None, (1, 1, 1), (1, step, step), (1, field, field))


def test_medians_over_patients_then_over_sites() -> None:
    fine, coarse, far = (
        geometry((1, 0.5, 0.5), (1, 100, 80)),
        geometry((1, 1, 1), (1, 90, 90)),
        geometry((9, 9, 9), (9, 9, 9)),
    )
    share = median_geometry([[fine, fine, fine], [coarse], [coarse]])
    np.testing.assert_array_equal(share["spacing_mm"], [1, 1, 1])
    np.testing.assert_array_equal(share["field_mm"], [1, 90, 90])
    reference = common_geometry([share, median_geometry([[fine]]), median_geometry([[far]])])
    np.testing.assert_array_equal(reference["spacing_mm"], [1, 1, 1])
    np.testing.assert_array_equal(reference["field_mm"], [1, 81, 81])


def test_cases_that_do_not_say_their_spacing_do_not_count() -> None:
    silent = geometry((np.nan, np.nan, np.nan), (1, 10, 10))
    known = geometry((1, 2, 2), (1, 10, 10))
    np.testing.assert_array_equal(median_geometry([[silent], [known, silent]])["spacing_mm"], [1, 2, 2])
    assert median_geometry([[silent]]) == {}
    np.testing.assert_array_equal(resampled_geometry(silent, {}, median_geometry([[known]])), silent)


def test_the_told_geometry_is_that_of_the_resampled_case() -> None:
    reference = median_geometry([[geometry((2, 0.5, 0.4), (3, 33, 50))]])
    case = geometry((3, 0.8, 0.8), (4, 20, 25))
    result, _ = resample_case(
        np.ones((4, 1, 20, 25), np.float32), None, case[0], reference["spacing_mm"], reference["field_mm"]
    )
    resampled = resampled_geometry(case, {}, reference)
    np.testing.assert_array_equal(resampled[1], [4, *result.shape[2:]])
    np.testing.assert_array_equal(resampled[0], [3, 0.5, 0.4])
    np.testing.assert_array_equal(resampled_geometry(resampled, {}, reference), resampled)
