"""The model that every strategy of a seed starts from, and what of it is shared at first."""

from torch import nn

from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.algorithms.algorithm import Algorithm, Server
from shiftscope.training.algorithms.methods.twins import tensors_of
from shiftscope.training.data.randomness import seeded
from shiftscope.training.models.networks import build
from shiftscope.training.runs.jobs import Job

__all__ = ["initial_tensors", "server_of", "starting_model"]


def starting_model(job: Job, seed: int) -> nn.Module:
    """The same weights for every strategy of this seed, at every site."""
    with seeded(seed):
        return build(job.plan, job.weights)


def server_of(job: Job, algorithm: Algorithm, seed: int) -> Server:
    """What the coordinator knows before the first round."""
    model = starting_model(job, seed)
    return Server(
        job.plan, frozenset(dict(model.named_parameters(remove_duplicate=False))) - algorithm.stays_home(model)
    )


def initial_tensors(job: Job, algorithm: Algorithm, seed: int) -> Tensors:
    """What is shared at first; every strategy of this seed starts from the same model."""
    model = starting_model(job, seed)
    home = algorithm.stays_home(model)
    shared = {name: tensor for name, tensor in tensors_of(model).items() if name not in home}
    return algorithm.begin(shared, server_of(job, algorithm, seed))
