"""Options with which the owner of a site says what only its owner can know."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shiftscope.errors import UsageError

if TYPE_CHECKING:
    from shiftscope.sites import Declarations

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
    "owner_says",
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


def owner_says(
    *,
    patient_regex: str | None = None,
    one_file_per_patient: bool = False,
    classes: str | None = None,
    no_classes: bool = False,
    layout: str | None = None,
    mask: str | None = None,
    channel: str | None = None,
    labels: Path | None = None,
    label_column: str | None = None,
    case_column: str | None = None,
    patient_column: str | None = None,
) -> "Declarations":
    """What the options say.

    Raises:
        UsageError: two of them contradict each other, or a name is empty.
    """
    from shiftscope.sites import Declarations

    if classes is not None and no_classes:
        raise UsageError("--classes and --no-classes: expected one of them")
    if patient_regex is not None and one_file_per_patient:
        raise UsageError("--patient-regex and --one-file-per-patient: expected one of them")
    if patient_column is not None and (patient_regex is not None or one_file_per_patient):
        other = "--patient-regex" if patient_regex is not None else "--one-file-per-patient"
        raise UsageError(f"--patient-column and {other}: expected one of them")
    return Declarations.from_values(
        {
            "classes": [] if no_classes else None if classes is None else [name.strip() for name in classes.split(",")],
            "one_file_per_patient": one_file_per_patient or None,
            "patient_regex": patient_regex,
            "layout": layout,
            "mask": mask,
            "channel": channel,
            "labels": None if labels is None else str(labels),
            "label_column": label_column,
            "case_column": case_column,
            "patient_column": patient_column,
        },
        "options",
        UsageError,
    )
