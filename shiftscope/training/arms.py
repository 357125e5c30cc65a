"""The strategies of a run: the advice beside its baseline, each on the plan's budget."""

from shiftscope.plans import Plan
from shiftscope.training.algorithms.families import PERSONALIZERS, find_algorithm
from shiftscope.training.plan_checks import check_names
from shiftscope.training.runs.jobs import ALONE, Arm

__all__ = ["arm_of", "arms_of", "at_equal_compute", "gradients_of_arm"]

HARDLY = 1.05
"""A method that computes up to so many times as much as its baseline counts as computing alike."""


def arms_of(plan: Plan) -> tuple[Arm, ...]:
    """The baseline, then the advice where there is any, once more at the baseline's compute where it takes more; and
    each site's own model, which tells whether taking part pays.

    Raises:
        PlanError: the plan names a method that does not exist.
    """
    check_names(plan)
    arms = [arm_of(plan, "baseline", plan.baseline, None)]
    if plan.harmonizer or plan.personalizer:
        arms.append(arm_of(plan, "adapted", plan.personalizer or plan.baseline, plan.harmonizer))
        if (less := at_equal_compute(plan, arms[1], arms[0])) is not None:
            arms.append(less.model_copy(update={"name": "equal_compute"}))
    if plan.baseline != ALONE:
        arms.append(arm_of(plan, ALONE, ALONE, None))
    return tuple(arms)


def arm_of(plan: Plan, name: str, algorithm: str, harmonizer: str | None) -> Arm:
    """One strategy on the plan's whole budget; what personalizes is gated."""
    return Arm(
        name=name,
        algorithm=algorithm,
        harmonizer=harmonizer,
        rounds=plan.rounds,
        gated=algorithm in PERSONALIZERS,
    )


def at_equal_compute(plan: Plan, arm: Arm, reference: Arm) -> Arm | None:
    """The strategy in as many fewer rounds as it computes more in each; None where it computes hardly more."""
    more = gradients_of_arm(plan, arm) / gradients_of_arm(plan, reference)
    return arm.model_copy(update={"rounds": max(1, int(arm.rounds / more))}) if more > HARDLY else None


def gradients_of_arm(plan: Plan, arm: Arm) -> int:
    """Gradients of a batch that all sites compute with one seed, by the numbers of cases in the plan."""
    batches = (-(-round(plan.split.train * site.cases) // plan.batch_size) for site in plan.sites.values())
    algorithm = find_algorithm(arm.algorithm)
    return sum(algorithm.gradients_in_run(arm.rounds, plan.local_steps, count) for count in batches)
