"""The advice as a record, and the rules it comes from."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from shiftscope.recommendation.prediction.advice_policy import Network, PredictedAction
from shiftscope.records import Real, Record

__all__ = [
    "RULES",
    "Action",
    "AdvisedCost",
    "Alternative",
    "ExpectedGain",
    "PredictedGain",
    "Recommendation",
    "Rules",
]

Action = Literal["pool", "harmonize", "personalize", "both", "rehearse", "collect_more"]


@dataclass(frozen=True, slots=True)
class Rules:
    """Where the advice bends.

    Attributes:
        margin: a smaller difference of the metric counts for nothing: the cheapest action within it of the best is
            advised.
        open: a question that is not called with at least this probability may still turn out to be a shift.
        most_times: more than so many times the patients are not worth waiting for.
    """

    margin: float = 0.01
    open: float = 0.3
    most_times: float = 20.0


RULES = Rules()

Chance = Annotated[Real, Field(ge=0, le=1)]


class ExpectedGain(Record):
    """Over FedAvg, of the metric (AUROC, Dice), mean over sites.

    Attributes:
        mean: expected.
        low: lower end of the interval in which a run would measure it, in 80 of 100 federations.
        high: upper end.
    """

    mean: Real
    low: Real
    high: Real


class PredictedGain(Record):
    """What one action is expected to bring.

    Attributes:
        action: "own_model": every site trains alone.
        harmonizer: a key of `HARMONIZERS`, None for nothing.
        personalizer: a key of `PERSONALIZERS`, None for nothing.
        gain: over FedAvg.
        harm: chance that a site loses more than the margin, mean over sites; descriptive.
        cost: factor on the optimizer steps of FedAvg.
    """

    action: PredictedAction
    harmonizer: str | None
    personalizer: str | None
    gain: ExpectedGain
    harm: Chance
    cost: Real


class Alternative(Record):
    """What else could be done, and what would make it the better choice."""

    action: Action
    harmonizer: str | None
    personalizer: str | None
    when: str


class AdvisedCost(Record):
    """What the advice costs beyond FedAvg.

    Attributes:
        bytes: more (or, below 0, fewer) bytes that leave a site over the whole job, beside the model's.
        compute: factor on the optimizer steps of FedAvg.
    """

    bytes: int
    compute: Real


class Recommendation(Record):
    """The advice.

    Attributes:
        action: what to do; `rehearse` where the prediction is too unsure to act on.
        harmonizer: a key of `HARMONIZERS`, None for nothing.
        personalizer: a key of `PERSONALIZERS`, None for nothing.
        because: reasons, in sentences with their numbers.
        undecided: what the data leave open and would change the advice, and what would decide it, in sentences.
        alternatives: runners-up, the nearest first.
        cost: beyond FedAvg.
        clusters: site -> number of the group of sites it is like, for `clustered`; all 0 where there are no groups.
        network: what is to be trained, for which the gains are predicted.
        predicted: what each action is expected to gain, the cheapest first; empty where nothing could be compared.
        certainty: the chance that the nearest rival gains no more than the margin over what is chosen; None where
            nothing could be compared.
    """

    action: Action
    harmonizer: str | None
    personalizer: str | None
    because: tuple[str, ...]
    undecided: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    cost: AdvisedCost
    clusters: dict[str, int] = Field(default_factory=dict)
    network: Network = "pretrained"
    predicted: tuple[PredictedGain, ...] = ()
    certainty: Chance | None = None
