"""Blocks of volumes: where they lie, how they are filled up, how a batch is made of them."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_hospitals import plan_for
from volumes_on_disk import ball_sample

from shiftscope.plans import Plan
from shiftscope.training.data.augmentation import augment
from shiftscope.training.data.batches import draw
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.data.patches import draw_patch, margins, padded, tiles


@pytest.fixture
def plan(hospitals: dict[str, Path]) -> Plan:
    return plan_for(hospitals, image_size=32, patch=(8, 16, 16), batch_size=4)


def test_a_batch_has_the_size_of_the_patch_whatever_the_volumes_have(plan: Plan) -> None:
    samples = [ball_sample(seed, (depth, 32, 32)) for seed, depth in enumerate((1, 5, 8, 13))]
    for images, masks in islice(draw(samples, plan, np.random.default_rng(0)), 3):
        assert images.shape == (4, 1, 8, 16, 16)
        assert masks.shape == (4, 1, 8, 16, 16)
        assert images.dtype == torch.float32
        assert masks.dtype == torch.int64
        assert images.is_contiguous(memory_format=torch.channels_last_3d)
        assert 0 <= float(images.min()) <= float(images.max()) <= 1


def test_half_of_a_batch_is_around_a_lesion_that_chance_would_hardly_meet(plan: Plan) -> None:
    pixels, target = np.full((40, 1, 32, 32), 0.5, np.float16), np.zeros((40, 32, 32), np.uint8)
    target[33, 20, 9] = 1
    batches = islice(draw([Sample("p", pixels, target)], plan, np.random.default_rng(1)), 30)
    met = np.array([masks.amax(dim=(1, 2, 3, 4)).tolist() for _, masks in batches])
    assert met[:, ::2].mean() > 0.85  # resampling to the nearest pixel may lose one of a single voxel
    assert met[:, 1::2].mean() < 0.4


def test_a_block_around_foreground_is_centred_on_it_and_stays_inside(plan: Plan) -> None:
    for place in ((20, 16, 16), (0, 0, 31), (39, 31, 0)):
        target = np.zeros((40, 32, 32), np.uint8)
        target[place] = 1
        pixels = np.arange(40, dtype=np.float16)[:, None, None, None] + np.zeros((1, 1, 32, 32), np.float16)
        block, labels = draw_patch(Sample("p", pixels, target), plan, np.random.default_rng(2), lesion=True)
        down, across = margins(plan)
        assert labels is not None
        inner = labels[:, down:-down, across:-across]
        start = [
            min(max(0, at - width // 2), most - width)
            for at, width, most in zip(place, plan.patch, (40, 32, 32), strict=True)
        ]
        assert np.argwhere(inner).tolist() == [[at - first for at, first in zip(place, start, strict=True)]]
        np.testing.assert_array_equal(block[0, :, 0, 0], np.arange(start[0], start[0] + 8))


def test_missing_slices_and_margins_repeat_the_edge(plan: Plan) -> None:
    levels = np.array([1, 2, 3], np.float16)[:, None, None, None] / 4
    sample = Sample(
        "p", np.broadcast_to(levels, (3, 1, 32, 32)), np.broadcast_to(levels[:, 0] * 4, (3, 32, 32)).astype(np.uint8)
    )
    block, labels = draw_patch(sample, plan, np.random.default_rng(3), lesion=False)
    assert block.shape == (1, 8, 24, 24)
    assert labels is not None
    np.testing.assert_array_equal(block[0, :, 5, 5] * 4, [1, 1, 1, 2, 3, 3, 3, 3])
    np.testing.assert_array_equal(labels[:, 5, 5], [1, 1, 1, 2, 3, 3, 3, 3])
    np.testing.assert_array_equal(padded(sample.pixels, 8)[:, 0, 0, 0], block[0, :, 0, 0])
    assert padded(sample.pixels, 2) is sample.pixels


def test_every_place_is_drawn(plan: Plan) -> None:
    pixels = np.arange(20, dtype=np.float16)[:, None, None, None] + np.zeros((1, 1, 32, 32), np.float16)
    rng = np.random.default_rng(4)
    starts = {float(draw_patch(Sample("p", pixels, 1), plan, rng, lesion=False)[0].min()) for _ in range(300)}
    assert starts == set(range(13))


def test_one_generator_one_stream(plan: Plan) -> None:
    samples = [ball_sample(seed, (10, 32, 32)) for seed in range(3)]
    one, same, other = (
        torch.cat([images for images, _ in islice(draw(samples, plan, np.random.default_rng(seed)), 3)])
        for seed in (5, 5, 6)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_all_slices_of_a_block_are_turned_alike_as_the_slice_is(plan: Plan) -> None:
    """A block as wide as the canvas, all slices the same, is augmented as that slice would be."""
    whole = plan.model_copy(update={"patch": (8, 32, 32), "batch_size": 2})
    slice_ = ball_sample(0, (9, 32, 32)).pixels[4:5]
    sample = Sample("p", np.repeat(slice_, 8, axis=0), np.zeros((8, 32, 32), np.uint8))
    rng = np.random.default_rng(7)
    images, _ = next(draw([sample], whole, rng))
    again = np.random.default_rng(7)
    again.permutation(1), again.permutation(1)
    for _ in range(6):
        again.integers(1)
    flat = torch.from_numpy(np.repeat(slice_, 2, axis=0).astype(np.float32))
    expected, _ = augment(flat, torch.zeros(2, 1, 32, 32, dtype=torch.int64), again)
    assert not torch.allclose(expected[0], expected[1], atol=0.05)
    for z in range(8):
        torch.testing.assert_close(images[:, :, z].contiguous(), expected.contiguous())


def test_what_a_harmonizer_mixes_has_one_style_a_block(plan: Plan) -> None:
    shapes = []

    def mix(batch: np.ndarray, _rng: np.random.Generator) -> np.ndarray:
        shapes.append(batch.shape)
        return batch * 0

    images, _ = next(draw([ball_sample(0, (10, 32, 32))], plan, np.random.default_rng(8), mix))
    assert shapes == [(4, 1, 8 * 24, 24)]
    assert not images.any()


@given(st.tuples(*[st.integers(8, 60)] * 3), st.tuples(*[st.integers(8, 24)] * 3))
def test_tiles_cover_a_volume_and_none_sticks_out(shape: tuple[int, int, int], patch: tuple[int, int, int]) -> None:
    shape = tuple(max(pair) for pair in zip(shape, patch, strict=True))
    covered = np.zeros(shape, int)
    for tile in tiles(shape, patch):
        assert covered[tile].shape == patch
        covered[tile] += 1
    assert covered.min() >= 1
    assert covered.max() <= 27
