"""The base of everything written to disk: a frozen pydantic model that refuses unknown fields."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sized
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from shiftscope.dataframes import Tabular
from shiftscope.errors import ShiftscopeError
from shiftscope.files import write_text
from shiftscope.parsing import read_json, refuse_odd
from shiftscope.printable_text import shown, unprintable

__all__ = [
    "MOST",
    "MOST_CLASSES",
    "Array",
    "Classes",
    "Document",
    "Finite",
    "FiniteArray",
    "Misfit",
    "Name",
    "Real",
    "Record",
    "Text",
    "Total",
    "at_most",
    "check_name",
    "explain_validation",
    "matching",
]

DIGITS = 6  # significant digits of a published number

MOST = 10**9
"""No count of patients, cases or rounds is larger."""

MOST_CLASSES = 100
"""Names of classes in one document. Every pair of sites is compared on all classes at once, by matrices that grow with
the square of their number, and more names than this are names of something else."""

_LONGEST = 200  # characters of a name
_LONGEST_SAID = 600  # and of what is said of it: it may list names


_Sized = TypeVar("_Sized", bound=Sized)


_MEMBER = re.compile(r"(?:tuple|literal)\[.*\]")
"""What pydantic adds to the place of an error in a value that may be of several types; it is no key."""


class Misfit(ValueError):
    """A value that does not fit the values beside it.

    Args:
        key: of the value, from where the validator stands; "" for the validated value itself.
        got: what it is.
        expected: what it should be, in words.
    """

    def __init__(self, key: str, got: object, expected: str) -> None:
        self.key, self.got = key, got
        super().__init__(f"expected {expected}")


def _rounded(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}")


def _to_lists(array: np.ndarray) -> Any:
    if array.ndim == 0:
        return _rounded(float(array))
    return [_to_lists(row) for row in array]


def _to_array(value: Any) -> np.ndarray:
    try:
        array = np.array(value)
        if array.dtype.kind not in "fiu":
            if array.dtype.kind != "O":  # with null among the numbers
                raise TypeError
            array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("expected numbers in lists of equal length") from None
    array = array.astype(np.float64)
    array.flags.writeable = False
    return array


def _all_finite(array: np.ndarray) -> np.ndarray:
    if not np.all(np.isfinite(array)):
        raise ValueError("expected finite numbers, none of them null")
    return array


def _one_line(text: str) -> str:
    if (odd := unprintable(text)) is not None:
        raise ValueError(f"expected text without the character {odd!a}")
    return text


def matching(pattern: str, expected: str) -> AfterValidator:
    """Text that is the whole of a regular expression, and what that is in words."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise ValueError(f"expected {expected}")
        return text

    return AfterValidator(check)


def at_most(number: int, what: str) -> AfterValidator:
    """A table, list or text of so many at the most, and of what."""

    def check(value: _Sized) -> _Sized:
        if len(value) > number:
            raise ValueError(f"expected {number} {what} at the most, not {len(value)}")
        return value

    return AfterValidator(check)


def check_name(text: str) -> str:
    """`text`, which can be a `Name`.

    Raises:
        ValueError: it cannot, and why.
    """
    if not text.strip() or len(text) > _LONGEST:
        raise ValueError(f"expected a name of 1 to {_LONGEST} characters")
    if text != text.strip():
        raise ValueError("expected a name without spaces before or after it")
    return _one_line(text)


Real = Annotated[float, PlainSerializer(_rounded, when_used="json")]
"""A float written with six significant digits; not a number becomes null."""

Array = Annotated[
    np.ndarray,
    BeforeValidator(_to_array),
    PlainSerializer(_to_lists, when_used="json"),
]
"""A read-only float64 array, nested lists with six significant digits in JSON; null is not a number."""


Finite = Annotated[float, Field(strict=True, allow_inf_nan=False), PlainSerializer(_rounded, when_used="json")]
"""As `Real`, and always a finite number."""

FiniteArray = Annotated[
    np.ndarray,
    BeforeValidator(_to_array),
    AfterValidator(_all_finite),
    PlainSerializer(_to_lists, when_used="json"),
]
"""As `Array`, of finite numbers alone."""

Total = Annotated[int, Field(strict=True, ge=0, le=MOST)]
"""A count, 0 or more."""

Text = Annotated[str, AfterValidator(_one_line)]
"""One line that can be printed: no control, invisible or direction-changing character."""

