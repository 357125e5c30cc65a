"""The profile: all that ever leaves a site."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from shiftscope.dataframes import Tabular
from shiftscope.errors import NotComparable, ShiftscopeError
from shiftscope.profiles import consistency
from shiftscope.profiles.sketches import Area, Sketch
from shiftscope.profiles.summaries import Summary
from shiftscope.profiles.widths import CELL
from shiftscope.records import (
    MOST,
    MOST_CLASSES,
    Document,
    Finite,
    FiniteArray,
    Name,
    Record,
    Text,
    Total,
    at_most,
    matching,
)
from shiftscope.sites import ONE_FILE, Declarations

__all__ = [
    "CELL",
    "MOST_VALUES",
    "OTHER",
    "SEVERAL",
    "WITHHELD",
    "Area",
    "Count",
    "Privacy",
    "Profile",
    "Recipe",
    "Sketch",
    "Summary",
]


def _count(value: Any) -> Any:
    known = isinstance(value, int) and not isinstance(value, bool) and CELL <= value <= MOST
    if not known and value not in consistency.MARKS:
        raise ValueError(f'expected a number of {CELL} or more, "<{CELL}" or "hidden"')
    return value


def _count_or_none(value: Any) -> Any:
    return value if value == 0 and isinstance(value, int) and not isinstance(value, bool) else _count(value)


Count = Annotated[int | str, BeforeValidator(_count)]
"""A number of patients, or "<10", or "hidden": any number, withheld because it would give a small one away."""

MOST_TAGS, MOST_VALUES = 20, 500
"""Of acquisition: there are fewer tags, and a value of its own takes 10 patients."""

OTHER, SEVERAL = "other", "several"
"""Two values of every tag: of patients whose own is shared by fewer than 10 or unknown, and of those with several."""

WITHHELD = "withheld"
"""A fingerprint that is not published: who knows all files but one could try that one."""

Hash = Annotated[str, matching("[0-9a-f]{64}", "SHA-256: 64 hexadecimal digits")]

Fingerprint = Annotated[str, matching(f"[0-9a-f]{{64}}|{WITHHELD}", f"64 hexadecimal digits, or {WITHHELD!r}")]

_LAYOUTS = ("images+masks", "classes", "split-classes", "nnunet", "dicom", "manifest", "images")


def _layouts(text: str) -> str:
    if text != WITHHELD and not set(text.split(", ")) <= set(_LAYOUTS):
        raise ValueError(f"expected {', '.join(_LAYOUTS)}, or several of them with commas between, or {WITHHELD!r}")
    return text


Layout = Annotated[str, AfterValidator(_layouts)]
"""How a folder is laid out; of merged parts, each layout once; of a private profile withheld."""

Seed = Annotated[int, Field(strict=True, ge=0, lt=2**63)]

Version = Annotated[str, matching(r"[0-9]{1,9}(\.[0-9]{1,9})+[A-Za-z0-9.+-]{0,40}", "a version such as 0.1.0")]

PatientSource = Literal["dicom", "manifest", "regex", "file", "one_file_per_patient"]
"""How patients were identified."""


class Privacy(Record):
    """The promise of differential privacy under which a profile was made, and what the noise does to its numbers.

    Attributes:
        epsilon, delta: of the promise, for one patient more or less.
        mechanism: how it is kept.
        clipped: axis -> the norm that a patient's coordinates were pulled in to.
        count_noise: standard deviation of the noise in counts of patients.
        label_noise: the same for each class.
    """

    epsilon: Annotated[Finite, Field(gt=0, le=1000)]
    delta: Annotated[Finite, Field(gt=0, lt=1)]
    mechanism: Text
    clipped: dict[Name, Annotated[Finite, Field(gt=0)]]
    count_noise: Annotated[Finite, Field(gt=0, le=MOST)]
    label_noise: Annotated[Finite, Field(gt=0, le=MOST)]


class Recipe(Record):
    """How it was measured: profiles with different recipes are not comparable."""

    canvas: Annotated[int, Field(strict=True, ge=1, le=4096)]
    resize: Literal["square, antialiased bilinear"] = "square, antialiased bilinear"
    slices: Annotated[int, Field(strict=True, ge=1, le=4096)]
    extractor: Name
    weights_sha256: Hash
    basis_sha256: Hash
    axes: dict[Name, Annotated[int, Field(strict=True, ge=1, le=MOST)]]

    def difference(self, other: "Recipe") -> str | None:
        """The first thing done differently, with both values; None where all is alike."""
        for key, value in self:
            theirs = getattr(other, key)
            if value != theirs:
                return f"{key.replace('_', ' ')} is {_short(value)} against {_short(theirs)}"
        return None


class Profile(Document, Tabular):
    """Aggregates of one site over patients; nothing of a single patient.

    Attributes:
        site: the site's name.
        version: of the shiftscope that made it.
        patients: number of patients measured.
        cases: number of cases measured.
        masks: how many of them have a mask.
        patient_source: "dicom", "manifest", "regex", "one_file_per_patient" as the site's owner states, or "file"
            when each file counts as a patient because nobody knows.
        layout: how the site's folder is laid out.
        fingerprint: hash of the site's content, so that training can verify that it was given the same data.
        seed: of the sample on which the canonical map was fitted.
        recipe: how it was measured.
        colour: whether the images of most patients truly have colour.
        depth: "2-D", "3-D" or "mixed".
        excluded: files left out, by reason.
        labelled: patients with a label.
        labels: patients by class.
        several_classes: patients whose images differ in class, who are in no count and sketch of a class.
        acquisition: patients by value of each allowlisted acquisition tag.
        sketches: moments by axis; null where the site has nothing to measure or too few patients.
        by_class: the same within each class of 10 patients or more, eight coordinates at most.
        measures: summaries by measure.
        quantiles: mean quantile function over patients at fixed levels, 0 to 1; null below 10 patients.
        spectrum: mean radial amplitude over patients; null below 10 patients.
        privacy: the promise of differential privacy it was made under; null for none.
    """

    SCHEMA: ClassVar[int] = 1

    site: Name
    version: Version
    patients: Annotated[int, Field(strict=True, ge=1, le=MOST)]
    cases: Total
    masks: Total
    patient_source: PatientSource
    layout: Layout
    fingerprint: Fingerprint
    seed: Seed
    recipe: Recipe
    colour: Annotated[bool, Field(strict=True)]
    depth: Literal["2-D", "3-D", "mixed"]
    excluded: dict[Name, Annotated[int, Field(strict=True, ge=1, le=MOST)]]
    labelled: Total
    labels: Annotated[dict[Name, Count], at_most(MOST_CLASSES, "classes")]
    acquisition: Annotated[
        dict[Name, Annotated[dict[Name, Count], at_most(MOST_VALUES, "values of a tag")]], at_most(MOST_TAGS, "tags")
    ]
    sketches: dict[Name, Sketch | None]
    by_class: dict[Name, dict[Name, Sketch]]
    measures: dict[Name, Summary]
    quantiles: FiniteArray | None
    spectrum: FiniteArray | None
    privacy: Privacy | None = None
    several_classes: Annotated[int | str, BeforeValidator(_count_or_none)] = 0

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        """What the numbers say of one another; see `consistency`."""
        consistency.require_consistent(self)
        return self

    @classmethod
    def from_dict(cls, value: Any, where: str, error: type[ShiftscopeError]) -> Self:
        """As every document; a part, which must not travel, is distinguished from a damaged profile."""
        if isinstance(value, dict) and "part" in value:
            raise error(
                f"{where}: is a part, which stays at its site; expected a profile, made there with: shiftscope merge"
                " PART... -o SITE.profile.json"
            )
        return super().from_dict(value, where, error)

    @property
    def declared(self) -> Declarations:
        """What the owner's answers were, as far as the profile shows them; a private one withholds its classes."""
        return Declarations(
            classes=tuple(sorted(self.labels)) if self.privacy is None else None,
            one_file_per_patient=True if self.patient_source == ONE_FILE else None,
        )

    def headline(self) -> str:
        """Whose it is, and of how many."""
        return f"{self.site}: {self.patients} patients, {self.cases} cases, {self.masks} with a mask"

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each measure that a person can read: its mean and spread over patients."""
        return [
            {"site": self.site, "measure": name, "unit": item.unit, "n": item.n, "mean": item.mean, "sd": item.sd}
            for name, item in self.measures.items()
        ]

    def require_comparable(self, other: "Profile") -> None:
        """Check that two profiles were measured in the same way.

        Raises:
            NotComparable: naming both sites, what differs and the remedy.
        """
        if difference := self.recipe.difference(other.recipe):
            raise NotComparable(
                f"profiles of '{self.site}' and '{other.site}' were measured differently: {difference};"
                " profile one of them again with the same options and version"
            )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:12] + "..."
