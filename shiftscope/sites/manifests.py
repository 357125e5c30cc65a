"""A table of cases: CSV or TSV with a column `image` and any of mask, label, patient, split, date."""

import csv
import re
from pathlib import Path

from shiftscope.errors import InputError
from shiftscope.sites.layouts import Found
from shiftscope.sites.site import Case
from shiftscope.sites.spellings import SPLITS, stem_of, walk

__all__ = ["COLUMNS", "read_manifest"]

COLUMNS = ("image", "mask", "label", "patient", "split", "date")
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
            raise InputError(f"{where}: {image} is named in line {seen[image]} already; one row per image")
        seen[image] = line
        if "patient" in row and not row["patient"]:
            raise InputError(f"{where}: the patient cell is empty; fill the column for every row or leave it out")
        file, mask = _on_disk(path.parent, image), _on_disk(path.parent, row.get("mask", ""))
        absent = next((each for each in (file, mask) if each is not None and not each.exists()), None)
        if file is None or absent is not None:
            found.leave_out("missing", absent or path)
            continue
        found.cases.append(
            Case(
                name=(Path(image.replace("\\", "/")).parent / stem_of(Path(image.replace("\\", "/")).name)).as_posix(),
                images=tuple(sorted(walk(file))) if file.is_dir() else (file,),
                mask=mask,
                label=row.get("label") or None,
                patient=row.get("patient", ""),
                split=_split(row.get("split", ""), where),
                date=_month(row.get("date", ""), where),
            )
        )
    if found.cases and len({case.split is None for case in found.cases}) == 2:
        without = next(case.name for case in found.cases if case.split is None)
        raise InputError(f"{path}: {without} has no split although other rows have; fill the column or leave it out")
    return found


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """(line number, column -> stripped cell) with lower-case column names."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected a UTF-8 table; save it as CSV UTF-8") from None
    except OSError as problem:
        raise InputError(f"{path}: cannot be read: {problem.strerror}") from None
    head = text.split("\n", 1)[0]
    delimiter = max("\t,;", key=head.count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    columns = [cell.strip().lower() for cell in next(reader, [])]
    if "patient" not in columns and (odd := [name for name in columns if _LIKE_PATIENT.search(name)]):
        raise InputError(
            f"{path}: column {odd[0]!r} seems to name the patients, and the column for that is called 'patient'; rename"
            " it so, or rename it to something else where it does not"
        )
    if "image" not in columns:
        listed = ", ".join(filter(None, columns)) or "none"
        raise InputError(
            f"{path}: no column 'image' (found: {listed}); expected image and any of {', '.join(COLUMNS[1:])}"
        )
    rows = []
    for cells in reader:
        if any(cell.strip() for cell in cells):
            padded = [cell.strip() for cell in cells] + [""] * (len(columns) - len(cells))
            rows.append((reader.line_num, dict(zip(columns, padded, strict=False))))
    if not rows:
        raise InputError(f"{path}: the table has no rows")
    return rows


def _on_disk(folder: Path, text: str) -> Path | None:
    if not text:
        return None
    path = folder / text
    return path if path.exists() else folder / text.replace("\\", "/")


def _split(text: str, where: str) -> str | None:
    if not text:
        return None
    if text.lower() not in SPLITS:
        raise InputError(f"{where}: split {text!r}; expected train, val or test")
    return SPLITS[text.lower()]


def _month(text: str, where: str) -> str | None:
    if not text:
        return None
    match = _DATE.match(text)
    if not match:
        raise InputError(f"{where}: date {text!r}; expected YYYY-MM or YYYY-MM-DD")
    return f"{match[1]}-{match[2]}"
