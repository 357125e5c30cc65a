"""Optimizer steps at one site: the same budget, schedule, augmentation and random numbers for every strategy."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from shiftscope.plans import Plan
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.data.batches import Batch, Mix, draw
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.data.randomness import generator, seeded
from shiftscope.training.own_code.own_losses import own_loss

__all__ = [
    "Loss",
    "Round",
    "Step",
    "backward",
    "half_cosine",
    "learning_rate",
    "loss_for",
    "plain_round",
    "plain_step",
    "run_steps",
]

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(slots=True)
class Round:
    """What a site's work in one round may use, and what it leaves.

    Attributes:
        plan: the job; `plan.local_steps` optimizer steps are due in a round.
        number: the round, from 1.
        rounds: of the whole run, those a method spends on tuning at the end among them.
        federated: of these, how many are spent together.
        loss: (outputs, targets) -> scalar.
        received: the tensors as they came from the server, the algorithm's own among them.
        memory: what the algorithm keeps at the site between rounds; starts empty.
        samples: the site's training cases.
        origin: what the random numbers depend on: (seed, site). Not on the strategy.
        took_part: whether some round of the site is part of what is shared; a site that joins to be judged has none.
        device: "cpu" or "cuda".
        mix: what a harmonizer does to a batch while training.
        extra: what the algorithm sends beside the model, under the names under which it was received.
        steps: optimizer steps done on the model that will be used.
        gradients: gradients of a batch that were computed, a forward and a backward pass each.
    """

    plan: Plan
    number: int
    rounds: int
    federated: int
    loss: Loss
    received: Tensors
    memory: Tensors
    samples: list[Sample]
    origin: tuple[object, ...]
    took_part: bool = True
    device: str = "cpu"
    mix: Mix | None = None
    extra: Tensors = field(default_factory=dict)
    steps: int = 0
    gradients: int = 0

    def batches(self, purpose: str = "train") -> Iterator[Batch]:
        """Endless full batches on the device. The same purpose gives the same batches in the same round, to the bit."""
        rng = generator(*self.origin, self.number, purpose)
        for images, targets in draw(self.samples, self.plan, rng, self.mix):
            yield images.to(self.device), targets.to(self.device)

    def optimizer(self, parameters: Iterable[nn.Parameter | torch.Tensor]) -> torch.optim.Optimizer:
        """AdamW, new in every round: its moments would be stale once the weights are averaged."""
        return torch.optim.AdamW(parameters, lr=self.plan.learning_rate)


Step = Callable[[nn.Module, torch.Tensor, torch.Tensor, Round, torch.optim.Optimizer], float]


def backward(loss: torch.Tensor, round_: Round) -> float:
    """Gradients of `loss`, counted."""
    loss.backward()  # type: ignore[no-untyped-call]
    round_.gradients += 1
    return float(loss.detach())


def plain_step(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, round_: Round, optimizer: torch.optim.Optimizer
) -> float:
    """Forward, backward, step."""
    optimizer.zero_grad()
    loss = backward(round_.loss(model(images), targets), round_)
    optimizer.step()
    return loss


def run_steps(
    model: nn.Module,
    round_: Round,
    step: Step = plain_step,
    *,
    parameters: Iterable[nn.Parameter | torch.Tensor] | None = None,
    window: range | None = None,
    counts: bool = True,
) -> float:
    """The round's steps on a cosine over the whole run; returns the mean loss.

    What comes is the same whatever was computed before: batches and torch's random state follow from the round alone.

    Args:
        parameters: what the optimizer changes; the model's own by default.
        window: which of the round's steps; all by default.
        counts: whether the model that will be used takes these steps.
    """
    plan, window = round_.plan, range(round_.plan.local_steps) if window is None else window
    model.train()
    optimizer = round_.optimizer(model.parameters() if parameters is None else parameters)
    batches = round_.batches()
    losses = []
    with seeded(*round_.origin, round_.number, window.start):
        for index in range(window.stop):
            images, targets = next(batches)
            if index < window.start:
                continue
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(plan, round_.rounds, (round_.number - 1) * plan.local_steps + index)
            losses.append(step(model, images, targets, round_, optimizer))
    round_.steps += len(losses) if counts else 0
    return float(np.mean(losses)) if losses else float("nan")


def plain_round(model: nn.Module, round_: Round) -> float:
    """All of the round's steps on all of the model."""
    return run_steps(model, round_)


def learning_rate(plan: Plan, rounds: int, step: int) -> float:
    """Half a cosine from `plan.learning_rate` at the first step of the run to 0 after the last.

    Without decay, fine-tuning at the end of a run "wins" merely by its lower rate.
    """
    return plan.learning_rate * half_cosine(step, rounds * plan.local_steps)


def half_cosine(step: int, steps: int) -> float:
    """What is left of a rate at a step: 1 at step 0, falling to 0 after the last of `steps`."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))


def loss_for(plan: Plan) -> Loss:
    """Dice + cross-entropy for segmentation, cross-entropy for classification; or the operator's own."""
    if plan.loss:
        return own_loss(plan)
    if plan.task == "classification":
        return nn.CrossEntropyLoss()
    from monai.losses import DiceCELoss

    loss: Loss = DiceCELoss(softmax=True, to_onehot_y=True)
    return loss
