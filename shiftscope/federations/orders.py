"""What the coordinator asks of named sites, before anybody signs it."""

import hashlib
import json
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from shiftscope.federations.enrolment_documents.signed_documents import Moment
from shiftscope.plans import Plan
from shiftscope.plans.plan import Seed
from shiftscope.plans.result_numbers import Seconds
from shiftscope.records import Classes, Document, Finite, Misfit, Name, Record, Total, at_most, matching

__all__ = [
    "KINDS",
    "MOST_SITES",
    "UNGATED",
    "Drawn",
    "Kind",
    "Order",
    "OrderedArm",
    "OrderedProfile",
    "fingerprint_of",
]

Kind = Literal["profile", "rehearse", "trial", "train"]
"""What an order is for. A trial gives an order for each of its rungs."""

KINDS: tuple[Kind, ...] = get_args(Kind)

MOST_SITES = 1000

UNGATED = "ungated/"
"""Before an arm's name: what its own models do, whatever `OrderedArm.gated` says."""

_MOST_ARMS = 200

Drawn = Annotated[str, matching("[0-9a-f]{32}", "32 hexadecimal digits")]

ArmName = Annotated[Name, matching(r"[^/\\]+", "a name without slashes: sites name files by it")]
"""How a strategy is called, here and in the names of a site's files."""


class OrderedArm(Record):
    """One strategy that sites are asked to train.

    Attributes:
        name: how results call it: "baseline", "adapted", or as a trial names its strategies.
        algorithm: a key of `CONTROLS` or `PERSONALIZERS`.
        harmonizer: a key of `HARMONIZERS`, None for nothing.
        rounds: of the whole run, tuning included.
        gated: whether a site keeps the baseline's model where this one is worse on its validation cases.
    """

    name: ArmName
    algorithm: Name
    harmonizer: Name | None
    rounds: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    gated: Annotated[bool, Field(strict=True)] = False


class OrderedProfile(Record):
    """How a site is asked to profile itself.

    Attributes:
        seed: of the sample on which the canonical map is fitted.
        classes: names that the coordinator already knows; () for none.
        epsilon: of differential privacy; None for a profile without noise.
    """

    seed: Seed = 0
    classes: Classes = ()
    epsilon: Annotated[Finite, Field(gt=0, le=1000)] | None = None


class Order(Document):
    """What the coordinator of a federation asks of the sites that it names, and of nobody else.

    Attributes:
        federation: its name.
        kind: what is to be done.
        sites: who is asked.
        created: when.
        expires: from when on no site begins it any more; what was begun goes on.
        nonce: drawn for this order alone: a site begins no order twice.
        run: what the order goes on with, and sites keep what is theirs by: drawn for the first order of a run, and the
            same in every order that resumes it.
        plan: of all kinds but "profile". It holds no folders: where its data lie is for each site to say.
        arms: the strategies, the one the others are compared with first; of a rehearsal its reference alone.
        profile: of the kind "profile" alone.
        questions: of a rehearsal, how many are asked, one after the other; 0 of everything else.
        timeout_s: how long a question waits for its slowest site.
        keep_models: whether each site keeps the final model of every strategy and seed.
    """

    SCHEMA: ClassVar[int] = 1

    federation: Name
    kind: Kind
    sites: Annotated[tuple[Name, ...], Field(min_length=1), at_most(MOST_SITES, "sites")]
    created: Moment
    expires: Moment
    nonce: Drawn
    run: Drawn
    plan: Plan | None = None
    arms: Annotated[tuple[OrderedArm, ...], at_most(_MOST_ARMS, "strategies")] = ()
    profile: OrderedProfile | None = None
    questions: Total = 0
    timeout_s: Seconds = 0.0
    keep_models: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _names_each_once(self) -> "Order":
        for key, names in (("sites", self.sites), ("arms", tuple(arm.name for arm in self.arms))):
            if len(set(names)) < len(names):
                raise Misfit(key, list(names), "each of them once")
        return self

    @model_validator(mode="after")
    def _expires_later(self) -> "Order":
        if self.expires <= self.created:
            raise Misfit("expires", self.expires, f"a time after it was created, {self.created}")
        return self

    @model_validator(mode="after")
    def _says_what_to_do(self) -> "Order":
        """A profile has its options, everything else a plan and its strategies."""
        if self.kind == "profile":
            if self.profile is None or self.plan is not None or self.arms:
                raise Misfit("kind", self.kind, "the key profile beside it, and neither plan nor arms")
            return self
        if self.plan is None or not self.arms or self.profile is not None:
            raise Misfit("kind", self.kind, "the keys plan and arms beside it, and no profile")
        if (self.questions > 0) != (self.kind == "rehearse"):
            raise Misfit("questions", self.questions, "how many are asked in a rehearsal, and 0 of everything else")
        if self.plan.data:
            raise Misfit("plan.data", sorted(self.plan.data), "none: each site knows where its own data lie")
        if strangers := sorted(set(self.sites) - set(self.plan.sites)):
            raise Misfit("sites", strangers, f"sites of the plan: {', '.join(self.plan.sites)}")
        return self

    @property
    def canonical(self) -> bytes:
        """The one text of this order: JSON in ASCII, keys sorted, no space."""
        return _canonical(self.to_dict())

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical text: what logs and messages call the order by."""
        return hashlib.sha256(self.canonical).hexdigest()

    @property
    def rounds(self) -> int:
        """The most rounds of any of its strategies; 0 of a profile."""
        return max((arm.rounds for arm in self.arms), default=0)


def fingerprint_of(plan: Plan) -> str:
    """SHA-256 of a plan, by which a site's policy can allow this very plan; folders aside, which are the site's."""
    return hashlib.sha256(_canonical(plan.model_copy(update={"data": {}}).to_dict())).hexdigest()


def _canonical(values: dict[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
