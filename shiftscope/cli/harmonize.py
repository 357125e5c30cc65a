"""`shiftscope harmonize`: at a site, harmonized copies of its images, and a picture to look at."""

from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer, list_failures, progress_bar
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
    owner_options,
)

__all__ = ["harmonize"]


def harmonize(
    context: typer.Context,
    site_dir: Annotated[Path, typer.Argument(metavar="SITE", help="Folder of images, or a manifest.")],
    plan: Annotated[Path, typer.Option(help="The plan that names the harmonizer.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A new folder for the copies.")],
    site: Annotated[
        str | None, typer.Option(help="The name of the site in the plan. Default: the site whose data these are.")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="The folder of the `train` run. Default: runs/NAME.")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="The file of the reference, where there is no such folder.")
    ] = None,
    patient_regex: RegexOption = None,
    layout: LayoutOption = None,
    mask: MaskOption = None,
    channel: ChannelOption = None,
    labels: LabelsOption = None,
    label_column: LabelColumnOption = None,
    case_column: CaseColumnOption = None,
    patient_column: PatientColumnOption = None,
    sheet: Annotated[bool, typer.Option(help="Draw some cases before and after.")] = True,
    cases: Annotated[int, typer.Option(min=1, max=24, help="How many cases are drawn.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="The seed that chooses these cases.")] = 0,
    max_failures: Annotated[
        str | None, typer.Option(help="How many unreadable files are allowed, such as 10 or 5%.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """At a site: write its images as the models of the federation see them, with their masks and labels."""
    from shiftscope.api.copying import write_harmonized
    from shiftscope.api.documents import plan_of
    from shiftscope.reports.sheets.copies_sheet import copies_sheet

    with progress_bar() as progress:
        result, failures = write_harmonized(
            site_dir,
            plan_of(plan),
            output,
            name=site,
            run=run,
            reference=reference,
            picture_cases=cases if sheet else 0,
            seed=seed,
            max_failures=allowed_failures(max_failures),
            progress=progress,
            owner=owner_options(context),
        )
    list_failures(failures)
    answer(form, result.to_dict(), copies_sheet(result, f"written to {output}; manifest.csv lists them"))
