"""`shiftscope merge`: at a site, its parts in, one profile out."""

from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.options import EpsilonOption, Format, FormatOption, VerboseOption
from shiftscope.cli.publishing import AnswerStyle, publish, target_for

__all__ = ["merge"]


def merge(
    parts: Annotated[list[Path], typer.Argument(help="The parts of one site, made with `profile --part`.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write. Default: SITE.profile.json.")
    ] = None,
    epsilon: EpsilonOption = None,
    show: Annotated[bool, typer.Option("--show", help="Print to the byte what will leave the site.")] = False,
    verbose: VerboseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """At a site: make one profile of its parts, which hold different patients and stay at the site."""
    from shiftscope.api.merging import merged, read_parts

    read = read_parts(parts)
    origin = read[0][1].origin
    target = target_for(origin.site, output)
    made = merged(read, output=target, epsilon=epsilon)
    publish(made, target, AnswerStyle(form, verbose, show), origin.declared)
