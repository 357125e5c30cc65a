"""`shiftscope report`: one HTML file for people who look, from profiles and, after training, the result."""

from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import say, warn

__all__ = ["report"]


def report(
    profiles: Annotated[list[Path], typer.Argument(help="The profiles of a federation, or the profile of one site.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")] = Path("report.html"),
    result: Annotated[Path | None, typer.Option(help="The result of `train`: result.json.")] = None,
    plan: Annotated[Path | None, typer.Option(help="The plan, where it is not that of the result.")] = None,
    local_images: Annotated[
        Path | None,
        typer.Option(metavar="SITE_DIR", help="Show some images of this site. Such a page must not leave it."),
    ] = None,
) -> None:
    """Write one HTML file for people: the verdict, the numbers behind it, and all that was shared."""
    import shiftscope

    page = shiftscope.report(profiles, output=output, result=result, plan=plan, local_images=local_images)
    if local_images is not None:
        say("it shows " + ", ".join(f"{number} {case}" for number, case in enumerate(page.cases, start=1)))
        warn(f"{output} shows patients' images: it must not leave the hospital")
    say(f"{page.headline()}; open it in any browser")
