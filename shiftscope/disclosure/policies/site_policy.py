"""What a site's owner lets its federation do: `policy.toml` at the joined site, which no coordinator overrides."""

from collections.abc import Collection, Iterable
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from shiftscope.checks.policy import ANY, near
from shiftscope.federations.orders import KINDS
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.measures import AXES, MEASURES
from shiftscope.profiles.widths import FEWEST
from shiftscope.records import MOST, Document, Finite, Misfit, Name, at_most, matching

__all__ = [
    "COUNTS",
    "FEWEST_SCORED",
    "METRICS",
    "NOISELESS",
    "CountFamily",
    "MetricFamily",
    "SitePolicy",
    "allows",
    "rests_on_few",
]

MetricFamily = Literal["auroc", "balanced_accuracy", "dice", "surface_px", "loss", "signal", "change"]
"""Of trained models, of training, and of harmonized images: what is left of what the model has to learn, and how much
pixels changed. "dice" stands for "dice of CLASS" too."""

METRICS: tuple[MetricFamily, ...] = get_args(MetricFamily)

CountFamily = Literal["patients", "cases", "left_out", "labels", "acquisition"]
"""Patients; cases; files left out, by reason; all that tells how many patients a class has; patients by scanner, month
and so on."""

COUNTS: tuple[CountFamily, ...] = get_args(CountFamily)

FEWEST_SCORED = 5
"""The limit of small cells that is customary in health statistics. What scores of two, three or four patients give away
beside how they vary, docs/privacy.md tells."""

MOST_PARAMETERS = 500_000_000
"""Of a model where a policy says nothing: 2 GB of weights, and four times as much while Adam trains them. The networks
of docs/models.md have 0.4 to 90 million."""

MOST_GIGABYTES = 100.0
"""Of all that orders leave at a site where its policy says nothing: a hundred messages of a gigabyte, or a thousand of
a network of 25 million weights."""

NOISELESS = "none"
"""Instead of an epsilon: a profile may leave without noise."""

_KNOWN: dict[str, Collection[str]] = {
    "kinds": KINDS,
    "harmonizers": HARMONIZERS,
    "axes": AXES,
    "measures": MEASURES,
    "metrics": METRICS,
    "counts": COUNTS,
}
"""Key -> what may stand in its list, beside `ANY`."""

_MOST_LISTED, _LARGEST_EPSILON = 1000, 1000


def _epsilon(value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _LARGEST_EPSILON
    if value is not None and value != NOISELESS and not number:
        raise ValueError(f'expected a number above 0, {_LARGEST_EPSILON} at the most, or "{NOISELESS}"')
    return value


Listed = Annotated[tuple[Name, ...], at_most(_MOST_LISTED, "names")]
"""Names that are allowed; "any" for all, nothing for none."""


class SitePolicy(Document):
    """What may be asked of this site, and what may leave it. What is not said is not allowed.

    Attributes:
        kinds: of orders.
        min_patients: fewer patients than this, and nothing leaves: of a profile all, else those a model learns from.
        min_scored: a score that rests on fewer patients than this stays; 1 lets all out.
        plans: fingerprints of plans that are allowed whatever methods they name.
        methods: keys of `CONTROLS` and `PERSONALIZERS` that any plan may name.
        harmonizers: keys of `HARMONIZERS` that any plan may name, and whose statistics may leave.
        max_rounds: of one strategy.
        max_seconds: of computing for one order, all questions together.
        max_parameters: of a plan's model, or of the frozen encoder before it.
        max_gigabytes: of `releases/` and `runs/` in the site's folder; with more, nothing new is begun or sent.
        epsilon: of profiles: one is noised with this or less, or "none" where it need not be noised. Required where
            `kinds` allows profiles.
        axes: of profiles.
        measures: of profiles.
        metrics: of models, training and harmonized images.
        counts: of patients and cases.
        own_code: whether a plan may bring the operator's own code.
        read_only: whether the data folder must be one that shiftscope cannot write to.
    """

    SCHEMA: ClassVar[int] = 1
    MOST_BYTES: ClassVar[int] = 250_000

    kinds: Listed = ()
    min_patients: Annotated[int, Field(strict=True, ge=1, le=MOST)] = FEWEST
    min_scored: Annotated[int, Field(strict=True, ge=1, le=MOST)] = FEWEST_SCORED
    plans: Annotated[
        tuple[Annotated[str, matching("[0-9a-f]{64}", "a plan's fingerprint, 64 hexadecimal digits")], ...],
        at_most(_MOST_LISTED, "fingerprints"),
    ] = ()
    methods: Listed = ()
    harmonizers: Listed = ()
    max_rounds: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 0
    max_seconds: Annotated[Finite, Field(ge=0, le=1e9)] = 0.0
    max_parameters: Annotated[int, Field(strict=True, ge=0, le=10**12)] = MOST_PARAMETERS
    max_gigabytes: Annotated[Finite, Field(ge=0, le=1e9)] = MOST_GIGABYTES
    epsilon: Annotated[float | str | None, BeforeValidator(_epsilon)] = None
    axes: Listed = ()
    measures: Listed = ()
    metrics: Listed = ()
    counts: Listed = ()
    own_code: Annotated[bool, Field(strict=True)] = False
    read_only: Annotated[bool, Field(strict=True)] = True

    @field_validator(*_KNOWN, mode="after")
    @classmethod
    def _are_known(cls, given: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        key = str(info.field_name)
        _require_known(key, given, (*_KNOWN[key], ANY))
        return given

    @model_validator(mode="after")
    def _says_how_profiles_are_noised(self) -> "SitePolicy":
        if self.epsilon is None and allows(self.kinds, "profile"):
            expected = f'a number such as 1.0, or "{NOISELESS}" for profiles without noise, since kinds allows profiles'
            raise Misfit("epsilon", self.epsilon, expected)
        return self


def allows(listed: Iterable[str], name: str) -> bool:
    """Whether a list of a policy allows a name."""
    return not {ANY, name}.isdisjoint(listed)


def rests_on_few(patients: int, min_scored: int) -> bool:
    """Whether a score of so many patients stays at the site. What is undefined, for nobody has the class, stays like
    the score of one who has: between two plans that differ by a patient the two must not be told apart."""
    return max(1, patients) < min_scored


def _require_known(key: str, given: Iterable[str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"'{name}' is nothing that {key} can allow{near(name, [*known])}")
