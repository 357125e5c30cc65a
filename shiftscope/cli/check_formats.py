"""How the answer of `check` is written: six forms, to stdout and to files."""

import io
import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from shiftscope.cli.console import answer
from shiftscope.cli.options import Format
from shiftscope.errors import UsageError

if TYPE_CHECKING:
    from shiftscope.api.checking import CheckResult

__all__ = ["CheckFormat", "form_of", "write_result"]


class CheckFormat(StrEnum):
    """How a check is told."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    SARIF = "sarif"
    GITHUB = "github"


_SUFFIXES: dict[str, tuple[CheckFormat, ...]] = {
    ".xml": (CheckFormat.JUNIT,),
    ".sarif": (CheckFormat.SARIF,),
    ".json": (CheckFormat.JSON, CheckFormat.SARIF),
    ".md": (CheckFormat.MARKDOWN,),
}
"""Suffix -> what such a file can hold, the first unless --format says the other."""

_WIDTH = 80
_SUMMARY = "GITHUB_STEP_SUMMARY"


def form_of(path: Path, form: CheckFormat) -> CheckFormat:
    """What is written to `path`: what its suffix names, else `form`."""
    fits = _SUFFIXES.get(path.suffix.lower(), (form,))
    return form if form in fits else fits[0]


def write_result(result: "CheckResult", form: CheckFormat, outputs: Sequence[Path], *, verbose: bool = False) -> None:
    """`result` to stdout as `form`, to each file as its suffix says, and to GitHub's step summary.

    Raises:
        UsageError: a file cannot be written.
    """
    for path in outputs:
        _write(path, "w", _text(result, form_of(path, form)))
    if form is CheckFormat.GITHUB and os.environ.get(_SUMMARY):
        _write(Path(os.environ[_SUMMARY]), "a", _text(result, CheckFormat.MARKDOWN))
    if form is CheckFormat.TABLE:
        from shiftscope.reports.sheets.check_sheet import check_sheet

        answer(Format.TABLE, {}, check_sheet(result, verbose=verbose))
    else:
        sys.stdout.write(_text(result, form))


def _write(path: Path, mode: Literal["w", "a"], text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        raise UsageError(f"{path}: cannot be written: {problem.strerror}") from None


def _text(result: "CheckResult", form: CheckFormat) -> str:
    from shiftscope.reports.formats.github import to_github
    from shiftscope.reports.formats.junit import to_junit
    from shiftscope.reports.formats.markdown import to_markdown
    from shiftscope.reports.formats.sarif import to_sarif
    from shiftscope.reports.formats.table import print_table
    from shiftscope.reports.sheets.check_sheet import check_sheet

    if form is CheckFormat.JSON:
        return result.to_json() + "\n"
    if form is CheckFormat.MARKDOWN:
        return to_markdown(check_sheet(result, verbose=True))
    if form is CheckFormat.TABLE:
        drawn = io.StringIO()
        print_table(check_sheet(result, verbose=True), Console(file=drawn, width=_WIDTH, highlight=False))
        return drawn.getvalue()
    return {CheckFormat.JUNIT: to_junit, CheckFormat.SARIF: to_sarif, CheckFormat.GITHUB: to_github}[form](result)
