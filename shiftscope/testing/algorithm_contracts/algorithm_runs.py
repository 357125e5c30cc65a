"""Contracts of a run: what it starts from, that it can be had again, and what it takes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from shiftscope.testing.algorithm_contracts.algorithm_candidates import AlgorithmCandidate, all_tensors
from shiftscope.testing.algorithm_contracts.memory_runs import ROUNDS, SITES, MemoryRun, initial_model, run_in_memory
from shiftscope.testing.algorithm_contracts.reductions import first_difference
from shiftscope.testing.requirements import check_summary, require
from shiftscope.training.algorithms.algorithm import Algorithm
from shiftscope.training.algorithms.methods.twins import tensors_of

__all__ = ["RUNS"]


def says_what_it_does(candidate: AlgorithmCandidate) -> None:
    """The summary is one sentence."""
    check_summary(candidate.algorithm.summary)


def starts_like_all(candidate: AlgorithmCandidate) -> None:
    """Every site begins with the model that every algorithm of this seed begins with."""
    first = tensors_of(initial_model())
    for site in candidate.run.parties:
        received = candidate.run.work[site, 1].received
        for name, tensor in first.items():
            require(
                name not in received or np.array_equal(received[name], tensor),
                got=f"another {name} at site {site} before the first round",
                expected="the initial model",
                advice="let `begin` add tensors and change none; a head start is no comparison",
            )


def stays_finite(candidate: AlgorithmCandidate) -> None:
    """No tensor and no loss is infinite or undefined."""
    for where, tensor in all_tensors(candidate.run):
        require(
            np.isfinite(tensor).all(),
            got=f"{where} with values that are not finite",
            expected="finite numbers",
            advice="look for a division by zero or a rate that is too large",
        )
    for site, number, work in candidate.rounds:
        require(
            np.isfinite(work.loss),
            got=f"the loss {work.loss} at site {site} in round {number}",
            expected="the mean training loss",
            advice="return the mean loss from `local_round`",
        )


def repeats_itself(candidate: AlgorithmCandidate) -> None:
    """The same plan, data and seed give the same bits."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(99)
        _require_same(
            candidate.run,
            run_in_memory(candidate.algorithm),
            "draw random numbers from torch, whose state follows from the round, or from `data.randomness`",
        )


def goes_on_from_files(candidate: AlgorithmCandidate) -> None:
    """A run whose state was written and read between rounds ends where it would have."""
    _require_same(
        candidate.run,
        run_in_memory(candidate.algorithm, through_files=True),
        "keep what has to survive a round in `round.memory`, at the server in `server.memory`, and nowhere else",
    )


def does_not_depend_on_who_replies_first(candidate: AlgorithmCandidate) -> None:
    """Updates in another order give the same model, but for rounding."""
    other = dict(all_tensors(run_in_memory(candidate.algorithm, backwards=True)))
    for where, tensor in all_tensors(candidate.run):
        require(
            where in other and np.allclose(other[where], tensor, rtol=1e-6, atol=1e-9),
            got=f"another {where} once the sites' updates come in another order",
            expected="the same to six digits",
            advice="sort updates by site before they are summed, as `weighted_mean` does",
        )


def takes_what_it_predicts(candidate: AlgorithmCandidate) -> None:
    """Optimizer steps and passes are those of the forecast, round by round, and the steps add up to the budget."""
    plan = candidate.run.plan
    for (site, number), work in candidate.run.work.items():
        if candidate.algorithm.pools and site != SITES[0]:
            continue
        predicted = candidate.predicted(number, work.batches)
        require(
            (work.step_count, work.pass_count) == predicted,
            got=f"{work.step_count} optimizer steps and {work.pass_count} passes at site {site} in round {number}",
            expected=f"{predicted[0]} and {predicted[1]}, as the algorithm predicts",
            advice="take the plan's steps; say what else it takes in the hooks that predict its compute",
        )
    for site in candidate.run.parties:
        steps = sum(work.step_count for (of, _), work in candidate.run.work.items() if of == site)
        require(
            steps == ROUNDS * plan.local_steps,
            got=f"{steps} optimizer steps at site {site} in all",
            expected=f"{ROUNDS * plan.local_steps}, the budget of every algorithm",
            advice="take steps that come after the last round off the rounds, with `tuning`",
        )


def is_personal_where_claimed(candidate: AlgorithmCandidate) -> None:
    """Sites end with models of their own, or all with one."""
    finals = [candidate.run.finals[site] for site in SITES]
    own = any(not np.array_equal(finals[0][name], finals[1][name]) for name in finals[0])
    require(
        own == candidate.personal,
        got=f"{'models of their own' if own else 'one model'} at the sites in the end",
        expected=f"{'models of their own' if candidate.personal else 'one model'}, as is claimed",
        advice=f"say personal={own}, or see what `stays_home` and `finish` leave to a site",
    )


def is_no_other_name_for_fedavg(candidate: AlgorithmCandidate) -> None:
    """An algorithm with a hook of its own ends with another model than FedAvg."""
    plain = Algorithm("")
    if replace(candidate.algorithm, summary="") == plain:
        return
    require(
        first_difference(candidate.run, run_in_memory(plain), "model") is not None,
        got="the model of FedAvg at every site, to the bit",
        expected="another one",
        advice="see that the hooks of the algorithm act at all",
    )


RUNS: dict[str, Callable[[AlgorithmCandidate], None]] = {
    "says in a sentence what it does": says_what_it_does,
    "starts from the model that all start from": starts_like_all,
    "stays finite": stays_finite,
    "gives the same model for the same seed": repeats_itself,
    "goes on from what was kept between rounds": goes_on_from_files,
    "does not depend on who replies first": does_not_depend_on_who_replies_first,
    "takes the steps and passes that it predicts": takes_what_it_predicts,
    "is personal where that is claimed": is_personal_where_claimed,
    "is no other name for FedAvg": is_no_other_name_for_fedavg,
}
"""Contract -> what verifies it."""


def _require_same(one: MemoryRun, other: MemoryRun, advice: str) -> None:
    again = dict(all_tensors(other))
    for where, tensor in all_tensors(one):
        require(
            where in again and np.array_equal(again[where], tensor),
            got=f"another {where}",
            expected="the same to the bit",
            advice=advice,
        )
