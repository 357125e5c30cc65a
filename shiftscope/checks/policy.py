"""Policy: the limits a new profile is held to. Measurement is not verdict: a `Shift` knows nothing of them."""

import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from shiftscope.diagnosis import LIMITS
from shiftscope.measures import AXES, MEASURES
from shiftscope.measures.question_names import CONCEPT
from shiftscope.records import MOST, Document, Finite, Name, Record

__all__ = ["ANY", "CATEGORIES", "JUDGED", "Category", "Limit", "Policy", "category_of", "near"]

Category = Literal["appearance", "structure", "label", "annotation", "concept", "files"]
CATEGORIES: tuple[Category, ...] = ("appearance", "structure", "label", "annotation", "concept", "files")
ANY = "any"
"""In `fail_on`: all of `CATEGORIES`."""

LABELS = "labels"

_NAMED = 20
"""Names that one message lists: all harmonizers or methods; axes and measures are more, and `explain` lists them."""


def category_of(question: str) -> Category:
    """What a finding on a question counts as."""
    return next(category for category in CATEGORIES if category == question)


JUDGED: dict[str, Category] = {
    **{name: category_of(axis.question) for name, axis in AXES.items() if axis.question != "features"},
    LABELS: "label",
}
"""Axis -> what a finding on it counts as. Features are no evidence for an answer (docs/diagnosis.md)."""


class Limit(Record):
    """How far a difference may go.

    Attributes:
        warn: above it a finding warns.
        error: above it a finding fails. Without one, nothing does.
    """

    warn: Annotated[Finite, Field(ge=0, le=1e12)] | None = None
    error: Annotated[Finite, Field(ge=0, le=1e12)] | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> "Limit":
        if self.warn is None and self.error is None:
            raise ValueError("expected a number under warn, under error, or under both")
        if self.warn is not None and self.error is not None and self.warn > self.error:
            raise ValueError(f"warn is {self.warn:g}, above error, which is {self.error:g}")
        return self


DEFAULT_QUESTIONS: dict[str, Limit] = {
    question: Limit(warn=margin) if question == CONCEPT else Limit(error=margin)
    for question, margin in LIMITS.margin.items()
}
DEFAULT_UNREADABLE = "5%"
DEFAULT_FAIL_ON = (ANY,)
"""The defaults, and where they come from (docs/check.md has the same table):

| what | default | because |
|---|---|---|
| appearance, structure, annotation | error = 0.1 | a third of the spread of patients: the margin of `recommend` |
| label | error = 0.05 | 11 points between two even classes: likewise (docs/diagnosis.md) |
| concept | warn = 0 | beyond what appearance may do to classes; its margin is fitted on few sources, so it only warns |
| min_patients | 20, or 30 where each file counts as one | fewer are not diagnosed either (docs/diagnosis.md) |
| max_unreadable | 5% | a convention: an odd file in twenty is a fault of the delivery, not of the file |
| require | what most baselines have | what was measured before and is not now cannot have passed |
| scanners, labels, axes, measures | no limit | only their owner knows them |
| fail_on | any | |
"""


def _share_or_count(value: Any) -> Any:
    count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
    share = isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?%", value) is not None
    if not count and not (share and float(value.removesuffix("%")) <= 100):
        raise ValueError('expected a count such as 10 or a share such as "5%", of 100% at the most')
    return value


class Policy(Document):
    """The limits, and what may fail a check.

    Attributes:
        min_patients: patients a site below which nothing is judged; None for what a diagnosis needs.
        max_unreadable: files that may have been left out, a count or a share such as "5%".
        scanners: makers and models that are allowed, with * for anything; empty for all.
        labels: classes that must be there.
        require: axes without which the check is inconclusive; None for those that most baselines have.
        fail_on: categories of findings that fail the check; others warn.
        warn_only: nothing fails, everything warns.
        questions: question -> limits on its effect; a question not named keeps its default.
        axes: axis -> limits on its effect.
        measures: measure -> limits on the difference of the means, in its unit.
    """

    SCHEMA: ClassVar[int] = 1
    MOST_BYTES: ClassVar[int] = 250_000

    min_patients: Annotated[int, Field(strict=True, ge=LIMITS.enough, le=MOST)] | None = None
    max_unreadable: Annotated[int | str, BeforeValidator(_share_or_count)] = DEFAULT_UNREADABLE
    scanners: Annotated[tuple[Name, ...], Field(max_length=200)] = ()
    labels: tuple[Name, ...] = ()
    require: tuple[Name, ...] | None = None
    fail_on: Annotated[tuple[Name, ...], Field(min_length=1)] = DEFAULT_FAIL_ON
    warn_only: Annotated[bool, Field(strict=True)] = False
    questions: dict[Name, Limit] = Field(default_factory=lambda: dict(DEFAULT_QUESTIONS))
    axes: dict[Name, Limit] = Field(default_factory=dict)
    measures: dict[Name, Limit] = Field(default_factory=dict)

    @field_validator("questions", mode="after")
    @classmethod
    def _with_defaults(cls, given: dict[str, Limit]) -> dict[str, Limit]:
        _require_known(given, DEFAULT_QUESTIONS, "a question")
        return {**DEFAULT_QUESTIONS, **given}

    @field_validator("axes", mode="after")
    @classmethod
    def _are_axes(cls, given: dict[str, Limit]) -> dict[str, Limit]:
        _require_known(given, JUDGED, "an axis that is judged")
        return given

    @field_validator("measures", mode="after")
    @classmethod
    def _are_measures(cls, given: dict[str, Limit]) -> dict[str, Limit]:
        _require_known(given, MEASURES, "a measure")
        return given

    @field_validator("require", mode="after")
    @classmethod
    def _can_be_required(cls, given: tuple[str, ...] | None) -> tuple[str, ...] | None:
        _require_known(given or (), JUDGED, "an axis that is judged")
        return given

    @field_validator("fail_on", mode="after")
    @classmethod
    def _can_fail(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        _require_known(given, (*CATEGORIES, ANY), "a category")
        return given

    def counts(self, category: Category) -> bool:
        """Whether findings of a category decide the outcome."""
        return ANY in self.fail_on or category in self.fail_on

    def needed(self, patient_source: str) -> int:
        """Patients that a site needs to be judged."""
        return max(self.min_patients or 0, LIMITS.needed(patient_source))

    def unreadable_allowed(self, files: int) -> int:
        """How many of `files` may have been left out."""
        if isinstance(self.max_unreadable, int):
            return self.max_unreadable
        return int(files * float(self.max_unreadable.removesuffix("%")) / 100)


def _require_known(given: Iterable[str], known: Collection[str], what: str) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"'{name}' is not {what}{near(name, [*known])}")


def near(name: str, known: Sequence[str]) -> str:
    """What was probably meant; all that could have been where nothing is near."""
    found = get_close_matches(name.lower().replace("-", "_"), known, n=1)
    if found:
        return f"; did you mean '{found[0]}'?"
    return f"; expected {', '.join(known)}" if len(known) <= _NAMED else "; shiftscope explain lists them"
