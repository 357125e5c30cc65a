"""What each strategy took, of a rehearsal in which all of them share features, messages and steps."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shiftscope.plans import Cost
from shiftscope.training.rehearsals.coordinated_heads import TableKey
from shiftscope.training.rehearsals.head_tables import places_in
from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.rehearsals.rehearsed_strategies import Rehearsed

__all__ = ["RehearsalCosts"]

_TUNED = BUDGET.tuning / (1 + BUDGET.tuning)

_OF_OWN = {"local": 1 - _TUNED, "lp_ft": _TUNED, "shrinkage": 1 - _TUNED}
"""Share of the steps at home that a method needs."""


@dataclass(slots=True)
class RehearsalCosts:
    """Seconds of computing at all sites, and bytes both ways, as they come up.

    Attributes:
        shared_bytes: of the heads that travelled, all tables together.
    """

    shared_bytes: int = 0
    shared_s: float = 0.0
    own_s: float = 0.0
    features_s: dict[str | None, float] = field(default_factory=dict)

    def add_features(self, harmonizer: str | None, seconds: Sequence[float]) -> None:
        """The sites computed features behind a harmonizer."""
        self.features_s[harmonizer] = sum(seconds)

    def add_round(self, sent: int, seconds: Sequence[float]) -> None:
        """The sites trained all shared heads for a round."""
        self.shared_bytes += sent
        self.shared_s += sum(seconds)

    def add_own(self, seconds: Sequence[float]) -> None:
        """The sites made their own heads, a trained and a tuned one for each shared head of FedAvg."""
        self.own_s += sum(seconds)

    def of(self, strategy: Rehearsed, keys: Sequence[TableKey]) -> Cost:
        """As if it had been rehearsed alone: features behind its harmonizer, and its share of heads and their bytes.

        Args:
            keys: all tables.
        """
        heads = sum(len(places_in(harmonizer, folds)) for _, harmonizer, folds in keys)
        folds = sum(len(folds) for _, harmonizer, folds in keys if harmonizer == strategy.harmonizer)
        every = sum(len(folds) for _, _, folds in keys)
        share = 0.0 if strategy.method == "local" else folds / heads
        own = _OF_OWN.get(strategy.method, 0.0) * folds / every
        seconds = self.features_s[strategy.harmonizer] + share * self.shared_s + own * self.own_s
        return Cost(bytes=round(share * self.shared_bytes), seconds=seconds)
