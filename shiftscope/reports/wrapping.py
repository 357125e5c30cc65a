"""How a text is cut into lines: at spaces, never inside a number, an interval or a name."""

import re
from collections.abc import Sequence

from rich.cells import cell_len

__all__ = ["GLUE", "elided", "fitting", "glued", "longest_token", "shortened", "wrapped"]

GLUE = "\u00a0"
"""Stands for a space at which no line ends, until the text is drawn."""

_GLUED = (
    re.compile(r"(?<!\w)'[^' ][^']{0,38}'(?!\w)"),  # a quoted name
    re.compile(r"(?:\b\d{1,2}(?:\.\d{1,2})? % )?\[[^\[\] ]{1,9}, [^\[\] ]{1,9}\]"),  # an interval
    re.compile(r"[+-]?\d(?:[\d.,]*\d)?%?(?: (?:to|of|x|against) [+-]?\d(?:[\d.,]*\d)?%?)+"),  # from a number to another
    re.compile(r"\bn = \d+(?: against \d+)?|\b(?:effect|limit|confidence|epsilon) \d"),
    re.compile(r"\b\d(?:[\d.,]*\d)?%? (?:%|[A-Za-z]{1,8}\b)"),  # a number and its unit, or what it counts
)
"""What stays on one line."""

_JOINTS = re.compile(r"(?<=[,/+;])")
"""Where a token is broken that is longer than a line: a list without spaces, or a path."""


def glued(text: str) -> str:
    """`text` with the spaces inside numbers, intervals and quoted names replaced by `GLUE`."""
    for pattern in _GLUED:
        text = pattern.sub(lambda found: found[0].replace(" ", GLUE), text)
    return text


def longest_token(text: str) -> int:
    """Cells of a terminal that the longest piece without a space takes."""
    return max(map(cell_len, _framed(text).split(" ")))


def elided(name: str, most: int = 32) -> str:
    """`name`, its middle left out where it takes more than `most` cells."""
    if cell_len(name) <= most:
        return name
    room = most - 3
    head, tail = name[: (room + 1) // 2], name[len(name) - room // 2 :]
    while cell_len(head + tail) > room:  # signs of double width
        head, tail = head[:-1], tail[1:]
    return f"{head}...{tail}"


def wrapped(text: str, width: int, *, elide: bool = False) -> list[str]:
    """Lines of at most `width` cells, with plain spaces.

    Args:
        text: glued or not; breaks in it are kept.
        width: 4 or more.
        elide: whether the middle of a token that is longer than a line is left out; if not, it is broken.
    """
    return [line.replace(GLUE, " ") for line in _lines(text, width, elide=elide)]


def _lines(text: str, width: int, *, elide: bool = False) -> list[str]:
    """The same, with `GLUE` where it was."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line, *others = _tokens(_framed(paragraph), width, elide)
        for token in others:
            if cell_len(line) + 1 + cell_len(token) <= width:
                line = f"{line} {token}"
            else:
                lines.append(line)
                line = token
        lines.append(line)
    return lines


def shortened(text: str, lines: int, width: int, longest: int = 40) -> str:
    """`text` cut to so many lines of `width` cells, at a space; long names in it lose their middle.

    What is cut off is marked by three dots.
    """
    text = glued(" ".join(elided(token, longest) for token in text.split(" ")))
    kept = _lines(text, width)
    if len(kept) <= lines:
        return text
    tokens = kept[lines - 1].split(" ")
    while len(tokens) > 1 and cell_len(" ".join(tokens)) + 4 > width:
        tokens.pop()
    end = " ".join(tokens).rstrip(",;:")
    return " ".join([*kept[: lines - 1], f"{end} ..."])


def fitting(sentences: Sequence[str], lines: int, width: int) -> str:
    """As many whole sentences as fit into so many lines; of the first, what fits."""
    kept = list(sentences[:1])
    for sentence in sentences[1:]:
        if len(wrapped(glued("; ".join([*kept, sentence])), width)) > lines:
            break
        kept.append(sentence)
    return shortened("; ".join(kept), lines, width)


def _framed(text: str) -> str:
    """Spaces before and after `text` belong to it."""
    inside = text.strip(" ")
    start = len(text) - len(text.lstrip(" "))
    return f"{GLUE * start}{inside}{GLUE * (len(text) - start - len(inside))}"


def _tokens(text: str, width: int, elide: bool) -> list[str]:
    """Pieces that stay together, none longer than a line."""
    out: list[str] = []
    for token in text.split(" "):
        if cell_len(token) <= width:
            out.append(token)
            continue
        for part in token.split(GLUE):
            out.extend([elided(part, width)] if elide else _broken(part, width))
    return out


def _broken(token: str, width: int) -> list[str]:
    """A token in pieces of at most `width` cells, at its commas and slashes where it has some."""
    pieces = [""]
    for part in _JOINTS.split(token):
        if cell_len(pieces[-1] + part) <= width:
            pieces[-1] += part
            continue
        pieces.append("")
        for sign in part:
            if cell_len(pieces[-1] + sign) > width:
                pieces.append("")
            pieces[-1] += sign
    return [piece for piece in pieces if piece]
