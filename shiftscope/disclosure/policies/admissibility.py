"""Whether a site's policy lets an order be followed, before anything is computed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shiftscope.disclosure.policies.site_policy import NOISELESS, SitePolicy, allows
from shiftscope.federations.orders import Order, fingerprint_of
from shiftscope.plans import Plan
from shiftscope.printable_text import shown

__all__ = ["NO_POLICY_HERE", "Refusal", "SiteCondition", "admits", "admits_unseen", "lacks_room"]

_COLON = ":"
"""In the name of the operator's own model, loss or augmentation, and in no other."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not done, or does not leave.

    Attributes:
        rule: its name, a key of the policy or of docs/disclosure.md: all that the coordinator is told.
        why: what was found, what was expected and what would settle it, for the site's own people.
    """

    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class SiteCondition:
    """What the policy has to be held against at the site itself.

    Attributes:
        patients: that a model learns from; None where nobody has counted them yet.
        writable: whether shiftscope could write to the data folder.
        parameters: weights of the plan's model; None where nobody has counted them yet.
        spent_s: seconds of computing that went into the order so far.
        taken: bytes of all that orders left at the site.
    """

    patients: int | None
    writable: bool
    parameters: int | None = None
    spent_s: float = 0.0
    taken: int = 0


NO_POLICY_HERE = Refusal(
    "policy",
    "this site has no policy.toml, and without one nothing leaves it; write one from the template, or leave it so",
)
"""Why nothing leaves a site without a policy."""


def admits(policy: SitePolicy | None, order: Order, condition: SiteCondition) -> Refusal | None:
    """Why the policy does not admit the order; None where it does.

    Args:
        policy: None for none: then nothing is admitted.
    """
    if policy is None:
        return NO_POLICY_HERE
    return next((found for rule in _RULES for found in rule(policy, order, condition)), None)


def admits_unseen(policy: SitePolicy, order: Order, spent_s: float, taken: int) -> Refusal | None:
    """Why the policy does not admit the order, whatever images the site has: asked before anybody looks at them.

    Args:
        spent_s, taken: as `SiteCondition` has them.
    """
    unseen = SiteCondition(None, False, spent_s=spent_s, taken=taken)
    return next((found for rule in _UNSEEN for found in rule(policy, order, unseen)), None)


def lacks_room(policy: SitePolicy, taken: int) -> Refusal | None:
    """Why nothing more may be written at the site; None where there is room.

    Args:
        taken: bytes of all that orders left there, with what would be written now.
    """
    if taken <= policy.max_gigabytes * 1e9:
        return None
    return Refusal(
        "max_gigabytes",
        f"releases/ and runs/ in this site's folder would take {taken / 1e9:.3g} GB, and this site allows"
        f" {policy.max_gigabytes:g}; stop the service and remove from runs/ what will not be resumed, or move releases/"
        " away whole to where it is kept: a new log begins; shiftscope federation doctor names the largest. Or raise"
        " max_gigabytes",
    )


def _kinds(policy: SitePolicy, order: Order, _condition: SiteCondition) -> Iterator[Refusal]:
    if not allows(policy.kinds, order.kind):
        yield _not_listed("kinds", order.kind, policy.kinds)


def _plans(policy: SitePolicy, order: Order, _condition: SiteCondition) -> Iterator[Refusal]:
    """A plan that is known by its fingerprint may name any method; any other only those that are listed."""
    if order.plan is None or fingerprint_of(order.plan) in policy.plans:
        return
    for arm in order.arms:
        if not allows(policy.methods, arm.algorithm):
            yield _not_listed("methods", arm.algorithm, policy.methods, order.plan)
        if arm.harmonizer is not None and not allows(policy.harmonizers, arm.harmonizer):
            yield _not_listed("harmonizers", arm.harmonizer, policy.harmonizers, order.plan)


def _own_code(policy: SitePolicy, order: Order, _condition: SiteCondition) -> Iterator[Refusal]:
    plan = order.plan
    if plan is None or policy.own_code:
        return
    named = [name for name in (plan.model, plan.loss, plan.augment) if name is not None and _COLON in name]
    if named or plan.code:
        yield Refusal(
            "own_code",
            f"the plan brings code of the operator's own ({shown((*named, *plan.code)[0])}), which this site does not"
            " run; look at the code and set own_code = true, or ask for a plan without it",
        )


def _max_rounds(policy: SitePolicy, order: Order, _condition: SiteCondition) -> Iterator[Refusal]:
    if order.rounds > policy.max_rounds:
        yield _too_much("max_rounds", f"{order.rounds} rounds of one strategy", f"{policy.max_rounds}")


def _max_seconds(policy: SitePolicy, order: Order, condition: SiteCondition) -> Iterator[Refusal]:
    if condition.spent_s >= policy.max_seconds:
        done = f"{condition.spent_s:.0f} seconds of computing so far for this {order.kind}"
        yield _too_much("max_seconds", done, f"less than {policy.max_seconds:g}")


def _max_gigabytes(policy: SitePolicy, _order: Order, condition: SiteCondition) -> Iterator[Refusal]:
    if (refusal := lacks_room(policy, condition.taken)) is not None:
        yield refusal


def _max_parameters(policy: SitePolicy, order: Order, condition: SiteCondition) -> Iterator[Refusal]:
    """A profile trains nothing."""
    if order.plan is None:
        return
    if condition.parameters is None:
        yield Refusal(
            "max_parameters",
            f"nobody has counted the weights of the plan's model yet, and this site allows {policy.max_parameters:,};"
            " have them counted first",
        )
    elif condition.parameters > policy.max_parameters:
        found = f"the plan's model ({shown(order.plan.model)}) has {condition.parameters:,} weights"
        yield _too_much("max_parameters", found, f"{policy.max_parameters:,}")


def _min_patients(policy: SitePolicy, order: Order, condition: SiteCondition) -> Iterator[Refusal]:
    """A profile counts its patients itself, and is held against the policy when it is made."""
    if condition.patients is None and order.kind != "profile":
        yield Refusal(
            "min_patients",
            f"nobody has counted this site's patients yet, and nothing leaves it below {policy.min_patients}; have the"
            " data folder read first",
        )
    if condition.patients is not None and condition.patients < policy.min_patients:
        yield Refusal(
            "min_patients",
            f"a model would learn from {condition.patients} patients of this site, and nothing leaves it below"
            f" {policy.min_patients}; ask for a plan that trains on more of them, collect more cases, or lower"
            " min_patients",
        )


def _read_only(policy: SitePolicy, _order: Order, condition: SiteCondition) -> Iterator[Refusal]:
    if policy.read_only and condition.writable:
        yield Refusal(
            "read_only",
            "shiftscope could write to the data folder, and the policy wants one that it can only read; mount it read"
            " only or take the right to write from the account that runs shiftscope, or set read_only = false",
        )


def _epsilon(policy: SitePolicy, order: Order, _condition: SiteCondition) -> Iterator[Refusal]:
    if order.profile is None or policy.epsilon == NOISELESS or policy.epsilon is None:
        return
    asked, most = order.profile.epsilon, float(policy.epsilon)
    if asked is None or asked > most:
        found = "without noise" if asked is None else f"with epsilon {asked:g}"
        yield Refusal(
            "epsilon",
            f"the order asks for a profile {found}, and this site gives none of more than epsilon {most:g};"
            " ask for an order with that epsilon or less, or raise epsilon",
        )


_Rule = Callable[[SitePolicy, Order, SiteCondition], Iterator[Refusal]]

_UNSEEN: tuple[_Rule, ...] = (_kinds, _plans, _own_code, _max_rounds, _max_seconds, _max_gigabytes, _epsilon)
"""Those that look at the order alone, and at what orders took of the site so far."""

_RULES: tuple[_Rule, ...] = (*_UNSEEN, _max_parameters, _min_patients, _read_only)


def _not_listed(key: str, name: str, allowed: tuple[str, ...], plan: Plan | None = None) -> Refusal:
    here = ", ".join(allowed) or "none"
    settles = f"add it to {key}, or ask for an order without it"
    if plan is not None:
        settles += f"; or allow this very plan: add {fingerprint_of(plan)} to plans"
    return Refusal(key, f"{shown(name)} is not allowed here ({key}: {here}); {settles}")


def _too_much(key: str, found: str, allowed: str) -> Refusal:
    return Refusal(key, f"{found}, and this site allows {allowed}; raise {key}, or ask for an order of less")
