"""Which rows of the owner's table are of which case, found by the column that names the cases."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from shiftscope.errors import TableError
from shiftscope.printable_text import on_one_line, shown
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.site import Case
from shiftscope.sites.tables.case_index import CaseIndex, last_of
from shiftscope.sites.tables.columns import value_of
from shiftscope.sites.tables.rows import ReadTable, TableRow, listed

__all__ = ["rows_by_case"]

_LAST = re.compile(r"(\d+(?:\.[A-Za-z]\w*)?)$")
_THOUSANDS = re.compile(r"(?<=\d)[.,'](?=\d{3}(?!\d))")

_CORRECTIONS: Mapping[str, Callable[[str], Iterable[str]]] = {
    "zeros before a number are lost": lambda cell: (_LAST.sub(f"{'0' * lost}\\1", cell) for lost in range(1, 9)),
    "decimals were added": lambda cell: [cell.removesuffix(".0")],
    "thousands were separated": lambda cell: [_THOUSANDS.sub("", cell)],
    "`sub-` is lacking": lambda cell: [f"sub-{cell}"],
}
"""What happens to names in tables -> what they may have been. Proposed, never assumed."""


def rows_by_case(
    table: ReadTable, key: str, found: FoundCases, root: Path, index: CaseIndex
) -> dict[int, list[TableRow]]:
    """Find the rows of each case.

    Rows that name no case, and cases that no row names, are counted in the notes of `found`.

    Args:
        table: the owner's.
        key: of the column that names the cases.
        found: the cases, and the files that were left out.
        root: the site's folder.
        index: of the cases.

    Returns:
        Number of a case -> the rows that name it.

    Raises:
        TableError: no row names a case, or one names several.
    """
    cells = {row.line: value_of(row.cells[key]) for row in table.rows}
    ends = Counter(last_of(cell) for cell in {*cells.values()})
    looked_up = {line: index.file(cell, alone=ends[last_of(cell)] == 1) for line, cell in cells.items()}
    groups = {line: index.group(cell) for line, cell in cells.items()}
    if not any(looked_up.values()):
        looked_up = groups
    else:
        _require_one(table, found.cases, cells, looked_up)
        _require_files(table, key, cells, looked_up, groups)
    named: dict[int, list[TableRow]] = {}
    for row in table.rows:
        for number in looked_up[row.line]:
            named.setdefault(number, []).append(row)
    gone = CaseIndex([Case(path.name, (path,)) for paths in found.excluded.values() for path in paths], root)
    over = [line for line, cases in looked_up.items() if not cases and not gone.file(cells[line], alone=True)]
    likely = _likely_damage([cells[line] for line in over], index)
    if not named:
        case = on_one_line(found.cases[0].name) if found.cases else "none"
        raise TableError(
            f"{table.path}: none of {len(table.rows)} rows names a case: column {shown(key)} holds"
            f" {shown(next(iter(cells.values())))}, and the first case is {shown(case)}{likely}. Give the column that"
            f" names the images with --case-column; the table has: {listed(table.columns)}"
        )
    if over:
        found.notes.append(
            f"{table.path.name}: {len(over)} of {len(cells)} rows name no case here, first line {over[0]},"
            f" {shown(cells[over[0]])}{likely}"
        )
    if bare := [case.name for number, case in enumerate(found.cases) if number not in named]:
        found.notes.append(
            f"{table.path.name}: {len(bare)} of {len(found.cases)} cases have no row, first {shown(bare[0])}; they have"
            " no label, and are left out where the table names patients"
        )
    return named


def _require_one(
    table: ReadTable, cases: Sequence[Case], cells: Mapping[int, str], found: Mapping[int, set[int]]
) -> None:
    for line, numbers in found.items():
        if len(numbers) > 1:
            names = ", ".join(shown(cases[number].name) for number in sorted(numbers)[:2])
            raise TableError(
                f"{table.path}, line {line}: {shown(cells[line])} names {len(numbers)} cases ({names}); write paths in"
                " that column, or move copies of images away"
            )


def _require_files(
    table: ReadTable, key: str, cells: Mapping[int, str], files: Mapping[int, set[int]], groups: Mapping[int, set[int]]
) -> None:
    """See that numbers which name files are not those of folders or patients as well."""
    both = [line for line, cases in files.items() if cases and groups[line] and not cases <= groups[line]]
    if 2 * len(both) > sum(map(bool, files.values())):
        raise TableError(
            f"{table.path}, line {both[0]}: column {shown(key)} holds {shown(cells[both[0]])}, and both a file and"
            " another folder or patient are called so; write the files' paths, or their names with suffix"
        )


def _likely_damage(cells: Sequence[str], index: CaseIndex) -> str:
    """What may have happened to names that were not found."""
    for what, mended in _CORRECTIONS.items():
        for cell in cells:
            others = (each for each in mended(cell) if each != cell)
            better = next((each for each in others if index.file(each, alone=False) or index.group(each)), None)
            if better is not None:
                return f"; perhaps {what} ({shown(cell)} for {shown(better)}): correct that column, as text"
    return ""
