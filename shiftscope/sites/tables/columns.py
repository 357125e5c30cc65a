"""What columns of a table hold of a case: its class, split and month, and which heads are likely to be what."""

import re

from shiftscope.errors import TableError
from shiftscope.printable_text import shown
from shiftscope.sites.layouts.spellings import SPLITS
from shiftscope.sites.tables.cells import damage, is_empty

__all__ = ["LIKELY", "label_of", "month_of", "split_of", "value_of"]

LIKELY = {
    "case": re.compile(r"image|img|file|path|scan|participant_id|case|(?:^|_)id$|uid"),
    "label": re.compile(r"label|class|\bdx\b|diagnos|finding|target|categor|grade|patholog|outcome|birads|bi-rads"),
    "patient": re.compile(
        r"patient|subject|person|participant|proband|\b(?:mrn|pid|pat|subj?)\b|(?:case|study|exam|record)[ _-]?id"
    ),
    "split": re.compile(r"split|fold|subset|partition"),
    "date": re.compile(r"date|month"),
}
"""Role of a column -> heads, folded, under which tables often keep it."""

_DATE = re.compile(r"^(\d{4})[-/.]?(0[1-9]|1[0-2])(?:[-/.]?\d{2})?(?:[T ].*)?$")


def value_of(cell: str) -> str:
    """A plain cell, or "" where it says in a program's words that it is empty."""
    return "" if is_empty(cell) else cell


def label_of(cell: str, where: str, declared: tuple[str, ...] | None) -> str | None:
    """The class that a plain cell names, None where it is empty. What the owner declared is a class, whatever it says.

    Raises:
        TableError: it holds the error of a formula.
    """
    if declared and cell in declared:
        return cell
    if is_empty(cell, none=False):
        return None
    if why := damage(cell):
        raise TableError(f"{where}: the label {shown(cell)} {why}; correct it there and export the table anew")
    return cell


def split_of(cell: str, where: str) -> str | None:
    """The split that a plain cell names.

    Raises:
        TableError: it names none that is known.
    """
    if is_empty(cell):
        return None
    if cell.lower() not in SPLITS:
        raise TableError(f"{where}: split {shown(cell)}; expected train, val or test")
    return SPLITS[cell.lower()]


def month_of(cell: str, where: str) -> str | None:
    """The month of a plain cell.

    Raises:
        TableError: it is no date with the year first.
    """
    if is_empty(cell):
        return None
    match = _DATE.match(cell)
    if not match:
        raise TableError(f"{where}: date {shown(cell)}; expected YYYY-MM or YYYY-MM-DD")
    return f"{match[1]}-{match[2]}"
