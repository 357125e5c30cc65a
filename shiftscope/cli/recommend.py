"""`shiftscope recommend`: at the coordinator, profiles in, diagnosis and recommendation out, no images."""

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer, say
from shiftscope.cli.options import Format, FormatOption, VerboseOption, in_full

__all__ = ["recommend"]


class NetworkStart(StrEnum):
    """What is to be trained."""

    PRETRAINED = "pretrained"
    RANDOM = "random"
    FROZEN = "frozen"


def recommend(
    profiles: Annotated[list[Path], typer.Argument(help="The profiles of two sites or more.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write a plan for `train` here, to be edited.")
    ] = None,
    network: Annotated[
        NetworkStart | None,
        typer.Option(help="What is to be trained: from trained or random weights, or a head on a frozen encoder."),
    ] = None,
    rehearsal: Annotated[
        Path | None, typer.Option(help="rehearsal.json of these sites: what was measured makes the advice surer.")
    ] = None,
    verbose: VerboseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """At the coordinator: say how the sites differ, what to do, and what that should gain. It needs no images."""
    import shiftscope
    from shiftscope.reports.sheets.advice_sheet import advice_sheet
    from shiftscope.reports.wording import next_command

    advice = shiftscope.recommend(
        profiles, output=output, network=None if network is None else network.value, rehearsal=rehearsal
    )
    if output is not None:
        run = f"shiftscope train {shlex.quote(str(output))} --data SITE=DIR ..."
        step, *_ = [*next_command(advice.recommendation, str(output)), run]
        say(f"plan written to {output}; edit it, then: {step}")
    answer(
        form,
        advice.to_dict(),
        advice_sheet(advice, verbose=in_full(verbose, form), plan=None if output is None else str(output)),
    )
