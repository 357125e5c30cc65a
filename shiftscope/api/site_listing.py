"""`read_site`: a folder as a list of cases, with what only its owner can say of it."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypedDict, Unpack

from shiftscope.api.documents import AnyPath
from shiftscope.errors import InputError, UsageError
from shiftscope.option_values import as_flag, as_list, as_path
from shiftscope.sites import Declarations, Site, overview, require_shareable
from shiftscope.sites import read_site as list_site

__all__ = ["Declarations", "OwnerOptions", "declarations", "open_question", "preview", "read_site"]

_READ, _LISTED = 48, 8


class OwnerOptions(TypedDict, total=False):
    """What the owner says of the data; whatever is left out is read from `site.toml`, or recognised.

    Attributes:
        patient_regex: finds the patient in a case's name: its first group, or the whole match.
        one_file_per_patient: each file is another patient's.
        classes: names of classes that may leave the site; () where folders and labels are no classes.
        layout: where images lie, as a template such as "{class}/{patient}/{case}.png", or the name of a layout.
        mask: where their masks lie, as a template.
        channel: which of several images of a case is read.
        labels: a table, CSV or TSV, of the cases.
        label_column: its column of classes.
        case_column: its column that names the images.
        patient_column: its column of patients.
        site_file: read instead of the `site.toml` beside the images.
    """

    patient_regex: str | None
    one_file_per_patient: bool
    classes: Sequence[str] | None
    layout: str | None
    mask: str | None
    channel: str | None
    labels: AnyPath | None
    label_column: str | None
    case_column: str | None
    patient_column: str | None
    site_file: AnyPath | None


def declarations(owner: OwnerOptions) -> Declarations:
    """What the options say.

    Raises:
        UsageError: two of them contradict each other, or one does not fit.
    """
    if unknown := [option for option in owner if option not in OwnerOptions.__annotations__]:
        near = get_close_matches(unknown[0], OwnerOptions.__annotations__, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(OwnerOptions.__annotations__)}"
        raise UsageError(f"{unknown[0]}: no such option{hint}")
    regex, column = owner.get("patient_regex"), owner.get("patient_column")
    each = as_flag("one_file_per_patient", owner.get("one_file_per_patient", False))
    if regex is not None and each:
        raise UsageError("--patient-regex and --one-file-per-patient: expected one of them")
    if column is not None and (regex is not None or each):
        other = "--patient-regex" if regex is not None else "--one-file-per-patient"
        raise UsageError(f"--patient-column and {other}: expected one of them")
    classes, labels = owner.get("classes"), owner.get("labels")
    return Declarations.from_values(
        {
            "classes": None if classes is None else as_list("classes", classes),
            "one_file_per_patient": each or None,
            "patient_regex": regex,
            "layout": owner.get("layout"),
            "mask": owner.get("mask"),
            "channel": owner.get("channel"),
            "labels": None if labels is None else str(labels),
            "label_column": owner.get("label_column"),
            "case_column": owner.get("case_column"),
            "patient_column": column,
        },
        "options",
        UsageError,
    )


def read_site(path: AnyPath, *, name: str | None = None, **owner: Unpack[OwnerOptions]) -> Site:
    """List the cases of a site. No pixel is decoded.

    Args:
        path: a folder of images, or a manifest (CSV or TSV).
        name: what the federation calls the site; the folder's name unless given.
        owner: what the owner says of the data, see `OwnerOptions`.

    Raises:
        InputError: no case is found, the manifest or the site file cannot be used, or identifiers contradict the owner.
        Unsettled: only the owner can say who is a patient or what is a class; the message has the answers to choose.
        UsageError: two options contradict each other.
    """
    file = owner.get("site_file")
    return list_site(
        as_path("a site", path), name=name, given=declarations(owner), site_file=None if file is None else Path(file)
    )


def preview(site: Site) -> dict[str, Any]:
    """Counts of what was found, and what reading some of the cases gives, as plain values for the eyes of the site."""
    return overview(site, _READ, _LISTED)


def open_question(site: Site) -> str | None:
    """What only the owner can say, with the answers to choose from; None where nothing is open."""
    try:
        require_shareable(site)
    except InputError as problem:
        return str(problem)
    return None
