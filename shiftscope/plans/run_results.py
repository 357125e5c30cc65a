"""What a run gave: scores of sites, outcomes of strategies, the verdict."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from shiftscope.dataframes import Tabular
from shiftscope.plans.earlier_results import result_of_schema_1
from shiftscope.plans.plan import Margin, Plan, Seed
from shiftscope.plans.result_numbers import Difference, Number, Score, Verdict
from shiftscope.plans.run_costs import Cost, Ledger, RoundEntry
from shiftscope.records import Document, Misfit, Name, Record, Total

__all__ = [
    "Answer",
    "ArmResult",
    "InterimResult",
    "Needed",
    "Outcome",
    "RunResult",
    "SiteDifference",
    "SiteScore",
    "SiteScores",
]


Answer = Literal["alone", "take_part", "own_model", "undecided"]
"""For one site: `alone`, its own model is shown better than all it could share; `take_part`, a model shared by all is
shown better than its own; `own_model`, so is one made for it in the federation, and it is shown better than each shared
one that is so too; `undecided`."""


class Needed(Record):
    """What would decide an undecided claim, if the difference were what it seems; where both are told, both together.

    Attributes:
        seeds: trainings in all; null where no more are needed, or where they would not help.
        patients: at all sites together, divided as they are now; null likewise.
    """

    seeds: Total | None = None
    patients: Total | None = None


class SiteDifference(Record):
    """The advice minus the baseline at one site."""

    site: Name
    difference: Difference = Difference()


class InterimResult(Record):
    """One analysis of the primary claim: the advice against the baseline, mean over sites.

    Attributes:
        seeds: trained by then.
    """

    seeds: Total
    difference: Difference
    verdict: Verdict


class SiteScores(Record):
    """One site's test cases: metric per strategy, one value per seed, null where undefined.

    Attributes:
        cases: test cases behind `scores`, of all folds.
        patients: patients in train, val and test; of several folds, on average.
        answer: whether the site should stay alone, take part, or take part with an own model; see `Answer`.
        scores: strategy ("baseline", "adapted", "local") -> the result's metric, of the model the site uses.
        difference: adapted minus baseline, averaged over seeds.
        differences: the same for every strategy but the first.
        ungated: the metric of the strategies' own models, whether the site uses them or not.
        kept_baseline: strategy -> one answer per seed: the site uses the baseline's model, for that does better on its
            validation cases. Only strategies that personalize are asked; no, where the site keeps its "choice".
        also: further metrics, name -> strategy -> values.
        validation: the result's metric on the validation cases.
        left_out: cases that could not be used, reason -> count.
        changed: mean absolute change of a training pixel by the harmonizer, null without one.
        kept: what the site's policy keeps at the site ("cases", "auroc", "spread", "validation"): unknown here, and
            neither zero nor undefined.
    """

    cases: Total
    patients: dict[Name, Total] = Field(default_factory=dict)
    answer: Answer = "undecided"
    scores: dict[Name, tuple[Score | None, ...]] = Field(default_factory=dict)
    difference: Difference = Difference()
    differences: dict[Name, Difference] = Field(default_factory=dict)
    ungated: dict[Name, tuple[Score | None, ...]] = Field(default_factory=dict)
    kept_baseline: dict[Name, tuple[bool, ...]] = Field(default_factory=dict)
    also: dict[Name, dict[Name, tuple[Number | None, ...]]] = Field(default_factory=dict)
    validation: dict[Name, tuple[Score | None, ...]] = Field(default_factory=dict)
    left_out: dict[Name, Total] = Field(default_factory=dict)
    changed: Number | None = None
    kept: tuple[Name, ...] = ()


class SiteScore(Record):
    """The lowest mean score of a strategy, and whose it is."""

    site: Name
    score: Score


class Outcome(Record):
    """What came of one strategy over all sites.

    Attributes:
        mean: of the metric, over cases, then seeds, then sites.
        difference: from the first strategy, with its 95 % interval.
        harmed: sites where it is shown to be worse than the first strategy, all sites judged together (Holm).
    """

    mean: Score | None
    difference: Difference = Difference()
    verdict: Verdict = "undecided"
    harmed: tuple[Name, ...] = ()


class ArmResult(Outcome):
    """One strategy: what it does, and what came of it with the models the sites use.

    Attributes:
        algorithm, harmonizer: what it does.
        rounds: its budget, with the plan's steps in each; fewer than the plan's where it is held to equal compute.
        ungated: with its own models at every site, the gate aside; null where none is gated.
    """

    algorithm: Name
    harmonizer: Name | None
    rounds: Total
    ungated: Outcome | None = None


class RunResult(Document, Tabular):
    """What a run gave, and whether the advice paid.

    A plan with neither harmonizer nor personalizer has no advice to compare: the verdict is `undecided` and
    `difference` holds nulls. `arms` holds every strategy: "baseline", "adapted", each site's own model as "local", and
    where the advice computes more than its baseline, "equal_compute", the advice once more on as many passes as it.

    Attributes:
        seeds: that were trained, in this order in every list of scores.
        margin: the plan's.
        needed: what would decide the verdict.
        harmed: sites that the advice is shown to harm, as in `Outcome`.
        worst_site: the one that is worst under the baseline on validation cases, and what the advice does to it.
        analyses: of a run whose seeds are "auto", one for each look at the result; the last one gave the verdict.
    """

    SCHEMA: ClassVar[int] = 2
    MOST_BYTES: ClassVar[int] = 64_000_000
    EARLIER: ClassVar[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: result_of_schema_1}

    plan: Plan
    engine: Name
    metric: Name
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    verdict: Verdict
    margin: Margin
    difference: Difference
    needed: Needed = Needed()
    worst_site: SiteDifference | None = None
    analyses: tuple[InterimResult, ...] = ()
    sites: Annotated[dict[Name, SiteScores], Field(min_length=1)]
    harmed: tuple[Name, ...] = ()
    worst: dict[Name, SiteScore] = Field(default_factory=dict)
    arms: dict[Name, ArmResult] = Field(default_factory=dict)
    rounds: tuple[RoundEntry, ...]
    notes: tuple[str, ...] = ()
    cost: Cost
    cost_by_arm: dict[Name, Cost] = Field(default_factory=dict)
    ledger: dict[Name, Ledger] = Field(default_factory=dict)
    machine: dict[Name, str] = Field(default_factory=dict)

    def headline(self) -> str:
        """The verdict, with the difference that it rests on."""
        difference = self.difference
        if difference.mean is None or difference.low is None or difference.high is None:
            return f"{self.verdict}: no difference to judge, {self.metric}"
        interval = f"{100 * difference.level:.3g} % [{difference.low:+.3f}, {difference.high:+.3f}]"
        return f"{self.verdict}: {self.metric} {difference.mean:+.3f} from the baseline, {interval}"

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each strategy, site and seed: the metric on test cases, of the model that the site uses."""
        return [
            {
                "strategy": strategy,
                "algorithm": self.arms[strategy].algorithm if strategy in self.arms else None,
                "harmonizer": self.arms[strategy].harmonizer if strategy in self.arms else None,
                "site": site,
                "seed": seed,
                "metric": self.metric,
                "score": score,
            }
            for site, scores in self.sites.items()
            for strategy, values in scores.scores.items()
            for seed, score in zip(self.seeds, values, strict=False)
        ]

    @model_validator(mode="after")
    def _speaks_of_its_sites(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise Misfit("seeds", list(self.seeds), "each of them once")
        self.difference.require(self.verdict, self.margin)
        for number, analysis in enumerate(self.analyses):
            analysis.difference.require(analysis.verdict, self.margin, f"analyses.{number}.verdict")
        for arm in self.arms.values():
            for outcome in filter(None, (arm, arm.ungated)):
                outcome.difference.require(outcome.verdict, self.margin)
        named = {"harmed": self.harmed, "worst": [worst.site for worst in self.worst.values()]}
        named["worst_site"] = [self.worst_site.site] if self.worst_site else []
        named |= {f"arms.{name}.harmed": arm.harmed for name, arm in self.arms.items()}
        for key, sites in named.items():
            if unknown := [site for site in sites if site not in self.sites]:
                raise Misfit(key, unknown[0], f"sites of the result: {', '.join(self.sites)}")
        if unknown := [site for site in self.sites if site not in self.plan.sites]:
            raise Misfit("sites", unknown[0], f"sites of the plan: {', '.join(self.plan.sites)}")
        return self
