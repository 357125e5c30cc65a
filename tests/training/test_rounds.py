"""One budget: the same steps, rates, cases and random numbers for whoever trains."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from small_hospitals import plan_for
from torch import nn
from torch.optim import Optimizer

from shiftscope.plans import Plan
from shiftscope.sites import read_site
from shiftscope.training.algorithms.local_rounds import Round, learning_rate, loss_for, plain_step, run_steps
from shiftscope.training.data.model_inputs import Sample, load_samples
from shiftscope.training.data.randomness import generator, seeded, single_threaded


@pytest.fixture
def plan(hospitals: dict[str, Path]) -> Plan:
    return plan_for(hospitals, rounds=3, local_steps=4, learning_rate=0.1)


def round_for(plan: Plan, samples: list[Sample], number: int = 1) -> Round:
    return Round(plan, number, plan.rounds, plan.rounds, loss_for(plan), {}, {}, samples, (0, "a"))


def samples_of(count: int, size: int = 32) -> list[Sample]:
    rng = np.random.default_rng(0)
    return [
        Sample(f"p{i}", rng.random((1, 1, size, size)).astype(np.float16), rng.integers(0, 2, (1, size, size)))
        for i in range(count)
    ]


def test_the_rate_falls_along_half_a_cosine_over_the_whole_run(plan: Plan) -> None:
    rates = [learning_rate(plan, plan.rounds, step) for step in range(13)]
    assert rates[0] == 0.1
    assert rates[6] == pytest.approx(0.05)
    assert rates[12] == pytest.approx(0, abs=1e-12)
    assert rates[3] == pytest.approx(0.05 * (1 + math.cos(math.pi / 4)))


def test_steps_batches_and_rates_do_not_depend_on_the_site(plan: Plan) -> None:
    model = nn.Conv2d(1, 2, 1)
    for count in (1, 3, 50):
        steps: list[tuple[tuple[int, ...], float]] = []

        def step(
            _model: nn.Module,
            images: torch.Tensor,
            targets: torch.Tensor,
            _round: Round,
            optimizer: Optimizer,
            steps=steps,
        ) -> float:
            assert targets.shape == (4, 1, 32, 32)
            steps.append((tuple(images.shape), optimizer.param_groups[0]["lr"]))
            return 1.0

        round_ = round_for(plan, samples_of(count), number=2)
        assert run_steps(model, round_, step) == 1.0
        assert round_.steps == 4
        assert steps == [((4, 1, 32, 32), learning_rate(plan, 3, 4 + index)) for index in range(4)]


def test_a_window_takes_its_own_batches_and_rates(plan: Plan) -> None:
    """Steps 2 and 3 see what they would have seen had 0 and 1 been taken here too."""
    model, rounds = nn.Conv2d(1, 2, 1), [round_for(plan, samples_of(9)) for _ in range(2)]
    steps: list[list[tuple[float, float]]] = [[], []]
    for record, (round_, window) in zip(steps, zip(rounds, (None, range(2, 4)), strict=True), strict=True):

        def step(
            _m: nn.Module, images: torch.Tensor, _t: torch.Tensor, _r: Round, optimizer: Optimizer, record=record
        ) -> float:
            record.append((float(images.sum()), optimizer.param_groups[0]["lr"]))
            return 0.0

        run_steps(model, round_, step, window=window)
    assert steps[1] == steps[0][2:]
    assert (rounds[0].steps, rounds[1].steps) == (4, 2)


def test_every_case_comes_up_before_one_comes_twice(plan: Plan) -> None:
    marked = [Sample("p", np.full((1, 1, 32, 32), i / 32, np.float16), np.zeros((1, 32, 32), int)) for i in range(8)]
    drawn: list[float] = []

    def step(_m: nn.Module, images: torch.Tensor, _t: torch.Tensor, _r: Round, _o: Optimizer) -> float:
        drawn.extend(images[:, 0, 16, 16].tolist())
        return 0.0

    model = nn.Conv2d(1, 2, 1)
    run_steps(model, round_for(plan, marked), step)
    assert sorted(drawn[:8]) == pytest.approx([i / 32 for i in range(8)], abs=1e-6)
    assert sorted(drawn[8:]) == pytest.approx([i / 32 for i in range(8)], abs=1e-6)


def test_classification_targets_and_shift(clinics: dict[str, Path]) -> None:
    plan = plan_for(clinics, task="classification", classes=("large", "small"), model="test_resnet", local_steps=1)
    samples = load_samples(read_site(clinics["north"], name="north"), plan).train

    def step(_m: nn.Module, images: torch.Tensor, targets: torch.Tensor, _r: Round, _o: Optimizer) -> float:
        assert images.shape == (4, 1, 32, 32)
        assert targets.dtype == torch.int64
        assert targets.shape == (4,)
        assert set(targets.tolist()) <= {0, 1}
        return float(loss_for(plan)(torch.zeros(4, 2), targets))

    model = nn.Conv2d(1, 2, 1)
    assert run_steps(model, round_for(plan, samples), step) == pytest.approx(math.log(2))


def test_training_repeats_bit_for_bit_and_learns(plan: Plan) -> None:
    results = []
    for _ in range(2):
        with single_threaded(), seeded(3):
            model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Dropout(0.5), nn.Conv2d(4, 2, 1))
            losses = [run_steps(model, round_for(plan, samples_of(5), number), plain_step) for number in (1, 2, 3)]
        results.append((losses, [p.detach().clone() for p in model.parameters()]))
    assert results[0][0] == results[1][0]
    assert all(torch.equal(a, b) for a, b in zip(results[0][1], results[1][1], strict=True))
    assert results[0][0][-1] < results[0][0][0]


def test_the_outside_random_state_and_threads_are_left_alone() -> None:
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    with single_threaded(), seeded(1, "a", 2):
        torch.rand(3)
        assert torch.get_num_threads() == 1
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads


def test_generators_differ_by_each_of_their_parts() -> None:
    draws = {parts: generator(*parts).random() for parts in ((0, "a", 1), (1, "a", 1), (0, "b", 1), (0, "a", 2))}
    assert len(set(draws.values())) == 4
    assert generator(0, "a", 1).random() == draws[0, "a", 1]
