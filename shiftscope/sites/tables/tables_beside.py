"""Tables that lie beside the images: the manifest, and those that nobody reads."""

from pathlib import Path

from shiftscope.errors import TableError
from shiftscope.sites.tables.rows import ReadTable, read_rows

__all__ = ["manifest_in", "unread_tables"]

_MANIFESTS = ("manifest.csv", "manifest.tsv")
_TABLES = (".csv", ".tsv", ".xlsx", ".xls", ".ods")


def manifest_in(folder: Path) -> Path | None:
    """The manifest of a folder, however its name is written."""
    exact = next((folder / name for name in _MANIFESTS if (folder / name).is_file()), None)
    if exact is not None:
        return exact
    others = sorted(path for path in folder.iterdir() if path.name.lower() in _MANIFESTS)
    return next((path for path in others if path.is_file() and _lists_images(path)), None)


def unread_tables(root: Path, manifest: Path | None, labels: str | None) -> list[str]:
    """Tables that lie beside the images and are not read: somebody may believe that they are."""
    used = {manifest, None if labels is None else Path(labels).absolute()}
    tables = sorted(path for path in root.iterdir() if path.suffix.lower() in _TABLES)
    unused = [path.name for path in tables if path.is_file() and used.isdisjoint((path, path.absolute()))]
    if not unused or (manifest is not None and manifest.parent != root):
        return []
    remedy = (
        "a table of the cases is joined with --labels, or is named manifest.csv; a workbook is saved as CSV UTF-8 first"
    )
    return [f"{', '.join(unused[:3])}{', ...' * (len(unused) > 3)} beside the images: not read; {remedy}"]


def _lists_images(path: Path) -> bool:
    """Whether a table has a column of images; lists of checksums are called MANIFEST.csv, too."""
    try:
        return "image" in map(ReadTable.key, read_rows(path).columns)
    except TableError:
        return False
