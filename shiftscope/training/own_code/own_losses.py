"""A loss of the operator's own: one number that weights can be learned from."""

from collections.abc import Callable

import torch
from torch import nn

from shiftscope.plans import Plan
from shiftscope.training.own_code.own_functions import draw_seed, made, run

__all__ = ["own_loss", "try_loss"]


def own_loss(plan: Plan) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """(outputs, targets) -> scalar, as `function(plan)` gives it, each answer looked at.

    Outputs are the network's; targets are classes (n,), or masks (n, 1, y, x) or (n, 1, z, y, x), as int64.

    Raises:
        PlanError: it cannot be called, or has weights of its own, which nothing would train; and while training, an
            answer that is no scalar or has no gradient.
    """
    name, loss = made(plan, "loss")
    if not callable(loss):
        raise name.misfit(f"gives {type(loss).__name__}", "a function of (outputs, targets)")
    if isinstance(loss, nn.Module) and any(weight.requires_grad for weight in loss.parameters()):
        raise name.misfit("gives a loss with weights to learn, which nothing trains", "a loss without, or with buffers")

    def value(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if isinstance(loss, nn.Module):
            loss.to(outputs.device)
        answer = run(name, draw_seed(), loss, outputs, targets)
        if not isinstance(answer, torch.Tensor) or answer.ndim or not answer.dtype.is_floating_point:
            got = (
                f"{answer.dtype} of {tuple(answer.shape)}"
                if isinstance(answer, torch.Tensor)
                else type(answer).__name__
            )
            raise name.misfit(f"answers with {got}", "one floating-point number, a tensor of ()")
        if outputs.requires_grad and not answer.requires_grad:
            raise name.misfit("answers with a number that has no gradient", "one that follows from the outputs")
        return answer

    return value


def try_loss(plan: Plan) -> None:
    """Call it once on made-up outputs, so that a loss that cannot be used is refused before any site starts.

    Raises:
        PlanError: its value or its gradient is not finite, or the gradient is 0 everywhere.
    """
    name, _ = made(plan, "loss")
    chance = torch.Generator().manual_seed(0)
    room = plan.patch or (plan.image_size, plan.image_size)
    if plan.task == "segmentation":
        classes = 1 + max(1, len(plan.classes))
        targets = torch.randint(classes, (2, 1, *room), generator=chance)
        outputs = torch.randn(2, classes, *room, generator=chance).requires_grad_()
    else:
        classes = len(plan.classes)
        targets = torch.arange(max(2, classes)) % classes
        outputs = torch.randn(len(targets), classes, generator=chance).requires_grad_()
    with torch.random.fork_rng(devices=()):
        answer = own_loss(plan)(outputs, targets)
        run(name, 0, answer.backward)
    if not torch.isfinite(answer):
        raise name.misfit(f"answers with {float(answer.detach())}", "a finite number")
    if outputs.grad is None or not torch.isfinite(outputs.grad).all() or not outputs.grad.any():
        raise name.misfit("has no gradient, or none that is finite", "one that follows from the outputs")
