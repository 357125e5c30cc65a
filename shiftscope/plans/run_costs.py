"""What a run took: round by round and site by site, strategy by strategy, forecast and measured."""

from pydantic import Field

from shiftscope.plans.plan import Seed
from shiftscope.plans.result_numbers import Amount, Seconds
from shiftscope.records import Name, Real, Record, Total

__all__ = ["Cost", "Forecast", "Ledger", "RoundEntry", "SiteRound", "Spending"]


class SiteRound(Record):
    """What one round took at one site.

    Attributes:
        up, down: payload bytes sent and received.
        steps: optimizer steps of the model that will be used.
        passes: forward-and-backward passes of a batch; more than `steps` where a method trains two models.
        seconds: of computing, data at hand.
        peak_bytes: the most memory the site's process held in the round, null where the system does not report it.
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
        distances: site -> kind of tensor ("weights", "statistics", "counters", "changes") -> how far its update lies
            from what it had received, as the length of the difference.
        kept: site -> what its policy keeps at the site of this round: "cases", "loss".
    """

    round: Total
    arm: Name
    seed: Seed
    replies: dict[Name, str]
    loss: Real | None
    bytes: Amount
    seconds: Seconds
    sites: dict[Name, SiteRound] = Field(default_factory=dict)
    distances: dict[Name, dict[Name, Real]] = Field(default_factory=dict)
    kept: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)


class Cost(Record):
    """What a run took: payload bytes both ways (weights and statistics), wall-clock seconds."""

    bytes: Amount
    seconds: Seconds


class Spending(Record):
    """What one strategy takes, over all sites, rounds and seeds, the evaluation among them.

    Attributes:
        bytes_up, bytes_down: payload sent by and to the sites.
        passes: forward-and-backward passes of a batch.
        seconds: of computing in training and tuning, added up over sites; evaluation and waiting are not in it.
        peak_bytes: the most memory a site's process held in a round, null where the system does not report it.
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
