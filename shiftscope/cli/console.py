"""Answers on stdout; talk, warnings and progress on stderr."""

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from shiftscope.cli.options import Format
from shiftscope.printable_text import on_one_line, printable

if TYPE_CHECKING:
    from shiftscope.errors import Unreadable
    from shiftscope.progress import Progress, Report
    from shiftscope.reports.sheet import Sheet

__all__ = ["answer", "list_failures", "listening", "progress_bar", "say", "tell", "warn"]

_LISTED = 20
_DRAWN: list[Bar] = []
"""The bar that is being drawn, if any: lines of talk go above it."""


def say(text: str) -> None:
    """One line of talk."""
    _stderr().print(printable(text), markup=False, soft_wrap=True, highlight=False)


def warn(text: str) -> None:
    """One line that lowers the trust in what follows."""
    _stderr().print(f"warning: {printable(text)}", style="yellow", markup=False, soft_wrap=True, highlight=False)


def tell(sheet: "Sheet") -> None:
    """Tables and sentences beside the answer."""
    from shiftscope.reports.formats.table import print_table

    print_table(sheet, _stderr())


def answer(form: Format, value: Mapping[str, Any], sheet: "Sheet") -> None:
    """The answer of a command, as `form`."""
    if form is Format.JSON:
        sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
    elif form is Format.MARKDOWN:
        from shiftscope.reports.formats.markdown import to_markdown

        sys.stdout.write(to_markdown(sheet))
    else:
        from shiftscope.reports.formats.table import print_table

        print_table(sheet, Console(highlight=False))


def _stderr() -> Console:
    return _DRAWN[-1].console if _DRAWN else Console(stderr=True, highlight=False)


class _Talk(logging.Handler):
    """What the library has to say, as lines of talk and warnings."""

    def emit(self, record: logging.LogRecord) -> None:
        (warn if record.levelno >= logging.WARNING else say)(record.getMessage())


@contextmanager
def listening() -> "Iterator[None]":
    """Messages of the library are shown as long as this lasts."""
    logger, talk = logging.getLogger("shiftscope"), _Talk()
    level = logger.level
    logger.addHandler(talk)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(talk)
        logger.setLevel(level)


@contextmanager
def progress_bar() -> "Iterator[Report]":
    """One bar in a terminal: what is done, of how much, and the time left. In a pipe, the lines worth a line."""
    console = Console(stderr=True, highlight=False)
    if not sys.stderr.isatty() or console.is_dumb_terminal:  # colour can be forced where nothing can be redrawn
        yield _say_line
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}", markup=False),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, unit="", rate="", visible=False)
        _DRAWN.append(bar)

        def update(step: "Progress") -> None:
            speed = bar.tasks[0].speed
            bar.update(
                task,
                completed=step.done,
                total=step.total,
                description=printable(step.doing),
                unit=step.unit,
                rate=f"{speed:.1f}/s" if speed and speed >= 1 else "",
                visible=True,
            )

        try:
            yield update
        finally:
            _DRAWN.pop()


def _say_line(step: "Progress") -> None:
    if step.line:
        say(step.line)


def list_failures(failures: "Sequence[Unreadable]") -> None:
    """Name the files that were left out; for the eyes of the site only."""
    if not failures:
        return
    warn(f"{len(failures)} file{'s' * (len(failures) > 1)} left out:")
    for failure in failures[:_LISTED]:
        say(f"  {on_one_line(str(failure))}")
    if len(failures) > _LISTED:
        say(f"  ... and {len(failures) - _LISTED} more; --failures FILE lists them all")
