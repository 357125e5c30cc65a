"""Canvases: antialiased, within range, nearest for masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from shiftscope.images import canvas, mask_canvas

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40))


@given(arrays.arrays(np.float32, SHAPES, elements=st.floats(0, 1, width=32)), st.integers(1, 48))
@settings(max_examples=60, deadline=None)
def test_canvas_has_its_shape_and_stays_within_the_values(pixels: np.ndarray, size: int) -> None:
    out = canvas(pixels, size)
    assert out.shape == (len(pixels), 1, size, size)
    assert out.dtype == np.float32
    assert pixels.min() - 1e-6 <= out.min() <= out.max() <= pixels.max() + 1e-6


def test_canvas_of_colour_is_the_canvas_of_each_channel() -> None:
    pixels = np.random.default_rng(0).random((2, 30, 50, 3), np.float32)
    out = canvas(pixels, 24)
    assert out.shape == (2, 3, 24, 24)
    for channel in range(3):
        np.testing.assert_array_equal(out[:, channel], canvas(pixels[..., channel], 24)[:, 0])


def test_shrinking_averages_instead_of_skipping() -> None:
    fine = np.tile(np.array([[0.0, 1.0], [1.0, 0.0]], np.float32), (64, 64))[None]
    out = canvas(fine, 16)[0, 0]
    assert np.abs(out - 0.5).max() < 0.02  # plain sampling would give 0 or 1


def test_shrinking_is_the_triangle_filter() -> None:
    """Against weights written out: support of one source-to-target ratio on either side of each centre."""
    row = np.random.default_rng(1).random(40).astype(np.float32)
    pixels = np.tile(row, (10, 1))[None]
    out = canvas(pixels, 10)[0, 0]
    ratio = 4.0
    centres = (np.arange(10) + 0.5) * ratio
    weights = np.clip(1 - np.abs(np.arange(40) + 0.5 - centres[:, None]) / ratio, 0, None)
    expected = (weights / weights.sum(axis=1, keepdims=True)) @ row
    np.testing.assert_allclose(out, np.tile(expected, (10, 1)), atol=1e-5)


def test_a_canvas_of_the_same_size_is_a_copy() -> None:
    pixels = np.random.default_rng(0).random((1, 16, 16), np.float32)
    out = canvas(pixels, 16)
    np.testing.assert_array_equal(out[:, 0], pixels)
    assert not np.shares_memory(out, pixels)


@given(arrays.arrays(np.uint8, SHAPES, elements=st.integers(0, 4)), st.integers(1, 48))
@settings(max_examples=60, deadline=None)
def test_mask_canvas_invents_no_label(mask: np.ndarray, size: int) -> None:
    out = mask_canvas(mask, size)
    assert out.shape == (len(mask), size, size)
    assert out.dtype == mask.dtype
    assert set(np.unique(out)) <= set(np.unique(mask))


@pytest.mark.parametrize(("width", "size"), [(8, 16), (30, 12), (17, 23)])
def test_mask_canvas_takes_the_pixel_under_each_centre(width: int, size: int) -> None:
    mask = np.random.default_rng(2).integers(0, 5, (1, width, width)).astype(np.uint16)
    places = np.minimum(((np.arange(size) + 0.5) * width / size).astype(int), width - 1)
    np.testing.assert_array_equal(mask_canvas(mask, size)[0], mask[0][np.ix_(places, places)])


def test_mask_and_image_shrink_in_step() -> None:
    """The resized mask covers the resized image's bright disc: no half-pixel shift between the two filters."""
    y, x = np.mgrid[:200, :160]
    disc = ((y - 80) ** 2 / 40**2 + (x - 90) ** 2 / 30**2) < 1
    bright, labels = canvas(disc[None].astype(np.float32), 64)[0, 0], mask_canvas(disc[None].astype(np.uint8), 64)[0]
    np.testing.assert_allclose(ndimage.center_of_mass(bright), ndimage.center_of_mass(labels), atol=0.15)
