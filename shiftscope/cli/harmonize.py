"""`shiftscope harmonize`: at a site, harmonized copies of its images, and a picture to look at."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shiftscope.cli.console import answer, counting, list_failures, say, warn
from shiftscope.cli.options import Format, FormatOption, allowed_failures
from shiftscope.cli.owner import (
    CaseColumnOption,
    ChannelOption,
    LabelColumnOption,
    LabelsOption,
    LayoutOption,
    MaskOption,
    PatientColumnOption,
    RegexOption,
    owner_says,
)

if TYPE_CHECKING:
    from shiftscope.copies.image_changes import Changes
    from shiftscope.plans.copies_results import CopiesResult

__all__ = ["harmonize"]

_SHEET = "before-after.png"


def harmonize(
    site_dir: Annotated[Path, typer.Argument(metavar="SITE", help="Folder of images, or a manifest.")],
    plan: Annotated[Path, typer.Option(help="Plan that names the harmonizer.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A new folder for the copies.")],
    site: Annotated[
        str | None, typer.Option(help="The site's name in the plan. Default: whose data these are.")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="Folder of the `train` run. Default: runs/NAME.")] = None,
    reference: Annotated[Path | None, typer.Option(help="The reference's file itself.")] = None,
    patient_regex: RegexOption = None,
    layout: LayoutOption = None,
    mask: MaskOption = None,
    channel: ChannelOption = None,
    labels: LabelsOption = None,
    label_column: LabelColumnOption = None,
    case_column: CaseColumnOption = None,
    patient_column: PatientColumnOption = None,
    sheet: Annotated[bool, typer.Option(help="Draw cases before and after.")] = True,
    cases: Annotated[int, typer.Option(min=1, max=24, help="Cases in the picture.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Draws these cases.")] = 0,
    max_failures: Annotated[str | None, typer.Option(help="Unreadable files allowed: 10 or 5%.")] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """At a site: copies of its images as the federation's models see them, with masks, labels and patients beside."""
    from shiftscope.copies.harmonized_sites import write_copies
    from shiftscope.copies.image_changes import Changes
    from shiftscope.copies.site_fits import as_planned, check_copies, fit_site
    from shiftscope.harmonizers import HARMONIZERS, NOTHING
    from shiftscope.plans import read_plan
    from shiftscope.reports.sheets.copies_sheet import copies_sheet
    from shiftscope.sites import NOTHING_SAID, read_site
    from shiftscope.training.runs.kept_references import kept_reference, read_reference

    wanted = read_plan(plan)
    name = check_copies(wanted)
    kept = reference or kept_reference(run or Path("runs") / wanted.name, name)
    known = read_reference(kept, name) if HARMONIZERS[name].shares else NOTHING
    planned = wanted.sites.get(site or site_dir.resolve().name)
    said = owner_says(
        patient_regex=patient_regex,
        layout=layout,
        mask=mask,
        channel=channel,
        labels=labels,
        label_column=label_column,
        case_column=case_column,
        patient_column=patient_column,
    )
    read = read_site(site_dir, name=site, given=said, known=planned.known if planned else NOTHING_SAID)
    found = as_planned(read, wanted)
    with counting(f"fitting {name}") as progress:
        fitted = fit_site(found, wanted, known, str(kept), lambda step: progress(step.done, step.total or 0))
    changes = Changes(fitted)
    allowed = allowed_failures(max_failures, len(found.cases))
    with counting(f"copying {found.name}") as progress:
        failures = write_copies(
            found,
            fitted,
            output,
            changes.add,
            max_failures=allowed,
            progress=lambda step: progress(step.done, step.total or 0),
        )
    list_failures(failures)
    result = changes.result(found, failures)
    if sheet:
        result = _drawn(output / _SHEET, changes, result, cases, seed)
    answer(form, result.to_dict(), copies_sheet(result, f"written to {output}; manifest.csv lists them"))


def _drawn(path: Path, changes: "Changes", result: "CopiesResult", cases: int, seed: int) -> "CopiesResult":
    """Draw the picture, and say whom it shows, here only."""
    from shiftscope.copies.copy_pictures import draw_sheet

    shown = draw_sheet(path, changes, result, count=cases, seed=seed)
    warn(f"{path} shows patients' images: it must not leave the hospital")
    say("it shows " + ", ".join(f"{number} {case.name}" for number, case in enumerate(shown, start=1)))
    return result.model_copy(update={"sheet": str(path)})
