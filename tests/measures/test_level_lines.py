"""Lines at a level are those of scikit-image, and lie on shapes that are known."""

import math

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import find_contours

from shiftscope.measures.lesions.level_lines import longest_line


def largest(values: np.ndarray, level: float) -> np.ndarray:
    return max(find_contours(values, level), key=lambda line: float(np.ptp(line[:, 0]) * np.ptp(line[:, 1])))


@pytest.mark.parametrize("seed", range(60))
def test_the_line_is_that_of_scikit_image_point_by_point(seed: int) -> None:
    """Blobs of every raggedness, with holes and squares that two lines cross."""
    rng = np.random.default_rng(seed)
    blobs = ndimage.gaussian_filter(rng.random(rng.integers(3, 50, 2)), rng.uniform(0.1, 3)) > 0.5
    blobs[0, 0] = True
    soft = ndimage.gaussian_filter(np.pad(blobs.astype(np.float32), 5), 0.7)
    level = min(0.5, float(soft.max()) / 2)
    np.testing.assert_array_equal(longest_line(soft, level), largest(soft, level))


def test_corners_that_touch_are_two_lines() -> None:
    """What is higher is connected along sides alone: two pixels that share a corner are two squares."""
    values = np.zeros((8, 9))
    values[2, 2] = values[3, 3] = values[3, 6] = 1.0
    line = longest_line(values, 0.5)
    assert len(line) == 5
    np.testing.assert_allclose(line.mean(axis=0)[::-1], [2, 2], atol=0.2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_cone_is_cut_in_a_circle(dtype: type) -> None:
    y, x = np.mgrid[:61, :71]
    cone = np.maximum(0, 20 - np.hypot(y - 30.25, x - 33.5)).astype(dtype)
    line = longest_line(cone, 5.0)
    np.testing.assert_allclose(np.hypot(line[:, 0] - 30.25, line[:, 1] - 33.5), 15, atol=0.02)
    np.testing.assert_array_equal(line[0], line[-1])
    steps = np.hypot(*np.diff(line, axis=0).T)
    assert steps.sum() == pytest.approx(2 * math.pi * 15, rel=1e-3)


def test_the_largest_of_several_is_taken_and_the_first_of_equals() -> None:
    values = np.zeros((30, 40))
    values[3:6, 30:33] = values[10:20, 5:15] = values[22:25, 30:33] = 1.0
    assert longest_line(values, 0.5)[:, 1].max() == 14.5
    values[10:20, 5:15] = 0
    assert longest_line(values, 0.5)[:, 0].max() == 5.5
