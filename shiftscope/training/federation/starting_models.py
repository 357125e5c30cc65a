"""The model that every strategy of a seed starts from, and what of it is shared at first."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from shiftscope.plans import Plan
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.algorithms.algorithm import Algorithm, Server
from shiftscope.training.algorithms.methods.twins import tensors_of
from shiftscope.training.data.randomness import seeded
from shiftscope.training.evaluation.fairness import digest_of
from shiftscope.training.models.networks import build
from shiftscope.training.runs.jobs import Job

__all__ = ["BuildNetwork", "initial_tensors", "server_of", "starting_model"]

BuildNetwork = Callable[[Plan, Path | None], nn.Module]
"""(plan, file of weights) -> the network, its weights drawn from torch's random state where the file has none."""


def starting_model(job: Job, seed: int, network: BuildNetwork = build) -> nn.Module:
    """The same weights for every strategy of this seed, at every site."""
    with seeded(seed):
        return network(job.plan, job.weights)


def server_of(job: Job, algorithm: Algorithm, seed: int, network: BuildNetwork = build) -> Server:
    """What the coordinator knows before the first round."""
    model = starting_model(job, seed, network)
    learnable = frozenset(dict(model.named_parameters(remove_duplicate=False))) - algorithm.stays_home(model)
    return Server(job.plan, learnable, start=digest_of(tensors_of(model)))


def initial_tensors(job: Job, algorithm: Algorithm, seed: int, network: BuildNetwork = build) -> Tensors:
    """What is shared at first; every strategy of this seed starts from the same model."""
    model = starting_model(job, seed, network)
    home = algorithm.stays_home(model)
    shared = {name: tensor for name, tensor in tensors_of(model).items() if name not in home}
    return algorithm.begin(shared, server_of(job, algorithm, seed, network))
