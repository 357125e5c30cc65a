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

_PANEL = "What the owner says of the data; site.toml says it once"


def _option(name: str, says: str, metavar: str | None = None) -> Any:
    """An option of the owner, listed in the help with its like."""
    return typer.Option(name, metavar=metavar, help=says, rich_help_panel=_PANEL)


_COLUMN = "HEAD"

RegexOption = Annotated[
    str | None,
    _option("--patient-regex", "Finds the patient in a case's name: its first group, or the match. E.g. 'bus_(\\d+)'."),
]
OneFileOption = Annotated[bool, _option("--one-file-per-patient", "Each file is another patient: the owner's word.")]
ClassesOption = Annotated[str | None, _option("--classes", "Names of classes that may leave: benign,malignant.")]
NoClassesOption = Annotated[bool, _option("--no-classes", "Folders and labels are no classes.")]
LayoutOption = Annotated[
    str | None,
    _option(
        "--layout",
        "Where images lie: '{class}/{patient}/{case}.png'; also {split}, {date}, {channel}, *, **/.",
        "TEMPLATE",
    ),
]
MaskOption = Annotated[
    str | None, _option("--mask", "Where their masks lie: '{class}/{patient}/{case}_mask*.png'.", "TEMPLATE")
]
ChannelOption = Annotated[str | None, _option("--channel", "Which of several images of a case: t1c, 0001.", "NAME")]
LabelsOption = Annotated[Path | None, _option("--labels", "CSV or TSV of the cases: classes, patients.", "TABLE")]
LabelColumnOption = Annotated[str | None, _option("--label-column", "Its column of classes, e.g. dx.", _COLUMN)]
CaseColumnOption = Annotated[
    str | None, _option("--case-column", "Its column that names images, e.g. image_id.", _COLUMN)
]
PatientColumnOption = Annotated[
    str | None, _option("--patient-column", "Its column of patients, e.g. lesion_id.", _COLUMN)
]
SiteFileOption = Annotated[
    Path | None, _option("--site-file", "Another file than the site.toml beside the data.", "FILE")
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
