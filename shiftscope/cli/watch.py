"""`shiftscope watch`: a site's months against its baseline, what changed, since when, what to do."""

from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer
from shiftscope.cli.options import Format, FormatOption, VerboseOption, in_full

__all__ = ["watch"]


def watch(
    baseline: Annotated[Path, typer.Argument(help="The profile of what the site was like.")],
    months: Annotated[list[Path], typer.Argument(help="Its profiles since, one a month, the oldest first.")],
    alpha: Annotated[
        float,
        typer.Option(min=0.0001, max=0.5, help="The chance of any false alarm, over all months and axes together."),
    ] = 0.05,
    verbose: VerboseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say what changed at a site over many months, since when, and what to do, with few false alarms."""
    import shiftscope
    from shiftscope.reports.sheets.watch_sheet import watch_sheet

    found = shiftscope.watch(baseline, months, alpha=alpha)
    answer(form, found.to_dict(), watch_sheet(found, verbose=in_full(verbose, form)))
