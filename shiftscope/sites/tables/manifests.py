"""A table of cases: CSV or TSV with a column `image` and any of mask, label, patient, split, date."""

import stat
from collections.abc import Sequence
from itertools import islice
from pathlib import Path, PurePosixPath

from shiftscope.errors import TableError
from shiftscope.printable_text import on_one_line, shown
from shiftscope.sites.layouts.known_layouts import FoundCases
from shiftscope.sites.layouts.spellings import stem_of
from shiftscope.sites.listings.file_paths import FilePaths, in_order
from shiftscope.sites.listings.folder_listings import missing_in, walk
from shiftscope.sites.missing_files import missing_text
from shiftscope.sites.people.identifiers import require_whole
from shiftscope.sites.site import Case
from shiftscope.sites.tables.cell_paths import Shelf
from shiftscope.sites.tables.columns import LIKELY, label_of, month_of, split_of, value_of
from shiftscope.sites.tables.rows import ReadTable, TableRow, listed, read_rows

__all__ = ["COLUMNS", "read_manifest", "require_splits"]

COLUMNS = ("image", "mask", "label", "patient", "split", "date")

MOST_FILES = 20_000
"""Of one series."""


def read_manifest(path: Path, classes: tuple[str, ...] | None = None) -> FoundCases:
    """Read a manifest; paths in it are relative to it, a folder stands for the files of one DICOM series.

    A row whose image or mask is not on disk is left out as "missing", and so is a series of which a file is not. Other
    columns are ignored.

    Args:
        classes: as the owner declared them: they are classes even where they read like an empty cell.

    Raises:
        TableError: no `image` column, an empty cell where none may be, an image named twice, an unknown split or date,
            an identifier that a spreadsheet has damaged.
    """
    table = read_rows(path)
    _require_columns(table)
    table.require_rows()
    found = FoundCases("manifest", notes=list(table.notes))
    shelf = Shelf(path.parent)
    first_lines: dict[str, int] = {}
    patients: dict[str, int] = {}
    respelled: list[str] = []
    said_to_be_none = 0
    for row in table.rows:
        where = f"{path}, line {row.line}"
        image, patient = value_of(row.cells["image"]), value_of(row.cells.get("patient", ""))
        if not image:
            raise TableError(f"{where}: the image cell is empty; give a path relative to {path.parent}")
        file, mode = _on_disk(shelf, image, where, respelled)
        mask, mask_mode = _on_disk(shelf, drawn, where, respelled) if (drawn := _mask(row)) else (None, 0)
        if (first := first_lines.setdefault(str(file), row.line)) != row.line:
            raise TableError(f"{where}: {on_one_line(image)} is named in line {first} already; one row per image")
        if "patient" in row.cells and not patient:
            said = f" ({shown(row.cells['patient'])})" if row.cells["patient"] else ""
            raise TableError(f"{where}: the patient cell is empty{said}; fill the column for every row or leave it out")
        patients.setdefault(patient, row.line)
        absent = file if not mode else mask if not mask_mode else None
        if absent is not None:
            found.leave_out("missing", absent)
            continue
        if stat.S_ISDIR(mode) and (gone := list(missing_in(file))):
            found.leave_out("missing", gone[0][0])
            found.notes += missing_text(gone)
            continue
        label = label_of(row.cells.get("label", ""), where, classes)
        said_to_be_none += label is None and bool(row.cells.get("label"))
        found.cases.append(
            Case(
                name=_name(image, path.parent, file),
                images=FilePaths(_series(file, where) if stat.S_ISDIR(mode) else [str(file)]),
                masks=() if mask is None else FilePaths([str(mask)]),
                label=label,
                patient=patient,
                split=split_of(row.cells.get("split", ""), where),
                date=month_of(row.cells.get("date", ""), where),
            )
        )
    require_whole(patients, f"{path}: column 'patient'")
    if said_to_be_none:
        found.notes.append(f"{said_to_be_none} labels say that there is none (NA, nan, -): these cases have no class")
    if respelled:
        found.notes.append(f"{len(respelled)} files are spelled otherwise than on the disk, first {respelled[0]}")
    require_splits(found.cases, path)
    return found


def require_splits(cases: list[Case], path: Path) -> None:
    """See that all cases have a split, or none.

    Raises:
        TableError: some have.
    """
    if cases and len({case.split is None for case in cases}) == 2:
        without = next(on_one_line(case.name) for case in cases if case.split is None)
        raise TableError(f"{path}: {without} has no split although other rows have; fill the column or leave it out")


def _require_columns(table: ReadTable) -> None:
    """See that the known columns are there, each once, and that none names the patients by another head."""
    columns = [table.key(column) for column in table.columns]
    if "patient" not in columns and (odd := [name for name in columns if LIKELY["patient"].search(name)]):
        raise TableError(
            f"{table.path}: column {shown(odd[0])} seems to name the patients, and the column for that is called"
            " 'patient'; rename it so, or rename it to something else where it does not"
        )
    if "image" not in columns:
        raise TableError(
            f"{table.path}: no column 'image' (found: {listed(columns)}); expected image and any of"
            f" {', '.join(COLUMNS[1:])}"
        )
    table.require_once(COLUMNS)


def _mask(row: TableRow) -> str:
    return value_of(row.cells.get("mask", ""))


def _name(image: str, folder: Path, file: Path) -> str:
    """What a case is called: its path in the folder without suffix, as on the disk; as it is written elsewhere."""
    path = PurePosixPath(image.replace("\\", "/"))
    if file != folder / path and file.is_relative_to(folder):
        path = PurePosixPath(file.relative_to(folder).as_posix())
    return (path.parent / stem_of(path.name)).as_posix()


def _on_disk(shelf: Shelf, text: str, where: str, respelled: list[str]) -> tuple[Path, int]:
    """The file or folder a cell names, and its mode, 0 where there is none; what is neither would never end."""
    path, to_the_letter = shelf.find(text, where)
    if not to_the_letter:
        respelled.append(f"{shown(text)} for {path.name}")
    mode = path.stat().st_mode if path.exists() else 0
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise TableError(f"{where}: {shown(text)} is a pipe or a device; expected a file, or the folder of a series")
    return path, mode


def _series(folder: Path, where: str) -> Sequence[str]:
    """Paths of the files of one DICOM series, in their order as paths: folder by folder."""
    files = sorted(islice(walk(folder), MOST_FILES + 1), key=in_order)
    if len(files) > MOST_FILES:
        raise TableError(f"{where}: {folder} holds more than {MOST_FILES} files; expected the folder of one series")
    return files
