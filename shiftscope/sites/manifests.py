"""A table of cases: CSV or TSV with a column `image` and any of mask, label, patient, split, date."""

import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from shiftscope.errors import InputError
from shiftscope.parsing import on_one_line, read_text, shown
from shiftscope.sites.layouts import Found
from shiftscope.sites.site import Case
from shiftscope.sites.spellings import SPLITS, stem_of, walk

__all__ = ["COLUMNS", "read_manifest"]

COLUMNS = ("image", "mask", "label", "patient", "split", "date")

MOST_BYTES, MOST_COLUMNS, MOST_ROWS = 100_000_000, 1_000, 1_000_000
"""Of a table; no site has more, and whatever is larger was not written for this."""

MOST_FILES = 20_000
"""Of one series."""

_LISTED, _LONGEST = 20, 60  # columns, and characters of each, in a message
_LIKE_PATIENT = re.compile(
    r"patient|subject|person|participant|proband|\b(?:mrn|pid|pat|subj?)\b|(?:case|study|exam|record)[ _-]?id"
)
"""Columns that other tables keep the patient in; overlooked, every row would count as one."""

_DATE = re.compile(r"^(\d{4})-?(0[1-9]|1[0-2])(?:-?\d{2})?(?:[T ].*)?$")


def read_manifest(path: Path) -> Found:
    """Read a manifest; paths in it are relative to it, a folder stands for the files of one DICOM series.

    A row whose image or mask is not on disk is left out as "missing". Other columns are ignored.

    Raises:
        InputError: no `image` column, an empty cell where none may be, an image named twice, an unknown split or date.
    """
    found = Found("manifest")
    seen: dict[str, int] = {}
    for line, row in _rows(path):
        where = f"{path}, line {line}"
        image = row.get("image", "")
        if not image:
            raise InputError(f"{where}: the image cell is empty; give a path relative to {path.parent}")
        if image in seen:
            raise InputError(f"{where}: {on_one_line(image)} is named in line {seen[image]} already; one row per image")
        seen[image] = line
        if "patient" in row and not row["patient"]:
            raise InputError(f"{where}: the patient cell is empty; fill the column for every row or leave it out")
        file, mask = _on_disk(path.parent, image, where), _on_disk(path.parent, row.get("mask", ""), where)
        absent = next((each for each in (file, mask) if each is not None and not each.exists()), None)
        if file is None or absent is not None:
            found.leave_out("missing", absent or path)
            continue
        found.cases.append(
            Case(
                name=(Path(image.replace("\\", "/")).parent / stem_of(Path(image.replace("\\", "/")).name)).as_posix(),
                images=_series(file, where) if file.is_dir() else (file,),
                masks=() if mask is None else (mask,),
                label=row.get("label") or None,
                patient=row.get("patient", ""),
                split=_split(row.get("split", ""), where),
                date=_month(row.get("date", ""), where),
            )
        )
    if found.cases and len({case.split is None for case in found.cases}) == 2:
        without = next(on_one_line(case.name) for case in found.cases if case.split is None)
        raise InputError(f"{path}: {without} has no split although other rows have; fill the column or leave it out")
    return found


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, known column -> stripped cell) of each row that is not blank."""
    text = read_text(path, MOST_BYTES, "a UTF-8 table; save it as CSV UTF-8,", InputError)
    delimiter = max("\t,;", key=text.split("\n", 1)[0].count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    rows = 0
    try:
        columns = _columns(path, next(reader, []))
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            rows += 1
            if rows > MOST_ROWS:
                raise InputError(f"{path}: expected {MOST_ROWS} rows at the most; give its parts one by one")
            yield reader.line_num, {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}
    except csv.Error as problem:
        raise InputError(f"{path}, line {reader.line_num}: expected a table, found something else: {problem}") from None
    if not rows:
        raise InputError(f"{path}: the table has no rows")


def _columns(path: Path, head: list[str]) -> dict[str, int]:
    """Where each known column stands."""
    if len(head) > MOST_COLUMNS:
        raise InputError(f"{path}: {len(head)} columns; expected {MOST_COLUMNS} at the most: {', '.join(COLUMNS)}")
    columns = [cell.strip().lower() for cell in head]
    if "patient" not in columns and (odd := [name for name in columns if _LIKE_PATIENT.search(name)]):
        raise InputError(
            f"{path}: column {shown(odd[0])} seems to name the patients, and the column for that is called 'patient';"
            " rename it so, or rename it to something else where it does not"
        )
    if "image" not in columns:
        listed = ", ".join(on_one_line(name)[:_LONGEST] for name in [*filter(None, columns)][:_LISTED]) or "none"
        raise InputError(
            f"{path}: no column 'image' (found: {listed}); expected image and any of {', '.join(COLUMNS[1:])}"
        )
    return {name: at for at, name in enumerate(columns) if name in COLUMNS}


def _on_disk(folder: Path, text: str, where: str) -> Path | None:
    """The file or folder a cell names; what is neither would be waited for, or never end."""
    if not text:
        return None
    path = folder / text
    path = path if path.exists() else folder / text.replace("\\", "/")
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(f"{where}: {shown(text)} is a pipe or a device; expected a file, or the folder of a series")
    return path


def _series(folder: Path, where: str) -> tuple[Path, ...]:
    """The files of one DICOM series."""
    files = tuple(sorted(islice(walk(folder), MOST_FILES + 1)))
    if len(files) > MOST_FILES:
        raise InputError(f"{where}: {folder} holds more than {MOST_FILES} files; expected the folder of one series")
    return files


def _split(text: str, where: str) -> str | None:
    if not text:
        return None
    if text.lower() not in SPLITS:
        raise InputError(f"{where}: split {shown(text)}; expected train, val or test")
    return SPLITS[text.lower()]


def _month(text: str, where: str) -> str | None:
    if not text:
        return None
    match = _DATE.match(text)
    if not match:
        raise InputError(f"{where}: date {shown(text)}; expected YYYY-MM or YYYY-MM-DD")
    return f"{match[1]}-{match[2]}"
