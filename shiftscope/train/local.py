"""Optimizer steps at one site: the same budget, schedule, augmentation and random numbers for every strategy."""

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from shiftscope.plans import Plan
from shiftscope.train.aggregate import Tensors
from shiftscope.train.augment import augment
from shiftscope.train.loading import Sample

__all__ = ["Round", "learning_rate", "loss_for", "plain_step", "run_steps", "seeded", "single_threaded"]

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(slots=True)
class Round:
    """What a local step may use.

    Attributes:
        plan: the budget.
        number: the round, from 1.
        loss: (outputs, targets) -> scalar.
        optimizer: AdamW, new in every round: its moments would be stale once the weights are averaged.
        anchor: the shared tensors as they came from the server.
        memory: what the algorithm keeps at the site between rounds; starts empty.
        samples: the site's training cases.
        rng: drawn from (seed, site, round), so independent of the strategy.
        device: "cpu" or "cuda".
    """

    plan: Plan
    number: int
    loss: Loss
    optimizer: torch.optim.Optimizer
    anchor: Tensors
    memory: Tensors
    samples: list[Sample]
    rng: np.random.Generator
    device: str = "cpu"
    losses: list[float] = field(default_factory=list)


def plain_step(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, round_: Round) -> float:
    """Forward, backward, step."""
    round_.optimizer.zero_grad()
    loss = round_.loss(model(images), targets)
    loss.backward()  # type: ignore[no-untyped-call]
    round_.optimizer.step()
    return float(loss.detach())


def run_steps(model: nn.Module, step: Callable[..., float], round_: Round) -> float:
    """`plan.local_steps` steps on a cosine over the whole run; returns the mean loss.

    A batch is always full: cases come in a shuffled order that starts anew when it is through, so a site of three
    cases takes as many steps of the same size as one of three hundred. A volume gives one slice, drawn at random.
    """
    model.train()
    plan = round_.plan
    batches = _batches(round_)
    for index in range(plan.local_steps):
        for group in round_.optimizer.param_groups:
            group["lr"] = learning_rate(plan, (round_.number - 1) * plan.local_steps + index)
        images, targets = next(batches)
        round_.losses.append(step(model, images.to(round_.device), targets.to(round_.device), round_))
    return float(np.mean(round_.losses))


def learning_rate(plan: Plan, step: int) -> float:
    """Half a cosine from `plan.learning_rate` at the first step of the run to 0 after the last.

    Without decay, fine-tuning at the end of a run "wins" merely by its lower rate.
    """
    return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * step / (plan.rounds * plan.local_steps)))


def loss_for(plan: Plan) -> Loss:
    """Dice + cross-entropy for segmentation, cross-entropy for classification."""
    if plan.task == "classification":
        return nn.CrossEntropyLoss()
    from monai.losses import DiceCELoss

    loss: Loss = DiceCELoss(softmax=True, to_onehot_y=True)
    return loss


def generator(*parts: object) -> np.random.Generator:
    """A generator that depends on nothing but `parts`."""
    return np.random.default_rng(_entropy(*parts))


@contextmanager
def seeded(*parts: object) -> Iterator[None]:
    """Torch's random state set from `parts` inside, as it was outside."""
    with torch.random.fork_rng():
        torch.manual_seed(_entropy(*parts) % 2**63)
        yield


@contextmanager
def single_threaded() -> Iterator[None]:
    """One torch thread: sums come in one order on every engine and machine load."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _entropy(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:16], "big")


def _batches(round_: Round) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    plan, rng, samples = round_.plan, round_.rng, round_.samples
    queue: list[int] = []
    while True:
        while len(queue) < plan.batch_size:
            queue.extend(rng.permutation(len(samples)).tolist())
        chosen, queue = [samples[index] for index in queue[: plan.batch_size]], queue[plan.batch_size :]
        slices = [int(rng.integers(len(sample.pixels))) for sample in chosen]
        images = np.stack([sample.pixels[z] for sample, z in zip(chosen, slices, strict=True)]).astype(np.float32)
        if plan.task == "segmentation":
            masks = np.stack([np.asarray(sample.target)[z] for sample, z in zip(chosen, slices, strict=True)])
            yield augment(torch.from_numpy(images), torch.from_numpy(masks.astype(np.int64))[:, None], rng)
        else:
            labels = torch.tensor([int(sample.target) for sample in chosen])
            yield augment(torch.from_numpy(images), None, rng)[0], labels
