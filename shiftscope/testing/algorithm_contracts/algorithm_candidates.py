"""An algorithm, its runs on planted sites and what its author claims: what its contracts look at."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shiftscope.testing.algorithm_contracts.memory_runs import ROUNDS, MemoryRun, Work, run_in_memory
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.algorithms.algorithm import Algorithm

__all__ = ["AlgorithmCandidate", "all_tensors"]


@dataclass(frozen=True)
class AlgorithmCandidate:
    """One algorithm, and what its author claims of it.

    Attributes:
        personal: whether sites end with models of their own.
        also_sent: first parts of the names of what it remembers at a site although it was sent as well.
    """

    algorithm: Algorithm
    personal: bool = False
    also_sent: tuple[str, ...] = ()

    @cached_property
    def run(self) -> MemoryRun:
        """The run that is looked at."""
        return run_in_memory(self.algorithm)

    @property
    def rounds(self) -> list[tuple[str, int, Work]]:
        """(site, round, what it did) of every round spent together."""
        together = self.algorithm.federated(ROUNDS)
        return [(site, number, work) for (site, number), work in self.run.work.items() if number <= together]

    def predicted(self, number: int, batches: int) -> tuple[int, int]:
        """Optimizer steps and passes that the algorithm says round `number` takes."""
        algorithm, steps = self.algorithm, self.run.plan.local_steps
        together = algorithm.federated(ROUNDS)
        planned = steps if number <= together else steps * (ROUNDS - together)
        more, _ = algorithm.extra_compute(number, together, batches)
        return planned + more, algorithm.gradients_in_round(number, ROUNDS, steps, batches)


def all_tensors(run: MemoryRun) -> Iterable[tuple[str, np.ndarray]]:
    """Every tensor of a run with where it is: shared, sent, kept at home or at the server, used in the end."""
    groups: list[tuple[str, Tensors]] = [(f"shared after round {n}", shared) for n, shared in enumerate(run.shared)]
    for (site, number), work in run.work.items():
        where = f"site {site}, round {number}"
        groups += [
            (f"sent by {where}", work.sent),
            (f"kept by {where}", work.home),
            (f"memory of {where}", work.memory),
        ]
    groups.append(("the server's memory", run.server.memory))
    groups += [(f"the model of site {site}", final) for site, final in run.finals.items()]
    for where, tensors in groups:
        for name, tensor in tensors.items():
            yield f"{name} ({where})", np.asarray(tensor)
