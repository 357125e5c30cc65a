"""Geometry moves image and mask together; grey levels, labels and sides stay."""

import numpy as np
import torch

from shiftscope.training.data.augmentation import ROTATION, SCALE, SHIFT, augment

SIZE = 64


def blobs(count: int) -> torch.Tensor:
    """An L-shaped blob off centre: neither its mirror image nor a turned copy of it looks the same."""
    picture = torch.zeros(count, 1, SIZE, SIZE)
    picture[:, :, 20:44, 20:28] = 1
    picture[:, :, 36:44, 20:40] = 1
    return picture


def test_masks_follow_their_image() -> None:
    images = blobs(40)
    augmented, drawn = augment(images, images.long(), np.random.default_rng(0))
    assert drawn.dtype == torch.int64
    assert ((augmented > 0.5).long() != drawn).float().mean() < 0.01
    assert augmented.is_contiguous(memory_format=torch.channels_last)
    moved = (drawn != images.long()).flatten(1).float().mean(dim=1)
    assert (moved > 0).all()


def test_half_of_the_masked_images_are_mirrored_and_none_of_the_others() -> None:
    images = blobs(200)

    def mirrored(pictures: torch.Tensor) -> float:
        nearer = [(pictures - other).abs().flatten(1).sum(dim=1) for other in (images, images.flip(-1))]
        return float((nearer[1] < nearer[0]).float().mean())

    assert 0.35 < mirrored(augment(images, images.long(), np.random.default_rng(1))[0]) < 0.65
    assert mirrored(augment(images, None, np.random.default_rng(1))[0]) == 0


def test_grey_levels_are_not_touched() -> None:
    flat = torch.full((5, 3, SIZE, SIZE), 0.3)
    torch.testing.assert_close(augment(flat, None, np.random.default_rng(2))[0], flat)


def test_areas_and_places_stay_within_the_stated_reach() -> None:
    images = blobs(300)
    _, drawn = augment(images, images.long(), np.random.default_rng(3))
    area = drawn.flatten(1).sum(dim=1) / images[0].sum()
    assert area.min() > 0.95 / (1 + SCALE) ** 2
    assert area.max() < 1.05 / (1 - SCALE) ** 2
    plain, _ = augment(blobs(300), None, np.random.default_rng(3))
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    mass = torch.stack([(plain[:, 0] * grid).sum(dim=(1, 2)) for grid in (y, x)]) / plain[:, 0].sum(dim=(1, 2))
    centre = torch.tensor([[(images[0, 0] * grid).sum() / images[0].sum()] for grid in (y, x)])
    offset = float(torch.linalg.norm(centre - (SIZE - 1) / 2))
    bound = SHIFT * SIZE * 2**0.5 / (1 - SCALE) + offset * (2 * np.sin(ROTATION / 2) + SCALE / (1 - SCALE)) + 1
    assert torch.linalg.norm(mass - centre, dim=0).max() < bound


def test_the_same_draw_gives_the_same_pictures() -> None:
    once, again = (augment(blobs(4), blobs(4).long(), np.random.default_rng(4))[0] for _ in range(2))
    assert torch.equal(once, again)
