"""`shiftscope recommend`: at the coordinator, profiles in, diagnosis and recommendation out, no images."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer, say
from shiftscope.cli.options import Format, FormatOption, VerboseOption, in_full

__all__ = ["recommend"]


def recommend(
    profiles: Annotated[list[Path], typer.Argument(help="The profiles of two sites or more.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write a plan for `train` here, to be edited.")
    ] = None,
    verbose: VerboseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """At the coordinator: say how the sites differ, how sure that is, and what to do. It needs no images."""
    import shiftscope
    from shiftscope.reports.sheets.advice_sheet import advice_sheet

    advice = shiftscope.recommend(profiles, output=output)
    if output is not None:
        say(f"plan written to {output}; edit it, then: shiftscope train {shlex.quote(str(output))} --data SITE=DIR ...")
    answer(
        form,
        advice.to_dict(),
        advice_sheet(advice, verbose=in_full(verbose, form), plan=None if output is None else str(output)),
    )
