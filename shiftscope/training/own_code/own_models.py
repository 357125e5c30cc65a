"""A network of the operator's own, seen to be one that can be trained together."""

from math import prod

import torch
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.training.own_code.own_functions import made, run
from shiftscope.training.own_code.own_names import OwnName

__all__ = ["own_model", "require_repeatable"]


def own_model(plan: Plan) -> nn.Module:
    """The network that `function(plan)` gives, its weights drawn from torch's current random state.

    Raises:
        PlanError: it is no network with weights to learn, holds what cannot be averaged, or does not answer a batch
            with one value per class (and pixel).
    """
    if plan.weights:
        raise PlanError(f"weights: {plan.weights} given, but {plan.model} is your own model; load them in its function")
    name, model = made(plan, "model")
    if not isinstance(model, nn.Module):
        raise name.misfit(f"gives {type(model).__name__}", "a torch.nn.Module")
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise name.misfit(f"gives {type(model).__name__} without a weight to learn", "a network that can be trained")
    _require_averageable(plan, name, model)
    _try(plan, name, model)
    return model


def require_repeatable(plan: Plan) -> None:
    """The same random state gives the same weights: every site and strategy of a seed starts from one model.

    Raises:
        PlanError: it does not, so the code draws from elsewhere.
    """
    states = []
    for _ in range(2):
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            states.append(own_model(plan).state_dict())
    differing = [key for key, tensor in states[0].items() if not torch.equal(tensor, states[1][key])]
    if differing:
        name, _ = made(plan, "model")
        raise name.misfit(
            f"gives other weights each time ({differing[0]}) from the same random state",
            "weights drawn from torch's random state, or from numpy's global one, and from nowhere else",
        )
    _require_one_answer(plan)


def _require_one_answer(plan: Plan) -> None:
    """In evaluation mode chance comes from torch alone, whose state follows from seed and site.

    Raises:
        PlanError: the same batch is answered in two ways.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        name, model = made(plan, "model")
    room = plan.patch or (plan.image_size, plan.image_size)
    batch = torch.linspace(0, 1, 2 * (3 if plan.colour else 1) * prod(room)).reshape(2, -1, *room)

    def twice() -> list[torch.Tensor]:
        answers = []
        for _ in range(2):
            torch.manual_seed(0)
            answers.append(model(batch))
        return answers

    model.eval()
    with torch.no_grad():
        first, again = run(name, 0, twice)
    if not torch.equal(first.isnan(), again.isnan()) or not torch.equal(first.nan_to_num(), again.nan_to_num()):
        raise name.misfit(
            "answers the same batch in another way each time, in evaluation mode",
            "chance from torch's random state alone",
        )


def _require_averageable(plan: Plan, name: OwnName, model: nn.Module) -> None:
    dimensions = 5 if plan.patch else 4
    learned = {key for key, parameter in model.named_parameters() if parameter.requires_grad}
    for key, tensor in model.state_dict().items():
        if not isinstance(tensor, torch.Tensor):
            raise name.misfit(f"keeps {key} as {type(tensor).__name__}", "tensors alone in its state_dict")
        counts = not tensor.dtype.is_floating_point and not tensor.dtype.is_complex and tensor.dtype != torch.bool
        if tensor.dtype != torch.float32 and (key in learned or not counts):
            raise name.misfit(f"keeps {key} as {tensor.dtype}", "torch.float32, or integers that are not learned")
        if not torch.isfinite(tensor).all():
            raise name.misfit(f"gives {key} with values that are not finite", "finite weights")
        if tensor.ndim in (4, 5) and tensor.ndim != dimensions:
            raise name.misfit(
                f"keeps {key} with {tensor.ndim} dimensions",
                f"{dimensions} where the plan has {'a' if plan.patch else 'no'} patch, or 3 or fewer",
            )


def _try(plan: Plan, name: OwnName, model: nn.Module) -> None:
    """One pass over zeros, so that a model that does not fit is refused before any site starts."""
    room = plan.patch or (plan.image_size, plan.image_size)
    outputs = 1 + max(1, len(plan.classes)) if plan.task == "segmentation" else len(plan.classes)
    expected = (2, outputs, *room) if plan.task == "segmentation" else (2, outputs)
    batch = torch.zeros(2, 3 if plan.colour else 1, *room)
    with torch.no_grad():
        answer = run(name, 0, model.eval(), batch)
    model.train()
    if not isinstance(answer, torch.Tensor):
        raise name.misfit(f"answers a batch of {tuple(batch.shape)} with {type(answer).__name__}", "a tensor")
    if tuple(answer.shape) != expected or answer.dtype != torch.float32:
        what = "background and each class, pixel by pixel" if plan.task == "segmentation" else "each class"
        raise name.misfit(
            f"answers a batch of {tuple(batch.shape)} with {answer.dtype} of {tuple(answer.shape)}",
            f"torch.float32 of {expected}, a value for {what}",
        )
