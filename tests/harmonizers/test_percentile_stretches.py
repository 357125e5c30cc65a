"""Stretched cases: where the percentiles go, padding, and what has no range."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.exposure import rescale_intensity

from shiftscope.harmonizers import HARMONIZERS
from shiftscope.harmonizers.percentile_stretches import stretch

CASE = np.random.default_rng(0).uniform(0.2, 0.6, (3, 1, 20, 20)).astype(np.float32)


def test_as_scikit_image_does_it() -> None:
    low, high = np.percentile(CASE, (1, 99))
    expected = rescale_intensity(CASE, in_range=(float(low), float(high)), out_range=(0.0, 1.0))
    np.testing.assert_allclose(stretch(CASE, {}, {}), expected, atol=1e-6)


def test_a_linear_change_of_grey_levels_disappears() -> None:
    np.testing.assert_allclose(stretch(CASE * 0.5 + 0.3, {}, {}), stretch(CASE, {}, {}), atol=1e-5)


def test_padding_neither_counts_nor_changes() -> None:
    padded = np.pad(CASE, ((0, 0), (0, 0), (5, 5), (0, 0)))
    result = stretch(padded, {}, {})
    assert (result[:, :, :5] == 0).all()
    np.testing.assert_array_equal(result[:, :, 5:-5], stretch(CASE, {}, {}))


def test_channels_are_stretched_apart() -> None:
    colour = np.concatenate([CASE, CASE * 0.3 + 0.1, CASE * 0.5], axis=1)
    result = stretch(colour, {}, {})
    np.testing.assert_allclose(result[:, 1:], result[:, [0, 0]], atol=1e-5)


def test_what_has_no_range_is_defined() -> None:
    assert (stretch(np.full_like(CASE, 0.4), {}, {}) == 0.5).all()
    assert (stretch(np.zeros_like(CASE), {}, {}) == 0).all()
    point = np.zeros_like(CASE)
    point[0, 0, 3, 3] = 0.7
    assert stretch(point, {}, {})[0, 0, 3, 3] == 0.5
    assert np.count_nonzero(stretch(point, {}, {})) == 1


@settings(deadline=None, max_examples=40)
@given(arrays(np.float32, (2, 1, 5, 5), elements=st.floats(0, 1, width=32)))
def test_order_and_range_are_kept(case: np.ndarray) -> None:
    result = stretch(case, {}, {})
    inside = case != 0
    order = np.argsort(case[inside])
    assert (np.diff(result[inside][order]) >= 0).all()
    assert result.min(initial=0) >= 0
    assert result.max(initial=1) <= 1


def test_nothing_is_shared() -> None:
    assert not HARMONIZERS["percentile"].shares
