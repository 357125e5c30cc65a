"""Options with which the owner of a site says what only its owner can know."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from shiftscope.errors import UsageError

if TYPE_CHECKING:
    from shiftscope.api.site_listing import OwnerOptions

__all__ = [
    "CaseColumnOption",
    "ChannelOption",
    "ClassesOption",
    "LabelColumnOption",
    "LabelsOption",
    "LayoutOption",
    "MaskOption",
    "NoClassesOption",
    "OneFileOption",
    "PatientColumnOption",
    "RegexOption",
    "SiteFileOption",
    "owner_options",
]

_PANEL = "What only the owner of the data knows; site.toml can say it once for all"


def _option(name: str, says: str, metavar: str | None = None) -> Any:
    """An option of the owner, listed in the help with its like."""
    return typer.Option(name, metavar=metavar, help=says, rich_help_panel=_PANEL)


_COLUMN = "HEAD"

RegexOption = Annotated[
    str | None,
    _option(
        "--patient-regex",
        "A pattern that finds the patient in a case's name: its first group, or the match. E.g. 'bus_(\\d+)'.",
    ),
]
OneFileOption = Annotated[bool, _option("--one-file-per-patient", "State that each file is of another patient.")]
ClassesOption = Annotated[
    str | None, _option("--classes", "The names of classes that may leave, such as benign,malignant.")
]
NoClassesOption = Annotated[bool, _option("--no-classes", "State that folders and labels are no classes.")]
LayoutOption = Annotated[
    str | None,
    _option(
        "--layout",
        "Where images lie, such as '{class}/{patient}/{case}.png'; also {split}, {date}, {channel}, *, **/.",
        "TEMPLATE",
    ),
]
MaskOption = Annotated[
    str | None, _option("--mask", "Where their masks lie, such as '{class}/{case}_mask*.png'.", "TEMPLATE")
]
ChannelOption = Annotated[
    str | None, _option("--channel", "Which of several images of a case is read, such as t1c or 0001.", "NAME")
]
LabelsOption = Annotated[
    Path | None, _option("--labels", "A table (CSV or TSV) with the classes or patients of the cases.", "TABLE")
]
LabelColumnOption = Annotated[
    str | None, _option("--label-column", "The column of that table with the classes, e.g. dx.", _COLUMN)
]
CaseColumnOption = Annotated[
    str | None, _option("--case-column", "The column that names the images, e.g. image_id.", _COLUMN)
]
PatientColumnOption = Annotated[
    str | None, _option("--patient-column", "The column with the patients, e.g. lesion_id.", _COLUMN)
]
SiteFileOption = Annotated[
    Path | None, _option("--site-file", "A file to read instead of the site.toml beside the images.", "FILE")
]


def owner_options(context: typer.Context) -> "OwnerOptions":
    """What the command's options say of the data, as the library takes it.

    Raises:
        UsageError: --classes and --no-classes contradict each other.
    """
    from shiftscope.api.site_listing import OwnerOptions

    given = {key: context.params[key] for key in OwnerOptions.__annotations__ if context.params.get(key) is not None}
    if context.params.get("no_classes"):
        if "classes" in given:
            raise UsageError("--classes and --no-classes: expected one of them")
        given["classes"] = ()
    elif "classes" in given:
        given["classes"] = [name.strip() for name in given["classes"].split(",")]
    return cast("OwnerOptions", given)
