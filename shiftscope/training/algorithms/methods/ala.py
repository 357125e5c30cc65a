"""FedALA (Zhang et al. 2023, arXiv:2212.01197): each weight of the top layers starts between the site's and all sites'.

A round starts from own + (global - own) * W, W in [0, 1] element by element and learned at the site; below the top
layers from the global model.
"""

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from shiftscope.training.algorithms.local_rounds import Round, backward, run_steps
from shiftscope.training.algorithms.methods.twins import tensors_of
from shiftscope.training.data.randomness import seeded
from shiftscope.training.models.layers import head

__all__ = ["ETA", "mix_in", "mixed_start_round", "mixing_compute"]

ETA = 1.0
"""Rate of the mixing weights, the paper's."""

OWN, WEIGHT = "own/", "weight/"


def mixed_start_round(model: nn.Module, round_: Round) -> float:
    """Mix, then all steps as FedAvg; the site remembers where it ended."""
    mix_in(model, round_)
    loss = run_steps(model, round_)
    top = head(model)
    round_.memory.update({OWN + name: value for name, value in tensors_of(model).items() if name in top})
    return loss


def mix_in(model: nn.Module, round_: Round) -> None:
    """One pass over the training cases for W, W kept for the next round; nothing to mix before a site's first round.

    The paper starts by training W until the loss settles and then takes one pass a round; here every round takes
    one pass, W staying from round to round.
    """
    if not any(key.startswith(OWN) for key in round_.memory):
        return
    names = head(model)
    top = {name: parameter for name, parameter in model.named_parameters() if name in names}
    own = {name: torch.from_numpy(round_.memory[OWN + name].copy()).to(round_.device) for name in top}
    gap = {name: top[name].detach() - own[name] for name in top}
    weights = {
        name: torch.from_numpy(round_.memory[WEIGHT + name].copy()).to(round_.device)
        if WEIGHT + name in round_.memory
        else torch.ones_like(gap[name])
        for name in top
    }
    _learn(model, round_, own, gap, weights)
    with torch.no_grad():
        for name, parameter in top.items():
            parameter.copy_(own[name] + gap[name] * weights[name])
            round_.memory[WEIGHT + name] = weights[name].cpu().numpy().astype(np.float32)


def mixing_compute(number: int, _rounds: int, batches: int) -> tuple[int, int]:
    """No step, and one pass over the cases in every round but the first, and before the model is judged."""
    return 0, batches if number > 1 else 0


def _learn(
    model: nn.Module,
    round_: Round,
    own: dict[str, torch.Tensor],
    gap: dict[str, torch.Tensor],
    weights: dict[str, torch.Tensor],
) -> None:
    """W - ETA * gradient * (global - own), clipped to [0, 1]: one pass, in place; running statistics stand still."""
    model.train()
    statistics = {name: buffer.clone() for name, buffer in model.named_buffers()}
    batches = round_.batches("mixing")
    with seeded(*round_.origin, round_.number, "mixing"):
        for _ in range(-(-len(round_.samples) // round_.plan.batch_size)):
            images, targets = next(batches)
            start = {name: (own[name] + gap[name] * weights[name]).requires_grad_() for name in own}
            backward(round_.loss(functional_call(model, start, (images,)), targets), round_)
            for name, tensor in start.items():
                if tensor.grad is not None:
                    weights[name].sub_(ETA * tensor.grad * gap[name]).clamp_(0, 1)
    model.zero_grad()
    for name, buffer in model.named_buffers():
        buffer.copy_(statistics[name])
