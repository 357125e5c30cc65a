"""The acquisition tags that may leave a reader: an allowlist, cleaned so that sites can be compared."""

import math
from collections.abc import Callable, Mapping

from shiftscope.printable_text import unprintable

__all__ = ["ALLOWED", "acquisition", "positive"]

_TEXT = 64  # characters kept of a free-text tag


def acquisition(values: Mapping[str, object], spacing_mm: tuple[float, float, float] | None = None) -> dict[str, str]:
    """Name -> text for the allowed names that have a usable value; anything else is dropped.

    Args:
        values: raw values by the names of `ALLOWED`.
        spacing_mm: (z, y, x); the size of a pixel along y is recorded, to two digits.
    """
    found = {name: clean(values.get(name)) for name, clean in ALLOWED.items()}
    if spacing_mm is not None:
        found["spacing_mm"] = f"{spacing_mm[1]:.2g}"
    return {name: text for name, text in found.items() if text}


def positive(value: object) -> float | None:
    """A tag's value as a finite number above zero, or None."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _text(value: object) -> str:
    text = "".join(" " if unprintable(character) else character for character in str(value or ""))
    text = " ".join(text.split())[:_TEXT]
    return "" if text.lower() in ("none", "unknown", "n/a") else text


def _number(value: object) -> str:
    number = positive(value)
    return "" if number is None else f"{number:.3g}"


def _tesla(value: object) -> str:
    """Old scanners wrote gauss."""
    strength = positive(value)
    return "" if strength is None else f"{strength / 10_000 if strength > 100 else strength:.2g}"


def _month(value: object) -> str:
    """A date such as 20180918, 2018.09.18 or 2018-09-18T12:24 as YYYY-MM: the day never leaves."""
    digits = "".join(character for character in str(value or "")[:10] if character.isdigit())
    good = len(digits) >= 6 and "1900" <= digits[:4] <= "2199" and "01" <= digits[4:6] <= "12"
    return f"{digits[:4]}-{digits[4:6]}" if good else ""


ALLOWED: dict[str, Callable[[object], str]] = {
    "manufacturer": lambda value: _text(value).upper()[:_TEXT],
    "model": _text,
    "field_strength_t": _tesla,
    "kvp": _number,
    "bits": _number,
    "spacing_mm": lambda _: "",  # written by `acquisition` itself
    "month": _month,
}
"""Name -> how its value is cleaned."""
