"""Values that a caller gives for an option: taken in the forms that mean one thing, refused in all others."""

import math
import operator
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from shiftscope.errors import UsageError

__all__ = ["AnyPath", "as_choice", "as_flag", "as_list", "as_number", "as_path", "as_whole_number"]

Choice = TypeVar("Choice")

AnyPath = str | PathLike[str]
"""A path, as text or as an object."""


def as_list(what: str, given: Iterable[Any]) -> list[Any]:
    """The items of a list, tuple, array, column or generator, in their order.

    Raises:
        UsageError: one text or a mapping, whose items are letters or keys; or nothing that has items.
    """
    if isinstance(given, str | bytes | Mapping | PathLike):
        raise UsageError(f"{what}: expected several items in a list, got one {type(given).__name__}")
    try:
        return list(given)
    except TypeError:
        raise UsageError(f"{what}: expected a list, got {type(given).__name__}") from None


def as_path(what: str, given: object) -> Path:
    """A path from text or an object that is one.

    Raises:
        UsageError: anything else.
    """
    if isinstance(given, str | PathLike) and not isinstance(given, bytes):
        return Path(given)
    raise UsageError(f"{what}: expected a path, got {type(given).__name__}")


def as_choice(what: str, given: object, choices: tuple[Choice, ...]) -> Choice:
    """One of some words.

    Raises:
        UsageError: anything else.
    """
    found = next((choice for choice in choices if choice == given), None)
    if found is None:
        raise UsageError(f"{what}: expected one of {', '.join(map(str, choices))}, got {given!r}")
    return found


def as_flag(what: str, given: object) -> bool:
    """True or False.

    Raises:
        UsageError: anything else, for a text such as "no" would count as True.
    """
    if given is True or given is False:
        return given
    raise UsageError(f"{what}: expected True or False, got {given!r}")


def as_whole_number(what: str, given: Any, least: int, most: int | None = None) -> int:
    """A whole number within limits, from Python or numpy.

    Raises:
        UsageError: another number, True or False, or no number.
    """
    try:
        value = None if isinstance(given, bool) else operator.index(given)
    except TypeError:
        value = None
    if value is None or value < least or (most is not None and value > most):
        limits = f"{least} or more" if most is None else f"from {least} to {most}"
        raise UsageError(f"{what}: expected a whole number, {limits}, got {given!r}")
    return value


def as_number(what: str, given: Any, least: float, most: float = math.inf) -> float:
    """A finite number within limits, from Python or numpy.

    Raises:
        UsageError: another number, True or False, or no number.
    """
    try:
        value = math.nan if isinstance(given, bool | str) else float(given)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value) or not least <= value <= most:
        limits = f"{least:g} or more" if most == math.inf else f"from {least:g} to {most:g}"
        raise UsageError(f"{what}: expected a number, {limits}, got {given!r}")
    return value
