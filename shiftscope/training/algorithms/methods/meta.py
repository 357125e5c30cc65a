"""Per-FedAvg (Fallah et al. 2020, NeurIPS): the shared model is trained to be good after one step at a site.

First order: the gradient after the step stands for the gradient through it (the paper's FO variant).
"""

import torch
from torch import nn

from shiftscope.training.algorithms.local_rounds import Round, backward, run_steps

__all__ = ["INNER", "adapt", "meta_round", "one_step_later"]

INNER = 0.01
"""Rate of the one step of gradient descent, in training and at the end."""


def meta_round(model: nn.Module, round_: Round, inner: float = INNER) -> float:
    """Each step: w' = w - inner * gradient on one batch, then w moves along the gradient at w' on another.

    The last step of the run is left for `adapt`, so that the model that is used has as many as any other.
    """
    others = round_.batches("inner")

    def step(
        model: nn.Module, images: torch.Tensor, targets: torch.Tensor, round_: Round, optimizer: torch.optim.Optimizer
    ) -> float:
        before = [parameter.detach().clone() for parameter in model.parameters()]
        statistics = {name: buffer.clone() for name, buffer in model.named_buffers()}
        _descend(model, *next(others), round_, inner)
        for name, buffer in model.named_buffers():
            buffer.copy_(statistics[name])
        optimizer.zero_grad()
        loss = backward(round_.loss(model(images), targets), round_)
        with torch.no_grad():
            for parameter, old in zip(model.parameters(), before, strict=True):
                parameter.copy_(old)
        optimizer.step()
        return loss

    last = round_.number == round_.rounds
    return run_steps(model, round_, step, window=range(round_.plan.local_steps - int(last)))


def adapt(model: nn.Module, round_: Round, inner: float = INNER) -> None:
    """The one step, on one batch of the site's training cases."""
    model.train()
    _descend(model, *next(round_.batches("adapt")), round_, inner)
    round_.steps += 1


def one_step_later(number: int, rounds: int, _batches: int) -> tuple[int, int]:
    """The last round leaves a step of two gradients to `adapt`, whose step takes one."""
    return {rounds: (-1, -2), rounds + 1: (1, 1)}.get(number, (0, 0))


def _descend(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, round_: Round, rate: float) -> None:
    """One step of gradient descent, in place."""
    model.zero_grad()
    backward(round_.loss(model(images), targets), round_)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.sub_(parameter.grad, alpha=rate)
    model.zero_grad()
