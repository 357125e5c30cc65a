"""Sheets as Markdown, for a wiki, an issue or a step summary."""

from collections.abc import Sequence

from shiftscope.reports.sheet import Grid, Sheet

__all__ = ["to_markdown"]


def to_markdown(sheet: Sheet) -> str:
    """`sheet` as GitHub-flavoured Markdown."""
    parts = []
    for block in sheet:
        parts.append(f"### {block.title}")
        parts.append(_drawn(block) if isinstance(block, Grid) else "\n".join(f"- {line}" for line in block.lines))
    return "\n\n".join(parts) + "\n"


def _drawn(grid: Grid) -> str:
    def row(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rule = ["---:" if column.endswith("#") else "---" for column in grid.columns]
    return "\n".join([row([column.rstrip("#") for column in grid.columns]), row(rule), *map(row, grid.rows)])
