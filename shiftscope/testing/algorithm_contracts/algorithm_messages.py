"""Contracts of what passes between the coordinator and the sites, and of what never does."""

from collections.abc import Callable

import numpy as np

from shiftscope.testing.algorithm_contracts.algorithm_candidates import AlgorithmCandidate
from shiftscope.testing.algorithm_contracts.memory_runs import initial_model, training_cases
from shiftscope.testing.requirements import is_made_of, require
from shiftscope.training.algorithms.aggregation import Tensors, Update
from shiftscope.training.algorithms.algorithm import Server

__all__ = ["MESSAGES"]

_DISTINCT = 3  # tensors of no more distinct values (zeros, counts) may agree by chance


def sends_what_it_received(candidate: AlgorithmCandidate) -> None:
    """A site answers with the names, shapes and types that it was sent, and all that is shared keeps them."""
    first = candidate.run.shared[0]
    for number, shared in enumerate(candidate.run.shared[1:], 1):
        _require_alike(shared, first, f"shared after round {number}")
    for site, number, work in candidate.rounds:
        _require_alike(work.sent, work.received, f"sent by site {site} in round {number}")


def keeps_home_what_stays_home(candidate: AlgorithmCandidate) -> None:
    """The tensors that stay home are in no message; with those that travel they make up the model."""
    model = initial_model()
    home, every = candidate.algorithm.stays_home(model), set(model.state_dict())
    for site, number, work in candidate.rounds:
        for name in sorted(home):
            require(
                name not in work.received and name not in work.sent,
                got=f"{name} in a message of site {site} in round {number}",
                expected="it at home, where `stays_home` says it is",
                advice="leave what stays home out of `begin`, `model_for_site` and `round.extra`",
            )
        require(
            home | work.received.keys() >= every and home <= every,
            got=f"no value for {sorted((every - home) - work.received.keys()) or sorted(home - every)}",
            expected="every tensor of the model shared or at home",
            advice="let `model_for_site` give all that does not stay home, and `stays_home` name tensors of the model",
        )
    if home:
        one, other = candidate.run.finals.values()
        require(
            any(not np.array_equal(one[name], other[name]) for name in home),
            got="the same values at both sites in the end for all that stays home",
            expected="values of their own",
            advice="let `local_round` or `finish` train what stays home",
        )


def sends_no_value_that_it_keeps(candidate: AlgorithmCandidate) -> None:
    """No message carries the value of what a site keeps for itself in the end, under whatever name.

    In a first round what is kept may be what was sent: the change from nothing.
    """
    travelled = {
        np.asarray(tensor).tobytes()
        for work in candidate.run.work.values()
        for tensors in (work.received, work.sent)
        for tensor in tensors.values()
    }
    needed, last = set(), candidate.algorithm.federated(candidate.run.plan.rounds)
    for site in candidate.run.parties:
        work = candidate.run.work[site, last]
        for name, tensor in (work.home | work.memory).items():
            if np.unique(tensor).size <= _DISTINCT or tensor.tobytes() not in travelled:
                continue
            claimed = [part for part in candidate.also_sent if name.startswith(part)]
            needed |= set(claimed)
            require(
                claimed,
                got=f"the value of {name}, which site {site} keeps for itself, in a message",
                expected="it at the site alone",
                advice="send something else; what a site remembers of its own update can be named in also_sent=",
            )
    require(
        needed == set(candidate.also_sent),
        got=f"nothing kept under {sorted(set(candidate.also_sent) - needed)} that was sent too",
        expected="only exceptions that are needed",
        advice="take it out of also_sent=",
    )


def sends_no_case(candidate: AlgorithmCandidate) -> None:
    """No tensor that a site sends is made of the pixels of one of its cases."""
    for site, number, work in candidate.rounds:
        cases = [sample.pixels.astype(np.float32) for sample in training_cases(site)]
        for name, tensor in work.sent.items():
            require(
                not any(is_made_of(np.asarray(tensor), case) for case in cases),
                got=f"pixels of a single case in {name}, sent by site {site} in round {number}",
                expected="what was learned of all cases",
                advice="send weights, their changes, or averages over patients",
            )


def writes_to_nothing(candidate: AlgorithmCandidate) -> None:
    """`begin`, `model_for_site` and `aggregate` leave alone what they are given."""
    algorithm, run = candidate.algorithm, candidate.run
    model = initial_model()
    home = algorithm.stays_home(model)
    server = Server(run.plan, frozenset(dict(model.named_parameters())) - home)
    first = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items() if name not in home}
    before = _copied(first)
    shared = algorithm.begin(first, server)
    _require_untouched(before, first, "begin")
    before = _copied(shared)
    updates = [
        Update(site, _copied(run.work[site, 1].sent), 6 + number, 0.0) for number, site in enumerate(run.parties)
    ]
    sent = [_copied(update.tensors) for update in updates]
    for site in run.parties:
        algorithm.model_for_site(shared, server, site)
    _require_untouched(before, shared, "model_for_site")
    algorithm.aggregate(shared, updates, server)
    _require_untouched(before, shared, "aggregate")
    for one, update in zip(sent, updates, strict=True):
        _require_untouched(one, update.tensors, "aggregate")


MESSAGES: dict[str, Callable[[AlgorithmCandidate], None]] = {
    "keeps at home what stays home": keeps_home_what_stays_home,
    "answers with the tensors that it received": sends_what_it_received,
    "sends no value that a site keeps for itself": sends_no_value_that_it_keeps,
    "sends no case": sends_no_case,
    "writes to nothing that the coordinator holds": writes_to_nothing,
}
"""Contract -> what verifies it."""


def _require_alike(found: Tensors, expected: Tensors, where: str) -> None:
    """See that names, shapes and types agree."""
    odd = sorted(found.keys() ^ expected.keys())
    require(
        not odd,
        got=f"{', '.join(odd[:3])} on one of both ends only ({where})",
        expected="the names that are shared",
        advice="add tensors in `begin`, and answer for each of them with `round.extra`",
    )
    for name, tensor in found.items():
        left, right = np.asarray(tensor), np.asarray(expected[name])
        require(
            (left.shape, left.dtype) == (right.shape, right.dtype),
            got=f"{name} as {left.dtype} of shape {left.shape} ({where})",
            expected=f"{right.dtype} of shape {right.shape}",
            advice="compute in float64 where it helps, and return the type that came",
        )


def _copied(tensors: Tensors) -> Tensors:
    return {name: np.array(tensor) for name, tensor in tensors.items()}


def _require_untouched(before: Tensors, after: Tensors, hook: str) -> None:
    require(
        before.keys() == after.keys() and all(np.array_equal(before[name], after[name]) for name in before),
        got=f"other tensors after `{hook}` than before",
        expected="the same",
        advice=f"make new tensors in `{hook}`",
    )
