"""Crops of lesions whose place and size are known because they were drawn."""

import pytest
import torch

from shiftscope.measures.features import layout_features
from shiftscope.measures.lesions.crops import crops

SIDE = 128


def drawn(y: float, x: float, radius: float, squash: float = 1.0, spokes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """A lesion with a pattern of its own on an even ground: (1, SIDE, SIDE) float64, and its mask."""
    rows, columns = torch.meshgrid(*(torch.arange(SIDE, dtype=torch.float64),) * 2, indexing="ij")
    down, right = (rows + 0.5 - y) / radius / squash, (columns + 0.5 - x) / radius
    far = torch.hypot(down, right)
    pattern = 0.5 + 0.3 * torch.cos(spokes * torch.atan2(down, right)) * torch.exp(-((far - 0.8) ** 2) / 0.3)
    return pattern[None], (far <= 1)[None]


def crop(y: float, x: float, radius: float, **kinds: float) -> torch.Tensor:
    return crops(*drawn(y, x, radius, **kinds))


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().mean())


@pytest.mark.parametrize(("y", "x", "radius"), [(40, 80, 20), (90.5, 44.25, 20), (64, 64, 38), (60, 70, 11)])
def test_the_same_lesion_elsewhere_or_larger_is_the_same_crop(y: float, x: float, radius: float) -> None:
    """Against other lesions, more than ten times as far; a pixel at the mask's edge is what is left."""
    reference = crop(64, 64, 24)
    others = [crop(64, 64, 24, spokes=2), crop(64, 64, 24, spokes=5), crop(64, 64, 24, squash=0.6)]
    assert apart(crop(y, x, radius), reference) < 0.2 * min(apart(other, reference) for other in others)


@pytest.mark.parametrize("radius", [14.0, 28.0])
def test_layout_of_the_crop_is_of_the_lesion_and_not_of_its_place(radius: float) -> None:
    reference = layout_features.vector(crop(64, 64, 24))
    same = float((layout_features.vector(crop(50, 74, radius)) - reference).square().mean())
    other = float((layout_features.vector(crop(64, 64, 24, spokes=4)) - reference).square().mean())
    assert same < 0.2 * other


def test_the_longer_side_sets_the_crop() -> None:
    """A lesion half as high as broad stays half as high: the box is square, 1.6 times its longer side."""
    _, mask = drawn(64, 64, 30, squash=0.5)
    found = crops(mask.double(), mask)[0] > 0.5
    assert found.any(dim=0).sum() / SIDE == pytest.approx(1 / 1.6, abs=0.03)
    assert found.any(dim=1).sum() / SIDE == pytest.approx(0.5 / 1.6, abs=0.03)
    for axis in (0, 1):
        places = torch.nonzero(found.any(dim=axis))
        assert (places.min() + places.max() + 1) / 2 == pytest.approx(SIDE / 2, abs=2)


def test_a_mask_at_the_border_sees_black_beyond_it() -> None:
    pixels, mask = torch.full((1, SIDE, SIDE), 0.7, dtype=torch.float64), torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    mask[0, :32, 50:82] = True
    found = crops(pixels, mask)[0]
    margin = SIDE * (1.6 - 1) / 2 / 1.6
    assert (found[: int(margin) - 2] == 0).all()
    assert found[int(margin) + 2 :].numpy() == pytest.approx(0.7)


def test_a_mask_that_is_the_whole_picture_shows_it_whole() -> None:
    pixels = torch.rand(1, SIDE, SIDE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = crops(pixels, torch.ones_like(pixels, dtype=torch.bool))[0]
    kept = round(SIDE / 1.6)
    assert (found[SIDE // 2] > 0).sum() == pytest.approx(kept, abs=3)
    assert found[:20].max() == 0


def test_single_pixels_are_not_blown_up() -> None:
    """The least crop is 6 % of the canvas: a few pixels in it, not one."""
    pixels = torch.rand(1, SIDE, SIDE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mask = torch.zeros_like(pixels, dtype=torch.bool)
    mask[0, 60, 70] = True
    found = crops(pixels, mask)
    assert found.std() > 0.3 * pixels.std()
    mask[0, 59:62, 69:72] = True  # its neighbours change nothing: the crop is at its least
    torch.testing.assert_close(crops(pixels, mask), found, atol=1e-6, rtol=0)


def test_without_a_mask_there_is_no_crop_and_no_layout() -> None:
    pixels, mask = drawn(64, 64, 24)
    both = torch.cat([mask, torch.zeros_like(mask)])
    found = crops(pixels.expand(2, -1, -1), both)
    assert torch.isfinite(found[0]).all()
    assert torch.isnan(found[1]).all()
    layout = layout_features.vector(found)
    torch.testing.assert_close(layout[:1], layout_features.vector(found[:1]), atol=1e-12, rtol=0)
    assert torch.isnan(layout[1]).any()


def test_crops_do_not_depend_on_the_batch() -> None:
    pairs = [drawn(40 + 3 * k, 80 - 2 * k, 10 + 4 * k) for k in range(6)]
    pixels, masks = torch.cat([pair[0] for pair in pairs]), torch.cat([pair[1] for pair in pairs])
    whole = crops(pixels, masks)
    torch.testing.assert_close(torch.cat([crops(*pair) for pair in pairs]), whole, atol=0, rtol=0)
    torch.testing.assert_close(crops(pixels.flip(0), masks.flip(0)).flip(0), whole, atol=0, rtol=0)


def test_a_smaller_crop_is_the_means_of_a_larger_one() -> None:
    pixels, masks = (torch.cat(kind) for kind in zip(drawn(40, 80, 20), drawn(5, 120, 30), strict=True))
    masks[1, 0, 0] = True
    small = torch.nn.functional.avg_pool2d(crops(pixels, masks)[:, None], 4)[:, 0]
    torch.testing.assert_close(crops(pixels, masks, 32), small, atol=1e-12, rtol=0)


@pytest.mark.parametrize(("y", "x", "radius"), [(40, 80, 20), (3, 125, 30), (64, 64, 1)])
def test_crops_are_bilinear_samples(y: float, x: float, radius: float) -> None:
    """Against torch's sampler, which takes pixels one by one."""
    pixels, mask = drawn(y, x, radius)
    places = [torch.nonzero(mask[0].any(dim=axis)) for axis in (0, 1)]  # columns, then rows
    half = max(0.06, 1.6 * max(int(place.max() - place.min()) + 1 for place in places) / SIDE)
    centre = [(int(place.max() + place.min()) + 1) / SIDE - 1 for place in places]
    frame = torch.tensor([[[half, 0, centre[0]], [0, half, centre[1]]]], dtype=torch.float64)
    grid = torch.nn.functional.affine_grid(frame, [1, 1, SIDE, SIDE], align_corners=False)
    expected = torch.nn.functional.grid_sample(pixels[:, None], grid, align_corners=False)[:, 0]
    torch.testing.assert_close(crops(pixels, mask), expected, atol=1e-12, rtol=0)


def test_a_crop_of_an_even_image_is_even() -> None:
    """In single precision its weights would leave a pattern, and layout divides by how little there is."""
    _, mask = drawn(64, 64, 20)
    found = crops(torch.full((1, SIDE, SIDE), 0.3), mask, 32)
    torch.testing.assert_close(found, torch.full_like(found, float(torch.tensor(0.3))), atol=1e-14, rtol=0)
