"""Answers on stdout, talk on stderr."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from shiftscope.cli.options import Format
from shiftscope.printable_text import on_one_line, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from shiftscope.errors import Unreadable
    from shiftscope.reports.sheet import Sheet

__all__ = ["answer", "choose_device", "counting", "list_failures", "say", "tell", "warn"]

_LISTED = 20


def say(text: str) -> None:
    """One line of talk."""
    Console(stderr=True, highlight=False).print(printable(text), markup=False, soft_wrap=True)


def warn(text: str) -> None:
    """One line that lowers the trust in what follows."""
    Console(stderr=True, highlight=False).print(
        f"warning: {printable(text)}", style="yellow", markup=False, soft_wrap=True
    )


def tell(sheet: "Sheet") -> None:
    """Tables and sentences beside the answer."""
    from shiftscope.reports.formats.table import print_table

    print_table(sheet, Console(stderr=True, highlight=False))


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


@contextmanager
def counting(what: str) -> "Iterator[Callable[[int, int], None]]":
    """Progress with rate and time left on stderr; silent in a pipe."""
    console = Console(stderr=True)
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=None, rate="")

        def update(done: int, total: int) -> None:
            speed = progress.tasks[0].speed
            progress.update(task, completed=done, total=total, rate=f"{speed:.1f}/s" if speed else "")

        yield update


def list_failures(failures: "Sequence[Unreadable]") -> None:
    """Name the files that were left out; for the eyes of the site only."""
    if not failures:
        return
    warn(f"{len(failures)} file{'s' * (len(failures) > 1)} left out:")
    for failure in failures[:_LISTED]:
        say(f"  {on_one_line(str(failure))}")
    if len(failures) > _LISTED:
        say(f"  ... and {len(failures) - _LISTED} more; --failures FILE lists them all")


def choose_device(wanted: str, workers: int) -> str:
    """cpu or cuda for "auto"; leaves the decoding threads their cores.

    Raises:
        UsageError: "cuda" is asked for and there is none.
    """
    import torch

    from shiftscope.errors import UsageError

    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UsageError("--device cuda: no GPU that torch can use; try --device cpu")
    if wanted == "auto" and not available:
        say("no GPU found: features are computed on the CPU")
    torch.set_num_threads(max(1, (os.cpu_count() or 1) - workers))
    return "cuda" if available and wanted != "cpu" else "cpu"
