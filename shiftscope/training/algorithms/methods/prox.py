"""FedProx (Li et al. 2020, arXiv:1812.06127): steps are held near the model that came from the server."""

from collections.abc import Mapping

import torch
from torch import nn

from shiftscope.training.algorithms.local_rounds import Round, Step, backward, run_steps

__all__ = ["MU", "near", "prox_round"]

MU = 0.01
"""Weight of the pull; the paper tries .001 to 1."""


def prox_round(model: nn.Module, round_: Round, mu: float = MU) -> float:
    """All steps on loss + mu / 2 |w - w0|^2, w0 the model as it came."""
    start = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    return run_steps(model, round_, near(start, mu))


def near(anchor: Mapping[str, torch.Tensor], weight: float) -> Step:
    """A step whose gradient also pulls every parameter towards `anchor`: + weight (w - anchor)."""

    def step(
        model: nn.Module, images: torch.Tensor, targets: torch.Tensor, round_: Round, optimizer: torch.optim.Optimizer
    ) -> float:
        optimizer.zero_grad()
        loss = backward(round_.loss(model(images), targets), round_)
        for name, parameter in model.named_parameters():
            if parameter.grad is not None and weight:
                parameter.grad.add_(parameter.detach() - anchor[name], alpha=weight)
        optimizer.step()
        return loss

    return step
