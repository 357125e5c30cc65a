"""A joined site as the engine asks it: the order is opened, the gate judges, a process of its own computes."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shiftscope.disclosure.disclosure_gate import DisclosureGate
from shiftscope.disclosure.failure_kinds import kind_of_failure
from shiftscope.disclosure.policies.admissibility import Refusal, SiteCondition
from shiftscope.disclosure.policies.policy_texts import find_site_policy
from shiftscope.disclosure.policies.site_policy import SitePolicy
from shiftscope.disclosure.received_orders import receive_order
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.disclosure.releases.released_messages import Release, Withheld, tell_quietly
from shiftscope.disclosure.situations import Carried
from shiftscope.errors import PolicyError
from shiftscope.federations.enrolment_documents.signed_documents import bytes_of
from shiftscope.federations.orders import Order
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.joined_sites.begun_orders import BegunOrders
from shiftscope.training.joined_sites.warm_processes import WarmProcess

__all__ = ["AskedQuestion", "OrderedSite", "Tell"]

_LONGEST_S = 86_400.0
"""Of a question whose order sets no time."""

_LEAST_S = 1.0
"""Which a process is given to answer: with less, what is known already would not come back."""

Tell = Callable[[BaseException | Refusal], None]


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question as it arrived.

    Attributes:
        question: as messages call it: "train", "query.describe".
        run: of the engine, by whatever name that gives it.
        order: signed, byte for byte.
        read: gives the content.
    """

    question: str
    run: str
    order: bytes
    read: Callable[[], Payload]


class OrderedSite:
    """A site that follows what its coordinator signed, and answers what its own policy lets out.

    Args:
        joined: its folder.
        computing: a process that holds a `SiteComputing`, on the data folder as it is when the process starts.
        tell: is given every refusal and error with its whole text, for the site's own people.
    """

    def __init__(self, joined: JoinedSite, computing: WarmProcess, tell: Tell) -> None:
        self._site, self._federation = joined.membership.site, joined.membership.federation
        self._joined = joined
        self._computing = computing
        self._data = joined.data
        self._tell = tell
        self._key = Ed25519PublicKey.from_public_bytes(bytes_of(joined.invitation.signing_key))
        self._log = ReleaseLog(joined.releases)
        self._begun = BegunOrders(joined.path / "begun-orders.json")
        self._counted: tuple[str, int | None, int, int] | None = None

    def answer(self, asked: AskedQuestion) -> Release | Withheld:
        """What leaves. Nothing is raised: whatever goes wrong, the coordinator learns a rule or a kind of error."""
        try:
            order = self._opened(asked)
            if isinstance(order, Withheld):
                return order
            self._follow_data()
            until = time.monotonic() + self._time_for(order)
            gate = DisclosureGate(
                self._site,
                order,
                self._policy,
                self._log,
                lambda: self._condition(order, until),
                self._tell,
                lambda: sum(self._joined.taken().values()),
            )
            return gate.answer(
                asked.question, asked.read, lambda content: self._computed(order, asked.question, content, until)
            )
        except Exception as problem:  # noqa: BLE001 - the boundary between a site and the federation
            tell_quietly(self._tell, problem)
            return Withheld(kind_of_failure(problem))

    def _follow_data(self) -> None:
        """Where the owner has named another folder of images, a new process reads, counts and checks what is there."""
        if (data := self._joined.data) != self._data:
            self._computing.close()
            self._data = data

    def _opened(self, asked: AskedQuestion) -> Order | Withheld:
        """The order, begun now or before in this very run of the engine."""
        now = datetime.now(UTC)
        begun = self._begun.begun_at(asked.order, asked.run)
        order = receive_order(
            asked.order,
            self._key,
            federation=self._federation,
            site=self._site,
            log=self._log,
            tell=self._tell,
            now=begun or now,
            used=() if begun else self._begun.used,
        )
        if begun is None and isinstance(order, Order):
            self._begun.begin(order, asked.order, asked.run, now)
        return order

    def _policy(self) -> SitePolicy | None:
        """As it is now: its owner may change it while an order is followed."""
        try:
            return find_site_policy(self._joined.policy)
        except PolicyError as problem:
            tell_quietly(self._tell, problem)
            return None

    def _time_for(self, order: Order) -> float:
        """Seconds that one question may take: the order's, and no more than its site still gives to the order."""
        longest, policy = order.timeout_s or _LONGEST_S, self._policy()
        return longest if policy is None else min(longest, policy.max_seconds - self._log.seconds_of(order.digest))

    def _condition(self, order: Order, until: float) -> SiteCondition:
        """The site as it is; patients, and the model's weights, are counted again by every process that reads them."""
        writable = os.access(self._joined.data, os.W_OK)
        if order.kind == "profile":  # counts its patients itself
            return SiteCondition(None, writable)
        if self._counted is None or self._counted[:2] != (order.digest, self._computing.pid):
            weights, patients = (
                self._computing.ask(what, order, seconds=_left(until)) for what in ("parameters", "patients")
            )
            self._counted = (order.digest, self._computing.pid, patients, weights)
        return SiteCondition(self._counted[2], writable, self._counted[3])

    def _computed(self, order: Order, question: str, content: Carried, until: float) -> Payload:
        asked = Payload(dict(content.tensors), content.statistics, content.facts)
        policy = self._policy() or SitePolicy()
        found: Payload = self._computing.ask("answer", order, question, asked, policy.min_scored, seconds=_left(until))
        return found


def _left(until: float) -> float:
    return max(_LEAST_S, until - time.monotonic())
