"""Which names of classes may leave a site: those its owner wrote down, and ordinary words of medicine."""

import re
from collections.abc import Collection

from shiftscope.sites.words import class_words

__all__ = ["is_ordinary", "unknown_classes"]

MOST_WORDS = 6
MOST_CHARACTERS = 2
"""Words of one character in a name, so that nothing is spelled out or dated with them."""

_WORDS = re.compile(r"[^\W_]+")
_TAKEN_APART = re.compile(r"\d+|[^\W\d_]+")


def is_ordinary(name: str) -> bool:
    """Whether a name is made of ordinary class words and single digits alone, however they are joined.

    "No_Tumor", "grade-3", "COVID-19" and "0" are; "2023", "part_1" and anybody's name are not.
    """
    words = [part for word in _WORDS.findall(name.casefold()) for part in _parts(word)]
    short = sum(len(word) == 1 for word in words)
    return 0 < len(words) <= MOST_WORDS and short <= MOST_CHARACTERS and all(map(_is_known, words))


def unknown_classes(names: Collection[str], declared: Collection[str]) -> list[str]:
    """The names, sorted, that are neither declared nor ordinary."""
    return sorted(name for name in names if name not in declared and not is_ordinary(name))


def _parts(word: str) -> list[str]:
    """A known word whole; others taken apart where letters and digits meet: "grade3", "covid19"."""
    return [word] if word in class_words() else _TAKEN_APART.findall(word)


def _is_known(word: str) -> bool:
    return word in class_words() or (len(word) == 1 and word.isdecimal())
