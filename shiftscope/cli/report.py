"""`shiftscope report`: one HTML file for people who look, from profiles and, after training, the result."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shiftscope.cli.console import say, warn

if TYPE_CHECKING:
    from shiftscope.reports.html import Gallery

__all__ = ["report"]

_CASES, _SEED = 8, 0


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
    from shiftscope.reports.html import read_material, write_page

    material = read_material(profiles, result, plan)
    gallery = None if local_images is None else _gallery(local_images)
    size = write_page(material, output, gallery)
    if gallery is not None:
        warn(f"{output} shows patients' images: it must not leave the hospital")
    say(f"report written to {output}, {size / 1024:.0f} KB; open it in any browser")


def _gallery(folder: Path) -> "Gallery":
    """Some images of a site, and for the eyes of the site which cases they are."""
    from shiftscope.reports.html import gallery
    from shiftscope.sites import draw_samples, read_site

    site = read_site(folder)
    samples = draw_samples(site, _CASES, _SEED)
    say("it shows " + ", ".join(f"{number} {sample.case.name}" for number, sample in enumerate(samples, start=1)))
    return gallery(site.name, [(sample.pixels, sample.mask, sample.shape) for sample in samples])
