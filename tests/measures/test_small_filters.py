"""Filters of 3 x 3 pixels against scipy's, and medians, histograms and windows that are made in another way."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from shiftscope.measures.appearance import intensity
from shiftscope.measures.appearance.small_filters import immerkaer, laplacian, mean_of_nine

KERNELS = {
    immerkaer: np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]]),
    laplacian: np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
    mean_of_nine: np.full((3, 3), 1 / 9),
}


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("filtered", KERNELS, ids=lambda function: function.__name__)
def test_filters_are_those_of_scipy(filtered) -> None:
    images = noise(3, 17, 22).double()
    expected = [ndimage.correlate(image, KERNELS[filtered].astype(float))[1:-1, 1:-1] for image in images.numpy()]
    np.testing.assert_allclose(filtered(images), expected, atol=1e-13)


@pytest.mark.parametrize("filtered", KERNELS, ids=lambda function: function.__name__)
def test_single_precision_adds_in_the_order_of_a_convolution(filtered) -> None:
    """Row by row: what a median picks, or a level falls into, must not depend on how a sum was made."""
    images = noise(2, 40, 40)
    kernel = KERNELS[filtered] if filtered is not mean_of_nine else np.ones((3, 3))
    total = np.zeros((2, 38, 38), np.float32)
    for y in range(3):
        for x in range(3):
            total = total + np.float32(kernel[y, x]) * images.numpy()[:, y : y + 38, x : x + 38]
    np.testing.assert_array_equal(filtered(images), total / np.float32(9) if filtered is mean_of_nine else total)


def test_filters_change_no_image() -> None:
    images = noise(2, 12, 12)
    before = images.clone()
    for filtered in KERNELS:
        filtered(images)
    assert torch.equal(images, before)


def test_quantiles_of_what_is_kept_are_those_of_it_alone() -> None:
    """Whatever the rest of the image holds; to a cell of the histogram against numpy's."""
    images = noise(4, 50, 50)
    keep = noise(4, 50, 50, seed=1) < torch.tensor([0.9, 0.5, 0.15, 0.05])[:, None, None]
    found = intensity.quantiles(images, keep)
    assert torch.equal(found[:3], intensity.quantiles(torch.where(keep, images, 0.99), keep)[:3])
    assert found[3].isnan().all()  # less than a tenth is kept
    for index in range(3):
        values = images[index][keep[index]].double().numpy()
        expected = np.quantile(values, intensity.LEVELS, method="inverted_cdf")
        np.testing.assert_allclose(found[index], expected, atol=2 / 4096 + 5 / len(values))


@pytest.mark.parametrize("size", [16, 50, 128])
def test_surroundings_are_what_a_square_around_no_pixel_of_the_mask_holds(size: int) -> None:
    masks = noise(3, size, size) > torch.tensor([0.999, 0.5, 2.0])[:, None, None]
    masks[0, 0, 0] = masks[0, size - 1, size // 2] = True
    margin = max(1, round(intensity.OUTSIDE_MARGIN * size))
    square = np.ones((2 * margin + 1,) * 2)
    for mask, around in zip(masks, intensity.surroundings(masks), strict=True):
        np.testing.assert_array_equal(around, ~ndimage.binary_dilation(mask.numpy(), square))


def test_the_foreground_is_all_where_hardly_anything_is_not_black() -> None:
    images = torch.full((3, 20, 20), 4 / 255)
    images[0, :2] = 0.5
    images[1, :2, 1:] = 0.5
    within = torch.ones(3, 20, 20, dtype=torch.bool)
    within[:, 0] = False
    assert torch.equal(intensity.foreground(images)[0], images[0] == 0.5)  # a tenth, to the pixel
    assert intensity.foreground(images)[1:].all()
    assert torch.equal(intensity.foreground(images, within), within)  # a twentieth is left


def test_the_variance_of_a_bright_flat_image_is_not_lost() -> None:
    """The mean of squares less the square of the mean would be off by a hundredth of it."""
    images = 0.9 + 1e-3 * (noise(4, 64, 64).double() - 0.5)
    expected = images.flatten(1).var(dim=1, correction=0)
    torch.testing.assert_close(intensity.variance(images.float()).double(), expected, rtol=1e-4, atol=0)
