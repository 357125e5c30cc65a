"""What a rehearsal gave: every strategy on the frozen encoder's features, with its gain over FedAvg."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from scipy import special

from shiftscope.dataframes import Tabular
from shiftscope.errors import PlanError
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.plans.plan import Plan, Sha256
from shiftscope.plans.result_numbers import Difference, Score
from shiftscope.plans.run_costs import Cost
from shiftscope.plans.run_results import Answer
from shiftscope.printable_text import shown
from shiftscope.recommendation import MeasuredGain
from shiftscope.records import Document, Finite, Misfit, Name, Record, Text, Total

__all__ = [
    "HeadMethod",
    "RehearsalBudget",
    "RehearsalEncoder",
    "RehearsalResult",
    "RehearsalSite",
    "RehearsedScore",
    "RehearsedStrategy",
]

HeadMethod = Literal["fedavg", "fedprox", "balanced", "local", "lp_ft", "shrinkage"]
"""How the heads on the features are made: one for all by FedAvg, by FedProx, or by FedAvg on balanced classes; each
site's own, alone; the shared one, tuned at the site; or a mixture of own and shared, its weight shrunken over sites."""

Share = Annotated[Finite, Field(ge=0, le=1)]


class RehearsalEncoder(Record):
    """The frozen network whose features were seen, and the digest of its file of weights."""

    model: Name
    sha256: Sha256


class RehearsalBudget(Record):
    """What each strategy was given, in each fold: rounds together, and steps of every site in each."""

    folds: Total
    rounds: Total
    local_steps: Total


class RehearsedScore(Record):
    """One strategy at one site.

    Attributes:
        score: the metric on test patients, mean over folds; null where it is withheld or undefined.
        validation: the same on validation patients, by which a trial chooses.
        gain: over FedAvg at the site, with its interval.
    """

    score: Score | None = None
    validation: Score | None = None
    gain: Difference = Difference()


class RehearsedStrategy(Record):
    """One strategy over all sites.

    Attributes:
        name: "harmonizer+method", or one of them; "fedavg" for neither.
        method: how the heads were made.
        score: the metric, mean over the sites that tell it.
        gain: over FedAvg, mean over sites, with its interval; exactly 0 for FedAvg itself.
        expected: the gain, shrunken towards 0 by how much strategies differ at all beside their noise.
        harm: the chance that a site loses more than the margin, mean over sites.
        harmed: sites that are shown to, all judged together (Holm).
        sites: site -> score and gain.
        stands_for: methods of `train` that do the same where the encoder is frozen.
    """

    name: Name
    harmonizer: Name | None
    method: HeadMethod
    score: Score | None
    gain: Difference = Difference()
    expected: Score | None = None
    harm: Share | None = None
    harmed: tuple[Name, ...] = ()
    sites: dict[Name, RehearsedScore] = Field(default_factory=dict)
    cost: Cost
    stands_for: tuple[Name, ...] = ()


class RehearsalSite(Record):
    """What a site should do, as far as the rehearsal shows it.

    Attributes:
        answer: see `Answer`.
        patients: patients in train, val and test, of all folds on average.
        withheld: why the site's scores do not leave it; empty where they do.
        kept: what its policy keeps at the site ("patients", "cases"): unknown here, and not zero.
    """

    answer: Answer = "undecided"
    patients: dict[Name, Total] = Field(default_factory=dict)
    withheld: Text = ""
    kept: tuple[Name, ...] = ()


