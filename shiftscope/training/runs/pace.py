"""How fast this machine trains a plan's model, from a few steps on random pictures."""

import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from shiftscope.plans import Plan
from shiftscope.training.algorithms.local_rounds import Round, loss_for, plain_step, run_steps
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.data.randomness import seeded, single_threaded
from shiftscope.training.models.networks import LINEAR, memory_format

__all__ = ["BUDGET_S", "Pace", "random_sample", "time_steps"]

BUDGET_S = 1.5
"""What timing may take: a run must not wait for its own prediction."""

SMALL = 2
"""The least batch BatchNorm can train on; what a batch of the plan's size takes is first guessed from it."""

MOST_STEPS = 10


@dataclass(frozen=True, slots=True)
class Pace:
    """What one gradient of a batch takes.

    Attributes:
        seconds: drawing, augmenting, forward, backward and step, on one thread; the median of the steps timed.
        activation_bytes: what autograd keeps between forward and backward.
        weight_bytes: of the model's parameters and buffers.
    """

    seconds: float
    activation_bytes: int
    weight_bytes: int


def time_steps(plan: Plan, model: nn.Module, device: str) -> Pace:
    """A few real optimizer steps on random cases of the plan's size, warmed up; `model` is changed.

    A batch of two is timed first, the second of its kind. Where a few of the plan's batches fit into `BUDGET_S` they
    are timed as well; else the time is taken to grow in proportion with the batch, which flatters no model: large
    batches are a little faster.
    """
    model.to(device).to(memory_format=memory_format(plan))
    kept = _Kept()
    with single_threaded(), seeded(0, "pace"):
        with torch.autograd.graph.saved_tensors_hooks(kept.note, lambda tensor: tensor):
            _run(plan, model, device, SMALL, 1)  # not timed: libraries load, and choose their kernels
        guess = _run(plan, model, device, SMALL, 1)[0] * plan.batch_size / SMALL
        steps = min(MOST_STEPS, int(BUDGET_S / 2 / guess))
        seconds = float(np.median(_run(plan, model, device, plan.batch_size, steps)[1:])) if steps > 1 else guess
    shared = {tensor.untyped_storage().data_ptr() for tensor in model.state_dict().values()}
    activations = sum(size for place, size in kept.sizes.items() if place not in shared)
    weights = sum(tensor.nbytes for tensor in model.state_dict().values())
    return Pace(seconds, activations * plan.batch_size // SMALL, weights)


def random_sample(plan: Plan, seed: int) -> Sample:
    """A case as the plan's model sees it: noise, and a mask or class drawn at random."""
    rng = np.random.default_rng(seed)
    depth, size = (plan.patch[0] if plan.patch else 1), plan.image_size
    channels = 3 if plan.colour else 1
    pixels = rng.uniform(size=(depth, channels, size, size)).astype(np.float16)
    if plan.task == "segmentation":
        highest = max(1, len(plan.classes))
        return Sample("", pixels, rng.integers(0, highest + 1, size=(depth, size, size)).astype(np.uint8))
    return Sample("", pixels, int(rng.integers(len(plan.classes))))


def _run(plan: Plan, model: nn.Module, device: str, batch: int, steps: int) -> list[float]:
    """Seconds of each of `steps` steps on batches of `batch`, data included."""
    samples = [random_sample(plan, number) for number in range(min(batch, 8))]
    if plan.model == LINEAR:
        width = next(iter(model.state_dict().values())).numel()
        rng = np.random.default_rng(0)
        samples = [sample.with_pixels(rng.normal(size=(1, width, 1, 1))) for sample in samples]
    ends = [time.perf_counter()]

    def step(
        model: nn.Module, images: torch.Tensor, targets: torch.Tensor, round_: Round, optimizer: torch.optim.Optimizer
    ) -> float:
        loss = plain_step(model, images, targets, round_, optimizer)
        ends.append(time.perf_counter())
        return loss

    small = plan.model_copy(update={"batch_size": batch, "local_steps": steps})
    run_steps(
        model,
        Round(
            plan=small,
            number=1,
            rounds=1,
            federated=1,
            loss=loss_for(plan),
            received={},
            memory={},
            samples=samples,
            origin=(0, "pace"),
            device=device,
        ),
        step,
    )
    return [after - before for before, after in pairwise(ends)]


class _Kept:
    """Storages that autograd holds on to, each counted once."""

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self._alive: list[torch.UntypedStorage] = []  # a freed storage's address would be given out again

    def note(self, tensor: torch.Tensor) -> torch.Tensor:
        """What autograd does with a tensor it saves, and the size of its storage."""
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self.sizes:
            self.sizes[storage.data_ptr()] = storage.nbytes()
            self._alive.append(storage)
        return tensor
