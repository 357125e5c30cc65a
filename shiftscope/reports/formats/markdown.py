"""Sheets as Markdown, for a wiki, an issue or a step summary."""

import re
from collections.abc import Iterable

from shiftscope.printable_text import printable
from shiftscope.reports.sheet import Grid, Sheet
from shiftscope.reports.wrapping import GLUE

__all__ = ["to_markdown"]

_GAP = "&#8203;"
"""A space of no width: a mention, a reference or an address that holds one is none."""

_ACTIVE = (
    (re.compile(r"[\\`*~]"), r"\\\g<0>"),  # code, emphasis, and what would escape the rest
    (re.compile(r"(?<![^\W_])_|_(?![^\W_])"), r"\\_"),  # at the edge of a word; inside one it is a letter
    (re.compile(r"\](?=[(\[:])"), r"]\\"),  # links, images and their definitions
    (re.compile(r"&(?=#?\w+;)"), "&amp;"),
    (re.compile(r"<(?=[A-Za-z/!?])"), "&lt;"),
    (re.compile(r"@(?=\w)|#(?=\d)|(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE), rf"\g<0>{_GAP}"),
    (re.compile(r"^(?:[#>]|[+-](?=\s)|\d{1,9}(?=[.)]\s))"), rf"{_GAP}\g<0>"),  # what opens a block
)
"""What a name from elsewhere could mean to Markdown or to GitHub, in the order in which it is taken away."""


def to_markdown(sheet: Sheet) -> str:
    """`sheet` as GitHub-flavoured Markdown."""
    parts = []
    for block in sheet:
        if block.title:
            parts.append(f"### {_plain(block.title)}")
        parts.append(
            _drawn(block) if isinstance(block, Grid) else "\n".join(f"- {_plain(line)}" for line in block.lines)
        )
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """Text on one line that is shown as it is: no name in it is a tag, a link, a mention or a mark."""
    text = printable(" ".join(text.replace(GLUE, " ").split("\n")))
    for pattern, plain in _ACTIVE:
        text = pattern.sub(plain, text)
    return text


def _drawn(grid: Grid) -> str:
    def row(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    rule = row("---:" if column.endswith("#") else "---" for column in grid.columns)
    head, *rows = (row(map(_cell, cells)) for cells in ([column.rstrip("#") for column in grid.columns], *grid.rows))
    return "\n".join([head, rule, *rows])


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")
