"""Which strategies differ where the encoder is frozen, what they stand for, and what is left out."""

from collections.abc import Mapping
from dataclasses import dataclass

from shiftscope.harmonizers import HARMONIZERS
from shiftscope.plans import HeadMethod, Plan, name_of_strategy

__all__ = [
    "OWN",
    "REFERENCE",
    "SHARED",
    "STANDS_FOR",
    "HeadPlace",
    "Rehearsed",
    "count_outputs",
    "equivalents",
    "harmonizers_of",
    "left_out",
    "strategies_of",
]

REFERENCE: HeadMethod = "fedavg"

SHARED: tuple[HeadMethod, ...] = ("fedavg", "fedprox", "balanced")
"""Methods with one head for all; after a harmonizer only the first is tried."""

OWN: tuple[HeadMethod, ...] = ("local", "lp_ft", "shrinkage")
"""Methods with a head for each site, made at home from what FedAvg gave."""

STANDS_FOR: Mapping[HeadMethod, tuple[str, ...]] = {
    "fedavg": ("fedbn", "silobn", "lg_fedavg"),
    "local": ("fedper", "fedrep", "fedbabu", "fedbabu_head"),
}
"""Methods of `train` that come to the same where nothing but the head is trained."""

_SLOW = ("n4",)

_FOR_OUTLINES = ("zscore", "percentile", "clahe", "quantile_map", "polarity")
"""Where a row is a pyramid of maps, each fold's own take hundreds of megabytes."""

_NOT_REHEARSED = {
    "ditto": "between own and shared, as shrinkage, which was rehearsed",
    "apfl": "between own and shared, as shrinkage, which was rehearsed",
    "fedala": "between own and shared, as shrinkage, which was rehearsed",
    "perfedavg": "a shared head tuned at the site, as lp_ft, which was rehearsed",
    "scaffold": "another way to the optimum of one shared head",
    "fedadam": "another way to the optimum of one shared head",
    "clustered": "groups of sites were not rehearsed",
    "pooled": "a bound, which no federation can use",
}


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One strategy: a harmonizer before the encoder, and how heads are made behind it."""

    harmonizer: str | None
    method: HeadMethod

    @property
    def name(self) -> str:
        """As results call it."""
        beside = None if self.harmonizer and self.method == REFERENCE else self.method
        return name_of_strategy(self.harmonizer, beside)


@dataclass(frozen=True, slots=True)
class HeadPlace:
    """Which head of a table this is: how it is made, and in which fold."""

    method: HeadMethod
    fold: int


def count_outputs(plan: Plan) -> int:
    """Of a head: the classes; for outlines the background as well."""
    return len(plan.classes) if plan.task == "classification" else 1 + max(1, len(plan.classes))


def harmonizers_of(plan: Plan) -> tuple[str, ...]:
    """Harmonizers that are cheap enough, and that the plan's images allow."""
    return tuple(name for name in HARMONIZERS if name not in _left_out_harmonizers(plan))


def strategies_of(harmonizers: tuple[str, ...], plan: Plan) -> tuple[Rehearsed, ...]:
    """All of them, FedAvg on images as they are first."""
    shared = [method for method in SHARED if method != "balanced" or plan.task == "classification"]
    plain = [Rehearsed(None, method) for method in (*shared, *OWN)]
    return (*plain, *(Rehearsed(name, method) for name in harmonizers for method in (REFERENCE, *OWN)))


def equivalents(same_as: Mapping[str, str], even: bool) -> dict[str, tuple[str, ...]]:
    """Strategy -> those that come to the same on these data.

    Args:
        same_as: harmonizer -> the one behind which all sites have the very same features, or another word for none.
        even: whether classes are equally frequent at every site as it is.
    """
    found: dict[str, tuple[str, ...]] = {REFERENCE: ("balanced",)} if even else {}
    for name, base in same_as.items():
        for method in (REFERENCE, *OWN):
            first = Rehearsed(base if base in HARMONIZERS else None, method).name
            found[first] = (*found.get(first, ()), Rehearsed(name, method).name)
    return found


def left_out(plan: Plan) -> dict[str, str]:
    """Strategies of `train` that are not rehearsed -> why."""
    reasons = dict(_NOT_REHEARSED) | _left_out_harmonizers(plan)
    if plan.task == "segmentation":
        reasons["balanced"] = "masks hold all classes at once"
    return reasons


def _left_out_harmonizers(plan: Plan) -> dict[str, str]:
    reasons = {}
    for name, harmonizer in HARMONIZERS.items():
        if name in _SLOW:
            reasons[name] = "too slow for a rehearsal: a tenth of a second an image"
        elif harmonizer.mix is not None:
            reasons[name] = "it changes images while a network is trained, and the encoder is frozen"
        elif harmonizer.on == "geometry":
            reasons[name] = "it works where images are read, not on what was read"
        elif harmonizer.on == "colour" and not plan.colour:
            reasons[name] = "it works on colour, and the images are grey"
        elif harmonizer.on == "features" and plan.task == "segmentation":
            reasons[name] = "it works on one row of features a case, and outlines need one a pixel"
        elif plan.task == "segmentation" and name not in _FOR_OUTLINES and harmonizer.on == "pixels":
            reasons[name] = "maps of one more harmonizer, fitted in each fold, would take too much memory"
    return reasons
