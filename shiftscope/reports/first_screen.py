"""A first screen: what a person must know, on 24 lines of 80 columns; the rest is said with --verbose."""

from collections.abc import Iterable, Sequence

from shiftscope.reports.formats.table import drawn_lines
from shiftscope.reports.sheet import Grid, Sheet
from shiftscope.reports.wrapping import GLUE, shortened

__all__ = ["COLUMNS", "LINE", "SCREEN", "first_that_fits", "labelled", "more"]

SCREEN = 23
"""Lines of a first screen: of 24, the last is the prompt's."""

COLUMNS = 80
"""Cells of its lines."""

LINE = COLUMNS - 2
"""Cells of an indented line."""

_LABEL = 10


def first_that_fits(sheets: Iterable[Sheet]) -> Sheet:
    """The first of some sheets that one screen holds, else the last; the most generous comes first."""
    sheet: Sheet = ()
    for sheet in sheets:
        if len(drawn_lines(sheet, COLUMNS)) <= SCREEN:
            break
    return sheet


def labelled(rows: Sequence[tuple[str, str, int]]) -> Grid:
    """Sentences with a label before each, without empty ones.

    Args:
        rows: label, sentence, and how many lines it may take; 0 for as many as it takes.
    """
    kept = [(label, text, lines) for label, text, lines in rows if text]
    room = max(_LABEL, *(len(label) for label, _, _ in kept))
    width = LINE - room - 1
    return Grid(
        "",
        ("", ""),
        [(label.ljust(room, GLUE), shortened(text, lines, width) if lines else text) for label, text, lines in kept],
    )


def more(count: int, noun: str) -> str:
    """That so many of something are not shown, ", and 2 caveats more"; "" where all are."""
    return f", and {count} {noun}{'s' * (count > 1)} more" if count > 0 else ""
