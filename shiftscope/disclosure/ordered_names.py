"""What an order names, and what is known without it: all that may stand where a message holds a name."""

from typing import Any, get_args

from shiftscope.disclosure.situations import Situation
from shiftscope.federations.orders import UNGATED
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.plans import HeadMethod, name_of_strategy
from shiftscope.profiles.widths import CELL, FEWEST

__all__ = [
    "is_harmonizer_in_fold",
    "is_judged",
    "is_seed",
    "last_exchange",
    "metrics_of_order",
    "ordered_harmonizers",
    "ordered_strategies",
    "rehearsed_names",
    "rounds_of_question",
    "withheld_reasons",
]


def rounds_of_question(situation: Situation) -> int:
    """Of the strategy in question; of a rehearsal those of its heads."""
    if situation.order.kind == "rehearse":
        return situation.order.rounds
    arm = situation.arms.get(str(situation.asked.facts.get("arm")))
    return 0 if arm is None else arm.rounds


def ordered_harmonizers(situation: Situation) -> set[str]:
    """Of the order's strategies; a rehearsal tries them all."""
    if situation.order.kind == "rehearse":
        return {*HARMONIZERS}
    return {arm.harmonizer for arm in situation.order.arms if arm.harmonizer is not None}


def last_exchange(situation: Situation) -> int:
    """The last exchange of any harmonizer of the order."""
    named = ordered_harmonizers(situation) & {*HARMONIZERS}
    return max((len(HARMONIZERS[name].exchanges) for name in named), default=0) - 1


def metrics_of_order(situation: Situation) -> list[str]:
    """Names of the metrics of the plan's task; of outlines those of each class beside them."""
    if situation.plan.task == "classification":
        return ["auroc", "balanced_accuracy"]
    classes = situation.plan.classes
    apart = [*classes, *(f"class {place}" for place in range(1, len(classes) + 1))]
    return [f"{kind}{of}" for kind in ("dice", "surface_px") for of in ("", *(f" of {name}" for name in apart))]


def ordered_strategies(situation: Situation) -> set[str]:
    """Of the order, used as they are and whether used or not."""
    return {*situation.arms, *(f"{UNGATED}{name}" for name in situation.arms)}


def rehearsed_names(_situation: Situation) -> set[str]:
    """Every strategy that can be rehearsed."""
    return {name_of_strategy(name, method) for name in (None, *HARMONIZERS) for method in (None, *get_args(HeadMethod))}


def withheld_reasons(situation: Situation) -> set[str]:
    """Why a site takes no part in a rehearsal, in the only words there are for it; empty where it does."""
    of_class = {f"fewer than {CELL} test patients of class {name}" for name in situation.plan.classes}
    return {"", f"fewer than {FEWEST} test patients", *of_class}


def is_harmonizer_in_fold(value: Any, situation: Situation) -> bool:
    """A harmonizer with a fold of the plan."""
    if type(value) not in (list, tuple) or len(value) != 2:
        return False
    name, fold = value
    named = type(name) is str and name in ordered_harmonizers(situation)
    return named and type(fold) is int and 0 <= fold < situation.plan.folds


def is_judged(value: Any, situation: Situation) -> bool:
    """A strategy and seed of the order, and whether the site keeps the baseline's model."""
    if type(value) not in (list, tuple) or len(value) != 3:
        return False
    arm, seed, kept = value
    return type(arm) is str and arm in situation.arms and is_seed(seed, situation) and type(kept) is bool


def is_seed(value: Any, situation: Situation) -> bool:
    """A seed of the plan."""
    return type(value) is int and value in situation.plan.every_seed
