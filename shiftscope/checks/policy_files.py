"""Policies on disk: TOML that a person writes."""

import tomllib
from pathlib import Path

from shiftscope.checks.policy import Limit, Policy, near
from shiftscope.errors import PolicyError

__all__ = ["read_policy"]

_TABLES = ("questions", "axes", "measures")


def read_policy(path: Path) -> Policy:
    """Read a policy from TOML; what it does not say keeps its default.

    Raises:
        PolicyError: the file is missing, is not TOML, or a key or value does not fit.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise PolicyError(f"{path}: cannot be read: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise PolicyError(f"{path}: expected a policy in TOML: {problem}") from None
    _require_keys(path, "", [*values], ["schema", *Policy.model_fields])
    for table in _TABLES:
        for name, limit in _as_table(path, table, values.get(table, {})).items():
            inner = _as_table(path, f"{table}.{name}", limit)
            _require_keys(path, f"{table}.{name}.", [*inner], [*Limit.model_fields])
    return Policy.from_dict({"schema": Policy.SCHEMA, **values}, str(path), PolicyError)


def _as_table(path: Path, where: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise PolicyError(f"{path}: key '{where}': expected a table such as [questions.appearance], got {value!r}")
    return value


def _require_keys(path: Path, where: str, given: list[str], known: list[str]) -> None:
    for key in given:
        if key not in known:
            raise PolicyError(f"{path}: '{where}{key}' is not a key of a policy{near(key, known)}")
