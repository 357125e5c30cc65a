"""Many heads at once: each as torch's own AdamW would train it alone, down to the optimum of a convex loss."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from shiftscope.training.rehearsals.linear_heads import BUDGET, FeatureRows, blank_heads, descend, logits_of

CLASSES = 3


def rows_of(seed: int, count: int = 40, features: int = 6, classes: int = CLASSES) -> FeatureRows:
    draw = torch.Generator().manual_seed(seed)
    truth = torch.randint(classes, (count,), generator=draw)
    return FeatureRows(torch.randn(count, features, generator=draw) + 0.7 * truth[:, None], truth)


def shares_for(seed: int, count: int, heads: int) -> torch.Tensor:
    """Uneven shares, in which each head leaves out other rows, and all of them the last five."""
    draw = torch.Generator().manual_seed(seed)
    shares = torch.rand(heads, count, generator=draw) * (torch.rand(heads, count, generator=draw) < 0.6)
    shares[:, -5:] = 0
    return shares / shares.sum(dim=1, keepdim=True)


def by_torch(
    start: torch.Tensor, rows: FeatureRows, share: torch.Tensor, steps: range, of_all: int, rate: float, pull: float
) -> torch.Tensor:
    """One head, (d + 1, outputs): autograd, torch's optimizer, the cosine by hand."""
    weight, bias = (start[:-1].clone().requires_grad_(), start[-1].clone().requires_grad_())
    optimizer = torch.optim.AdamW([weight, bias], lr=rate)
    for step in steps:
        for group in optimizer.param_groups:
            group["lr"] = rate / 2 * (1 + math.cos(math.pi * step / of_all))
        losses = cross_entropy(rows.features @ weight + bias, rows.targets, reduction="none")
        away = ((weight - start[:-1]) ** 2).sum() + ((bias - start[-1]) ** 2).sum()
        loss = (share * losses).sum() + pull / 2 * away
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.cat([weight.detach(), bias.detach()[None]])


@pytest.mark.parametrize("pulls", [None, [0.0, 0.0, 0.0], [0.0, 0.5, 20.0]])
@pytest.mark.parametrize("steps", [range(30), range(20, 30)])
def test_every_head_is_as_torch_trains_it_alone(pulls: list[float] | None, steps: range) -> None:
    rows = rows_of(1)
    shares = shares_for(2, 40, 3)
    start = torch.randn(3, 7, CLASSES, generator=torch.Generator().manual_seed(3))
    before = start.clone()
    pull = None if pulls is None else torch.tensor(pulls)
    found = descend(start, rows, shares, steps, 60, 0.05, pull)
    for head in range(3):
        each = 0.0 if pulls is None else pulls[head]
        expected = by_torch(start[head], rows, shares[head], steps, 60, 0.05, each)
        torch.testing.assert_close(found[head], expected, rtol=2e-4, atol=2e-5)
    assert torch.equal(start, before)
    assert (found - start).abs().max() > 0.1


def test_heads_together_are_each_alone() -> None:
    rows, shares = rows_of(4), shares_for(5, 40, 4)
    start = blank_heads(4, 6, CLASSES)
    pull = torch.tensor([0.0, 0.1, 0.0, 1.0])
    together = descend(start, rows, shares, range(40), 40, 0.02, pull)
    for head in range(4):
        one = slice(head, head + 1)
        alone = descend(start[one], rows, shares[one], range(40), 40, 0.02, pull[one])
        torch.testing.assert_close(together[one], alone, rtol=1e-4, atol=1e-5)


def test_rows_without_a_share_are_not_seen() -> None:
    rows, shares = rows_of(6), shares_for(7, 40, 2)
    garbage = rows.features.clone()
    garbage[-5:] = float("nan")
    start = blank_heads(2, 6, CLASSES)
    usual = descend(start, rows, shares, range(10), 10, 0.02)
    assert torch.equal(descend(start, FeatureRows(garbage, rows.targets), shares, range(10), 10, 0.02), usual)


def test_a_stronger_pull_stays_nearer() -> None:
    rows, start = rows_of(8), blank_heads(3, 6, CLASSES)
    shares = torch.full((3, 40), 1 / 40)
    found = descend(start, rows, shares, range(100), 100, 0.05, torch.tensor([0.0, 0.3, 30.0]))
    far = (found - start).flatten(1).norm(dim=1)
    assert far[0] > 1.2 * far[1] > 1.2 * 1.2 * far[2]


def test_the_loss_falls_to_the_optimum_of_scikit_learn() -> None:
    """Two overlapping classes, well conditioned: the optimum is unique, and torch's decay of 0.01 is hardly felt."""
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(9)
    truth = draw.integers(0, 2, 400)
    features = (draw.normal(size=(400, 5)) + 0.8 * truth[:, None]).astype(np.float32)
    rows = FeatureRows(torch.from_numpy(features), torch.from_numpy(truth))
    shares = torch.full((1, 400), 1 / 400)

    def loss(heads: torch.Tensor) -> float:
        return float(cross_entropy(logits_of(rows.features, heads)[0], rows.targets))

    losses = [loss(blank_heads(1, 5, 2))]
    losses += [loss(descend(blank_heads(1, 5, 2), rows, shares, range(n), n, 0.05)) for n in (5, 20, 80, 400)]
    best = LogisticRegression(C=1e6, max_iter=1000).fit(features, truth)
    optimum = -np.mean(np.log(best.predict_proba(features)[np.arange(400), truth]))
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == pytest.approx(np.log(2), rel=1e-5)
    assert optimum < losses[-1] < optimum + 1e-3


def test_logits_are_those_of_a_linear_layer() -> None:
    rows, heads = torch.randn(4, 3), torch.randn(2, 4, 5)
    for head, found in zip(heads, logits_of(rows, heads), strict=True):
        torch.testing.assert_close(found, rows @ head[:3] + head[3])


def test_no_step_is_longer_than_adam_can_make_it() -> None:
    """What a coordinator holds replies to: in one round no weight moves by more than four steps' rates a step."""
    rows = rows_of(10, count=30)
    start = 3 * torch.randn(2, 7, CLASSES, generator=torch.Generator().manual_seed(11))
    shares = shares_for(12, 30, 2)
    found = descend(start, rows, shares, range(BUDGET.local_steps), 300, BUDGET.rate, torch.tensor([0.0, 0.01]))
    assert (found - start).abs().max() <= 4 * BUDGET.rate * BUDGET.local_steps
