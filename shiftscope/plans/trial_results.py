"""What a trial of several strategies gave: the rungs, who was dropped where, and what came out."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from shiftscope.dataframes import Tabular
from shiftscope.plans.earlier_results import trial_of_schema_1
from shiftscope.plans.plan import Margin, Plan, Seed
from shiftscope.plans.result_numbers import Amount, Difference, Score, Seconds, Verdict
from shiftscope.records import Document, Finite, Misfit, Name, Record, Total

__all__ = [
    "Fate",
    "RehearsedFate",
    "TrialCost",
    "TrialEntry",
    "TrialResult",
    "TrialRung",
    "TrialSetup",
    "name_of_strategy",
]

RehearsedFate = Literal["kept", "tied", "dropped", "not rehearsed"]
"""What a rehearsal before the rungs did with a strategy."""

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
        rehearse: whether a rehearsal comes before the rungs.
    """

    plan: Plan
    strategies: tuple[Name, ...]
    rungs: tuple[Total, ...]
    keep: Annotated[Finite, Field(ge=0, le=1)]
    rehearse: Annotated[bool, Field(strict=True)] = False


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
    harmonizer: Name | None
    algorithm: Name
    validation: Score
    test: Score | None
    difference: Difference = Difference()
    verdict: Verdict = "undecided"
    harmed: tuple[Name, ...] = ()
    passes: Amount
    bytes: Amount
    seconds: Seconds


class TrialRung(Record):
    """All strategies that were left, run anew on one budget.

    Attributes:
        rounds: the budget, with the plan's steps in each.
        judged: sites whose validation cases give every strategy a score for every seed; the selection rests on them.
        strategies: the reference first.
    """

    rounds: Total
    judged: tuple[Name, ...]
    strategies: Annotated[dict[Name, TrialEntry], Field(min_length=1)]


class TrialCost(Record):
    """What a trial took.

    Attributes:
        passes: forward-and-backward passes of a batch, of all sites, seeds and strategies.
        full_passes: what all strategies in full would have taken.
        bytes: payload both ways.
        seconds: wall clock.
    """

    passes: Amount
    full_passes: Annotated[Amount, Field(ge=1)]
    bytes: Amount
    seconds: Seconds


class TrialResult(Document, Tabular):
    """What a trial gave.

    Attributes:
        plan: the plan as it was, without folders, with the trial's own seeds and folds.
        margin: the plan's.
        reference: the plan's baseline; in every rung, never dropped.
        verdict: "take" the winner; "pool", for nothing is shown to beat the reference; "unclear": the leader is not
            shown to, another finalist is.
        leader: the strategy that the validation cases put first in the last rung.
        winner: the leader, where its difference from the reference clears 0 and the margin.
        close: finalists that noise alone parts from the leader on the validation cases.
        ranking: all strategies: those of the last rung by validation, then those dropped last, and so on.
        rehearsal: strategy -> what a rehearsal before the rungs did with it; empty without one.
        notes: messages of the runs, each once.
    """

    SCHEMA: ClassVar[int] = 2
    MOST_BYTES: ClassVar[int] = 16_000_000
    EARLIER: ClassVar[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: trial_of_schema_1}

    plan: Plan
    engine: Name
    metric: Name
    margin: Margin
    reference: Name
    verdict: Literal["take", "pool", "unclear"]
    leader: Name
    winner: Name | None
    close: tuple[Name, ...] = ()
    ranking: tuple[Name, ...]
    keep: Annotated[Finite, Field(ge=0, le=1)]
    seeds: tuple[Seed, ...]
    rungs: Annotated[tuple[TrialRung, ...], Field(min_length=1)]
    cost: TrialCost
    machine: dict[Name, str]
    rehearsal: dict[Name, RehearsedFate] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_who_was_tried(self) -> Self:
        """Everyone ranked was in some rung, the reference in all, and who is taken leads the last."""
        tried = dict.fromkeys(name for rung in self.rungs for name in rung.strategies)
        if sorted(self.ranking) != sorted(tried):
            raise Misfit("ranking", list(self.ranking), f"each strategy of the rungs once: {', '.join(tried)}")
        for number, rung in enumerate(self.rungs):
            if self.reference not in rung.strategies:
                raise Misfit(f"rungs.{number}.strategies", [*rung.strategies], f"the reference, {self.reference}")
            for entry in rung.strategies.values():
                entry.difference.require(entry.verdict, self.margin)
        last = self.rungs[-1].strategies
        for key, names in (("leader", (self.leader,)), ("close", self.close)):
            if unknown := [name for name in names if name not in last]:
                raise Misfit(key, unknown[0], f"strategies of the last rung: {', '.join(last)}")
        if self.verdict == "take" and last[self.leader].verdict != "helped":
            raise Misfit(
                "verdict", self.verdict, f"a leader that helps, and its verdict is {last[self.leader].verdict}"
            )
        if self.winner != (self.leader if self.verdict == "take" else None):
            raise Misfit("winner", self.winner, "the leader where the verdict is 'take', else null")
        return self

    def headline(self) -> str:
        """What to take."""
        if self.winner is not None:
            return f"take {self.winner}: it beats {self.reference} on {self.metric}"
        if self.verdict == "pool":
            return f"nothing beats {self.reference}: pool"
        return f"unclear: {self.leader} leads, and is not shown to beat {self.reference}"

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each rung and strategy."""
        return [
            {
                "rung": number,
                "rounds": rung.rounds,
                "strategy": name,
                "metric": self.metric,
                "test": entry.test,
                "difference": entry.difference.mean,
                "low": entry.difference.low,
                "high": entry.difference.high,
                "verdict": entry.verdict,
            }
            for number, rung in enumerate(self.rungs, start=1)
            for name, entry in rung.strategies.items()
        ]

    def last(self, strategy: str) -> TrialEntry:
        """The strategy in the last rung it was in."""
        return next(rung.strategies[strategy] for rung in reversed(self.rungs) if strategy in rung.strategies)
