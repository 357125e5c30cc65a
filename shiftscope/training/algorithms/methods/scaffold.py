"""SCAFFOLD (Karimireddy et al. 2020, arXiv:1910.06378): gradients corrected by how a site's differ from all sites'.

Every site keeps its mean gradient of the last round, its control variate c_i; the server keeps their mean, c. Steps
use g - c_i + c. With plain gradient descent the paper's second option, c_i - c + (x - y) / (K lr), is exactly the
mean of the raw gradients over the K steps; that mean is what is used here, because it also holds with AdamW and a
schedule, where the displacement of the weights is no sum of gradients.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from shiftscope.training.algorithms.aggregation import Tensors, Update, planned_cases, weighted_mean
from shiftscope.training.algorithms.algorithm import Server
from shiftscope.training.algorithms.local_rounds import Round, backward, run_steps

__all__ = ["PREFIX", "add_controls", "average_with_controls", "corrected_round"]

PREFIX = "control/"
"""What the control variate of a parameter is called beside the model."""

CASES = "cases/"
"""What the server remembers a site's training cases by, from the site's first update on."""


def add_controls(shared: Tensors, server: Server) -> Tensors:
    """The server's control variate starts at zero."""
    return shared | {PREFIX + name: np.zeros_like(shared[name]) for name in sorted(server.learnable)}


def corrected_round(model: nn.Module, round_: Round) -> float:
    """All steps on the corrected gradient; sends how the site's control variate changed."""
    parameters = dict(model.named_parameters())
    names = [name for name in parameters if PREFIX + name in round_.received]
    server = {name: torch.from_numpy(round_.received[PREFIX + name]).to(round_.device) for name in names}
    before = {name: round_.memory.get(PREFIX + name, np.zeros_like(round_.received[PREFIX + name])) for name in names}
    own = {name: torch.from_numpy(before[name]).to(round_.device) for name in names}
    total = {name: torch.zeros_like(parameters[name]) for name in names}
    count = 0

    def step(
        model: nn.Module, images: torch.Tensor, targets: torch.Tensor, round_: Round, optimizer: torch.optim.Optimizer
    ) -> float:
        nonlocal count
        optimizer.zero_grad()
        loss = backward(round_.loss(model(images), targets), round_)
        for name in names:
            gradient = parameters[name].grad
            if gradient is not None:
                total[name] += gradient
                gradient.add_(server[name] - own[name])
        count += 1
        optimizer.step()
        return loss

    loss = run_steps(model, round_, step)
    for name in names:
        change = (total[name] / max(count, 1)).cpu().numpy() - before[name]
        round_.memory[PREFIX + name] = _add_change(before[name], change)
        round_.extra[PREFIX + name] = change
    return loss


def average_with_controls(shared: Tensors, updates: Sequence[Update], server: Server) -> Tensors:
    """The model as in FedAvg, and c moved by the sites' changes: the mean of every site's c_i, whoever answered.

    The paper weighs sites alike in both. Were c weighted otherwise than the model, the corrected steps would head for
    another optimum than FedAvg's; so both go by training cases. A site that is missing leaves its share of c as it was.
    One that has never answered has c_i = 0 and weighs what the plan expects of it, until its update says it: then the
    sum of all weights changes, and c with it.
    """
    mean = weighted_mean(updates)
    begun, before = bool(server.memory), _all_cases(server)
    server.memory |= {CASES + update.site: np.array(update.cases) for update in updates}
    total = _all_cases(server)
    share = sum(update.cases for update in updates) / total
    kept = before / total if begun else 1.0  # in the first round c is 0
    for name in (name for name in mean if name.startswith(PREFIX)):
        mean[name] = _add_change(shared[name], share * mean[name].astype(np.float64), kept)
    return mean


def _all_cases(server: Server) -> float:
    """Training cases of all sites of the job, each as the site said, or else as the plan says."""
    planned = {site: planned_cases(server.plan, site) for site in server.plan.sites}
    return sum(float(server.memory.get(CASES + site, cases)) for site, cases in planned.items())


def _add_change(variate: np.ndarray, change: np.ndarray, kept: float = 1.0) -> np.ndarray:
    """Both ends add what was sent in the same arithmetic: with one site c stays equal to c_i to the last bit."""
    summed: np.ndarray = (kept * variate.astype(np.float64) + change).astype(variate.dtype)
    return summed
