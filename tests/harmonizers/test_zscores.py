"""Standardized cases: moments, range, padding."""

import numpy as np

from shiftscope.harmonizers import HARMONIZERS
from shiftscope.harmonizers.zscores import RANGE_SD, standardize

CASE = np.random.default_rng(0).uniform(0.2, 0.6, (3, 1, 20, 20)).astype(np.float32)


def test_moments_are_the_same_for_every_case() -> None:
    for case in (CASE, CASE**2, CASE * 0.5 + 0.3):
        result = standardize(case, {}, {})
        assert abs(result.mean() - 0.5) < 1e-3
        assert abs(result.std() - 1 / (2 * RANGE_SD)) < 2e-3


def test_a_linear_change_of_grey_levels_disappears() -> None:
    np.testing.assert_allclose(standardize(CASE * 0.5 + 0.3, {}, {}), standardize(CASE, {}, {}), atol=1e-5)


def test_padding_neither_counts_nor_changes() -> None:
    padded = np.pad(CASE, ((0, 0), (0, 0), (5, 5), (0, 0)))
    result = standardize(padded, {}, {})
    assert (result[:, :, :5] == 0).all()
    np.testing.assert_array_equal(result[:, :, 5:-5], standardize(CASE, {}, {}))


def test_range_is_kept_and_flat_or_empty_cases_are_defined() -> None:
    outlier = CASE.copy()
    outlier[0, 0, 0, 0] = 1.0
    assert standardize(outlier, {}, {}).max() <= 1
    assert (standardize(np.full_like(CASE, 0.4), {}, {}) == 0.5).all()
    assert (standardize(np.zeros_like(CASE), {}, {}) == 0).all()


def test_channels_are_scaled_apart() -> None:
    colour = np.concatenate([CASE, CASE * 0.3, CASE**2], axis=1)
    result = standardize(colour, {}, {})
    np.testing.assert_allclose(result.mean(axis=(0, 2, 3)), 0.5, atol=1e-3)


def test_nothing_is_shared() -> None:
    assert not HARMONIZERS["zscore"].shares
    assert not HARMONIZERS["zscore"].shares
