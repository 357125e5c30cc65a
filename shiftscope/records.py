"""The base of everything written to disk: a frozen pydantic model that refuses unknown fields."""

import json
import math
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from shiftscope.errors import ShiftscopeError
from shiftscope.files import write_text

__all__ = ["Array", "Document", "Real", "Record", "explain_validation"]

DIGITS = 6  # significant digits of a published number


def _rounded(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}")


def _to_lists(array: np.ndarray) -> Any:
    if array.ndim == 0:
        return _rounded(float(array))
    return [_to_lists(row) for row in array]


def _to_array(value: Any) -> np.ndarray:
    array = np.array(value, dtype=np.float64)
    array.flags.writeable = False
    return array


Real = Annotated[float, PlainSerializer(_rounded, when_used="json")]
"""A float written with six significant digits; not a number becomes null."""

Array = Annotated[
    np.ndarray,
    BeforeValidator(_to_array),
    PlainSerializer(_to_lists, when_used="json"),
]
"""A read-only float64 array, nested lists with six significant digits in JSON; null is not a number."""


class Record(BaseModel):
    """Frozen; unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Document(Record):
    """A record with a file of its own: JSON a person can read, headed by the number of its schema.

    A private one is readable by its owner alone.
    """

    SCHEMA: ClassVar[int] = 1
    PRIVATE: ClassVar[bool] = False

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
            error: the file is missing, is not JSON, or does not fit the schema.
        """
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")), str(path), error)
        except OSError as problem:
            raise error(f"{path}: cannot be read: {problem.strerror}") from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise error(f"{path}: expected a {cls.__name__.lower()} as JSON, found something else") from None

    @classmethod
    def from_dict(cls, value: Any, where: str, error: type[ShiftscopeError]) -> Self:
        """Build from plain values read from `where`, checking the schema number first."""
        if not isinstance(value, dict) or "schema" not in value:
            raise error(f"{where}: expected a {cls.__name__.lower()} with a 'schema' number, found none")
        if value["schema"] != cls.SCHEMA:
            raise error(
                f"{where}: schema {value['schema']!r} is not the schema {cls.SCHEMA} this version reads;"
                " make the file again with this version of shiftscope"
            )
        try:
            return cls.model_validate({key: item for key, item in value.items() if key != "schema"})
        except ValidationError as problem:
            raise error(f"{where}: {explain_validation(problem)}") from None


def explain_validation(problem: ValidationError) -> str:
    """The first complaint of pydantic in one line: which key, what it got, what it expected."""
    first = problem.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "top level"
    if first["type"] == "missing":
        return f"key '{where}' is missing"
    got, says = repr(first.get("input")), first["msg"].removeprefix("Value error, ")
    return f"key '{where}': {says} (got {got if len(got) <= 60 else got[:57] + '...'})"


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
