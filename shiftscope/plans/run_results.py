"""What a run gave, and what it took."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shiftscope.dataframes import Tabular
from shiftscope.plans.plan import Plan, Seed
from shiftscope.records import Document, Misfit, Name, Real, Record, Total

__all__ = [
    "ArmResult",
    "Cost",
    "Difference",
    "Forecast",
    "Ledger",
    "Outcome",
    "RoundEntry",
    "RunResult",
    "SiteRound",
    "SiteScore",
    "SiteScores",
    "Spending",
    "Verdict",
]


Verdict = Literal["helped", "no_difference", "harmed"]


def _up_to_one(value: float) -> float:
    if abs(value) > 1:  # not a number passes: it is written as null
        raise ValueError("expected a score, or a difference of two, from -1 to 1")
    return value


def _imaginable(value: float) -> float:
    if abs(value) > _FARTHEST:
        raise ValueError(f"expected a number of {_FARTHEST:g} at the most")
    return value


def _duration(value: float) -> float:
    if value < 0:
        raise ValueError("expected 0 seconds or more")
    return _imaginable(value)


_FARTHEST = 1e12

Score = Annotated[Real, AfterValidator(_up_to_one)]
"""Of the metric that a verdict is about, or a difference of two."""

Number = Annotated[Real, AfterValidator(_imaginable)]

Seconds = Annotated[Real, AfterValidator(_duration)]

Amount = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
"""Bytes, steps, passes."""


class Difference(Record):
    """Adapted minus baseline, with its 95 % interval; all null where nothing can be compared."""

    mean: Score | None = None
    low: Score | None = None
    high: Score | None = None

    @model_validator(mode="after")
    def _has_ends_in_order(self) -> Self:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise Misfit("low", self.low, f"{self.high:g} at the most, the upper end")
        return self

    def require(self, verdict: Verdict) -> None:
        """A verdict that the interval bears out.

        Raises:
            Misfit: it does not.
        """
        if verdict == "helped" and not (self.low is not None and self.low > 0):
            raise Misfit("verdict", verdict, f"an interval above 0, and its lower end is {self.low}")
        if verdict == "harmed" and not (self.high is not None and self.high < 0):
            raise Misfit("verdict", verdict, f"an interval below 0, and its upper end is {self.high}")


class SiteScores(Record):
    """One site's test cases: metric per strategy, one value per seed, null where undefined.

    Attributes:
        cases: test cases behind `scores`.
        patients: patients in train, val and test.
        scores: strategy ("baseline", "adapted") -> the result's metric, of the model the site uses.
        difference: adapted minus baseline, averaged over seeds.
        differences: the same for every strategy but the first.
        ungated: the metric of the strategies' own models, whether the site uses them or not.
        kept_baseline: strategy -> one answer per seed: the site uses the baseline's model, for that does better on its
            validation cases. Only strategies that personalize are asked.
        also: further metrics, name -> strategy -> values.
        validation: the result's metric on the validation cases.
        left_out: cases that could not be used, reason -> count.
        changed: mean absolute change of a training pixel by the harmonizer, null without one.
    """

    cases: Total
    patients: dict[Name, Total] = Field(default_factory=dict)
    scores: dict[Name, tuple[Score | None, ...]] = Field(default_factory=dict)
    difference: Difference = Difference()
    differences: dict[Name, Difference] = Field(default_factory=dict)
    ungated: dict[Name, tuple[Score | None, ...]] = Field(default_factory=dict)
    kept_baseline: dict[Name, tuple[bool, ...]] = Field(default_factory=dict)
    also: dict[Name, dict[Name, tuple[Number | None, ...]]] = Field(default_factory=dict)
    validation: dict[Name, tuple[Score | None, ...]] = Field(default_factory=dict)
    left_out: dict[Name, Total] = Field(default_factory=dict)
    changed: Number | None = None


class SiteRound(Record):
    """What one round took at one site.

    Attributes:
        up, down: payload bytes sent and received.
        steps: optimizer steps of the model that will be used.
        passes: forward-and-backward passes of a batch; more than `steps` where a method trains two models.
        seconds: of computing, data at hand.
        peak_bytes: the most memory the site's process held in the round, null where the system does not tell.
        start: a mark of the weights the first round started from, empty in the others.
    """

    up: Amount = 0
    down: Amount = 0
    steps: Amount = 0
    passes: Amount = 0
    seconds: Seconds = 0.0
    peak_bytes: Amount | None = None
    start: str = ""


class RoundEntry(Record):
    """One round of one strategy and seed.

    Attributes:
        replies: site -> "ok" or "failed: reason".
        bytes: payload of all sites, both ways.
        seconds: wall clock, the slowest site's.
        sites: site -> what it took there.
    """

    round: Total
    arm: Name
    seed: Seed
    replies: dict[Name, str]
    loss: Real | None
    bytes: Amount
    seconds: Seconds
    sites: dict[Name, SiteRound] = Field(default_factory=dict)


class Cost(Record):
    """What a run took: payload bytes both ways (weights and statistics), wall-clock seconds."""

    bytes: Amount
    seconds: Seconds


class Spending(Record):
    """What one strategy takes, over all sites, rounds and seeds, the evaluation among them.

    Attributes:
        bytes_up, bytes_down: payload sent by and to the sites.
        passes: forward-and-backward passes of a batch.
        seconds: of computing in training and tuning, added up over sites; judging and waiting are not in it.
        peak_bytes: the most memory a site's process held in a round, null where the system does not tell.
    """

    bytes_up: Amount = 0
    bytes_down: Amount = 0
    passes: Amount = 0
    seconds: Seconds = 0.0
    peak_bytes: Amount | None = None


class Forecast(Record):
    """What a strategy is expected to take, computed before the first round.

    Attributes:
        total: over sites, rounds and seeds.
        rounds: site -> its rounds with the first seed, in order; the last entry is what comes after the last round.
    """

    total: Spending
    rounds: dict[Name, tuple[SiteRound, ...]] = Field(default_factory=dict)


class Ledger(Record):
    """One strategy's cost, predicted before and measured after.

    Statistics of harmonizers are gathered once for all strategies; only `RunResult.cost` holds them.

    Attributes:
        predicted: null where the run began with a version that did not predict.
        measured: the sum over the result's rounds and the evaluations.
    """

    predicted: Forecast | None = None
    measured: Spending


class SiteScore(Record):
    """The lowest mean score of a strategy, and whose it is."""

    site: Name
    score: Score


class Outcome(Record):
    """What came of one strategy over all sites.

    Attributes:
        mean: of the metric, over cases, then seeds, then sites.
        difference: from the first strategy, with its 95 % interval.
        harmed: sites where it is clearly worse than the first strategy.
    """

    mean: Score | None
    difference: Difference = Difference()
    verdict: Verdict = "no_difference"
    harmed: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _is_borne_out(self) -> Self:
        self.difference.require(self.verdict)
        return self


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

    A plan with neither harmonizer nor personalizer trains its baseline alone: the verdict is `no_difference` and
    `difference` holds nulls. `arms` holds every strategy; where the advice computes more than its baseline,
    "equal_compute" is the advice once more, on as many passes as the baseline.
    """

    SCHEMA: ClassVar[int] = 1
    MOST_BYTES: ClassVar[int] = 64_000_000

    plan: Plan
    engine: Name
    metric: Name
    verdict: Verdict
    difference: Difference
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
            return f"{self.verdict}: one strategy, {self.metric}"
        interval = f"95 % [{difference.low:+.3f}, {difference.high:+.3f}]"
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
            for seed, score in zip(self.plan.seeds, values, strict=False)
        ]

    @model_validator(mode="after")
    def _speaks_of_its_sites(self) -> Self:
        self.difference.require(self.verdict)
        named = {"harmed": self.harmed, "worst": [worst.site for worst in self.worst.values()]}
        named |= {f"arms.{name}.harmed": arm.harmed for name, arm in self.arms.items()}
        for key, sites in named.items():
            if unknown := [site for site in sites if site not in self.sites]:
                raise Misfit(key, unknown[0], f"sites of the result: {', '.join(self.sites)}")
        if unknown := [site for site in self.sites if site not in self.plan.sites]:
            raise Misfit("sites", unknown[0], f"sites of the plan: {', '.join(self.plan.sites)}")
        return self
