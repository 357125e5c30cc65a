"""All policies on all federations that were run, summed up over families. Nothing is printed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from outcomes import REFERENCE, Outcome
from policies import BEST, by_study, chosen_by_scores, policies
from predicted_policies import Learned
from scores import (
    Judged,
    Over,
    Splits,
    chosen_elsewhere,
    cross_fitted,
    halves,
    judge,
    one_out,
    oracle_weights,
    over_families,
)
from tasks import TASKS, Task

__all__ = ["ORACLE", "SINGLE_BEST", "STUDY_BEST", "PolicyRow", "Summary", "summarise"]

ORACLE, SINGLE_BEST, STUDY_BEST = "oracle", "single best of other families", "study's rule, best members elsewhere"

_HARMONIZERS = ("zscore", "percentile", "quantile_map", "clahe", "combat")
_PERSONALIZERS = ("local", "lp_ft", "shrinkage")
"""Of a task whose sweep had them."""


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One policy over all federations.

    Attributes:
        name: of the policy.
        judged: federation -> what it gives.
        score: mean.
        gain: over FedAvg.
        regret: what the oracle has more.
        harmed: share of sites that lose more than the margin against FedAvg.
        surely_harmed: share of sites of which that is shown.
        new_harm: share of sites that do worse than alone by more than the margin, where FedAvg does not.
        surely_new: share of sites of which it is shown that they do, and of FedAvg it is not.
        closed: share of the single best's regret that it closes; None where that regret is not off 0.
    """

    name: str
    judged: Mapping[str, Judged]
    score: Over
    gain: Over
    regret: Over
    harmed: Over
    surely_harmed: Over
    new_harm: Over
    surely_new: Over
    closed: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """All of it.

    Attributes:
        task: of all of them.
        outcomes: federation -> its cells.
        strategies: that every federation has.
        rows: policy -> its row; the single strategies first.
        chosen: family -> the single strategy that is best elsewhere.
        nearest: the policies that see scores, choosing on all folds but the scored one; the first of them is then the
            oracle itself.
    """

    task: Task
    outcomes: Mapping[str, Outcome]
    strategies: tuple[str, ...]
    rows: Mapping[str, PolicyRow]
    chosen: Mapping[str, str]
    nearest: Mapping[str, PolicyRow]

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(sorted({outcome.family for outcome in self.outcomes.values()}))

    def difference(self, one: str, other: str, kinds: Sequence[str] | None = None) -> Over:
        """One policy's score less another's, over the federations of some kinds."""
        chosen = [item for item in self.outcomes.values() if kinds is None or item.about["kind"] in kinds]
        first, second = self.rows[one].judged, self.rows[other].judged
        return over_families(
            [first[item.name].score - second[item.name].score for item in chosen], [item.family for item in chosen]
        )


def summarise(found: Sequence[Outcome], learned: Learned | None = None) -> Summary:
    """Every policy, cross-fitted on halves of the folds.

    Args:
        found: of one task.
        learned: what today's advice rests on, without each family; None to leave it out.

    Raises:
        ValueError: federations of two tasks, whose scores cannot be averaged.
    """
    tasks = {outcome.task for outcome in found}
    if len(tasks) != 1:
        raise ValueError(f"federations of {', '.join(sorted(tasks))}: expected one task, for means over all of them")
    outcomes = {outcome.name: outcome for outcome in found}
    common = tuple(
        name for name in found[0].strategies if all(name in outcome.strategies for outcome in outcomes.values())
    )
    early = all(outcome.early for outcome in found)
    on_scores = {**({} if learned is None else learned.from_scores()), **chosen_by_scores(early)}
    every = {**policies(common, early), **({} if learned is None else learned.from_profiles()), **on_scores}
    judged = {name: _judged(found, policy) for name, policy in every.items()}
    family_of = {name: outcome.family for name, outcome in outcomes.items()}
    chosen = chosen_elsewhere({name: _scores(judged[name]) for name in common}, family_of)
    judged[SINGLE_BEST] = {name: judged[chosen[family_of[name]]][name] for name in outcomes}
    judged[STUDY_BEST] = _study_best(found, common, family_of)
    judged[ORACLE] = {name: judge(outcome, oracle_weights(outcome, BEST)) for name, outcome in outcomes.items()}
    rows = {name: _row(name, each, judged, family_of) for name, each in judged.items()}
    nearest = {
        name: _row(name, _judged(found, policy, one_out), judged, family_of) for name, policy in on_scores.items()
    }
    return Summary(TASKS[tasks.pop()], outcomes, common, rows, chosen, nearest)


def _judged(
    found: Sequence[Outcome], policy: Callable[..., np.ndarray], splits: Callable[[int], Splits] = halves
) -> dict[str, Judged]:
    return {outcome.name: judge(outcome, cross_fitted(policy, outcome, splits)) for outcome in found}


def _scores(judged: Mapping[str, Judged]) -> dict[str, float]:
    return {name: each.score for name, each in judged.items()}


def _study_best(found: Sequence[Outcome], common: Sequence[str], family_of: Mapping[str, str]) -> dict[str, Judged]:
    """The study's rule with the harmonizer and the personalizer that serve it best in all other families."""
    members = {
        f"{harmonizer} or {personalizer}": _judged(found, by_study(harmonizer, personalizer))
        for harmonizer in (name for name in _HARMONIZERS if name in common)
        for personalizer in (name for name in _PERSONALIZERS if name in common)
    }
    chosen = chosen_elsewhere({name: _scores(each) for name, each in members.items()}, family_of)
    return {name: members[chosen[family]][name] for name, family in family_of.items()}


def _row(
    name: str,
    judged: Mapping[str, Judged],
    every: Mapping[str, Mapping[str, Judged]],
    family_of: Mapping[str, str],
) -> PolicyRow:
    base, oracle, single = every[REFERENCE], every[ORACLE], every[SINGLE_BEST]
    families = [family_of[federation] for federation in judged]
    regret = over_families([oracle[item].score - each.score for item, each in judged.items()], families)
    alone = over_families([oracle[item].score - single[item].score for item in judged], families)
    return PolicyRow(
        name=name,
        judged=judged,
        score=over_families([each.score for each in judged.values()], families),
        gain=over_families([each.score - base[item].score for item, each in judged.items()], families),
        regret=regret,
        harmed=over_families([each.harmed.mean() for each in judged.values()], families),
        surely_harmed=over_families([each.surely_harmed.mean() for each in judged.values()], families),
        new_harm=over_families(
            [(each.worse_than_alone & ~base[item].worse_than_alone).mean() for item, each in judged.items()], families
        ),
        surely_new=over_families(
            [
                (each.surely_worse_than_alone & ~base[item].surely_worse_than_alone).mean()
                for item, each in judged.items()
            ],
            families,
        ),
        closed=1 - regret.mean / alone.mean if alone.off_zero else None,
    )
