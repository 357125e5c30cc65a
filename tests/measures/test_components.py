"""Pieces and holes are those of scikit-image, and what is found once serves every measure."""

import numpy as np
import pytest
from skimage.measure import euler_number, label, regionprops

from shiftscope.measures.lesions import boundary, morphology
from shiftscope.measures.lesions.components import components_less_holes
from shiftscope.measures.lesions.drawn_pixels import Foreground


def drawn(seed: int, *shape: int) -> np.ndarray:
    """Some pixels, few or nearly all of them."""
    rng = np.random.default_rng(seed)
    region = rng.random(shape) < rng.uniform(0.02, 0.95)
    region[(-1,) * len(shape)] = True
    return region


@pytest.mark.parametrize("seed", range(40))
def test_pieces_less_holes_are_those_of_scikit_image(seed: int) -> None:
    region = drawn(seed, 1 + seed % 13, 1 + seed % 17)
    assert components_less_holes(region) == euler_number(region, connectivity=2)


@pytest.mark.parametrize("shape", [(30, 40), (6, 12, 15)])
@pytest.mark.parametrize("seed", range(10))
def test_the_largest_component_is_that_of_scikit_image(seed: int, shape: tuple[int, ...]) -> None:
    mask = drawn(seed, *shape)
    found = Foreground(mask).largest_component
    pieces = regionprops(label(mask, connectivity=len(shape)))
    largest = max(pieces, key=lambda piece: piece.area)
    np.testing.assert_array_equal(found.region, largest.image)
    assert found.box == tuple(
        slice(*ends) for ends in zip(largest.bbox[: len(shape)], largest.bbox[len(shape) :], strict=True)
    )
    assert found.size == largest.area
    assert sorted(found.sizes) == sorted(piece.area for piece in pieces)
    np.testing.assert_allclose(np.add(found.start, found.mean), largest.centroid)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_found_once_serves_every_measure(seed: int) -> None:
    mask = drawn(seed, 1, 40, 50)
    pixels = np.random.default_rng(seed).random(mask.shape, np.float32)
    foreground = Foreground.of(mask)
    assert morphology.measure_foreground(foreground) == morphology.measure(mask)
    assert boundary.measure_foreground(pixels, foreground) == boundary.measure(pixels, mask)
