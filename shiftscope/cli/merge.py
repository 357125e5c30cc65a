"""`shiftscope merge`: at a site, its parts in, one profile out."""

from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.options import EpsilonOption, Format, FormatOption, VerboseOption
from shiftscope.cli.publishing import AnswerStyle, publish, target_for

__all__ = ["merge"]


def merge(
    parts: Annotated[list[Path], typer.Argument(help="Parts of one site, made with: shiftscope profile --part.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Default: SITE.profile.json.")] = None,
    epsilon: EpsilonOption = None,
    show: Annotated[bool, typer.Option("--show", help="Print exactly what will leave the site.")] = False,
    verbose: VerboseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """At a site: parts with different patients in, the profile of all of them out. The parts stay."""
    from shiftscope.api.merging import merged, read_parts

    read = read_parts(parts)
    origin = read[0][1].origin
    target = target_for(origin.site, output)
    made = merged(read, output=target, epsilon=epsilon)
    publish(made, target, AnswerStyle(form, verbose, show), origin.declared)
