"""Shipped lists of ordinary words: those that classes, files of pictures and scanners are called by."""

from functools import cache
from importlib import resources

__all__ = ["class_words", "picture_words", "scanner_words"]


def class_words() -> frozenset[str]:
    """Words of names of classes, lower case; `shiftscope explain classes` shows them."""
    return _tokens("class_words.txt")


def picture_words() -> frozenset[str]:
    """Words of names of files that describe what a picture shows, and not whose it is, lower case."""
    return _tokens("picture_words.txt")


def scanner_words() -> frozenset[str]:
    """Words of names of makers and models of scanners, lower case."""
    return _tokens("scanner_words.txt")


@cache
def _tokens(file: str) -> frozenset[str]:
    text = resources.files("shiftscope.sites").joinpath(file).read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(token for line in lines for token in line.split())
