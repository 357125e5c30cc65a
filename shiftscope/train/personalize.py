"""What stays at a site, and what the server makes of the rest: algorithms as records of functions.

A member of a family is a line below, and a function where it does something of its own. Nothing here knows the
engine; nothing that stays at home ever enters a message.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from shiftscope.errors import PlanError
from shiftscope.train.aggregate import Tensors, Update, weighted_mean
from shiftscope.train.local import Round, plain_step
from shiftscope.train.models import head_of

__all__ = ["CONTROLS", "PERSONALIZERS", "Algorithm", "find_algorithm"]


def nothing(_model: nn.Module) -> frozenset[str]:
    """No tensor stays at home."""
    return frozenset()


def normalization(model: nn.Module) -> frozenset[str]:
    """Every tensor of every BatchNorm layer, statistics included (FedBN, arXiv:2102.07623), found by type.

    Raises:
        PlanError: the model has no such layer, so the method would be FedAvg under another name.
    """
    return _owned(model, "fedbn keeps BatchNorm at home", [m for m in model.modules() if isinstance(m, _BatchNorm)])


def head(model: nn.Module) -> frozenset[str]:
    """The last block (FedPer, arXiv:1912.00818): the classifier, or a U-Net's final convolution and last up block.

    Raises:
        PlanError: the model has no tensors there.
    """
    return _owned(model, "fedper keeps the head at home", [head_of(model)])


def keep(_model: nn.Module, _round: Round) -> None:
    """The model is used as the last round left it."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One way to train together.

    Attributes:
        summary: one sentence for people.
        stays_home: model -> names of the tensors that never leave the site.
        local_step: one optimizer step at a site: (model, images, targets, round) -> loss. What the method has to
            remember at the site between rounds lives in `round.memory`, beside the tensors that stay home.
        aggregate: (shared tensors, the sites' updates, the server's memory) -> the next shared tensors. The memory
            is changed in place and kept in the checkpoint.
        finish: what a site does to its model after the last round, before it is judged.
    """

    summary: str
    stays_home: Callable[[nn.Module], frozenset[str]] = nothing
    local_step: Callable[..., float] = plain_step
    aggregate: Callable[[Tensors, Sequence[Update], Tensors], Tensors] = weighted_mean
    finish: Callable[[nn.Module, Round], None] = keep


PERSONALIZERS: dict[str, Algorithm] = {
    "fedbn": Algorithm("BatchNorm stays at the site", normalization),
    "fedper": Algorithm("the head of the model stays at the site", head),
}

CONTROLS: dict[str, Algorithm] = {
    "fedavg": Algorithm("one model for all, weighted by training cases"),
}


def find_algorithm(name: str) -> Algorithm:
    """The algorithm of that name, personal or not."""
    return {**CONTROLS, **PERSONALIZERS}[name]


def _owned(model: nn.Module, why: str, owners: Sequence[nn.Module]) -> frozenset[str]:
    """Names of the parameters and buffers of `owners` and what they contain."""
    mine = {id(tensor) for owner in owners for tensor in owner.state_dict(keep_vars=True).values()}
    names = frozenset(name for name, tensor in model.state_dict(keep_vars=True).items() if id(tensor) in mine)
    if not names:
        raise PlanError(
            f"personalizer: {why}, and the model {type(model).__name__} has none of it; choose another model"
        )
    return names
