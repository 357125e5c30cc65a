"""Rows of a table as hospitals save them: CSV or TSV, out of Excel, R, pandas or a database.

What a spreadsheet adds is taken off: a byte-order mark, `sep=;`, comment lines, blanks and quotes around heads and
cells, empty columns and rows at the end, `="0007"`. What cannot be known is refused: a code page, a cell that holds the
delimiter without quotes, a quote that is not closed.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shiftscope.errors import TableError
from shiftscope.parsing import read_bytes
from shiftscope.printable_text import on_one_line, shown
from shiftscope.sites.tables.cells import plain

__all__ = ["ReadTable", "TableRow", "listed", "read_rows"]

MOST_BYTES, MOST_COLUMNS, MOST_ROWS = 100_000_000, 1_000, 1_000_000
"""Of a table; no site has more, and whatever is larger was not written for this."""

_LISTED, _LONGEST = 20, 60  # columns, and characters of each, in a message

_DELIMITERS = "\t;,|"
_SAVE = "save it as CSV UTF-8"
_FOREIGN = {
    b"PK\x03\x04": "a workbook or an archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "compressed",
    b"PAR1": "a Parquet file",
}
_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_SEPARATOR = re.compile(r'"?sep=(\\t|.)"?[\t;,|]*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row that is not blank.

    Attributes:
        line: where it ends in the file, from 1.
        cells: head of each column, folded -> what the cell holds, without what surrounds it.
    """

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReadTable:
    """A table that was read.

    Attributes:
        path: its file.
        columns: heads as they are written, in their order; folded by `key` they name cells.
        rows: all that are not blank.
        notes: what was skipped, as sentences that stay at the site.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...]

    @staticmethod
    def key(column: str) -> str:
        """A head as it is compared: without surrounding blanks and quotes, in lower case, blanks inside single."""
        return " ".join(plain(column).casefold().split())

    def require_rows(self) -> None:
        """See that there is something below the heads.

        Raises:
            TableError: there is not.
        """
        if not self.rows:
            raise TableError(f"{self.path}: the table has no rows")

    def require_once(self, columns: Sequence[str]) -> None:
        """See that of these columns, folded, none is there twice.

        Raises:
            TableError: one is: two columns of one name, and no way to know which is meant.
        """
        keys = [self.key(column) for column in self.columns]
        for column in columns:
            if keys.count(column) > 1:
                raise TableError(
                    f"{self.path}: {keys.count(column)} columns are called {shown(column)}; rename those that are not"
                    " meant"
                )


def listed(columns: Sequence[str]) -> str:
    """Heads for a message."""
    return ", ".join(on_one_line(name)[:_LONGEST] for name in [*filter(None, columns)][:_LISTED]) or "none"


def read_rows(path: Path) -> ReadTable:
    """Read a table of CSV or TSV.

    Raises:
        TableError: it is no such table, is too large, or its cells do not stand under its heads.
    """
    text = _text(path)
    delimiter, text, skipped = _head(text)
    # strict: a quote that is never closed would swallow all rows after it
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[TableRow] = []
    comments = 0
    try:
        columns = tuple(plain(cell.lstrip("#")) for cell in next(reader, []))
        if len(columns) > MOST_COLUMNS:
            raise TableError(f"{path}: {len(columns)} columns; expected {MOST_COLUMNS} at the most")
        keys = [ReadTable.key(column) for column in columns]
        for cells in reader:
            line = reader.line_num + skipped
            if not any(map(plain, cells)):
                continue
            if len(cells) < max(2, len(columns)) and cells[0].lstrip().startswith("#"):
                comments += 1
                continue
            _require_in_place(path, line, cells, columns, delimiter)
            if len(rows) == MOST_ROWS:
                raise TableError(f"{path}: expected {MOST_ROWS} rows at the most; give its parts one by one")
            rows.append(TableRow(line, dict(zip(keys, map(plain, cells), strict=False)) | _missing(keys, len(cells))))
    except csv.Error as problem:
        raise TableError(
            f"{path}, line {reader.line_num + skipped}: expected a table, found something else: {problem}"
        ) from None
    notes = (f"{path.name}: {comments} lines that begin with # are passed over",) if comments else ()
    return ReadTable(path, columns, tuple(rows), notes)


def _missing(keys: Sequence[str], there: int) -> dict[str, str]:
    """Cells at the end of a row that a spreadsheet did not write."""
    return dict.fromkeys(keys[there:], "")


def _text(path: Path) -> str:
    """The file as text.

    Raises:
        TableError: it is of another kind, with the way to a table; or of a code page, which only its writer knows.
    """
    data = read_bytes(path, MOST_BYTES, "a table", TableError)
    for opening, what in _FOREIGN.items():
        if data.startswith(opening):
            raise TableError(f"{path}: is {what}; expected a table as text: open it and {_SAVE}")
    coding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8-sig")
    if coding == "utf-8-sig" and b"\x00" in data[:200]:
        coding = "utf-16-le" if data[1:2] == b"\x00" else "utf-16-be"
    try:
        text = data.decode(coding).lstrip("\ufeff").rstrip("\x1a")  # what DOS ends files with
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise TableError(
            f"{path}, line {line}: expected a UTF-8 table, and byte {problem.start} is not UTF-8: the file is in a code"
            f" page, and which letter was meant is not certain; {_SAVE}"
        ) from None
    if "\x00" in text:
        raise TableError(f"{path}: expected a table as text, found null bytes; {_SAVE}")
    return text


def _head(text: str) -> tuple[str, str, int]:
    """The delimiter, the text from the line of heads on, and how many lines stood before it."""
    said = ""
    lines = text.splitlines(keepends=True)
    skipped = start = 0
    for number, line in enumerate(lines):
        bare = line.strip()
        if number == 0 and (match := _SEPARATOR.fullmatch(bare)):
            said = "\t" if match[1] == "\\t" else match[1]
        elif bare.strip(_DELIMITERS) and not _is_comment(bare, lines[number + 1 : number + 2]):
            break
        skipped, start = skipped + 1, start + len(line)
    heads = _QUOTED.sub("", text[start:].lstrip().partition("\n")[0])
    most = max(_DELIMITERS, key=heads.count)
    return said or (most if most in heads else ","), text[start:], skipped


def _is_comment(line: str, following: Sequence[str]) -> bool:
    """Whether a line that begins with # stands before the heads; some tools begin the line of heads itself so."""
    if not line.startswith("#"):
        return False
    return not _delimiters(line) or not following or _delimiters(line) != _delimiters(following[0])


def _delimiters(line: str) -> int:
    return sum(map(_QUOTED.sub("", line).count, _DELIMITERS))


def _require_in_place(path: Path, line: int, cells: list[str], columns: Sequence[str], delimiter: str) -> None:
    """See that each cell stands under its head.

    Raises:
        TableError: there are more cells than heads, or one cell holds what looks like rows.
    """
    extra = [cell for cell in cells[len(columns) :] if plain(cell)]
    if extra:
        raise TableError(
            f"{path}, line {line}: {len(cells)} cells, and the table has {len(columns)} columns; put cells that hold"
            f" {shown(delimiter)} into quotes, or give the columns without a head one"
        )
    for cell in cells:
        inner = cell.splitlines()[1:] if "\n" in cell or "\r" in cell else []
        if any(piece.count(delimiter) == len(columns) - 1 for piece in inner if delimiter in piece):
            raise TableError(
                f"{path}, line {line}: one cell holds what looks like rows ({shown(inner[0])}): a quote before it is"
                " not closed; close it"
            )
