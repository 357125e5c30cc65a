"""Jobs under an order, and the gate of each site in them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from small_policies import HEALTHY

from shiftscope.disclosure.disclosure_gate import DisclosureGate
from shiftscope.disclosure.policies.site_policy import SitePolicy
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.disclosure.releases.released_messages import Release
from shiftscope.federations.orders import Kind, Order, OrderedArm
from shiftscope.training.federation.flower import client
from shiftscope.training.federation.participants import Participant
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.federation.site_answers import ANSWERS, SiteAnswer
from shiftscope.training.runs.jobs import Job

__all__ = ["gates", "order_of", "through_gates"]


def order_of(job: Job, kind: Kind) -> Order:
    """What a coordinator would have signed for the job."""
    return Order(
        federation="thames",
        kind=kind,
        sites=tuple(job.sites),
        created="2026-11-30T08:59:00Z",
        expires="2026-12-01T09:00:00Z",
        nonce="0" * 32,
        run="1" * 32,
        plan=job.plan.model_copy(update={"data": {}}),
        arms=tuple(OrderedArm.model_validate(dict(arm)) for arm in job.arms),
        questions=job.questions,
        timeout_s=job.timeout_s,
    )


def gates(job: Job, kind: Kind, folder: Path, policy: SitePolicy) -> Callable[[str], DisclosureGate]:
    """Site -> its gate; what goes wrong is raised."""

    def gate(site: str) -> DisclosureGate:
        return DisclosureGate(
            site, order_of(job, kind), lambda: policy, ReleaseLog(folder / site), lambda: HEALTHY, fail
        )

    return gate


@contextmanager
def through_gates(folder: Path, policies: Mapping[str, SitePolicy]) -> Iterator[None]:
    """Every site of this process answers through a gate of its own, as a joined site does.

    Args:
        policies: site -> its policy.
    """

    def gated(question: str, answer: SiteAnswer) -> SiteAnswer:
        def answered(site: Participant, asked: Payload) -> Payload:
            policy = policies[site.site]
            site.scores.min_scored = policy.min_scored
            gate = gates(site.job, "rehearse" if site.job.questions else "train", folder, policy)(site.site)
            outcome = gate.answer(question, lambda: asked, partial(answer, site))
            assert isinstance(outcome, Release), outcome
            return Payload(outcome.tensors, outcome.statistics, outcome.facts)

        return answered

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "ANSWERS", {name: gated(name, answer) for name, answer in ANSWERS.items()})
        yield


def fail(problem: object) -> None:
    raise AssertionError(str(problem))
