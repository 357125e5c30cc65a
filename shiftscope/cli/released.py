"""`shiftscope federation released`: what left a site, and the bytes of it."""

from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer
from shiftscope.cli.federation import HomeOption, OneNameArgument
from shiftscope.cli.options import Format, FormatOption, in_full
from shiftscope.errors import UsageError

__all__ = ["released"]

_A_SCREEN = 20


def released(
    name: OneNameArgument = None,
    limit: Annotated[
        int | None,
        typer.Option(min=0, help="How many entries, the newest.", show_default=f"{_A_SCREEN} on a screen, else all"),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="No entries: only whether the log is whole, and all that is wrong with it.")
    ] = False,
    entry: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The entry whose bytes are written to --to.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the bytes that left with --entry are written.")
    ] = None,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """At a site: show what left it, what was kept, and whether the log is whole. Exit code 1: it is not."""
    from shiftscope.api.federating.releasing import list_releases, replay_release
    from shiftscope.reports.sheets.release_sheet import release_sheet, replayed_sheet

    if (entry is None) != (to is None):
        raise UsageError("--entry N and --to FILE go together: the bytes of which entry, and into which file")
    if entry is not None and to is not None:
        replayed = replay_release(name, entry, to, home=home)
        answer(form, replayed.to_dict(), replayed_sheet(replayed))
        return
    if limit is None and not in_full(False, form):
        limit = _A_SCREEN
    account = list_releases(name, limit=0 if verify else limit, home=home)
    answer(form, account.to_dict(), release_sheet(account))
    raise typer.Exit(0 if account.whole else 1)
