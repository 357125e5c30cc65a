"""What comes from elsewhere, as plain values: JSON and TOML within limits that are checked before anything is built.

Size, depth and dots are counted before a parser sees the text, because parsers are recursive or quadratic in them. All
else is looked for in the values, so that a message can name the key.
"""

import json
import math
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shiftscope.errors import ShiftscopeError
from shiftscope.files import open_file
from shiftscope.printable_text import LAYOUT_CHARACTERS, shown, unprintable

__all__ = [
    "DEPTH",
    "parse_json",
    "parse_toml",
    "read_bytes",
    "read_json",
    "read_text",
    "read_toml",
    "refuse_odd",
]

DEPTH = 24
"""Lists and tables inside one another; the deepest document has ten."""

_DOTS = 200
"""Dots in a line of TOML: a key of so many parts is no key."""

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_BITS = 64


@dataclass(frozen=True, slots=True)
class _Odd:
    """Stands where a parser met what no document holds; `refuse_odd` knows the key by then."""

    got: str
    expected: str


def read_json(path: Path, most_bytes: int, what: str, error: type[ShiftscopeError]) -> Any:
    """The plain values of a JSON file.

    Args:
        most_bytes: a larger file is refused unread.
        what: what is expected, for messages: "a profile".

    Raises:
        error: the file is missing, too large or too deep, or is not JSON. Numbers that are not finite and keys that
            are given twice are left for `refuse_odd`.
    """
    return parse_json(read_text(path, most_bytes, f"{what} as JSON", error), str(path), what, error)


def parse_json(text: str, where: str, what: str, error: type[ShiftscopeError]) -> Any:
    """The plain values of JSON that came in a message, whose size its reader has checked; as `read_json`.

    Args:
        where: what messages call its place.
    """
    if _depth(text) > DEPTH:
        raise error(f"{where}: expected {what}, {DEPTH} levels deep at the most, got {_depth(text)} levels of brackets")
    try:
        return json.loads(
            text, object_pairs_hook=_once, parse_int=_integer, parse_float=_real, parse_constant=_not_finite
        )
    except ValueError:
        raise error(f"{where}: expected {what} as JSON, found something else") from None


def read_toml(path: Path, most_bytes: int, what: str, error: type[ShiftscopeError]) -> dict[str, Any]:
    """The plain values of a TOML file; as `read_json`."""
    return parse_toml(read_text(path, most_bytes, f"{what} in TOML", error), str(path), what, error)


