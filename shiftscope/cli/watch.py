"""`shiftscope watch`: a site's months against its baseline, what changed, since when, what to do."""

from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer
from shiftscope.cli.options import Format, FormatOption

__all__ = ["watch"]

_SUFFIX = ".profile.json"


def watch(
    baseline: Annotated[Path, typer.Argument(help="Profile of what the site was like.")],
    months: Annotated[list[Path], typer.Argument(help="Its profiles since, one a month, the oldest first.")],
    alpha: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="Chance of any false alarm, over all looks and axes.")
    ] = 0.05,
    form: FormatOption = Format.TABLE,
) -> None:
    """A site over time: every axis with limits that hold over many looks, what changed, since when, what to do."""
    from shiftscope import series
    from shiftscope.errors import ProfileError
    from shiftscope.profiles import Profile
    from shiftscope.reports.sheets.watch_sheet import watch_sheet

    first, *rest = [(_label(path), Profile.read(path, ProfileError)) for path in (baseline, *months)]
    found = series.watch(first, rest, alpha)
    answer(form, found.to_dict(), watch_sheet(found))


def _label(path: Path) -> str:
    """The file's name is the month's."""
    return path.name.removesuffix(_SUFFIX) if path.name.endswith(_SUFFIX) else path.stem
