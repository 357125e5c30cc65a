"""Display percentiles: exact for small images, a fair sample of large ones."""

import numpy as np
import pytest

from shiftscope.images.percentiles import percentile_range


def test_small_images_are_taken_whole() -> None:
    values = np.random.default_rng(0).normal(size=(3, 40, 50)).astype(np.float32)
    assert percentile_range(values) == pytest.approx(tuple(np.percentile(values, (0.5, 99.5))))


@pytest.mark.parametrize("shape", [(24, 256, 512), (20, 300, 600), (1, 2048, 2048)])
def test_large_images_are_sampled_over_every_column(shape: tuple[int, ...]) -> None:
    """Brightness runs along x alone: a stride that shares a factor with the width would see a few columns only."""
    values = np.broadcast_to(np.linspace(0, 1, shape[2], dtype=np.float32), shape)
    low, high = percentile_range(values)
    assert low == pytest.approx(0.005, abs=0.003)
    assert high == pytest.approx(0.995, abs=0.003)


def test_nearly_empty_images_fall_back_to_their_range() -> None:
    values = np.zeros((1, 100, 100), np.float32)
    values[0, 50, 50] = 7
    assert percentile_range(values) == (0.0, 7.0)


def test_undefined_pixels_do_not_count() -> None:
    values = np.array([[[np.nan, 0.0, 1.0, np.inf]]], np.float32)
    low, high = percentile_range(values)
    assert 0 <= low < high <= 1
    assert percentile_range(np.full((1, 2, 2), np.nan, np.float32)) == (0.0, 1.0)
