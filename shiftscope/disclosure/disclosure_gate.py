"""The one gate through which every message of a site passes on its way out."""

import time
from collections.abc import Callable
from dataclasses import replace

from shiftscope.disclosure.answer_rules import RULES
from shiftscope.disclosure.failure_kinds import kind_of_failure
from shiftscope.disclosure.field_rules import SUPPRESSED
from shiftscope.disclosure.policies.admissibility import (
    NO_POLICY_HERE,
    Refusal,
    SiteCondition,
    admits,
    admits_unseen,
    lacks_room,
)
from shiftscope.disclosure.policies.site_policy import SitePolicy
from shiftscope.disclosure.releases.log_entries import LogOutcome
from shiftscope.disclosure.releases.release_log import UNKNOWN_QUESTION, ReleaseLog
from shiftscope.disclosure.releases.released_messages import (
    MOST_BYTES,
    Release,
    Withheld,
    bytes_of_message,
    sizes_of,
    tell_quietly,
)
from shiftscope.disclosure.situations import Answered, Carried, FieldRefused, Situation
from shiftscope.federations.orders import Order

__all__ = ["LOG_RULE", "QUESTION_RULE", "DisclosureGate"]

QUESTION_RULE = "question"
"""The rule by which a question is refused that is none, or none of the order's kind."""

LOG_RULE = "release_log"
"""The rule by which nothing leaves that cannot be logged."""


class DisclosureGate:
    """What a site answers under one order.

    The question itself is held against the order, the order against the policy, and the answer against the table of
    rules, field by field; errors become a kind from a fixed list; what leaves is in the log before it does. A client
    app calls it in one line: `gate.answer(question, lambda: unpack(message.content), partial(handler, site))`.

    Args:
        site: its name in the federation.
        order: opened with the pinned key.
        policy: gives the site's, as it is at that moment: its owner may change it while an answer is computed; None for
            none, and then nothing leaves.
        log: of releases.
        condition: gives the site as it is, once the policy admits the order itself; computing so far is read from the
            log.
        tell: is given every error and refusal with its whole text, for the site's own people.
        taken: gives the bytes of all that orders left at the site.
    """

    def __init__(
        self,
        site: str,
        order: Order,
        policy: Callable[[], SitePolicy | None],
        log: ReleaseLog,
        condition: Callable[[], SiteCondition],
        tell: Callable[[BaseException | Refusal], None],
        taken: Callable[[], int] = lambda: 0,
    ) -> None:
        self.site = site
        self.order = order
        self.policy = policy
        self.log = log
        self.condition = condition
        self.tell = tell
        self.taken = taken
        self._digest = order.digest

    def answer(
        self, question: str, read: Callable[[], Carried], work: Callable[[Carried], Answered]
    ) -> Release | Withheld:
        """What leaves in answer to a question. Nothing is raised: whatever goes wrong ends here.

        Args:
            question: as messages call it.
            read: gives the content of the message.
            work: computes the answer to it.
        """
        since, named = time.monotonic(), question if question in RULES else UNKNOWN_QUESTION
        try:
            release, data, suppressed = self._judged(question, read, work, since)
        except FieldRefused as refused:
            return self._withheld(named, "withheld", Refusal(refused.rule, str(refused)), since)
        except _Inadmissible as found:
            return self._withheld(named, "withheld", found.refusal, since)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - the boundary between a site and the federation
            return self._withheld(named, "failed", problem, since)
        try:
            self.log.append(
                order=self._digest,
                question=named,
                outcome="released",
                data=data,
                fields=sizes_of(release),
                suppressed=suppressed,
                seconds=time.monotonic() - since,
            )
        except Exception as problem:  # noqa: BLE001 - what is not logged does not leave, whatever kept it from the log
            tell_quietly(self.tell, problem)
            return Withheld(_reason(LOG_RULE))
        return release

    def _judged(
        self, question: str, read: Callable[[], Carried], work: Callable[[Carried], Answered], since: float
    ) -> tuple[Release, bytes, dict[str, str]]:
        """What may leave, as bytes too, and which fields the policy keeps."""
        policy, _ = self._admitted(since)
        rules = RULES.get(question)
        if rules is None or self.order.kind not in rules.kinds:
            raise FieldRefused(QUESTION_RULE, question, f"a question of an order to {self.order.kind}")
        asked = read()
        situation = Situation(self.site, self.order, policy, question, asked)
        rules.asks(dict(asked.facts), "", situation)
        answer = work(asked)
        policy, taken = self._admitted(since)
        situation = Situation(self.site, self.order, policy, question, asked, answer)
        tensors = rules.tensors(answer.tensors, "tensors", situation)
        statistics = rules.statistics(answer.statistics, "statistics", situation)
        facts = rules.facts(dict(answer.facts), "", situation)
        if situation.suppressed:
            facts[SUPPRESSED] = dict(situation.suppressed)
        release = Release(tensors, statistics, facts)
        data = bytes_of_message(release)
        if len(data) > MOST_BYTES:
            raise FieldRefused("size", question, f"{MOST_BYTES} bytes at the most, not {len(data)}")
        if (refusal := lacks_room(policy, taken + len(data))) is not None:
            raise _Inadmissible(refusal)
        return release, data, situation.suppressed

    def _admitted(self, since: float) -> tuple[SitePolicy, int]:
        """The policy, where it admits the order with all that was computed so far; and the bytes that orders took."""
        policy = self.policy()
        if policy is None:
            raise _Inadmissible(NO_POLICY_HERE)
        before = self.log.seconds_of(self._digest) - since
        taken = self.taken()
        refusal = admits_unseen(policy, self.order, before + time.monotonic(), taken)
        if refusal is None:
            found = self.condition()
            spent = before + time.monotonic()
            refusal = admits(policy, self.order, replace(found, spent_s=spent, taken=taken))
        if refusal is not None:
            raise _Inadmissible(refusal)
        return policy, taken

    def _withheld(self, question: str, outcome: LogOutcome, why: BaseException | Refusal, since: float) -> Withheld:
        """Told at the site in whole, in the log and to the coordinator by its rule or kind alone."""
        rule = why.rule if isinstance(why, Refusal) else kind_of_failure(why)
        seconds = time.monotonic() - since
        tell_quietly(self.tell, why)
        try:
            self.log.append(order=self._digest, question=question, outcome=outcome, rule=rule, seconds=seconds)
        except Exception as problem:  # noqa: BLE001 - neither a full disk nor a broken log may say more
            tell_quietly(self.tell, problem)
            return Withheld(_reason(LOG_RULE))
        return Withheld(_reason(rule) if outcome == "withheld" else rule)


class _Inadmissible(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.rule)


def _reason(rule: str) -> str:
    return f"withheld: {rule}"
