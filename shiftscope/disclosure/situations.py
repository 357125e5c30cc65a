"""What a rule may look at: who asks what of whom, under which order and policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from shiftscope.disclosure.policies.site_policy import SitePolicy, rests_on_few
from shiftscope.federations.orders import Order, OrderedArm
from shiftscope.plans import Plan

__all__ = ["Answered", "Arrays", "Carried", "FieldRefused", "Situation"]

Arrays = Mapping[str, np.ndarray]


class Carried(Protocol):
    """The content of a message, whatever carries it."""

    @property
    def tensors(self) -> Arrays:
        """Model tensors."""

    @property
    def statistics(self) -> Arrays:
        """Statistics of harmonizers."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """JSON values."""


class Answered(Carried, Protocol):
    """What a site would say, and what the gate has to know of it."""

    @property
    def patients(self) -> Mapping[str, int]:
        """Field -> patients that it rests on, in the smallest group it is made of; counted at the site, and stays."""


class FieldRefused(Exception):
    """A field that no rule lets out.

    Args:
        rule: its name, the same whatever was found.
        where: the field; it stays at the site, for a name can hold anything.
        expected: what the rule lets out.
    """

    def __init__(self, rule: str, where: str, expected: str) -> None:
        self.rule, self.where, self.expected = rule, where, expected
        super().__init__(f"{where}: expected {expected}")


@dataclass(frozen=True, slots=True)
class Situation:
    """One question at one site.

    Attributes:
        site: its name in the federation.
        order: under which the question comes.
        policy: the site's.
        question: as messages call it: "train", "query.describe".
        asked: the question's content.
        answer: what the site would say; empty while the question itself is judged.
        suppressed: field -> the key of the policy that keeps it at the site; grows while an answer is judged.
    """

    site: str
    order: Order
    policy: SitePolicy
    question: str
    asked: Carried
    answer: Answered | None = None
    suppressed: dict[str, str] = field(default_factory=dict)

    def rests_on_few(self, where: str) -> bool:
        """Whether fewer patients than the policy asks for stand behind a field of the answer; so where nobody counted
        them."""
        count = None if self.answer is None else self.answer.patients.get(where)
        return rests_on_few(count if type(count) is int else 0, self.policy.min_scored)

    @property
    def plan(self) -> Plan:
        """The order's.

        Raises:
            FieldRefused: it has none.
        """
        if self.order.plan is None:
            raise FieldRefused("question", self.question, "an order with a plan")
        return self.order.plan

    @property
    def arms(self) -> dict[str, OrderedArm]:
        """Name -> strategy of the order."""
        return {arm.name: arm for arm in self.order.arms}
