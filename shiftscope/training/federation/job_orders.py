"""The orders that a coordinator signs: all that sites have to know, and nothing of this machine."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from shiftscope.federations.enrolment_documents.signed_documents import moment
from shiftscope.federations.orders import Kind, Order, OrderedArm, OrderedProfile
from shiftscope.training.runs.jobs import Job

__all__ = ["order_of", "profile_order"]

_BEGIN_WITHIN = timedelta(days=1)
"""How long a site may begin an order."""


def order_of(job: Job, kind: Kind, federation: str, now: datetime) -> Order:
    """What the job's sites are asked.

    Args:
        kind: "train", "trial" or "rehearse".
        federation: its name.
        now: when the order is made.
    """
    return Order(
        federation=federation,
        kind=kind,
        sites=tuple(job.sites),
        created=moment(now),
        expires=moment(now + _BEGIN_WITHIN),
        nonce=secrets.token_hex(16),
        run=job.run,
        plan=job.plan.model_copy(update={"data": {}}),
        arms=tuple(OrderedArm.model_validate(dict(arm)) for arm in job.arms),
        questions=job.questions,
        timeout_s=job.timeout_s,
        keep_models=job.keep_models,
    )


def profile_order(
    federation: str, sites: Sequence[str], options: OrderedProfile, run: str, timeout_s: float, now: datetime
) -> Order:
    """What sites are asked that are to profile themselves.

    Args:
        federation: its name.
        options: how.
        run: 32 hexadecimal digits, drawn for this order.
        now: when the order is made.
    """
    return Order(
        federation=federation,
        kind="profile",
        sites=tuple(sites),
        created=moment(now),
        expires=moment(now + _BEGIN_WITHIN),
        nonce=secrets.token_hex(16),
        run=run,
        profile=options,
        timeout_s=timeout_s,
    )
