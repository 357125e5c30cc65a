"""Styles mixed while training: moments by hand, only other sites' styles, nothing outside the batch and the table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shiftscope.harmonizers import HARMONIZERS, fit
from shiftscope.harmonizers.styles import ALPHA, mean_style, mix_styles

MIXSTYLE = HARMONIZERS["mixstyle"]
BATCH = np.random.default_rng(0).uniform(0.4, 0.6, (200, 1, 8, 8)).astype(np.float32)
OWN = {"mean": np.array([0.5]), "sd": np.array([0.05])}
TABLE = {"mean": np.array([[0.5], [0.3], [0.7]]), "sd": np.array([[0.05], [0.02], [0.01]])}


def test_the_share_by_hand() -> None:
    two = np.array([0.2, 0.6], dtype=np.float32).reshape(1, 1, 1, 2)
    style = mean_style([[np.pad(two, ((0, 0), (0, 0), (1, 1), (0, 0)))], [two + 0.2, two + 0.4]])
    assert style["mean"].item() == pytest.approx((0.4 + 0.7) / 2)
    assert style["sd"].item() == pytest.approx(0.2)
    assert mean_style([[np.zeros((1, 1, 4, 4), dtype=np.float32)]]) == {}


def test_moments_lie_where_the_paper_puts_them() -> None:
    mixed = mix_styles(BATCH, OWN, TABLE, np.random.default_rng(7))
    again = np.random.default_rng(7)
    drawn = np.array([1, 2])[again.integers(2, size=200)]
    weight = again.beta(ALPHA, ALPHA, size=(200, 1))[:, 0]
    for index in range(200):
        x, w, site = BATCH[index, 0].astype(np.float64), weight[index], drawn[index]
        beta = w * x.mean() + (1 - w) * TABLE["mean"][site, 0]
        gamma = w * x.std() + (1 - w) * TABLE["sd"][site, 0]
        np.testing.assert_allclose(mixed[index, 0], gamma * (x - x.mean()) / x.std() + beta, atol=1e-5)


def test_most_images_end_near_one_style_or_the_other() -> None:
    means = mix_styles(BATCH, OWN, TABLE, np.random.default_rng(1)).mean(axis=(1, 2, 3))
    near = np.abs(means[:, None] - [0.3, 0.5, 0.7]).min(axis=1) < 0.03
    assert 0.7 < near.mean() < 1
    assert {0.3, 0.5, 0.7} == {round(float(mean), 1) for mean in means[near]}


def test_its_own_style_is_never_drawn() -> None:
    table = {"mean": np.array([[0.5], [0.5]]), "sd": np.array([[0.05], [0.05]])}
    np.testing.assert_array_equal(mix_styles(BATCH, OWN, table, np.random.default_rng(0)), BATCH)
    alone = {"mean": np.array([[0.5]]), "sd": np.array([[0.05]])}
    np.testing.assert_array_equal(mix_styles(BATCH, OWN, alone, np.random.default_rng(0)), BATCH)
    np.testing.assert_array_equal(mix_styles(BATCH, OWN, {}, np.random.default_rng(0)), BATCH)
    assert (mix_styles(BATCH, {}, TABLE, np.random.default_rng(0)) != BATCH).any()  # too small to share: all are others


def test_what_is_judged_is_never_mixed() -> None:
    case = BATCH[:2]
    owns, reference = fit(MIXSTYLE, {"a": [[case]] * 10, "b": [[case**2]] * 10})
    np.testing.assert_array_equal(MIXSTYLE.apply(case, owns["a"], reference), case)
    assert MIXSTYLE.mix is not None
    np.testing.assert_array_equal(
        MIXSTYLE.mix(case, owns["a"], reference, np.random.default_rng(3)),
        MIXSTYLE.mix(case, owns["a"], reference, np.random.default_rng(3)),
    )


def test_padding_neither_counts_nor_changes() -> None:
    padded = np.pad(BATCH, ((0, 0), (0, 0), (2, 2), (2, 2)))
    before = padded.copy()
    mixed = mix_styles(padded, OWN, TABLE, np.random.default_rng(5))
    np.testing.assert_array_equal(padded, before)
    np.testing.assert_allclose(
        mixed[:, :, 2:-2, 2:-2], mix_styles(BATCH, OWN, TABLE, np.random.default_rng(5)), atol=1e-6
    )
    assert (mixed[padded == 0] == 0).all()


@settings(deadline=None, max_examples=40)
@given(arrays(np.float32, (4, 3, 4, 4), elements=st.floats(0, 1, width=32)), st.integers(0, 99))
def test_any_batch_stays_in_range(batch: np.ndarray, seed: int) -> None:
    table = {"mean": np.array([[0.0] * 3, [1.0] * 3]), "sd": np.array([[0.5] * 3, [0.0] * 3])}
    mixed = mix_styles(batch, {}, table, np.random.default_rng(seed))
    assert (mixed.shape, mixed.dtype) == (batch.shape, np.float32)
    assert np.isfinite(mixed).all()
    assert 0 <= mixed.min() <= mixed.max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_shared_has_one_size_whatever_the_site(channels: int) -> None:
    for count, size in ((10, 8), (30, 16)):
        share = mean_style([[np.full((2, channels, size, size), 0.3, dtype=np.float32)]] * count)
        assert sum(array.nbytes for array in share.values()) == 16 * channels
