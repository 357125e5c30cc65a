"""APFL (Deng et al. 2020, arXiv:2003.13461): a personal model, mixed with the global one by a learned weight."""

from typing import cast

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from shiftscope.training.algorithms.local_rounds import Round, backward, plain_step, run_steps
from shiftscope.training.algorithms.methods.twins import remember, twin_of

__all__ = ["ALPHA", "mixed_round", "take_mixture"]

ALPHA = 0.5
"""The personal model's weight at the start."""

NAME = "personal"


def mixed_round(model: nn.Module, round_: Round, *, learn: bool = True, alpha: float = ALPHA) -> float:
    """On each batch a step of the local copy w of the global model, one of the personal model v, one of the weight.

    v moves along its own gradient of the loss of alpha v + (1 - alpha) w; alpha along <v - w, that loss's gradient>,
    at the run's rate, and stays in [0, 1].

    Args:
        learn: whether alpha moves.
        alpha: where it starts.
    """
    personal = twin_of(model, round_, NAME)
    weight = torch.tensor(float(round_.memory.get("alpha", np.array(alpha))))
    second = round_.optimizer(personal.parameters())

    def step(
        model: nn.Module, images: torch.Tensor, targets: torch.Tensor, round_: Round, optimizer: torch.optim.Optimizer
    ) -> float:
        # The mixture is seen before w moves, as in the paper's algorithm 1, where both steps start from the same w.
        for group, main in zip(second.param_groups, optimizer.param_groups, strict=True):
            group["lr"] = main["lr"]
        second.zero_grad()
        share = weight.clone().requires_grad_(learn)
        away = {name: parameter.detach() for name, parameter in model.named_parameters()}
        # lerp is exact at both ends and keeps channels-last memory, which a sum of products does not.
        mixture = {name: torch.lerp(away[name], own, share.to(own)) for name, own in personal.named_parameters()}
        personal.train()
        outputs = functional_call(personal, {**dict(personal.named_buffers()), **mixture}, (images,))
        backward(round_.loss(cast(torch.Tensor, outputs), targets), round_)
        slope = share.grad
        loss = plain_step(model, images, targets, round_, optimizer)
        second.step()
        if slope is not None:
            weight.sub_(optimizer.param_groups[0]["lr"] * slope).clamp_(0, 1)
        return loss

    loss = run_steps(model, round_, step)
    remember(personal, round_, NAME)
    round_.memory["alpha"] = np.array(float(weight))
    return loss


def take_mixture(model: nn.Module, round_: Round) -> None:
    """alpha v + (1 - alpha) w, w the final global model.

    Running statistics are those kept with v: they were gathered on passes of the mixture. Averaged with the global
    model's, which are means over all sites, they cost up to .13 Dice at sites of another scanner. At alpha = 0 the
    global model is used as it is.
    """
    alpha = float(round_.memory.get("alpha", np.array(ALPHA)))
    if alpha == 0:
        return
    personal, learnable = twin_of(model, round_, NAME).state_dict(), dict(model.named_parameters())
    shared = model.state_dict()
    share = torch.tensor(alpha)
    mixed = {
        name: torch.lerp(shared[name], tensor, share.to(tensor)) if name in learnable else tensor
        for name, tensor in personal.items()
    }
    model.load_state_dict(mixed)
