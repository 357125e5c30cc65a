"""What only the owner of a site knows of its data: stated in options, in site.toml, or earlier, in a plan."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from shiftscope.errors import InputError, ShiftscopeError
from shiftscope.parsing import read_toml, refuse_odd
from shiftscope.records import Classes, Record, at_most, explain_validation, matching
from shiftscope.sites.people.patterns import Pattern
from shiftscope.sites.templates.template import LayoutTemplate, Template

__all__ = ["NAMED_LAYOUTS", "NOTHING_SAID", "SITE_FILE", "Declarations", "allowed_code", "read_declarations"]

SITE_FILE = "site.toml"
"""Looked for beside the images. It never leaves the site."""

MOST_BYTES = 100_000

Place = Annotated[str, Field(min_length=1, max_length=4096)]
"""Path of a file."""

Head = Annotated[str, Field(min_length=1, max_length=200)]
"""Head of a column."""

Package = Annotated[str, Field(max_length=200), matching("[A-Za-z_][A-Za-z0-9_]*", "the name of a package")]
"""As Python imports it, without what is below it."""

NAMED_LAYOUTS = ("images+masks", "classes", "split-classes", "nnunet", "dicom", "manifest", "images")


def _named_or_template(text: str) -> str:
    """A layout's name, or, where it holds a brace, a template."""
    if "{" in text or "}" in text:
        Template.of(text)
    elif text not in NAMED_LAYOUTS:
        raise ValueError(f"expected {', '.join(NAMED_LAYOUTS)}, or a template such as {{class}}/{{case}}.png")
    return text


class Declarations(Record):
    """What the owner states; None where nothing was said.

    Attributes:
        classes: names of classes that may leave the site; () for data without classes, whatever folders are called.
        one_file_per_patient: each file is another person's.
        patient_regex: pattern searched in each case's name; its first group, or the whole match, is the patient.
        layout: how the folder is laid out; another one is refused. Whatever holds a brace is a template of images.
        mask: template of masks; goes with a template of images.
        channel: which of several images of a case is read.
        depth: of the images, for `--epsilon`.
        colour: whether images have colour, for `--epsilon`.
        has_masks: whether images have masks, for `--epsilon`.
        labels: the owner's table of cases; in a site file relative to it.
        label_column: its column of classes.
        case_column: its column that names the images.
        patient_column: its column of patients.
        split_column: its column of splits.
        date_column: its column of dates.
        allow_code: packages of the operator's own whose code a plan may name. Said by the site alone: see `over`.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = (
        *("label_column", "case_column", "patient_column", "split_column", "date_column"),
    )

    classes: Classes | None = None
    one_file_per_patient: bool | None = None
    patient_regex: Pattern | None = None
    layout: Annotated[str, AfterValidator(_named_or_template)] | None = None
    mask: LayoutTemplate | None = None
    channel: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    depth: Literal["2-D", "3-D", "mixed"] | None = None
    colour: bool | None = None
    has_masks: bool | None = None
    labels: Place | None = None
    label_column: Head | None = None
    case_column: Head | None = None
    patient_column: Head | None = None
    split_column: Head | None = None
    date_column: Head | None = None
    allow_code: Annotated[tuple[Package, ...], at_most(100, "packages")] | None = None

    @model_validator(mode="after")
    def _identifies_patients_in_one_way(self) -> Self:
        if self.one_file_per_patient and self.patient_regex is not None:
            raise ValueError("patients are identified by a pattern on names or by one file each, not by both")
        if self.patient_column is not None and (self.one_file_per_patient or self.patient_regex is not None):
            raise ValueError(
                "patients are identified by a table's column, or by a pattern or one file each, not by both"
            )
        return self

    @property
    def template(self) -> str | None:
        """The template of images, None where the layout is named, or nothing is said."""
        return self.layout if self.layout is not None and "{" in self.layout else None

    @classmethod
    def from_values(cls, values: Mapping[str, Any], where: str, error: type[ShiftscopeError]) -> Self:
        """From plain values that were read from `where`.

        Raises:
            error: a key does not fit.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as problem:
            keys = ", ".join(cls.model_fields)
            raise error(f"{where}: {explain_validation(problem)}; its keys are {keys}") from None

    def over(self, weaker: "Declarations") -> "Declarations":
        """What is said here, and where nothing is, what `weaker` says.

        How patients are identified is one statement, and so is a layout with its masks. Which code is allowed says
        nothing of the data, and is left behind: `allowed_code` reads it from the site's own file where it is needed.
        """
        said = self.model_dump(exclude_none=True)
        less = weaker.model_dump(exclude_none=True, exclude={"allow_code"})
        if self.identifies_patients:
            less.pop("one_file_per_patient", None)
            less.pop("patient_regex", None)
            less.pop("patient_column", None)
        if self.layout is not None:
            less.pop("mask", None)
        return Declarations.model_validate({**less, **said})

    @property
    def identifies_patients(self) -> bool:
        """Whether the owner states how patients are identified; a template with {patient} does so, too."""
        if self.template is not None and "patient" in Template.of(self.template).fields:
            return True
        rules = (self.one_file_per_patient, self.patient_regex, self.patient_column)
        return any(rule is not None for rule in rules)

    @property
    def joins(self) -> bool:
        """Whether columns of a table are named that describe the cases."""
        return any(getattr(self, column) is not None for column in self.COLUMNS if column != "case_column")


NOTHING_SAID = Declarations()


def read_declarations(path: Path) -> Declarations:
    """Read a site file.

    Raises:
        InputError: it is missing, is no TOML, or a key does not fit.
    """
    values = read_toml(path, MOST_BYTES, "a site file", InputError)
    refuse_odd(values, str(path), InputError)
    said = Declarations.from_values(values, str(path), InputError)
    return said if said.labels is None else said.model_copy(update={"labels": str(path.parent / said.labels)})


def allowed_code(path: Path) -> tuple[str, ...]:
    """Packages of the operator's own that a site allows in the site file beside its images, none without one.

    Args:
        path: the site's folder or manifest.

    Raises:
        InputError: as `read_declarations`.
    """
    file = (path.parent if path.is_file() else path) / SITE_FILE
    return (read_declarations(file).allow_code or ()) if file.is_file() else ()
