"""`shiftscope demo`: the whole way on four synthetic hospitals."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer, progress_bar, say
from shiftscope.cli.options import Format, FormatOption, LocalEngine, VerboseOption, in_full
from shiftscope.errors import UsageError

__all__ = ["demo"]


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder to write to. It is emptied first if a demo made it.")
    ] = Path("demo"),
    seed: Annotated[int, typer.Option(help="The seed that draws the hospitals.")] = 0,
    engine: Annotated[
        LocalEngine,
        typer.Option(help="What carries the job: Flower, or inline for the same apps in this process."),
    ] = LocalEngine.FLOWER,
    verbose: VerboseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Draw four synthetic hospitals, profile, diagnose, train and report them. It needs no network."""
    from shiftscope.demonstration import run_demo
    from shiftscope.reports.formats.markdown import to_markdown
    from shiftscope.reports.sheets.advice_sheet import advice_sheet
    from shiftscope.reports.sheets.result_sheet import result_sheet

    _make_room(output)
    with progress_bar() as progress:
        story = run_demo(output, seed=seed, engine=engine.value, progress=progress)
    whole = [*advice_sheet(story.advice, verbose=True), *result_sheet(story.result, verbose=True)]
    text = output / "report.md"
    text.write_text(to_markdown(whole), encoding="utf-8")
    say(f"report written to {text} and, to look at, {story.report}")
    short = [*advice_sheet(story.advice, plan=str(output / "plan.toml")), *result_sheet(story.result)]
    values = {"advice": story.advice.to_dict(), "result": story.result.to_dict()}
    answer(form, values, whole if in_full(verbose, form) else short)


def _make_room(folder: Path) -> None:
    """Remove what an earlier demo left; refuse to touch anything else.

    Raises:
        UsageError: the folder holds something a demo did not make.
    """
    if not folder.exists():
        return
    if not (folder / "hospitals").is_dir() and any(folder.iterdir()):
        raise UsageError(f"-o {folder}: the folder is not empty and no demo made it; name another one")
    shutil.rmtree(folder)
