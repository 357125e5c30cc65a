"""What a run of an exported app has to know, from its plan and the settings of the run."""

from collections.abc import Mapping
from pathlib import Path

from shiftscope.devices import find_device
from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.printable_text import shown
from shiftscope.training.arms import arm_of
from shiftscope.training.models.pretrained_weights import find_weights
from shiftscope.training.own_code.own_names import packages_of
from shiftscope.training.own_code.permissions import require_mark
from shiftscope.training.runs.jobs import Arm, Job

__all__ = ["STRATEGY", "app_job", "strategy_of"]

STRATEGY = "advice"
"""The one strategy of an exported app."""


def app_job(
    plan: Plan,
    *,
    algorithm: str,
    harmonizer: str | None,
    seed: int,
    out: Path,
    data: Mapping[str, str],
    patient_regex: str = "",
    timeout_s: float,
    device: str,
) -> Job:
    """The job of one run of an app, as its coordinator or one of its sites has it.

    Args:
        algorithm, harmonizer: what the app's files carry out.
        seed: of this run.
        out: a folder for this run alone.
        data: site -> folder, of the sites that this process acts for; none at the coordinator.
        patient_regex: as `profile` takes it; empty where the sites know their patients otherwise.
        timeout_s: how long a question waits for its slowest site.
        device: "auto", "cpu" or "cuda".

    Raises:
        PlanError: the plan asks for something else than the app carries out, does not know the seed, or its weights or
            its own code are not there.
        UsageError: there is no such device.
    """
    asked = strategy_of(plan)
    if (asked.algorithm, asked.harmonizer) != (algorithm, harmonizer):
        raise PlanError(
            f"plan.toml: asks for {_said(asked.algorithm, asked.harmonizer)}, and the app's method.py carries out"
            f" {_said(algorithm, harmonizer)}; export the changed plan to another folder, or put back what was changed"
        )
    if seed not in plan.every_seed:
        raise PlanError(
            f"seed: {seed}, and the seeds of plan.toml are {', '.join(map(str, plan.every_seed))}; choose one of them,"
            " or add it there"
        )
    for package in packages_of(plan):
        require_mark(plan, package)
    weights = find_weights(plan)
    return Job(
        plan=plan.model_copy(update={"data": {}}),
        arms=(asked,),
        data=dict(data),
        patient_regex=patient_regex or None,
        out=out,
        timeout_s=timeout_s,
        device=find_device(device),
        weights=weights.path if weights else None,
    )


def strategy_of(plan: Plan) -> Arm:
    """What the plan advises, and its baseline where it advises nothing."""
    return arm_of(plan, STRATEGY, plan.personalizer or plan.baseline, plan.harmonizer)


def _said(algorithm: str, harmonizer: str | None) -> str:
    return f"{shown(algorithm)} with {shown(harmonizer) if harmonizer else 'no harmonizer'}"
