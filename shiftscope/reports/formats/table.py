"""Sheets in a terminal: they fit 80 columns and read without colour."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from shiftscope.printable_text import printable
from shiftscope.reports.sheet import Grid, Lines, Sheet
from shiftscope.reports.wrapping import GLUE, glued, longest_token, wrapped

__all__ = ["drawn_lines", "print_table"]

_GAP = 2  # blanks between two columns
_SHORT_NAME = 14  # cells to which names at the heads of rows are cut before anything else is broken
_NARROW = 8  # cells to which a column of text can be squeezed where a table has no room


def print_table(sheet: Sheet, console: Console) -> None:
    """Draw `sheet` on `console`."""
    for line in drawn_lines(sheet, console.width):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def drawn_lines(sheet: Sheet, width: int = 80) -> list[Text]:
    """The lines of `sheet` on a terminal of `width` cells: titles bold, heads of columns dim."""
    out: list[Text] = []
    for index, block in enumerate(sheet):
        if index:
            out.append(Text())
        if block.title:
            out.extend(Text(line, style="bold") for line in wrapped(glued(printable(block.title)), width))
        out.extend(_of_grid(block, width - 1) if isinstance(block, Grid) else _of_lines(block, width - 2))
    return out


def _of_lines(block: Lines, width: int) -> Iterator[Text]:
    for text in block.lines:
        for line in wrapped(glued(printable(text)), width):
            yield Text(f"  {line}")


def _of_grid(grid: Grid, width: int) -> Iterator[Text]:
    numeric = [column.endswith("#") for column in grid.columns]
    head = [column.rstrip("#") for column in grid.columns]
    rows = [[glued(printable(cell)) for cell in row] for row in grid.rows]
    widths = _widths(head, rows, numeric, width)
    if any(head) and (sum(widths) + _GAP * (len(widths) - 1) > width or _broken(rows, widths)):
        yield from _stacked(head, rows, width)
        return
    if any(head):
        for line in _of_row(head, widths, numeric):
            yield Text(f" {line}", style="dim")
    for row in rows:
        for line in _of_row(row, widths, numeric):
            yield Text(f" {line}")


def _broken(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> bool:
    """Whether a number, an interval or a quoted name beside the first column would be cut."""
    return any(longest_token(cell) > width for row in rows for cell, width in zip(row[1:], widths[1:], strict=True))


def _stacked(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[Text]:
    """Each row under its name, for a terminal that is too narrow for the columns."""
    for name, *cells in rows:
        listed = ", ".join(
            f"{title} {cell}".strip().replace(" ", GLUE) for title, cell in zip(head[1:], cells, strict=True) if cell
        )
        for line in wrapped(name, width, elide=True):
            yield Text(f" {line}")
        for line in wrapped(listed, width - 2) if listed else ():
            yield Text(f"   {line}")


def _of_row(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> Iterator[str]:
    """The lines of one row; a name at its head loses its middle where it has no room."""
    columns = [
        wrapped(cell, width, elide=place == 0) for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    for parts in zip_longest(*columns, fillvalue=""):
        padded = [
            part.rjust(width - cell_len(part) + len(part)) if right else part.ljust(width - cell_len(part) + len(part))
            for part, width, right in zip(parts, widths, numeric, strict=True)
        ]
        yield (" " * _GAP).join(padded).rstrip()


def _widths(head: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], room: int) -> list[int]:
    """Cells for each column: as wide as its widest cell, the widest columns narrowed until all fit.

    Heads of numbers are narrowed first, then text, to its longest name or number; where there is still no room, names
    at the heads of rows lose their middle, and only then is anything broken.
    """
    cells = list(zip(*rows, strict=True)) or [()] * len(head)
    natural = [max(map(cell_len, column), default=0) for column in cells]
    widths = [max(cell_len(title), width) for title, width in zip(head, natural, strict=True)]
    heads = [max(longest_token(title), width) for title, width in zip(head, natural, strict=True)]
    whole = [
        max(longest_token(title), max(map(longest_token, column), default=0))
        for title, column in zip(head, cells, strict=True)
    ]
    loose = [
        max((longest_token(text.replace(GLUE, " ")) for text in (title, *column)), default=0)
        for title, column in zip(head, cells, strict=True)
    ]
    for floors in ([*widths], whole, [_SHORT_NAME, *whole[1:]], loose, [_NARROW] * len(head)):
        least = [
            top if right else min(floor, width)
            for top, floor, width, right in zip(heads, floors, widths, numeric, strict=True)
        ]
        while sum(widths) + _GAP * (len(widths) - 1) > room:
            place = max(range(len(widths)), key=lambda column: widths[column] * (widths[column] > least[column]))
            if widths[place] <= least[place]:
                break
            widths[place] -= 1
    return widths
