"""What a run gave, and what it took."""

from typing import Literal

from pydantic import Field

from shiftscope.plans.plan import Plan
from shiftscope.records import Document, Real, Record

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


class Difference(Record):
    """Adapted minus baseline, with its 95 % interval; all null where nothing can be compared."""

    mean: Real | None = None
    low: Real | None = None
    high: Real | None = None


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

    cases: int
    patients: dict[str, int] = Field(default_factory=dict)
    scores: dict[str, tuple[Real | None, ...]] = Field(default_factory=dict)
    difference: Difference = Difference()
    differences: dict[str, Difference] = Field(default_factory=dict)
    ungated: dict[str, tuple[Real | None, ...]] = Field(default_factory=dict)
    kept_baseline: dict[str, tuple[bool, ...]] = Field(default_factory=dict)
    also: dict[str, dict[str, tuple[Real | None, ...]]] = Field(default_factory=dict)
    validation: dict[str, tuple[Real | None, ...]] = Field(default_factory=dict)
    left_out: dict[str, int] = Field(default_factory=dict)
    changed: Real | None = None


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

    up: int = 0
    down: int = 0
    steps: int = 0
    passes: int = 0
    seconds: Real = 0.0
    peak_bytes: int | None = None
    start: str = ""


class RoundEntry(Record):
    """One round of one strategy and seed.

    Attributes:
        replies: site -> "ok" or "failed: reason".
        bytes: payload of all sites, both ways.
        seconds: wall clock, the slowest site's.
        sites: site -> what it took there.
    """

    round: int
    arm: str
    seed: int
    replies: dict[str, str]
    loss: Real | None
    bytes: int
    seconds: Real
    sites: dict[str, SiteRound] = Field(default_factory=dict)


class Cost(Record):
    """What a run took: payload bytes both ways (weights and statistics), wall-clock seconds."""

    bytes: int
    seconds: Real


class Spending(Record):
    """What one strategy takes, over all sites, rounds and seeds, the evaluation among them.

    Attributes:
        bytes_up, bytes_down: payload sent by and to the sites.
        passes: forward-and-backward passes of a batch.
        seconds: of computing in training and tuning, added up over sites; judging and waiting are not in it.
        peak_bytes: the most memory a site's process held in a round, null where the system does not tell.
    """

    bytes_up: int = 0
    bytes_down: int = 0
    passes: int = 0
    seconds: Real = 0.0
    peak_bytes: int | None = None


class Forecast(Record):
    """What a strategy is expected to take, computed before the first round.

    Attributes:
        total: over sites, rounds and seeds.
        rounds: site -> its rounds with the first seed, in order; the last entry is what comes after the last round.
    """

    total: Spending
    rounds: dict[str, tuple[SiteRound, ...]] = Field(default_factory=dict)


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

    site: str
    score: Real


class Outcome(Record):
    """What came of one strategy over all sites.

    Attributes:
        mean: of the metric, over cases, then seeds, then sites.
        difference: from the first strategy, with its 95 % interval.
        harmed: sites where it is clearly worse than the first strategy.
    """

    mean: Real | None
    difference: Difference = Difference()
    verdict: Verdict = "no_difference"
    harmed: tuple[str, ...] = ()


class ArmResult(Outcome):
    """One strategy: what it does, and what came of it with the models the sites use.

    Attributes:
        algorithm, harmonizer: what it does.
        rounds: its budget, with the plan's steps in each; fewer than the plan's where it is held to equal compute.
        ungated: with its own models at every site, the gate aside; null where none is gated.
    """

    algorithm: str
    harmonizer: str | None
    rounds: int
    ungated: Outcome | None = None


class RunResult(Document):
    """What a run gave, and whether the advice paid.

    A plan with neither harmonizer nor personalizer trains its baseline alone: the verdict is `no_difference` and
    `difference` holds nulls. `arms` holds every strategy; where the advice computes more than its baseline,
    "equal_compute" is the advice once more, on as many passes as the baseline.
    """

    plan: Plan
    engine: str
    metric: str
    verdict: Verdict
    difference: Difference
    sites: dict[str, SiteScores]
    harmed: tuple[str, ...] = ()
    worst: dict[str, SiteScore] = Field(default_factory=dict)
    arms: dict[str, ArmResult] = Field(default_factory=dict)
    rounds: tuple[RoundEntry, ...]
    notes: tuple[str, ...] = ()
    cost: Cost
    cost_by_arm: dict[str, Cost] = Field(default_factory=dict)
    ledger: dict[str, Ledger] = Field(default_factory=dict)
    machine: dict[str, str] = Field(default_factory=dict)
