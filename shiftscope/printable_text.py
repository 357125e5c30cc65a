"""Text from elsewhere as a terminal or a message can show it: invisible and direction-changing characters escaped."""

import unicodedata

__all__ = ["LAYOUT_CHARACTERS", "on_one_line", "printable", "shown", "unprintable"]

LAYOUT_CHARACTERS = "\n\t"
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Control, invisible and direction-changing characters, halves of characters, private and unassigned ones, and line
separators: what can move a terminal's cursor, turn a line around, or hide in a name (Unicode general categories)."""

_BLANK = frozenset(
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x1D159)))
)
"""Letters and marks that show nothing: fillers, the joiner of graphemes, selectors of variants, the empty braille cell
(Unicode's Default_Ignorable_Code_Point and its blanks, without those of the categories above)."""


def unprintable(text: str) -> str | None:
    """The first character that cannot be shown as it is, None where all can."""
    if text.isprintable() and _BLANK.isdisjoint(text):
        return None
    return next((character for character in text if _shows_nothing(character)), None)


def _shows_nothing(character: str) -> bool:
    return character in _BLANK or unicodedata.category(character) in _UNPRINTABLE


def printable(text: str) -> str:
    """`text` with what cannot be shown as it is written in escapes; line breaks and tabs stay."""
    return "".join(character if character in LAYOUT_CHARACTERS else on_one_line(character) for character in text)


def on_one_line(text: str) -> str:
    """`text` with what cannot be shown as it is, line breaks and tabs among it, written in escapes."""
    if unprintable(text) is None:
        return text
    return "".join(ascii(character)[1:-1] if unprintable(character) else character for character in text)


def shown(value: object) -> str:
    """A value for a message: at most 60 characters, what cannot be printed escaped."""
    text = repr(value)
    text = ascii(text)[1:-1] if unprintable(text) else text
    return text if len(text) <= 60 else text[:57] + "..."