Name = Annotated[str, AfterValidator(check_name)]
"""What something is called: one printable line of at most 200 characters, so that it moves no cursor, turns no line
around, and is what it looks like."""


Classes = Annotated[tuple[Name, ...], at_most(MOST_CLASSES, "classes")]
"""Names of classes."""


class Record(BaseModel):
    """Frozen; unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Document(Record):
    """A record with a file of its own: JSON a person can read, headed by the number of its schema.

    A private one is readable by its owner alone. A file larger than `MOST_BYTES` is refused unread.
    """

    SCHEMA: ClassVar[int] = 1
    PRIVATE: ClassVar[bool] = False
    MOST_BYTES: ClassVar[int] = 1_000_000
    EARLIER: ClassVar[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}
    """Earlier schema -> its plain values, without `schema`, as those of the present one."""

    def __repr__(self) -> str:
        """Its headline where it has one: whole, it can be longer than a screen."""
        return f"<{type(self).__name__}: {self.headline()}>" if isinstance(self, Tabular) else super().__repr__()

    def __eq__(self, other: object) -> bool:
        """Whether both would be written as the same file."""
        return type(self) is type(other) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, `schema` first."""
        return {"schema": self.SCHEMA, **json.loads(self.model_dump_json())}

    def to_json(self) -> str:
        """JSON with one line per innermost list, keys in the order of the class."""
        return _compact(self.to_dict())

    def write(self, path: Path) -> None:
        """Write the JSON form to `path` in one step, on the disk when this returns."""
        write_text(path, self.to_json() + "\n", private=self.PRIVATE)

    @classmethod
    def read(cls, path: Path, error: type[ShiftscopeError] = ShiftscopeError) -> Self:
        """Read a document from JSON.

        Raises:
            error: the file is missing, too large, is not JSON, or does not fit the schema.
        """
        values = read_json(path, cls.MOST_BYTES, f"a {cls.__name__.lower()}", error)
        return cls.from_dict(values, str(path), error)

    @classmethod
    def from_dict(cls, value: Any, where: str, error: type[ShiftscopeError]) -> Self:
        """Build from plain values read from `where`, checking the schema number first."""
        if not isinstance(value, dict) or "schema" not in value:
            raise error(f"{where}: expected a {cls.__name__.lower()} with a 'schema' number, found none")
        refuse_odd(value, where, error)
        schema, values = value["schema"], {key: item for key, item in value.items() if key != "schema"}
        known = type(schema) is int and (schema == cls.SCHEMA or schema in cls.EARLIER)
        if not known:
            raise error(
                f"{where}: schema {shown(schema)} is not the schema {cls.SCHEMA} this version reads;"
                " make the file again with this version of shiftscope"
            )
        try:
            return cls.model_validate(cls.EARLIER[schema](values) if schema in cls.EARLIER else values)
        except ValidationError as problem:
            raise error(f"{where}: {explain_validation(problem)}") from None


def explain_validation(problem: ValidationError) -> str:
    """The first complaint of pydantic in one line: which key, what it got, what it expected."""
    first = problem.errors(include_url=False)[0]
    misfit = first.get("ctx", {}).get("error")
    got = first.get("input")
    parts = [part for part in map(str, first["loc"]) if _MEMBER.fullmatch(part) is None]
    if isinstance(misfit, Misfit):
        got, parts = misfit.got, [*parts, *filter(None, [misfit.key])]
    where = ".".join(parts) or "top level"
    where = where if len(where) <= _LONGEST else f"{where[: _LONGEST - 3]}..."
    if first["type"] == "missing":
        return f"key '{where}' is missing"
    said = first["msg"].removeprefix("Value error, ")
    said = said if len(said) <= _LONGEST_SAID else f"{said[: _LONGEST_SAID - 3]}..."
    return f"key '{where}': {said} (got {shown(got)})"


def _compact(value: Any, indent: int = 0) -> str:
    """JSON with dicts and lists of containers spread over lines, plain lists on one."""
    pad = " " * (indent + 1)
    if isinstance(value, dict) and value:
        rows = [
            f"{pad}{json.dumps(key, ensure_ascii=False)}: {_compact(item, indent + 1)}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        rows = [pad + _compact(item, indent + 1) for item in value]
        return "[\n" + ",\n".join(rows) + "\n" + " " * indent + "]"
    return json.dumps(value, ensure_ascii=False)
