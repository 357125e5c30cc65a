"""Parts of a model that a method treats apart, found by what they are, never by what they are called."""

from collections.abc import Iterable, Sequence

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from shiftscope.errors import PlanError
from shiftscope.training.models.model_parts import head_of, inner_network, stem_of

__all__ = ["all_of_it", "head", "normalization", "nothing", "statistics", "stem"]


def nothing(_model: nn.Module) -> frozenset[str]:
    """No tensor."""
    return frozenset()


def all_of_it(model: nn.Module) -> frozenset[str]:
    """Every tensor."""
    return frozenset(model.state_dict())


def normalization(model: nn.Module) -> frozenset[str]:
    """Every tensor of every BatchNorm layer, its statistics included (FedBN, arXiv:2102.07623).

    Raises:
        PlanError: the model has no such layer, so the method would be FedAvg under another name.
    """
    return _owned(model, "BatchNorm", _batch_norms(model))


def statistics(model: nn.Module) -> frozenset[str]:
    """The running statistics of every BatchNorm layer, not its weights (SiloBN, arXiv:2008.07424).

    Raises:
        PlanError: the model has none.
    """
    mine = {id(buffer) for layer in _batch_norms(model) for buffer in layer.buffers()}
    return _named(model, "running BatchNorm statistics", mine)


def head(model: nn.Module) -> frozenset[str]:
    """The last block (FedPer, arXiv:1912.00818), as `model_parts.head_of` finds it.

    Raises:
        PlanError: the model has no tensors there.
    """
    return _owned(model, "a head", head_of(model))


def stem(model: nn.Module) -> frozenset[str]:
    """The early layers (LG-FedAvg, arXiv:2001.01523), as `model_parts.stem_of` finds them.

    Raises:
        PlanError: it has none.
    """
    return _named(model, "early layers", [id(tensor) for tensor in stem_of(model)])


def _batch_norms(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, _BatchNorm)]


def _owned(model: nn.Module, what: str, owners: Sequence[nn.Module]) -> frozenset[str]:
    """Names of the parameters and buffers of `owners` and what they contain."""
    return _named(model, what, {id(tensor) for owner in owners for tensor in owner.state_dict(keep_vars=True).values()})


def _named(model: nn.Module, what: str, mine: Iterable[int]) -> frozenset[str]:
    wanted = frozenset(mine)
    names = frozenset(name for name, tensor in model.state_dict(keep_vars=True).items() if id(tensor) in wanted)
    if not names:
        raise PlanError(
            f"personalizer: it keeps {what} at home, and the model {type(inner_network(model)).__name__} has none;"
            " choose another model"
        )
    return names
