"""What the cells of a table mean: which are empty, which are one number, and which a spreadsheet has damaged."""

import re
import unicodedata

__all__ = ["EXACT", "damage", "folded", "is_date", "is_empty", "named_alike", "one_form", "plain", "plain_number"]

_EDGES = (
    " \t\r\n\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    + ("\u2028\u2029\u202f\u205f\u3000\u200b\u200e\u200f\u2060\ufeff")
)
"""White space, and characters that take no room: what surrounds a cell and is no part of it."""

_EMPTY = frozenset(
    {
        *("", "nan", "-nan", "nat", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "null", "(null)", "<null>", "nil"),
        *("-", "--", "?", ".", "\\n", "(blank)", "1.#ind", "1.#qnan"),
    }
)
"""How programs write that there is no value: pandas, R, BIDS, Excel, SQL."""

_FORMULAS = frozenset({"#ref!", "#value!", "#name?", "#div/0!", "#num!", "#null!", "#spill!", "#calc!"})
_NUMBER = re.compile(r"([+-]?)(\d+)(?:[.,](0*))?")
_POWER = re.compile(r"[+-]?\d(?:[.,]\d+)?E\+\d{2,}", re.IGNORECASE)
_MONTHS = "jan|feb|m[aä]r|mrz|apr|may|mai|jun|jul|aug|sep|o[ck]t|nov|de[cz]"
_DATE = re.compile(rf"\d{{1,2}}[-. ]+(?:{_MONTHS})\.?|(?:{_MONTHS})\.?[- ](?:(?:19|20)\d\d|\d\d)", re.IGNORECASE)

EXACT = 15
"""Digits that a spreadsheet keeps of a number (IEEE 754 doubles): those after become zeros."""


def plain(cell: str) -> str:
    """A cell without what surrounds it: white space of any kind, and the formula that keeps text as text."""
    cell = cell.strip(_EDGES)
    if len(cell) > 3 and cell.startswith('="') and cell.endswith('"'):
        return cell[2:-1].strip(_EDGES)
    if len(cell) > 2 and cell[0] == cell[-1] == "'":
        return cell[1:-1].strip(_EDGES)
    return cell


def is_empty(cell: str, *, none: bool = True) -> bool:
    """Whether a plain cell says that there is no value.

    Args:
        none: whether "None" says so too; among labels it can be a class.
    """
    text = cell.casefold()
    return text in _EMPTY or (none and text == "none")


def plain_number(text: str) -> str | None:
    """A whole number without its decimals: "0.0", "0." and "0,0" are "0"; None for anything else.

    "1.000" and "1,000" may be thousand, and stay what they are. Zeros before a number stay: they are part of a code.
    """
    match = _NUMBER.fullmatch(text)
    if match is None or (len(match[3] or "") == 3 and match[2].strip("0")):
        return None
    return f"{'-' if match[1] == '-' and match[2].strip('0') else ''}{match[2]}"


def folded(text: str) -> str:
    """Text as it is compared: whatever its case, its Unicode form, its blanks, the decimals of a number."""
    text = one_form(one_form(text).casefold())  # folding can take characters apart again
    return plain_number(text) or text


def one_form(text: str) -> str:
    """Text in composed Unicode (NFC) with single blanks of the plain kind."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def named_alike(name: str) -> str:
    """The name of a file or folder as it is compared where it is not there to the letter: without case, in one form."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def damage(cell: str) -> str | None:
    """What a spreadsheet made of an identifier, as the end of a sentence; None where nothing looks so."""
    if cell.casefold() in _FORMULAS:
        return "is the error of a formula"
    if cell and not cell.strip("#"):
        return "is what a column shows that is too narrow"
    if _POWER.fullmatch(cell):
        return "is a long number of which a spreadsheet kept the first digits, so that several may have become one"
    if len(plain_number(cell) or "") > EXACT and not cell.isdecimal():
        return "is a long number with decimals: a program took it for a fraction and kept the first digits alone"
    return None


def is_date(cell: str) -> bool:
    """Whether a cell is a day or month that a spreadsheet may have made of an identifier such as "1-2"."""
    return _DATE.fullmatch(cell) is not None
