"""What a layout template is made of: plain text, fields in braces, `*`, and folders between slashes."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from shiftscope.printable_text import unprintable

__all__ = ["FIELDS", "Name", "Piece", "folded", "month_of", "names_of"]

FIELDS: dict[str, str] = {
    "patient": "whose image it is",
    "case": "what an image is called",
    "class": "its label",
    "split": "train, val or test",
    "date": "YYYY-MM, or a day",
    "channel": "which of several images of one case: letters, digits and the like, without the sign before it",
}
"""Field -> what it says of an image."""

_LONGEST = 500  # characters of a template
_MOST_FOLDERS = 20
_MONTH = re.compile(r"(\d{4})[-_.]?(0[1-9]|1[0-2])(?:[-_.]?(?:0[1-9]|[12]\d|3[01]))?")
_PIECE = re.compile(r"\{([^{}]*)\}|(\*+)|([^{}*]+)|([{}])")

_DEEP = "**"


@dataclass(frozen=True, slots=True)
class Piece:
    """Of a name: plain text, a field, or "*".

    Attributes:
        kind: "text", "field" or "any".
        text: plain text, or the field's name.
        lower: plain text as it is compared, "" for what is open.
    """

    kind: str
    text: str
    lower: str = ""

    @property
    def is_open(self) -> bool:
        return self.kind != "text"


Name = tuple[Piece, ...]
"""Pieces of a folder's or file's name; of any number of folders, `()`."""


def names_of(text: str) -> tuple[Name, ...]:
    """The names of a template, of folders and, last, the file.

    Raises:
        ValueError: it is no template; the message says why, and names the fields.
    """
    problem = _problem(text)
    if problem is not None:
        listed = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise ValueError(f"{problem}; expected a template such as {{class}}/{{patient}}/{{case}}.png: {listed}, *, **/")
    return tuple(() if part == _DEEP else tuple(_pieces(part)) for part in text.split("/"))


def month_of(text: str) -> str | None:
    """ "2023-05" for "2023-05", "202305", "20230517" and the like, None for anything else."""
    match = _MONTH.fullmatch(text)
    return f"{match[1]}-{match[2]}" if match else None


def _pieces(name: str) -> Iterator[Piece]:
    for field, stars, text, _ in _PIECE.findall(name):
        if field or stars:
            yield Piece("field", field) if field else Piece("any", "*")
        else:
            yield Piece("text", _normal(text), folded(_normal(text)))


def _problem(text: str) -> str | None:
    """Why a text is no template."""
    if len(text) > _LONGEST:
        return f"it has {len(text)} characters, more than {_LONGEST}"
    if unprintable(text) is not None:
        return "it holds a character that cannot be shown"
    if "\\" in text:
        return "it holds a backslash, and folders are parted by /"
    if text.startswith(("/", "~")) or re.match(r"[A-Za-z]:/", text):
        return "it begins with / or a drive, and a template starts below the site's folder"
    names = text.split("/")
    if len(names) > _MOST_FOLDERS:
        return f"it has {len(names)} names, more than {_MOST_FOLDERS}"
    if names.count(_DEEP) > 2 or names[-1] == _DEEP:
        return "it ends in **, or has more than two of them"
    for name in names:
        if name in ("", ".", ".."):
            return f"it holds {name!r} for a folder" if name else "a folder or the file has no name"
        if name != _DEEP and (problem := _problem_of_name(name)) is not None:
            return problem
    if not _PIECE.search(text) or not any(field or stars for field, stars, *_ in _PIECE.findall(text)):
        return "it holds no field and no *"
    return None


def _problem_of_name(name: str) -> str | None:
    used: set[str] = set()
    open_before = False
    for found in _PIECE.finditer(name):
        field, stars, brace = found[1], found[2], found[4]
        if brace:
            return f"it has a brace {brace!r} without its other half"
        if field is not None and field not in FIELDS:
            return f"it has {{{field}}}, which is no field"
        if field is not None and field in used:
            return f"it has {{{field}}} twice in one name; put * for one of them"
        if stars is not None and len(stars) > 1:
            return f"it has {stars} within a name; ** stands for folders alone"
        is_open = field is not None or stars is not None
        if is_open and open_before:
            return f"in {name} nothing parts {found[0]} from what is before it"
        open_before = is_open
        if field is not None:
            used.add(field)
    return None


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """In lower case, as long as before."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text
