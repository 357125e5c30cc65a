"""Heads on maps: the same as on maps made finer first, the loss MONAI has, Dice as training is judged by."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate, one_hot

from shiftscope.training.evaluation.scores import dice
from shiftscope.training.rehearsals.mixing_weights import GRID, best_weight
from shiftscope.training.rehearsals.pixel_heads import FeatureMaps, _loss, descend_maps, map_logits, maps_of

SHAPES = ((3, 8, 8), (5, 4, 4))
SIZE = 32


def drawn(count: int = 6, outputs: int = 2, seed: int = 0) -> FeatureMaps:
    """Slices whose first map shows where the foreground is, among noise."""
    rng = np.random.default_rng(seed)
    targets = np.zeros((count, SIZE, SIZE), dtype=np.uint8)
    for number in range(count):
        top, left = rng.integers(0, 3, 2) * 4
        targets[number, top : top + 16, left : left + 20] = 1 + number % (outputs - 1)
    levels = [rng.normal(size=(count, *shape)) for shape in SHAPES]
    levels[0][:, 0] += 4 * (targets > 0)[:, 2::4, 2::4]
    features = np.concatenate([level.reshape(count, -1) for level in levels], axis=1)
    rows = torch.from_numpy(features.astype(np.float16))
    return maps_of(rows, SHAPES, torch.from_numpy(targets), outputs, np.repeat(np.arange(count // 2), 2))


def test_a_head_weighs_maps_before_they_are_made_finer() -> None:
    maps, heads = drawn(), torch.randn(4, 9, 2, generator=torch.Generator().manual_seed(1))
    assert heads.shape[1] == maps.width + 1
    levels = maps.levels(torch.arange(6))
    fine = torch.cat([levels[0], interpolate(levels[1], size=(8, 8), mode="bilinear")], dim=1)
    expected = torch.einsum("ndyx,kdc->nkcyx", fine, heads[:, :-1]) + heads[None, :, -1, :, None, None]
    torch.testing.assert_close(map_logits(levels, heads), expected, atol=1e-4, rtol=1e-4)


def test_the_loss_of_whole_cells_is_that_of_monai() -> None:
    from monai.losses import DiceCELoss

    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(5, 3, 8, 8, generator=generator)
    labels = torch.randint(0, 3, (5, 1, 8, 8), generator=generator)
    truth = one_hot(labels[:, 0], 3).movedim(-1, 1).float()
    ours = _loss(torch.stack([logits, logits], dim=1), truth, torch.full((2, 5), 0.2))
    theirs = DiceCELoss(softmax=True, to_onehot_y=True)(logits, labels)
    assert float(ours) == pytest.approx(2 * float(theirs), rel=1e-4)


def test_heads_learn_from_their_own_rows_and_as_if_alone() -> None:
    maps = drawn()
    shares = torch.tensor([[1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1]], dtype=torch.float32)
    shares /= shares.sum(dim=1, keepdim=True)
    both = descend_maps(torch.zeros(2, 9, 2), maps, shares, range(40), 40, 0.05)
    chosen = np.array([[False] * 4 + [True] * 2, [True] * 2 + [False] * 4])
    scores = maps.judge(both, chosen)
    assert [len(each["dice"]) for each in scores] == [1, 1]
    assert min(float(each["dice"].mean()) for each in scores) > 0.8
    changed = drawn()
    changed.shares[4:] = changed.shares[4:].flip(dims=(1,))
    again = descend_maps(torch.zeros(2, 9, 2), changed, shares, range(40), 40, 0.05)
    torch.testing.assert_close(again[0], both[0])
    assert not torch.allclose(again[1], both[1])


@pytest.mark.parametrize("outputs", [2, 3])
def test_dice_is_of_a_whole_case_and_the_mean_over_classes(outputs: int) -> None:
    maps = drawn(outputs=outputs)
    heads = torch.randn(1, 9, outputs, generator=torch.Generator().manual_seed(3))
    (scores,) = maps.judge(heads, np.ones((1, 6), dtype=bool))
    coarse = map_logits(maps.levels(torch.arange(6)), heads)[:, 0]
    found = interpolate(coarse, size=(SIZE, SIZE), mode="bilinear").argmax(dim=1).numpy()
    truth = maps.targets.numpy()
    expected = [
        np.mean(
            [dice(found[2 * case : 2 * case + 2] == k, truth[2 * case : 2 * case + 2] == k) for k in range(1, outputs)]
        )
        for case in range(3)
    ]
    np.testing.assert_allclose(scores["dice"], expected)


def test_the_own_weight_is_near_the_head_that_fits() -> None:
    maps, chosen = drawn(count=24), np.ones((1, 24), dtype=bool)
    good = descend_maps(torch.zeros(1, 9, 2), maps, torch.full((1, 24), 1 / 24), range(60), 60, 0.05)
    bad = torch.randn(1, 9, 2, generator=torch.Generator().manual_seed(4))
    own, shared = (maps.weigh(maps.fits(*pair, chosen)[0]) for pair in ((bad, good), (good, bad)))
    assert own.mean > 0.8
    assert shared.mean < 0.2


def test_the_best_weight_varies_as_by_leaving_each_case_out() -> None:
    rng = np.random.default_rng(5)
    wanted = rng.uniform(0.2, 0.8, 30)
    by_case = -((GRID[None] - wanted[:, None]) ** 2)
    found = best_weight(by_case)
    assert found.mean == pytest.approx(wanted.mean(), abs=0.03)
    without = np.array([GRID[np.delete(by_case, case, 0).sum(0).argmax()] for case in range(30)])
    jackknife = 29 / 30 * ((without - without.mean()) ** 2).sum()
    assert found.variance == pytest.approx(max(0.05**2, jackknife), abs=1e-4)
