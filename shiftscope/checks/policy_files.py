"""Policies on disk: TOML that a person writes."""

from pathlib import Path

from shiftscope.checks.policy import Limit, Policy, near
from shiftscope.errors import PolicyError
from shiftscope.parsing import read_toml, refuse_odd
from shiftscope.printable_text import shown

__all__ = ["read_policy"]

_TABLES = ("questions", "axes", "measures")


def read_policy(path: Path) -> Policy:
    """Read a policy from TOML; what it does not say keeps its default.

    Raises:
        PolicyError: the file is missing, too large, is not TOML, or a key or value does not fit.
    """
    values = read_toml(path, Policy.MOST_BYTES, "a policy", PolicyError)
    refuse_odd(values, str(path), PolicyError)
    _require_keys(path, "", [*values], ["schema", *Policy.model_fields])
    for table in _TABLES:
        for name, limit in _as_table(path, table, values.get(table, {})).items():
            inner = _as_table(path, f"{table}.{name}", limit)
            _require_keys(path, f"{table}.{name}.", [*inner], [*Limit.model_fields])
    return Policy.from_dict({"schema": Policy.SCHEMA, **values}, str(path), PolicyError)


def _as_table(path: Path, where: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise PolicyError(f"{path}: key '{where}': expected a table such as [questions.appearance], got {shown(value)}")
    return value


def _require_keys(path: Path, where: str, given: list[str], known: list[str]) -> None:
    for key in given:
        if key not in known:
            raise PolicyError(f"{path}: '{where}{key}' is not a key of a policy{near(key, known)}")