def parse_toml(text: str, where: str, what: str, error: type[ShiftscopeError]) -> dict[str, Any]:
    """The plain values of TOML that came in a message, whose size its reader has checked; as `parse_json`."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.count(".") > _DOTS or sum(line.count(bracket) for bracket in "[{") > _DOTS:
            raise error(
                f"{where}: line {number}: expected {what}, {_DOTS} dots or brackets a line at the most, got"
                f" {line.count('.')} dots and {sum(line.count(bracket) for bracket in '[{')} brackets"
            )
    if (deepest := _depth(text)) > 2 * DEPTH:  # brackets in comments count too
        raise error(f"{where}: expected {what}, {DEPTH} levels deep at the most, got {deepest} levels of brackets")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as problem:  # a number of too many digits is a plain ValueError
        raise error(f"{where}: expected {what} in TOML: {problem}") from None


def read_text(path: Path, most_bytes: int, what: str, error: type[ShiftscopeError]) -> str:
    """The text of a file, which is UTF-8 with or without a mark.

    Raises:
        error: the file is missing, no file of the disk but a pipe or a device, too large, or no such text.
    """
    try:
        return read_bytes(path, most_bytes, what, error).decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(f"{path}: expected {what}, found something else: byte {problem.start} is not UTF-8 text") from None


def read_bytes(path: Path, most_bytes: int, what: str, error: type[ShiftscopeError]) -> bytes:
    """The bytes of a file of the disk.

    Raises:
        error: the file is missing, no file of the disk but a pipe or a device, or too large.
    """
    try:
        with open_file(path) as file:
            data = file.read(most_bytes + 1)
    except OSError as problem:
        raise error(f"{path}: cannot be read: {problem.strerror}") from None
    except ValueError as problem:  # a name with a null byte
        raise error(f"{str(path)!r}: cannot be read: {problem}") from None
    if len(data) > most_bytes:
        raise error(f"{path}: expected {what} of {most_bytes / 1e6:g} MB at the most, got a larger file")
    return data


def refuse_odd(value: Any, where: str, error: type[ShiftscopeError]) -> None:
    """Check plain values, however they were come by: nothing but tables, lists, text, finite numbers of 64 bits, yes
    and no, and null; keys are printable, text holds no control character but line breaks and tabs.

    Raises:
        error: naming `where`, the key, what it got and what was expected.
    """
    for key, item, depth in _walk(value):
        if problem := _problem(item, depth):
            raise error(f"{where}: key '{_cut(key, 200)}': expected {problem} (got {_described(item)})")


def _depth(text: str) -> int:
    """How deep the brackets outside strings go."""
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        if match[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "]}":
            depth -= 1
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = _Odd(f"{shown(key)} twice", "each key once") if key in found else value
    return found


def _integer(text: str) -> Any:
    value = int(text) if len(text) <= 20 else None
    return _Odd(_cut(text), f"an integer of {_BITS} bits") if value is None or _too_long(value) else value


def _real(text: str) -> Any:
    value = float(text)
    return value if math.isfinite(value) else _Odd(_cut(text), "a finite number")


def _not_finite(text: str) -> _Odd:
    return _Odd(text, "a finite number")


def _cut(text: str, most: int = 30) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _too_long(value: int) -> bool:
    return not -(1 << (_BITS - 1)) <= value < 1 << (_BITS - 1)


def _walk(value: Any) -> Iterator[tuple[str, Any, int]]:
    """Every value with its key and depth, containers before what they hold; recursion would have its own limit."""
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    while waiting:
        key, item, depth = waiting.pop()
        yield key or "top level", item, depth
        if depth > DEPTH:
            continue
        if isinstance(item, dict):
            inner = [(str(name), part) for name, part in item.items()]
            waiting += [(f"{key}.{_key(name)}" if key else _key(name), part, depth + 1) for name, part in inner]
        elif isinstance(item, list):
            if _CONTAINERS.isdisjoint(map(type, item)) and not any(map(_problem_of_value, item)):
                continue  # numbers by the thousand: no key is needed
            waiting += [(f"{key}.{index}", part, depth + 1) for index, part in enumerate(item)]


_CONTAINERS = frozenset({dict, list})


def _key(name: str) -> str:
    return shown(name)[1:-1] if unprintable(name) else name


def _problem(item: Any, depth: int) -> str | None:
    """What was expected instead of `item`; None where it is as it should be."""
    if depth > DEPTH:
        return f"{DEPTH} levels at the most"
    if isinstance(item, dict):
        odd = next((name for name in item if not isinstance(name, str) or unprintable(name)), None)
        return None if odd is None else "keys without control, invisible or direction-changing characters"
    return None if isinstance(item, list) else _problem_of_value(item)


def _problem_of_value(item: Any) -> str | None:
    check = _CHECKS.get(type(item))
    return "text, a number, yes or no" if check is None else check(item)


def _problem_of_text(text: str) -> str | None:
    for mark in LAYOUT_CHARACTERS:
        text = text.replace(mark, "")
    return "text without control, invisible or direction-changing characters" if unprintable(text) else None


_CHECKS: dict[type, Callable[[Any], str | None]] = {
    _Odd: lambda item: item.expected,
    str: _problem_of_text,
    int: lambda item: f"an integer of {_BITS} bits" if _too_long(item) else None,
    float: lambda item: None if math.isfinite(item) else "a finite number",
    bool: lambda _: None,
    type(None): lambda _: None,
}


def _described(item: Any) -> str:
    return item.got if isinstance(item, _Odd) else shown(item)
