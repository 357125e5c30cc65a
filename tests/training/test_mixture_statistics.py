"""The mixture that APFL leaves is judged with statistics of what the mixture itself sees."""

from pathlib import Path

import numpy as np
import pytest
import torch
from recorded_runs import CHANNELS, SEED, Recorded, apart, arms_for, go_on, job_for
from torch import nn
from toy_rounds import toy

from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.algorithms.methods.apfl import take_mixture
from shiftscope.training.algorithms.methods.twins import tensors_of
from shiftscope.training.data.batches import draw
from shiftscope.training.federation.site_data import SiteData
from shiftscope.training.models import networks
from shiftscope.training.models.networks import build

STEPS = 40


@pytest.fixture(scope="module")
def run(pair: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Two scanners, enough steps for running statistics to forget their start, and no gate."""
    plan = apart(pair, rounds=2, local_steps=STEPS, learning_rate=0.003)
    arms = [arm.model_copy(update={"gated": False}) for arm in arms_for(plan, ["fedavg", "apfl"])]
    return go_on(job_for(plan, pair, tmp_path_factory.mktemp("mixture"), arms))


def statistics(tensors: Tensors) -> Tensors:
    return {name: value for name, value in tensors.items() if name.endswith(("running_mean", "running_var"))}


def estimated(run: Recorded, site: str) -> Tensors:
    """Running statistics from nothing: means over passes of the site's own batches through the model it ends with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "CHANNELS", CHANNELS)
        model = build(run.job.plan, None)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in run.final("apfl", site).items()})
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # a plain mean over batches
    model.train()
    batches = draw(SiteData(run.job, site).plain.train, run.job.plan, np.random.default_rng(5))
    with torch.no_grad():
        for _ in range(STEPS):
            model(next(batches)[0])
    return statistics(tensors_of(model))


def distance(one: Tensors, other: Tensors) -> float:
    """Mean absolute difference in units of the second's size, tensor by tensor."""
    parts = [np.abs(one[name] - other[name]).mean() / np.abs(other[name]).mean() for name in other]
    return float(np.mean(parts))


@pytest.mark.parametrize("site", ["a", "b"])
def test_they_are_nearer_to_the_mixtures_own_than_a_mean_of_both_models(site: str, run: Recorded) -> None:
    used = statistics(run.final("apfl", site))
    memory = run.personal("apfl", site, after=2).memory
    alpha = float(memory["alpha"])
    shared = run.checkpoint("apfl").shared
    assert 0 < alpha < 1
    blended = {name: (1 - alpha) * shared[name] + alpha * memory[f"personal/{name}"] for name in used}
    truth = estimated(run, site)
    assert distance(used, truth) < 0.8 * distance(blended, truth)
    assert distance(used, truth) < distance(statistics(shared), truth)


def test_weights_are_mixed(run: Recorded) -> None:
    memory, shared = run.personal("apfl", "b", after=2).memory, run.checkpoint("apfl").shared
    for name, value in run.final("apfl", "b").items():
        if name.endswith("conv.weight"):
            alpha = memory["alpha"]
            expected = (1 - alpha) * shared[name] + alpha * memory[f"personal/{name}"]
            np.testing.assert_allclose(value, expected, atol=1e-6)


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    model(torch.randn(8, 3))
    return model


@pytest.mark.parametrize(("alpha", "whose"), [(0.0, "shared"), (1.0, "personal")])
def test_at_both_ends_one_of_the_two_is_used_to_the_bit(alpha: float, whose: str) -> None:
    model, personal = network(SEED), network(SEED + 1)
    with torch.no_grad():
        personal[1].weight.fill_(float("inf") if alpha == 0 else 3.0)  # not even 0 times it gets in
    expected = tensors_of(model if whose == "shared" else personal)
    memory = {f"personal/{name}": value for name, value in tensors_of(personal).items()}
    take_mixture(model, toy(memory={**memory, "alpha": np.array(alpha)}))
    after = tensors_of(model)
    assert after.keys() == expected.keys()
    assert all(after[name].tobytes() == expected[name].tobytes() for name in expected)
