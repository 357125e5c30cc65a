"""Local contrast: scikit-image on grey, hue kept on colour, nothing made of nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.color import rgb2hsv
from skimage.exposure import equalize_adapthist

from shiftscope.harmonizers import HARMONIZERS
from shiftscope.harmonizers.local_contrasts import equalize

CASE = np.random.default_rng(0).uniform(0.4, 0.6, (2, 1, 32, 40)).astype(np.float32)
COLOUR = np.random.default_rng(1).uniform(0.2, 0.8, (1, 3, 32, 32)).astype(np.float32)


def test_each_grey_slice_is_what_scikit_image_makes_of_it() -> None:
    for pixels, found in zip(CASE, equalize(CASE, {}, {}), strict=True):
        np.testing.assert_allclose(found[0], equalize_adapthist(pixels[0].astype(np.float64)), atol=1e-6)


def test_contrast_grows_where_it_is_low() -> None:
    assert equalize(CASE, {}, {}).std() > 2 * CASE.std()


def test_hue_and_saturation_stay_and_brightness_is_scikit_images() -> None:
    before, after = (rgb2hsv(np.moveaxis(case[0], 0, -1)) for case in (COLOUR, equalize(COLOUR, {}, {})))
    bright = after[..., 2] > 0.05
    np.testing.assert_allclose(after[bright][:, :2], before[bright][:, :2], atol=1e-4)
    np.testing.assert_allclose(after[..., 2], equalize_adapthist(before[..., 2].astype(np.float64)), atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_a_flat_slice_stays(value: float) -> None:
    flat = np.full((2, 1, 16, 16), value, dtype=np.float32)
    np.testing.assert_array_equal(equalize(flat, {}, {}), flat)


def test_padding_and_the_input_stay() -> None:
    padded = np.pad(CASE, ((0, 0), (0, 0), (4, 4), (4, 4)))
    before = padded.copy()
    assert (equalize(padded, {}, {})[padded == 0] == 0).all()
    np.testing.assert_array_equal(padded, before)
    point = np.zeros((1, 1, 16, 16), dtype=np.float32)
    point[0, 0, 3, 3] = 0.5
    assert np.count_nonzero(equalize(point, {}, {})) <= 1


@settings(deadline=None, max_examples=30)
@given(
    arrays(np.float32, st.tuples(st.just(2), st.just(3), *[st.integers(1, 12)] * 2), elements=st.floats(0, 1, width=32))
)
def test_any_case_of_any_size_stays_in_range(pixels: np.ndarray) -> None:
    result = equalize(pixels, {}, {})
    assert (result.shape, result.dtype) == (pixels.shape, np.float32)
    assert np.isfinite(result).all()
    assert 0 <= result.min() <= result.max() <= 1


def test_nothing_is_shared() -> None:
    assert not HARMONIZERS["clahe"].shares
