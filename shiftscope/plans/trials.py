"""What a trial of several strategies gave: the rungs, who was dropped where, and what came out."""

from typing import Literal

from shiftscope.plans.plan import Plan
from shiftscope.plans.results import Difference, Verdict
from shiftscope.records import Document, Real, Record

__all__ = ["Fate", "TrialCost", "TrialEntry", "TrialResult", "TrialRung", "TrialSetup", "name_of_strategy"]

Fate = Literal["reference", "kept", "tied", "dropped", "finalist"]
"""What a rung did with a strategy: "tied" is kept beyond the share, for noise alone parts it from the last one kept."""


def name_of_strategy(harmonizer: str | None, algorithm: str | None) -> str:
    """A strategy's name: "harmonizer+algorithm", or the one of them there is; empty for neither."""
    return "+".join(name for name in (harmonizer, algorithm) if name)


class TrialSetup(Document):
    """What a trial was asked to do; a trial that goes on must be asked the same.

    Attributes:
        strategies: names, the reference not among them.
        rungs: rounds of each rung.
        keep: the share of the strategies that goes on from a rung.
    """

    plan: Plan
    strategies: tuple[str, ...]
    rungs: tuple[int, ...]
    keep: Real


class TrialEntry(Record):
    """One strategy in one rung.

    Attributes:
        validation: the metric on the validation cases of the rung's `judged` sites, of the strategy's own model: mean
            over seeds, then sites. Selection reads this and nothing else.
        test: the metric on the test cases, of the model each site uses.
        difference: from the reference on the test cases, with its 95 % interval.
        harmed: sites where it is clearly worse than the reference.
        passes: forward-and-backward passes of a batch, of all sites and seeds.
        bytes: payload both ways, without what harmonizers share.
        seconds: of computing, added up over sites.
    """

    fate: Fate
    harmonizer: str | None
    algorithm: str
    validation: Real
    test: Real | None
    difference: Difference = Difference()
    verdict: Verdict = "no_difference"
    harmed: tuple[str, ...] = ()
    passes: int
    bytes: int
    seconds: Real


class TrialRung(Record):
    """All strategies that were left, run anew on one budget.

    Attributes:
        rounds: the budget, with the plan's steps in each.
        judged: sites whose validation cases give every strategy a score for every seed; the selection rests on them.
        strategies: the reference first.
    """

    rounds: int
    judged: tuple[str, ...]
    strategies: dict[str, TrialEntry]


class TrialCost(Record):
    """What a trial took.

    Attributes:
        passes: forward-and-backward passes of a batch, of all sites, seeds and strategies.
        full_passes: what all strategies in full would have taken.
        bytes: payload both ways.
        seconds: wall clock.
    """

    passes: int
    full_passes: int
    bytes: int
    seconds: Real


class TrialResult(Document):
    """What a trial gave.

    Attributes:
        plan: the plan as it was, without folders.
        reference: the plan's baseline; in every rung, never dropped.
        verdict: "take" the winner; "pool", for nothing is shown to beat the reference; "unclear": the leader is not
            shown to, another finalist is.
        leader: the strategy that the validation cases put first in the last rung.
        winner: the leader, where its difference from the reference clears 0 and the margin.
        close: finalists that noise alone parts from the leader on the validation cases.
        ranking: all strategies: those of the last rung by validation, then those dropped last, and so on.
        notes: what the runs had to tell, each once.
    """

    plan: Plan
    engine: str
    metric: str
    reference: str
    verdict: Literal["take", "pool", "unclear"]
    leader: str
    winner: str | None
    close: tuple[str, ...] = ()
    ranking: tuple[str, ...]
    keep: Real
    seeds: tuple[int, ...]
    rungs: tuple[TrialRung, ...]
    cost: TrialCost
    machine: dict[str, str]
    notes: tuple[str, ...] = ()

    def last(self, strategy: str) -> TrialEntry:
        """The strategy in the last rung it was in."""
        return next(rung.strategies[strategy] for rung in reversed(self.rungs) if strategy in rung.strategies)
