"""Sheets as Markdown, for a wiki, an issue or a step summary."""

import re
from collections.abc import Sequence

from shiftscope.parsing import printable
from shiftscope.reports.sheet import Grid, Sheet

__all__ = ["to_markdown"]

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\](?=[(\[])")


def to_markdown(sheet: Sheet) -> str:
    """`sheet` as GitHub-flavoured Markdown."""
    parts = []
    for block in sheet:
        parts.append(f"### {_told(block.title)}")
        parts.append(
            _drawn(block) if isinstance(block, Grid) else "\n".join(f"- {_told(line)}" for line in block.lines)
        )
    return "\n\n".join(parts) + "\n"


def _told(text: str) -> str:
    """Text on one line in which names from elsewhere are neither tags nor links."""
    return _LINK.sub(r"]\\", _TAG.sub("&lt;", printable(" ".join(text.split("\n")))))


def _drawn(grid: Grid) -> str:
    def row(cells: Sequence[str]) -> str:
        told = (_told(cell.replace("\\", "\\\\").replace("|", "\\|")) for cell in cells)
        return "| " + " | ".join(told) + " |"

    rule = ["---:" if column.endswith("#") else "---" for column in grid.columns]
    return "\n".join([row([column.rstrip("#") for column in grid.columns]), row(rule), *map(row, grid.rows)])
