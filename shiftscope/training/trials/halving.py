"""Successive halving (Jamieson & Talwalkar 2016, arXiv:1502.07943): small budgets for many, large ones for few.

Every rung is a run of its own with the whole schedule of its budget. A run cut off in the middle of a longer cosine
would still have a high learning rate, and its score would say more about the noise of its last steps than about where
it is going; nothing is gained by going on from there either, for the schedules of two rungs do not meet.

Selection reads scores on validation cases and nothing else. Were it to read test cases, the best of many would also
be the luckiest of many on these very cases (the winner's curse), and the interval reported for it in the end would be
too high and too narrow. As it is, test cases have had no say in who is left when they are asked.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shiftscope.errors import PlanError
from shiftscope.plans import RunResult

__all__ = ["MIN_ROUNDS", "Cut", "budgets", "cut", "expected_left"]

MIN_ROUNDS = 2
"""Fewer rounds are no federation: a method that tunes at the end needs one for that and one together."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What a rung decides.

    Attributes:
        validation: strategy -> mean over the judged sites; the reference first, the others best first.
        kept: the share that goes on, best first.
        tied: those that go on beside them, for they lie within noise of the last one kept.
        dropped: the others.
        judged: sites behind `validation`.
    """

    validation: Mapping[str, float]
    kept: tuple[str, ...]
    tied: tuple[str, ...]
    dropped: tuple[str, ...]
    judged: tuple[str, ...]


def budgets(rounds: int, strategies: int, keep: float, rungs: int) -> tuple[int, ...]:
    """Rounds of each rung: `rounds` in the last, a `keep`-th of the next in every other, none below `MIN_ROUNDS`.

    There are no more rungs than it takes to come down to one strategy, and no two of the same budget.

    Raises:
        PlanError: the last rung would have fewer than `MIN_ROUNDS`.
    """
    if rounds < MIN_ROUNDS:
        raise PlanError(f"rounds: {rounds} for a trial; expected {MIN_ROUNDS} or more")
    left, cuts = strategies, 0
    while _kept(left, keep) < left:
        left, cuts = _kept(left, keep), cuts + 1
    found = {max(MIN_ROUNDS, round(rounds * keep**step)) for step in range(min(rungs, 1 + cuts))}
    return tuple(sorted(found))


def expected_left(strategies: int, keep: float, rungs: int) -> tuple[int, ...]:
    """How many strategies run in each rung where nothing is tied."""
    left = [strategies]
    for _ in range(rungs - 1):
        left.append(_kept(left[-1], keep))
    return tuple(left)


def cut(result: RunResult, keep: float) -> Cut:
    """Who goes on after a rung, by the validation cases alone.

    At least the share `keep` of the strategies goes on, the first of the result (the reference) not counted. So does
    who lies less than one standard error below the last of them: of the paired difference over sites, each averaged
    over seeds, which holds the noise of few validation cases, that of few seeds, and what differs between sites.
    Where one site alone is judged there is no such error, and only who equals the last one goes on with it.

    Raises:
        PlanError: fewer than half of the sites have, or tell, validation scores for all strategies and seeds.
    """
    reference, *strategies = result.arms
    judged = _judged(result)
    scores = {
        name: np.array([_validation(result, site, name) for site in judged], dtype=np.float64).mean(axis=1)
        for name in result.arms
    }
    means = {name: float(values.mean()) for name, values in scores.items()}
    order = sorted(strategies, key=lambda name: -means[name])
    count = _kept(len(order), keep)
    kept, others = order[:count], order[count:]
    tied = [name for name in others if _within_noise(scores[kept[-1]] - scores[name])]
    return Cut(
        validation={reference: means[reference], **{name: means[name] for name in order}},
        kept=tuple(kept),
        tied=tuple(tied),
        dropped=tuple(name for name in others if name not in tied),
        judged=tuple(judged),
    )


def _kept(strategies: int, keep: float) -> int:
    return max(1, math.ceil(strategies * keep - 1e-9))


def _within_noise(behind: np.ndarray) -> bool:
    """Whether a paired difference (sites,) is at most one standard error."""
    error = behind.std(ddof=1) / math.sqrt(len(behind)) if len(behind) > 1 else 0.0
    return bool(behind.mean() <= error + 1e-9)


def _judged(result: RunResult) -> list[str]:
    """Sites with a validation score of every strategy and seed."""
    found = [site for site in result.sites if all(None not in _validation(result, site, name) for name in result.arms)]
    if 2 * len(found) < len(result.sites):
        without = [site for site in result.sites if site not in found]
        kept = [site for site in without if {result.metric, "validation"} & {*result.sites[site].kept}]
        if kept:
            raise PlanError(
                f"{result.metric} on validation cases is kept by their policies at {len(kept)} of {len(result.sites)}"
                f" sites ({', '.join(kept)}), and a trial selects by nothing else; have them allow it under `metrics`,"
                f" enlarge split.val (now {result.plan.split.val:g}) where too few validation patients stand behind it"
                " (`min_scored`), or train without a trial"
            )
        raise PlanError(
            f"split.val: {result.metric} on validation cases is undefined at {len(without)} of"
            f" {len(result.sites)} sites ({', '.join(without)}), and a trial selects by nothing else;"
            f" expected scores at half of them at least; enlarge split.val (now {result.plan.split.val:g})"
        )
    return found


def _validation(result: RunResult, site: str, name: str) -> tuple[float | None, ...]:
    return result.sites[site].validation.get(name) or (None,)
