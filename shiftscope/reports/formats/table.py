"""Sheets in a terminal: fits 80 columns, reads without colour."""

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shiftscope.printable_text import printable
from shiftscope.reports.sheet import Grid, Sheet

__all__ = ["print_table"]


def print_table(sheet: Sheet, console: Console) -> None:
    """Draw `sheet` on `console`."""
    for index, block in enumerate(sheet):
        if index:
            console.print()
        console.print(Text(printable(block.title), style="bold"))
        if isinstance(block, Grid):
            console.print(Padding(_drawn(block), (0, 0, 0, 1)))
        else:
            for line in block.lines:
                console.print(Padding(Text(printable(line)), (0, 0, 0, 2)))


def _drawn(grid: Grid) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in grid.columns:
        number = column.endswith("#")
        table.add_column(column.rstrip("#"), justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in grid.rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table
