"""The advice as a record, and the rules it comes from."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from shiftscope.records import Real, Record

__all__ = ["RULES", "Action", "AdvisedCost", "Alternative", "Recommendation", "Rules"]

Action = Literal["pool", "harmonize", "personalize", "both", "collect_more"]


@dataclass(frozen=True, slots=True)
class Rules:
    """Where the rule bends; first values, from the trials named in docs/decisions.md.

    Attributes:
        worth: share of the difference in features that a harmonizer must remove to be advised.
        tolerated: difference in features that may remain before sites need models of their own, per pair and
            coordinate, in squared within-site deviations: real scanners leave .1 to 1.4 and a common model copes; a
            dark, inverted site beside a blurred, flat and noisy one leaves 5 to 8 and it does not.
        few: patients at the smallest site below which personalization is not recommended.
        open: a question that is not called with at least this probability is said to be undecided.
        most_times: more than so many times the patients are not worth waiting for.
    """

    worth: float = 0.2
    tolerated: float = 3.0
    few: int = 50
    open: float = 0.3
    most_times: float = 20.0


RULES = Rules()


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
        action: what to do.
        harmonizer: a key of `HARMONIZERS`, None for nothing.
        personalizer: a key of `PERSONALIZERS`, None for nothing.
        because: reasons, in sentences with their numbers.
        undecided: what the data leave open and would change the advice, and what would decide it, in sentences.
        alternatives: runners-up, the nearest first.
        cost: beyond FedAvg.
        clusters: site -> number of the group of sites it is like, for `clustered`; all 0 where there are no groups.
    """

    action: Action
    harmonizer: str | None
    personalizer: str | None
    because: tuple[str, ...]
    undecided: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    cost: AdvisedCost
    clusters: dict[str, int] = Field(default_factory=dict)