class RehearsalResult(Document, Tabular):
    """Every strategy that differs on features of the plan's frozen encoder, FedAvg first.

    Attributes:
        plan: as it was given, without folders.
        best: the strategy with the largest expected gain where that exceeds the margin, else FedAvg.
        equal: strategies that the rehearsal cannot tell from the best.
        left_out: strategies of `train` that were not rehearsed -> why.
    """

    SCHEMA: ClassVar[int] = 1
    MOST_BYTES: ClassVar[int] = 16_000_000

    plan: Plan
    engine: Name
    metric: Name
    encoder: RehearsalEncoder
    budget: RehearsalBudget
    strategies: Annotated[tuple[RehearsedStrategy, ...], Field(min_length=1)]
    sites: Annotated[dict[Name, RehearsalSite], Field(min_length=1)]
    best: Name
    equal: tuple[Name, ...] = ()
    left_out: dict[Name, Text] = Field(default_factory=dict)
    cost: Cost
    machine: dict[Name, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_what_was_rehearsed(self) -> Self:
        names = [strategy.name for strategy in self.strategies]
        if len(set(names)) < len(names):
            raise Misfit("strategies", names, "each name once")
        made = [(strategy.harmonizer, strategy.method) for strategy in self.strategies]
        if len(set(made)) < len(made):
            raise Misfit("strategies", names, "each method behind each harmonizer once")
        for key, named in (("best", (self.best,)), ("equal", self.equal)):
            if unknown := [name for name in named if name not in names]:
                raise Misfit(key, unknown[0], f"rehearsed strategies: {', '.join(names)}")
        if self.best in self.equal:
            raise Misfit("equal", self.best, "strategies beside the best")
        for strategy in self.strategies:
            if unknown := [site for site in (*strategy.sites, *strategy.harmed) if site not in self.sites]:
                raise Misfit("strategies", unknown[0], f"sites of the rehearsal: {', '.join(self.sites)}")
        if unknown := [site for site in self.sites if site not in self.plan.sites]:
            raise Misfit("sites", unknown[0], f"sites of the plan: {', '.join(self.plan.sites)}")
        return self

    @model_validator(mode="after")
    def _gains_over_fedavg(self) -> Self:
        first = self.strategies[0]
        if first.method != "fedavg" or first.harmonizer is not None:
            raise Misfit("strategies", first.name, "FedAvg without a harmonizer first: gains are over it")
        for strategy in self.strategies:
            mean, low, high = strategy.gain.mean, strategy.gain.low, strategy.gain.high
            if mean is not None and low is not None and high is not None and not low <= mean <= high:
                raise Misfit("strategies", mean, f"a gain of {strategy.name} from {low:g} to {high:g}, its interval")
        return self

    @model_validator(mode="after")
    def _keeps_what_is_withheld(self) -> Self:
        for strategy in self.strategies:
            for site, found in strategy.sites.items():
                if self.sites[site].withheld and (found.score is not None or found.gain.mean is not None):
                    raise Misfit(
                        f"sites.{site}.withheld", self.sites[site].withheld, "no score of a site that withholds it"
                    )
        return self

    def strategy(self, name: str) -> RehearsedStrategy:
        """The strategy of that name."""
        return next(strategy for strategy in self.strategies if strategy.name == name)

    def measured(self) -> tuple[MeasuredGain, ...]:
        """The gain of every strategy whose gain over FedAvg has an interval, as evidence for advice."""
        return tuple(
            MeasuredGain(each.harmonizer, each.method, gain.mean, _error(gain.low, gain.high, gain.level))
            for each in self.strategies[1:]
            if (gain := each.gain).mean is not None and gain.low is not None and gain.high is not None
        )

    def require_of(self, fingerprints: Mapping[str, str]) -> None:
        """That it was of these sites and of their data, with harmonizers that exist, and that it measured something.

        Args:
            fingerprints: site -> that of its profile.

        Raises:
            PlanError: it was of others, or is no evidence.
        """
        rehearsed = {site: planned.fingerprint for site, planned in self.plan.sites.items()}
        if odd := sorted(rehearsed.keys() ^ fingerprints.keys()):
            have = "rehearsed and not profiled" if odd[0] in rehearsed else "profiled and not rehearsed"
            raise PlanError(f"rehearsal: {shown(odd[0])} was {have}; give the profiles of the sites that rehearsed")
        if odd := sorted({each.harmonizer for each in self.strategies if each.harmonizer} - HARMONIZERS.keys()):
            raise PlanError(f"rehearsal: there is no harmonizer {shown(odd[0])}; expected {', '.join(HARMONIZERS)}")
        if changed := sorted(site for site in rehearsed if rehearsed[site] != fingerprints[site]):
            raise PlanError(
                f"rehearsal: {shown(changed[0])} rehearsed with other data than its profile describes; rehearse again"
            )
        if not self.measured():
            raise PlanError(
                "rehearsal: no gain in it has an interval, so it is no evidence; rehearse with more patients"
            )

    def headline(self) -> str:
        """What the rehearsal puts first."""
        gain = self.strategy(self.best).gain
        if self.best == self.strategies[0].name or gain.mean is None:
            return f"rehearsed on {self.encoder.model}: {self.best}; nothing is expected to gain more than the margin"
        interval = "" if gain.low is None else f", {100 * gain.level:.3g} % [{gain.low:+.3f}, {gain.high:+.3f}]"
        return f"rehearsed on {self.encoder.model}: {self.best}, {self.metric} {gain.mean:+.3f} over FedAvg{interval}"

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each strategy and site, the mean over sites first (site null)."""
        return [
            {
                "strategy": strategy.name,
                "site": site,
                "metric": self.metric,
                "score": of_site.score,
                "gain": of_site.gain.mean,
                "low": of_site.gain.low,
                "high": of_site.gain.high,
            }
            for strategy in self.strategies
            for site, of_site in (
                (None, RehearsedScore(score=strategy.score, gain=strategy.gain)),
                *strategy.sites.items(),
            )
        ]


def _error(low: float, high: float, level: float) -> float:
    """Standard error, from a normal interval; infinite where its level is next to 0, so that it says nothing."""
    deviations = float(special.ndtri((1 + level) / 2))
    return (high - low) / 2 / deviations if deviations else float("inf")
