"""Strategies by name: "harmonizer+algorithm", or one of the two."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from shiftscope.errors import PlanError, UsageError
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.plans import Plan, name_of_strategy
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS, find_algorithm
from shiftscope.training.arms import arm_of, gradients_of_arm
from shiftscope.training.plan_checks import check_plan
from shiftscope.training.runs.jobs import Arm

__all__ = ["Strategy", "choose_strategies", "gradients_of", "reference_of"]

_ALGORITHMS = {**CONTROLS, **PERSONALIZERS}

_SHORT = ("zscore", "fedbn", "fedper", "lp_ft", "ditto")
"""A harmonizer that shares nothing, layers at home (normalization, head), tuning, and a whole model of one's own."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """What one contender does.

    Attributes:
        harmonizer: a key of `HARMONIZERS`, None for nothing.
        algorithm: a key of `CONTROLS` or `PERSONALIZERS`; the plan's baseline where the name gives none.
    """

    name: str
    harmonizer: str | None
    algorithm: str

    def arm(self, plan: Plan) -> Arm:
        """This strategy on the whole of the plan's budget."""
        return arm_of(plan, self.name, self.algorithm, self.harmonizer)


def reference_of(plan: Plan) -> Strategy:
    """The plan's baseline on the images as they are."""
    return Strategy(plan.baseline, None, plan.baseline)


def choose_strategies(plan: Plan, names: Sequence[str] = ()) -> tuple[tuple[Strategy, ...], list[str]]:
    """The contenders, and remarks on the choice. The plan's baseline is the reference, never one of them.

    Without `names`: the plan's advice, its halves, and a cheap member of each family, where plan and model allow them.

    Raises:
        UsageError: a name that does not exist, or nothing beside the reference.
        PlanError: a named strategy that the plan's model or images do not allow.
    """
    if not names:
        return _short_list(plan)
    wanted = [_find(name.strip(), plan) for name in names]
    remarks = [
        f"{name}: named twice, runs once"
        for name in dict.fromkeys(item.name for item in wanted)
        if sum(item.name == name for item in wanted) > 1
    ]
    chosen = tuple(item for item in dict.fromkeys(wanted) if item != reference_of(plan))
    if not chosen:
        raise UsageError(f"--strategies: nothing beside {plan.baseline}, the reference; name one to compare with it")
    for item in chosen:
        try:
            check_plan(plan, [item.arm(plan)])
        except PlanError as problem:
            raise PlanError(f"--strategies {item.name}: {problem}") from None
    return chosen, remarks


def gradients_of(strategy: Strategy, plan: Plan, rounds: int) -> int:
    """Gradients of a batch that all sites and seeds should compute in `rounds`."""
    arm = strategy.arm(plan).model_copy(update={"rounds": rounds})
    return gradients_of_arm(plan, arm) * len(plan.every_seed)


def _short_list(plan: Plan) -> tuple[tuple[Strategy, ...], list[str]]:
    """What the plan advises and a cheap member of each family; what the plan rules out is left out, with a remark."""
    advice = name_of_strategy(plan.harmonizer, plan.personalizer)
    grouped = len({site.cluster for site in plan.sites.values()}) > 1
    names = [advice, plan.harmonizer or "", plan.personalizer or "", *_SHORT, "clustered" * grouped]
    chosen, remarks = [], []
    for name in dict.fromkeys(filter(None, names)):
        item = _find(name, plan)
        try:
            check_plan(plan, [item.arm(plan)])
        except PlanError as problem:
            remarks.append(f"left out: {name} ({problem})")
        else:
            chosen.append(item)
    return tuple(chosen), remarks


def _find(name: str, plan: Plan) -> Strategy:
    """The strategy of that name; the two halves may stand in either order."""
    halves = name.split("+")
    for half in halves:
        if half not in HARMONIZERS and half not in _ALGORITHMS:
            raise UsageError(_unknown(name, half))
    harmonizers, algorithms = ([half for half in halves if half in family] for family in (HARMONIZERS, _ALGORITHMS))
    if len(harmonizers) > 1 or len(algorithms) > 1:
        twice = harmonizers if len(harmonizers) > 1 else algorithms
        raise UsageError(
            f"--strategies {name}: {' and '.join(twice)} do the same kind of thing;"
            " expected one harmonizer, one algorithm, or harmonizer+algorithm"
        )
    harmonizer, algorithm = next(iter(harmonizers), None), next(iter(algorithms), plan.baseline)
    if find_algorithm(algorithm).pools:
        raise UsageError(f"--strategies {name}: {algorithm} is a bound that no site can use; leave it out")
    beside = None if harmonizer and algorithm == plan.baseline else algorithm
    return Strategy(name_of_strategy(harmonizer, beside), harmonizer, algorithm)


def _unknown(name: str, half: str) -> str:
    known = [*HARMONIZERS, *_ALGORITHMS]
    near = get_close_matches(half, known, n=1, cutoff=0.5)
    return (
        f"--strategies {name}: no {half!r};{f' did you mean {near[0]}?' if near else ''} harmonizers:"
        f" {', '.join(HARMONIZERS)}; algorithms: {', '.join(name for name in _ALGORITHMS if name != 'pooled')}"
    )
