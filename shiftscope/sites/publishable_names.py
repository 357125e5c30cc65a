"""Which names may leave a site: of classes those its owner wrote down and words of medicine; of scanners known ones."""

import re
from collections.abc import Collection

from shiftscope.sites.vocabularies import class_words, scanner_words

__all__ = ["is_class_name", "is_scanner_name", "unknown_classes"]

MOST_TOKENS = 6
MOST_CHARACTERS = 2
"""Words of one character in a name, so that nothing is spelled out or dated with them."""

MOST_LETTERS, MOST_DIGITS = 2, 4
"""Of a code in the name of a scanner."""

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_YEAR = re.compile(r"(19|20)\d\d")
_TOKENS = re.compile(r"[^\W_]+")
_TAKEN_APART = re.compile(r"\d+|[^\W\d_]+")


def is_class_name(name: str) -> bool:
    """Whether a name is made of ordinary class words and single digits alone, however they are joined.

    "No_Tumor", "grade-3", "COVID-19" and "0" are; "2023", "part_1" and anybody's name are not.
    """
    apart = _CAMEL.sub(" ", name).casefold()
    tokens = [part for token in _TOKENS.findall(apart) for part in _parts(token)]
    short = sum(len(token) == 1 for token in tokens)
    return 0 < len(tokens) <= MOST_TOKENS and short <= MOST_CHARACTERS and all(map(_is_known, tokens))


def is_scanner_name(name: str) -> bool:
    """Whether a name is made of known words, one at least, and codes of two letters and four digits at most."""
    tokens = _TOKENS.findall(name.casefold())
    plain = [token for token in tokens if token in scanner_words() and len(token) > 1]
    codes = [part for token in tokens if token not in scanner_words() for part in _TAKEN_APART.findall(token)]
    return bool(plain) and all(
        part in scanner_words()
        or (len(part) <= (MOST_DIGITS if part.isdecimal() else MOST_LETTERS) and not _YEAR.fullmatch(part))
        for part in codes
    )


def unknown_classes(names: Collection[str], declared: Collection[str]) -> list[str]:
    """The names, sorted, that are neither declared nor ordinary."""
    return sorted(name for name in names if name not in declared and not is_class_name(name))


def _parts(token: str) -> list[str]:
    """A known word whole; others taken apart where letters and digits meet: "grade3", "covid19"."""
    return [token] if token in class_words() else _TAKEN_APART.findall(token)


def _is_known(token: str) -> bool:
    return token in class_words() or (len(token) == 1 and token.isdecimal())
