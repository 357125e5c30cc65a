"""The owner's table: classes, patients, splits and months from a CSV or TSV, joined to the cases of a folder."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from shiftscope.errors import TableError
from shiftscope.printable_text import shown
from shiftscope.sites.declarations import Declarations
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.people.identifiers import require_whole
from shiftscope.sites.site import Case
from shiftscope.sites.tables.case_index import CaseIndex
from shiftscope.sites.tables.columns import LIKELY, label_of, month_of, split_of, value_of
from shiftscope.sites.tables.manifests import require_splits
from shiftscope.sites.tables.row_matching import rows_by_case
from shiftscope.sites.tables.rows import ReadTable, TableRow, listed, read_rows

__all__ = ["join_table"]

_ROLES = ("label", "patient", "split", "date")
_TRIED = 200
"""Rows that are looked up in each column to propose the one that names the cases."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What a row says of its cases: nothing where a cell is empty."""

    line: int
    label: str | None
    patient: str
    split: str | None
    date: str | None

    @property
    def values(self) -> tuple[str | None, ...]:
        return self.label, self.patient, self.split, self.date


def join_table(found: FoundCases, root: Path, declared: Declarations) -> None:
    """Give cases what the owner's table says of them, in place of what folders said.

    A cell of the case column names a file by its path or its name, with or without suffix; where no cell does, a folder
    on the way to files, or a patient. Rows without a case may be of other folders; the notes count them. A case
    without a row has no label; where the table names patients it is left out as "no_patient".

    Raises:
        TableError: a column is not there or not said; no row names a case; a row names several cases, or rows that
            differ name one; a cell cannot be read; a spreadsheet has damaged an identifier.
    """
    if declared.labels is None:
        if given := [key for key in declared.COLUMNS if getattr(declared, key) is not None]:
            raise TableError(f"{given[0]} is said, and no table; give the table with --labels (in site.toml, labels)")
        return
    table = read_rows(Path(declared.labels))
    index = CaseIndex(found.cases, root)
    columns = _columns(table, declared, index)
    table.require_rows()
    named = rows_by_case(table, columns["case"], found, root, index)
    said: dict[int, _Said] = {}
    again = 0
    for number, rows in named.items():
        each = [_said(table, row, columns, declared.classes) for row in rows]
        again += len(each) > 1
        if odd := next((other for other in each if other.values != each[0].values), None):
            _refuse_two(table, columns, found.cases[number], each[0], odd)
        said[number] = each[0]
    _require_whole(table, columns)
    found.notes += table.notes
    if again:
        found.notes.append(f"{table.path.name}: {again} cases have several rows, which say the same of them")
    _note_labels(found, table, columns, said)
    found.cases = [_joined(case, said.get(number), columns) for number, case in enumerate(found.cases)]
    if "split" in columns:
        require_splits([found.cases[number] for number in said], table.path)


def _columns(table: ReadTable, declared: Declarations, index: CaseIndex) -> dict[str, str]:
    """Role -> key of its column, for the case and each role that is said."""
    keys = [table.key(column) for column in table.columns]
    chosen: dict[str, str] = {}
    for role in ("case", *_ROLES):
        name = getattr(declared, f"{role}_column")
        if name is None and not (role == "case" or (role == "label" and not declared.joins)):
            continue
        key = table.key(name or "")
        if key not in keys or name is None:
            option = f"--{role}-column" if role in ("case", "label", "patient") else f"{role}_column in site.toml"
            lacks = f"no column {shown(name)}" if name else f"{option} is not said"
            raise TableError(
                f"{table.path}: {lacks}; the table has: {listed(table.columns)}.{_likely(table, role, name, index)}"
            )
        chosen[role] = key
    table.require_once(list(chosen.values()))
    return chosen


def _likely(table: ReadTable, role: str, name: str | None, index: CaseIndex) -> str:
    """The columns to propose for a role: those in which cells name cases; else like-named ones; else usual ones."""
    keys = {table.key(column): column for column in table.columns if column}
    likely: list[str] = []
    if role == "case":
        hits = {key: _hits([row.cells.get(key, "") for row in table.rows[:_TRIED]], index) for key in keys}
        likely = [keys[key] for key in sorted(hits, key=lambda key: -hits[key]) if hits[key]]
    likely = likely or [keys[key] for key in difflib.get_close_matches(table.key(name or ""), list(keys), 3, 0.7)]
    likely = likely or [column for key, column in keys.items() if LIKELY[role].search(key)]
    return f" Likely: {listed(likely[:3])}" if likely else ""


def _hits(cells: Sequence[str], index: CaseIndex) -> int:
    return sum(bool(index.file(cell, alone=True) or index.group(cell)) for cell in cells if cell)


def _said(table: ReadTable, row: TableRow, columns: Mapping[str, str], classes: tuple[str, ...] | None) -> _Said:
    where = f"{table.path}, line {row.line}"

    def cell(role: str) -> str:
        return row.cells[columns[role]] if role in columns else ""

    return _Said(
        row.line,
        label_of(cell("label"), where, classes),
        value_of(cell("patient")),
        split_of(cell("split"), where),
        month_of(cell("date"), where),
    )


def _refuse_two(table: ReadTable, columns: Mapping[str, str], case: Case, one: _Said, other: _Said) -> None:
    at = next(at for at, (mine, its) in enumerate(zip(one.values, other.values, strict=True)) if mine != its)
    raise TableError(
        f"{table.path}, lines {one.line} and {other.line}: both name {shown(case.name)}, and column"
        f" {shown(columns[_ROLES[at]])} says {shown(one.values[at])} and {shown(other.values[at])}; leave the right"
        " row only"
    )


def _require_whole(table: ReadTable, columns: Mapping[str, str]) -> None:
    if "patient" not in columns:
        return
    lines: dict[str, int] = {}
    for row in table.rows:
        lines.setdefault(row.cells[columns["patient"]], row.line)
    require_whole(lines, f"{table.path}: column {shown(columns['patient'])}")


def _note_labels(found: FoundCases, table: ReadTable, columns: Mapping[str, str], said: Mapping[int, _Said]) -> None:
    if "label" not in columns:
        return
    if any(case.label is not None for case in found.cases):
        found.notes.append(f"{table.path.name}: its labels stand in place of the names of folders")
    if empty := sum(row.label is None for row in said.values()):
        found.notes.append(f"{table.path.name}: {empty} cases have an empty label")
    if several := sum("|" in (row.label or "") for row in said.values()):
        found.notes.append(
            f"{table.path.name}: {several} cases have several findings in one label, which count as one class"
        )


def _joined(case: Case, said: _Said | None, columns: Mapping[str, str]) -> Case:
    """The case as its row says; what the table has no column for stays."""
    said = said or _Said(0, None, "", None, None)
    return replace(
        case,
        label=said.label if "label" in columns else case.label,
        patient=said.patient if "patient" in columns else case.patient,
        split=said.split if "split" in columns else case.split,
        date=said.date if "date" in columns else case.date,
    )
