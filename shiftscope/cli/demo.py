"""`shiftscope demo`: the whole way on four synthetic hospitals."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer, say
from shiftscope.cli.options import Engine, Format, FormatOption

__all__ = ["demo"]


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Emptied first if a demo made it.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Of the hospitals.")] = 0,
    engine: Annotated[Engine, typer.Option(help="inline runs the same app in this process.")] = Engine.FLOWER,
    form: FormatOption = Format.TABLE,
) -> None:
    """Four synthetic hospitals, the whole way: drawn, profiled, diagnosed, trained, reported. Needs no network."""
    from shiftscope.demonstration import run_demo
    from shiftscope.reports.formats.markdown import to_markdown
    from shiftscope.reports.html import read_material, write_page
    from shiftscope.reports.sheets.advice_sheet import advice_sheet
    from shiftscope.reports.sheets.result_sheet import result_sheet

    _make_room(output)
    story = run_demo(output, seed, engine.value, say)
    sheet = [*advice_sheet(story.advice), *result_sheet(story.result)]
    report = output / "report.md"
    report.write_text(to_markdown(sheet), encoding="utf-8")
    page = output / "report.html"
    write_page(read_material([*output.glob("*.profile.json")], output / "run" / "result.json"), page)
    say(f"report written to {report} and, to look at, {page}")
    answer(form, {"advice": story.advice.to_dict(), "result": story.result.to_dict()}, sheet)


def _make_room(folder: Path) -> None:
    """Remove what an earlier demo left; refuse to touch anything else.

    Raises:
        UsageError: the folder holds something a demo did not make.
    """
    from shiftscope.errors import UsageError

    if not folder.exists():
        return
    if not (folder / "hospitals").is_dir() and any(folder.iterdir()):
        raise UsageError(f"-o {folder}: the folder is not empty and no demo made it; name another one")
    shutil.rmtree(folder)
