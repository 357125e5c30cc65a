"""What a site makes of an order: a job on its own images, in its own folder."""

from pathlib import Path

from shiftscope.errors import PlanError
from shiftscope.federations.orders import Order, fingerprint_of
from shiftscope.files import write_text
from shiftscope.plans import Plan
from shiftscope.training.models.pretrained_weights import find_weights
from shiftscope.training.runs.jobs import Arm, Job

__all__ = ["job_of", "plan_of"]

_PLAN = "plan.sha256"


def plan_of(order: Order) -> Plan:
    """The order's.

    Raises:
        PlanError: it has none.
    """
    if order.plan is None:
        raise PlanError("the order has no plan; ask the coordinator for one that has")
    return order.plan


def job_of(order: Order, site: str, data: Path, folder: Path, device: str) -> Job:
    """The order as this site carries it out; it knows of no other site's images.

    What the site keeps (personal layers, scores, statistics) lies in a folder of the order's run, from which an order
    that resumes the run goes on.

    Args:
        site: this one.
        data: its images.
        folder: of all runs.
        device: "cpu" or "cuda".

    Raises:
        PlanError: the plan's weights are not here or could be any, or the run was begun with another plan.
    """
    plan = plan_of(order)
    if plan.weights is not None and plan.weights_sha256 is None:  # or it could start from any file of this machine
        raise PlanError(f"weights: {plan.weights} without weights_sha256; ask the coordinator for an order with both")
    out, mark = folder / order.run, fingerprint_of(plan)
    kept = out / _PLAN
    if kept.exists() and kept.read_text(encoding="utf-8") != mark:
        raise PlanError(f"{out}: was begun with another plan; ask the coordinator for a new run")
    write_text(kept, mark, private=True)
    weights = find_weights(plan)
    return Job(
        plan=plan,
        arms=tuple(Arm.model_validate(dict(arm)) for arm in order.arms),
        data={site: str(data)},
        patient_regex=None,
        out=out,
        timeout_s=order.timeout_s,
        device=device,
        weights=weights.path if weights else None,
        keep_models=order.keep_models,
        questions=order.questions,
    )
