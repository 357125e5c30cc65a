"""`shiftscope report`: one HTML file for people who look, from profiles and, after training, the result."""

from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import say, warn

__all__ = ["report"]


def report(
    profiles: Annotated[list[Path], typer.Argument(help="Profiles: of one site, or of a federation.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The HTML file.")] = Path("report.html"),
    result: Annotated[Path | None, typer.Option(help="Result of `train`: result.json.")] = None,
    plan: Annotated[Path | None, typer.Option(help="Plan, where it is not the result's.")] = None,
    local_images: Annotated[
        Path | None,
        typer.Option(metavar="SITE_DIR", help="At this site only: show some of its images. Must not leave it."),
    ] = None,
) -> None:
    """Pictures for people: the verdict, the numbers behind it, what was shared. One file that loads nothing."""
    import shiftscope

    page = shiftscope.report(profiles, output=output, result=result, plan=plan, local_images=local_images)
    if local_images is not None:
        say("it shows " + ", ".join(f"{number} {case}" for number, case in enumerate(page.cases, start=1)))
        warn(f"{output} shows patients' images: it must not leave the hospital")
    say(f"{page.headline()}; open it in any browser")
