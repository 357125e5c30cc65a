"""What an algorithm says of itself: hooks, each with a default that makes it FedAvg."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch import nn

from shiftscope.plans import Plan
from shiftscope.training.algorithms.aggregation import Tensors, Update, weighted_mean
from shiftscope.training.algorithms.local_rounds import Round, plain_round
from shiftscope.training.models.layers import nothing

__all__ = ["Algorithm", "Server"]


@dataclass(slots=True)
class Server:
    """What the coordinator knows of one strategy and seed.

    Attributes:
        plan: the job.
        learnable: names of the parameters among the shared tensors; the others are statistics.
        memory: what the algorithm keeps at the server between rounds; kept in the checkpoint.
        start: a mark of the model that every strategy of the seed sets out from; "" where nobody compares it.
    """

    plan: Plan
    learnable: frozenset[str]
    memory: Tensors = field(default_factory=dict)
    start: str = ""


def keep(_model: nn.Module, _round: Round) -> None:
    """The model is used as the last round left it."""


def as_is(shared: Tensors, _server: Server) -> Tensors:
    """What is shared is the model and nothing else."""
    return shared


def all_that_is_shared(shared: Tensors, _server: Server, _site: str) -> Tensors:
    """Every site receives all that is shared."""
    return shared


def no_extra(_number: int, _rounds: int, _batches: int) -> tuple[int, int]:
    """The plan's steps in every round, and `gradients_per_step` for each."""
    return 0, 0


def average(_shared: Tensors, updates: Sequence[Update], _server: Server) -> Tensors:
    """FedAvg's mean."""
    return weighted_mean(updates)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One way to train together. Every hook is optional; none of them knows the engine.

    Attributes:
        summary: one sentence for people.
        stays_home: model -> names of the tensors that never leave the site.
        local_round: (model, round) -> mean loss: the round's steps at a site. What the method has to remember at the
            site lives in `round.memory`, beside the tensors that stay home; what it sends beside the model goes to
            `round.extra`.
        aggregate: (what is shared, the sites' updates, server) -> what is shared next.
        finish: what a site does to its model after the last round, before it is judged.
        begin: (the shared part of the initial model, server) -> what is shared at first.
        model_for_site: (what is shared, server, site) -> what this site receives, and answers with.
        gradients_per_step: gradients of a batch (a forward and a backward pass each) computed per optimizer step: the
            prediction of its compute against FedAvg's.
        extra_compute: (round, rounds, batches in a site's cases) -> steps and gradients beyond that; the round after
            the last one stands for `finish`.
        models: how many models a site trains side by side.
        least_steps: local steps without which a round of it is not itself.
        sends_changes: how the names begin of what a site sends as a change, instead of what it is now.
        jumps: its weights may end a round further from those received than optimizer steps bring them.
        tuning: share of the rounds that `finish` spends at each site alone; taken off the federated ones.
        pools: the cases of all sites are brought together, in batches as large as all sites' together, so that as many
            images are seen: a bound, possible where one machine holds them all.
    """

    summary: str
    stays_home: Callable[[nn.Module], frozenset[str]] = nothing
    local_round: Callable[[nn.Module, Round], float] = plain_round
    aggregate: Callable[[Tensors, Sequence[Update], Server], Tensors] = average
    finish: Callable[[nn.Module, Round], None] = keep
    begin: Callable[[Tensors, Server], Tensors] = as_is
    model_for_site: Callable[[Tensors, Server, str], Tensors] = all_that_is_shared
    gradients_per_step: float = 1.0
    extra_compute: Callable[[int, int, int], tuple[int, int]] = no_extra
    models: int = 1
    least_steps: int = 1
    sends_changes: str = ""
    jumps: bool = False
    tuning: float = 0.0
    pools: bool = False

    def federated(self, rounds: int) -> int:
        """How many of `rounds` are spent together; a method that tunes has one round for it at the least."""
        return max(1, rounds - max(1, round(self.tuning * rounds))) if self.tuning else rounds

    def steps_in_round(self, number: int, rounds: int, steps: int) -> int:
        """Optimizer steps in round `number` of `rounds` with `steps` steps each; the number after the last federated
        one stands for all that `finish` does."""
        together = self.federated(rounds)
        due = steps if number <= together else steps * (rounds - together)
        return due + self.extra_compute(number, together, 0)[0]

    def gradients_in_round(self, number: int, rounds: int, steps: int, batches: int) -> int:
        """Gradients of a batch in round `number` of `rounds` with `steps` steps each; the number after the last
        federated one stands for all that `finish` does.

        Args:
            batches: in one pass over a site's cases.
        """
        together = self.federated(rounds)
        extra = self.extra_compute(number, together, batches)[1]
        return extra + (round(self.gradients_per_step * steps) if number <= together else steps * (rounds - together))

    def gradients_in_run(self, rounds: int, steps: int, batches: int) -> int:
        """The same, all together."""
        numbers = range(1, self.federated(rounds) + 2)
        return sum(self.gradients_in_round(number, rounds, steps, batches) for number in numbers)
