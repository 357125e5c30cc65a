"""SiloBN (Andreux et al. 2020, arXiv:2008.07424): BatchNorm's running statistics are a site's own."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from shiftscope.training.algorithms.local_rounds import Round

__all__ = ["estimate_statistics"]


def estimate_statistics(model: nn.Module, round_: Round) -> None:
    """A site that never trained has no statistics of its own; it estimates them on its training cases.

    The weights stand still: the shared model sees each case once, and a layer's statistics are the mean over these
    batches. No gradient is computed. A site that took part keeps what its training left.
    """
    if round_.took_part:
        return
    layers = [layer for layer in model.modules() if isinstance(layer, _BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean over batches
    model.train()
    batches = round_.batches("statistics")
    with torch.no_grad():
        for _ in range(-(-len(round_.samples) // round_.plan.batch_size)):
            model(next(batches)[0])
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
