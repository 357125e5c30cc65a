"""SiloBN at a site that is judged and never trained."""

import numpy as np
import pytest
import torch
from small_plans import planned_sites, small_plan
from torch import nn

from shiftscope.training.algorithms.families import PERSONALIZERS
from shiftscope.training.algorithms.local_rounds import Round, loss_for
from shiftscope.training.runs.pace import random_sample

PLAN = small_plan(image_size=16, batch_size=4, sites=planned_sites("a", 9))


def round_at_the_end(*, took_part: bool) -> Round:
    return Round(
        plan=PLAN,
        number=3,
        rounds=2,
        federated=2,
        loss=loss_for(PLAN),
        received={},
        memory={},
        samples=[random_sample(PLAN, seed) for seed in range(10)],
        origin=(0, "a"),
        took_part=took_part,
    )


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def test_statistics_are_the_means_over_one_pass_of_batches_and_weights_stand_still() -> None:
    model, round_ = network(), round_at_the_end(took_part=False)
    weights = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    PERSONALIZERS["silobn"].finish(model, round_)
    batches = round_at_the_end(took_part=False).batches("statistics")
    with torch.no_grad():
        outputs = [model[0](next(batches)[0]) for _ in range(3)]  # ten cases in batches of four
    means = np.mean([batch.mean(dim=(0, 2, 3)).numpy() for batch in outputs], axis=0)
    spreads = np.mean([batch.var(dim=(0, 2, 3)).numpy() for batch in outputs], axis=0)
    norm = model[1]
    assert isinstance(norm, nn.BatchNorm2d)
    np.testing.assert_allclose(norm.running_mean, means, rtol=1e-5)
    np.testing.assert_allclose(norm.running_var, spreads, rtol=1e-5)
    assert norm.momentum == pytest.approx(0.1)
    assert all(torch.equal(parameter, weights[name]) for name, parameter in model.named_parameters())
    assert (round_.steps, round_.gradients) == (0, 0)


def test_a_site_that_took_part_keeps_its_own() -> None:
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    PERSONALIZERS["silobn"].finish(model, round_at_the_end(took_part=True))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
