"""A first screen: what a person must know, on 24 lines of 80 columns; the rest is said with --verbose."""

from collections.abc import Iterable, Sequence

from shiftscope.reports.formats.table import drawn_lines
from shiftscope.reports.sheet import Grid, Sheet
from shiftscope.reports.wrapping import GLUE, elided, shortened

__all__ = ["COLUMNS", "LINE", "NOTE", "SCREEN", "first_that_fits", "labelled", "more", "with_names"]

SCREEN = 23
"""Lines of a first screen: of 24, the last is the prompt's."""

COLUMNS = 80
"""Cells of its lines."""

LINE = COLUMNS - 2
"""Cells of an indented line."""

_LABEL = 10

NOTE = LINE - _LABEL - 1
"""Cells of a sentence behind a label."""


def first_that_fits(sheets: Iterable[Sheet]) -> Sheet:
    """The first of some sheets that one screen holds, else the last; the most generous comes first."""
    sheet: Sheet = ()
    for sheet in sheets:
        if len(drawn_lines(sheet, COLUMNS)) <= SCREEN:
            break
    return sheet


def labelled(rows: Sequence[tuple[str, str, int]], names: Iterable[str] = ()) -> Grid:
    """Sentences with a label before each, without empty ones.

    Args:
        rows: label, sentence, and how many lines it may take; 0 for as many as it takes.
        names: of sites, which stay on one line where a sentence quotes them.
    """
    known = [*names]
    kept = [(label, with_names(text, known), lines) for label, text, lines in rows if text]
    room = max(_LABEL, *(len(label) for label, _, _ in kept))
    width = LINE - room - 1
    return Grid(
        "",
        ("", ""),
        [(label.ljust(room, GLUE), shortened(text, lines, width) if lines else text) for label, text, lines in kept],
    )


def with_names(text: str, names: Iterable[str]) -> str:
    """`text` with the names that it quotes on one line each, the middle of long ones left out."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(f"'{name}'", f"'{elided(name).replace(' ', GLUE)}'")
    return text


def more(count: int, noun: str) -> str:
    """That so many of something are not shown, ", and 2 caveats more"; "" where all are."""
    return f", and {count} {noun}{'s' * (count > 1)} more" if count > 0 else ""
