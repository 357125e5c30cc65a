"""Strategies are compared on one budget or not at all."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from shiftscope.errors import EngineError
from shiftscope.plans import SiteRound
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.states import Checkpoint

__all__ = ["digest_of", "not_comparable", "off_budget", "refuse_unequal"]


def digest_of(tensors: Tensors) -> str:
    """A mark of a model's weights: 16 hexadecimal digits of SHA-256."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()[:16]


def off_budget(
    spent: Mapping[str, SiteRound], steps: int, start: str, passes: Mapping[str, int], declared: Mapping[str, int]
) -> dict[str, str]:
    """Sites that did something else with a strategy's budget than the other sites -> what.

    One such site is left out of the round, for otherwise `refuse_unequal` would end the run for all. Where it is every
    site, the strategy itself is to blame, nobody is named here, and that refuses the comparison.

    Args:
        spent: site -> what it says that the work took.
        steps: optimizer steps that were due.
        start: a mark of the weights that every strategy sets out from.
        passes: site -> gradients that it has computed, these among them.
        declared: site -> gradients of the whole run; a site that is missing is not asked.
    """
    odd: dict[str, str] = {}
    for site, each in spent.items():
        if each.steps != steps:
            odd[site] = f"took {each.steps} optimizer steps, and {steps} were due"
        elif each.start and each.start != start:
            odd[site] = "set out from other weights than it was sent; have one version of torch at all sites"
        elif passes[site] > declared.get(site, passes[site]):
            odd[site] = (
                f"computed {passes[site]} gradients so far, and {declared[site]} were declared for the whole run"
            )
    return odd if len(odd) < len(spent) else {}


def refuse_unequal(job: Job, runs: Mapping[tuple[str, int], Checkpoint]) -> None:
    """See from the account of the rounds that every strategy had what the first one had.

    Compared are, site by site: the initial weights of each seed, the number of rounds, and optimizer steps of the
    model that is used, tuning at the end among them; and that no more was computed than the algorithm declares. The
    split and the augmentation are one for a whole job. A site that missed rounds is left out: its absence stands in
    the result's notes.

    Raises:
        EngineError: naming the strategy, the site, and both numbers.
    """
    for (name, seed), run in runs.items():
        due = job.arm(name).rounds * job.plan.local_steps
        declared = job.declared_passes(name)
        for site in _whole(run, job.sites):
            spent = [*(entry.sites[site] for entry in run.entries), run.evaluation[site].spent]
            steps, gradients = sum(each.steps for each in spent), sum(each.passes for each in spent)
            if steps != due:
                raise EngineError(
                    f"{name} seed {seed}: site {site} took {steps} optimizer steps, and the budget is {due};"
                    " the comparison would not be fair; mend the algorithm's count of rounds and steps"
                )
            most = declared.get(site, gradients)
            if gradients > most:
                raise EngineError(
                    f"{name} seed {seed}: site {site} computed {gradients} gradients, and {most} were declared; the"
                    " comparison would not be fair; mend the algorithm's `gradients_per_step`, `extra_compute` or"
                    " `tuning`"
                )
    for seed in dict.fromkeys(seed for _, seed in runs):
        _one_start(seed, {name: run for (name, of), run in runs.items() if of == seed})


def not_comparable(job: Job, runs: Mapping[tuple[str, int], Checkpoint]) -> dict[str, str]:
    """Arm -> why it has no difference from the first one: sites were missing from one and not from the other.

    A shared model that learned from fewer sites is another model everywhere. Who is missing alike is no reason.
    """
    first, *others = job.arms
    why: dict[str, str] = {}
    for arm in others:
        for seed in dict.fromkeys(seed for _, seed in runs):
            own, base = (_missed(runs[name, seed]) for name in (arm.name, first.name))
            for site in job.sites:
                if own.get(site, 0) != base.get(site, 0):
                    why[arm.name] = (
                        f"'{arm.name}' is not compared with '{first.name}': with seed {seed} site {site} missed"
                        f" {own.get(site, 0)} rounds of the one and {base.get(site, 0)} of the other; start anew when"
                        " the site is back, for what is trained is not trained again"
                    )
    return why


def _missed(run: Checkpoint) -> Counter[str]:
    return Counter(site for entry in run.entries for site, reply in entry.replies.items() if reply != "ok")


def _one_start(seed: int, runs: Mapping[str, Checkpoint]) -> None:
    """All strategies of a seed, at all sites, set out from the same weights."""
    starts = {
        (name, site): spent.start
        for name, run in runs.items()
        for entry in run.entries[:1]
        for site, spent in entry.sites.items()
        if spent.start
    }
    if len(set(starts.values())) > 1:
        (one, first), (other, second) = _differing(starts)
        raise EngineError(
            f"seed {seed}: {one} at site {first} and {other} at site {second} started from different weights;"
            " the comparison would not be fair; start the run anew, with one version of torch at all sites"
        )


def _differing(starts: Mapping[tuple[str, str], str]) -> tuple[tuple[str, str], tuple[str, str]]:
    first = next(iter(starts))
    return first, next(place for place, start in starts.items() if start != starts[first])


def _whole(run: Checkpoint, sites: Sequence[str]) -> list[str]:
    """Sites that took part in every round and were judged."""
    return [site for site in sites if site in run.evaluation and all(site in entry.sites for entry in run.entries)]
