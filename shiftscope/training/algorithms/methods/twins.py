"""A second model at a site, kept in its memory between rounds."""

import copy

import torch
from torch import nn

from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.algorithms.local_rounds import Round

__all__ = ["remember", "tensors_of", "twin_of"]


def twin_of(model: nn.Module, round_: Round, name: str) -> nn.Module:
    """The site's own model `name`; before its first round a copy of the model as it is."""
    twin = copy.deepcopy(model)
    kept = {key.removeprefix(f"{name}/"): value for key, value in round_.memory.items() if key.startswith(f"{name}/")}
    if kept:
        twin.load_state_dict({key: torch.from_numpy(value.copy()) for key, value in kept.items()})
    return twin


def remember(model: nn.Module, round_: Round, name: str) -> None:
    """Keep the whole of `model` for the next round."""
    round_.memory.update({f"{name}/{key}": value for key, value in tensors_of(model).items()})


def tensors_of(model: nn.Module) -> Tensors:
    """A state dict as arrays of their own."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in model.state_dict().items()}
