"""What a field may hold, as values that are put together: the words in which the table of rules is written.

A rule is called with a value, the field's name and the situation. It gives what leaves instead, which is the very same
value unless the policy suppresses it, or raises `FieldRefused`.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from shiftscope.disclosure.policies.site_policy import allows
from shiftscope.disclosure.situations import FieldRefused, Situation

__all__ = [
    "FEW",
    "SUPPRESSED",
    "UNKNOWN",
    "Counted",
    "FieldRule",
    "Governed",
    "Keyed",
    "Leaf",
    "Nullable",
    "Rows",
    "Table",
    "amount",
    "digest",
    "listed_in",
    "number",
    "suppressed_by",
    "truth",
    "whole",
]

SUPPRESSED = "suppressed"
"""The key of the marker that stands for a value which the site keeps: {"suppressed": key of its policy}. Among the
facts of a whole message it holds all such fields, arrays too: field -> key."""

UNKNOWN = "unknown_field"
"""The rule by which everything is refused that no other rule knows."""

FEW = "min_scored"
"""The key of the policy that keeps scores of few patients."""

_LARGEST = 1e12

FieldRule = Callable[[Any, str, Situation], Any]


def suppressed_by(value: object) -> str | None:
    """The key of the site's policy that keeps a value there; None where it is a value."""
    held = isinstance(value, Mapping) and value.keys() == {SUPPRESSED}
    return str(value[SUPPRESSED]) if held else None  # type: ignore[index]  # a mapping, by the line above


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value.

    Attributes:
        rule: its name.
        expected: what it lets out, in words.
        holds: whether a value is that.
    """

    rule: str
    expected: str
    holds: Callable[[Any, Situation], bool]

    def __call__(self, value: Any, where: str, situation: Situation) -> Any:
        if not self.holds(value, situation):
            raise FieldRefused(self.rule, where, self.expected)
        return value


@dataclass(frozen=True, slots=True)
class Table:
    """A table with these fields and no other."""

    fields: Mapping[str, FieldRule]

    def __call__(self, value: Any, where: str, situation: Situation) -> Any:
        _require(type(value) is dict, "table", where, "a table")
        return {name: self._rule(name, where)(item, _in(where, name), situation) for name, item in value.items()}

    def _rule(self, name: Any, where: str) -> FieldRule:
        if type(name) is not str or name not in self.fields:
            raise FieldRefused(UNKNOWN, _in(where, name), f"one of {', '.join(self.fields) or 'no field'}")
        return self.fields[name]


@dataclass(frozen=True, slots=True)
class Keyed:
    """A table whose keys are known from the order or the program, each holding the same kind of value.

    Attributes:
        keys: that there may be.
        of: the values' rule, given the key.
    """

    keys: Callable[[Situation], Collection[str]]
    of: Callable[[str], FieldRule]

    def __call__(self, value: Any, where: str, situation: Situation) -> Any:
        _require(type(value) is dict, "table", where, "a table")
        known = self.keys(situation)
        for key in value:
            _require(type(key) is str and key in known, UNKNOWN, _in(where, key), f"one of {len(known)} known names")
        return {key: self.of(key)(item, _in(where, key), situation) for key, item in value.items()}


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of no more than so many values of one kind."""

    of: FieldRule
    most: int

    def __call__(self, value: Any, where: str, situation: Situation) -> Any:
        fits = type(value) in (list, tuple) and len(value) <= self.most
        _require(fits, "list", where, f"a list of {self.most} values at the most")
        return type(value)(self.of(item, _in(where, place), situation) for place, item in enumerate(value))


@dataclass(frozen=True, slots=True)
class Nullable:
    """A value, or none."""

    of: FieldRule

    def __call__(self, value: Any, where: str, situation: Situation) -> Any:
        return None if value is None else self.of(value, where, situation)


@dataclass(frozen=True, slots=True)
class Governed:
    """A value that leaves where the policy allows its family; else a marker stands for it.

    Attributes:
        of: its rule, which holds in any case.
        key: of the policy: "metrics", "counts".
        family: what that list has to hold, told from the situation.
    """

    of: FieldRule
    key: str
    family: Callable[[Situation], str]

    def __call__(self, value: Any, where: str, situation: Situation) -> Any:
        found = self.of(value, where, situation)
        if allows(getattr(situation.policy, self.key), self.family(situation)):
            return found
        situation.suppressed[where] = self.key
        return {SUPPRESSED: self.key}


@dataclass(frozen=True, slots=True)
class Counted:
    """A value that leaves where enough patients stand behind it; else a marker stands for it."""

    of: FieldRule

    def __call__(self, value: Any, where: str, situation: Situation) -> Any:
        found = self.of(value, where, situation)
        if where in situation.suppressed or not situation.rests_on_few(where):
            return found
        situation.suppressed[where] = FEW
        return {SUPPRESSED: FEW}


def number(rule: str, low: float = -_LARGEST, high: float = _LARGEST) -> Leaf:
    """A finite number within limits."""

    def holds(value: Any, _situation: Situation) -> bool:
        return type(value) in (int, float) and math.isfinite(value) and low <= value <= high

    return Leaf(rule, f"a finite number from {low:g} to {high:g}", holds)


def amount(rule: str, most: float = _LARGEST) -> Leaf:
    """A whole number, 0 or more."""
    return Leaf(rule, f"a whole number from 0 to {most:g}", lambda value, _: type(value) is int and 0 <= value <= most)


def whole(rule: str, expected: str, low: int, high: Callable[[Situation], int]) -> Leaf:
    """A whole number up to what the order says."""
    return Leaf(rule, expected, lambda value, situation: type(value) is int and low <= value <= high(situation))


def truth(rule: str) -> Leaf:
    """Yes or no."""
    return Leaf(rule, "yes or no", lambda value, _: type(value) is bool)


def digest(rule: str, digits: int, *, empty: bool = False) -> Leaf:
    """Hexadecimal digits, so many."""
    pattern = re.compile(f"[0-9a-f]{{{digits}}}" + ("|" if empty else ""))
    expected = f"{digits} hexadecimal digits" + (" or nothing" if empty else "")
    return Leaf(rule, expected, lambda value, _: type(value) is str and pattern.fullmatch(value) is not None)


def listed_in(rule: str, expected: str, names: Callable[[Situation], Collection[str]]) -> Leaf:
    """One of the names that the order or the program knows: never free text."""
    return Leaf(rule, expected, lambda value, situation: type(value) is str and value in names(situation))


def _in(where: str, name: object) -> str:
    return f"{where}.{name}" if where else f"{name}"


def _require(fits: bool, rule: str, where: str, expected: str) -> None:
    if not fits:
        raise FieldRefused(rule, where, expected)
