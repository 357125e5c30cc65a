"""The analytic part of the default extractor, against plain loops and images whose answer is known."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import rankdata

from shiftscope.measures.features.binary_patterns import pattern_shares
from shiftscope.measures.features.edge_directions import edge_strengths
from shiftscope.measures.features.rank_features import directions, ranks, thumbnail


def pictures(size: int, levels: int | None = None) -> torch.Tensor:
    """(3, size, size) of noise, with many equal pixels where it has few levels; one of them flat."""
    noise = torch.rand(3, size, size, generator=torch.Generator().manual_seed(size))
    noise[1] = 0.25
    return noise if levels is None else (noise * levels).round() / levels


@pytest.mark.parametrize("levels", [None, 8])
def test_ranks_are_ordinal_ranks_of_the_means_of_cells(levels: int | None) -> None:
    images = pictures(128, levels)
    cells = images.numpy().reshape(3, 64, 2, 64, 2)
    means = ((cells[:, :, 0, :, 0] + cells[:, :, 0, :, 1]) + cells[:, :, 1, :, 0]) + cells[:, :, 1, :, 1]
    expected = (rankdata(means.reshape(3, -1), method="ordinal", axis=1) - 1) / 4095
    np.testing.assert_allclose(ranks(images).flatten(1), expected, atol=1e-6)


@pytest.mark.parametrize("size", [64, 96, 256])
def test_ranks_of_any_size_are_those_of_its_pooled_canvas(size: int) -> None:
    images = pictures(size)
    pooled = torch.nn.functional.adaptive_avg_pool2d(images, 64)
    assert torch.equal(ranks(images), ranks(pooled.repeat_interleave(2, 1).repeat_interleave(2, 2)))


def test_two_zeros_are_one() -> None:
    images = torch.zeros(1, 128, 128)
    images[0, :64] = -0.0
    assert torch.equal(ranks(images), torch.linspace(0, 1, 4096).view(1, 64, 64))


@pytest.mark.parametrize("levels", [None, 5])
def test_patterns_are_those_of_a_plain_loop(levels: int | None) -> None:
    images = pictures(20, levels)
    around = [(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]
    expected = np.zeros((3, 2, 10))
    for index, image in enumerate(images.numpy()):
        for radius in (1, 2):
            for y in range(radius, 20 - radius):
                for x in range(radius, 20 - radius):
                    bits = [image[y + radius * dy, x + radius * dx] >= image[y, x] for dy, dx in around]
                    runs = sum(bits[i] != bits[i - 1] for i in range(8))
                    expected[index, radius - 1, sum(bits) if runs <= 2 else 9] += 1
    expected /= expected.sum(axis=2, keepdims=True)
    np.testing.assert_allclose(pattern_shares(images), expected.reshape(3, 20), atol=1e-6)


def test_patterns_of_an_image_do_not_see_its_neighbours_in_the_batch() -> None:
    images = pictures(32)
    assert torch.equal(pattern_shares(images)[1:2], pattern_shares(images[1:2]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("degrees", [0, 10, 30, 75, 90, 120, 165, 179, 180, 200, 315])
def test_a_slope_votes_for_the_two_directions_beside_its_own(degrees: float, dtype: torch.dtype) -> None:
    """By how near they are, in every place alike, and the same whichever end is up."""
    angle = math.radians(degrees)
    y, x = np.mgrid[:32, :32]
    slope = torch.from_numpy(0.01 * (x * math.cos(angle) + y * math.sin(angle))).to(dtype)[None]
    place = degrees % 180 / 30
    gaps = [abs(place - k) for k in range(6)]
    expected = [0.02 * max(0.0, 1 - min(gap, 6 - gap)) for gap in gaps]
    for image in (slope, -slope):
        found = edge_strengths(image)
        assert found.shape == (1, 6, 4, 4)
        assert found.dtype == dtype
        np.testing.assert_allclose(found[0].amin(dim=(1, 2)), expected, atol=2e-6)
        np.testing.assert_allclose(found[0].amax(dim=(1, 2)), expected, atol=2e-6)


def test_votes_are_strengths() -> None:
    """What all directions hold of a place is the mean gradient there, pooled as torch pools."""
    image = pictures(66)
    dy, dx = image[:, 2:, 1:-1] - image[:, :-2, 1:-1], image[:, 1:-1, 2:] - image[:, 1:-1, :-2]
    expected = torch.nn.functional.adaptive_avg_pool2d(torch.hypot(dx, dy), 4)
    torch.testing.assert_close(edge_strengths(image).sum(dim=1), expected, atol=1e-5, rtol=1e-5)


def test_features_of_ranks_have_their_sizes() -> None:
    ranked = ranks(pictures(128))
    assert thumbnail(ranked).shape == (3, 64)
    shares = directions(ranked).view(3, 6, 16).sum(dim=1)
    assert ((shares > 0.5) & (shares < 1)).all()
