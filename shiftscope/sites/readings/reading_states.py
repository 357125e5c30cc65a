"""A table of what was read, taken apart for a disk and put together again."""

from array import array
from collections import Counter
from dataclasses import fields
from typing import Any

import numpy as np

from shiftscope.sites.readings.mask_habits import MaskHabits
from shiftscope.sites.readings.site_readings import SiteReading

__all__ = ["restore_reading", "state_of_reading"]

_APART = "site"


def state_of_reading(reading: SiteReading) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What was counted, as plain values, and as arrays; without the site."""
    return _state(reading, "")


def restore_reading(reading: SiteReading, plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Put back what `state_of_reading` gave.

    Raises:
        KeyError, TypeError, ValueError: something is missing, or is not what it should be.
    """
    _restore(reading, "", plain, arrays)


def _state(table: SiteReading | MaskHabits, prefix: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    plain: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, value in _fields(table):
        key = prefix + name
        if isinstance(value, MaskHabits):
            inner, more = _state(value, f"{key}.")
            plain |= inner
            arrays |= more
        elif isinstance(value, array | np.ndarray):
            arrays[key] = np.array(value, dtype=np.float32 if isinstance(value, array) else value.dtype)
        else:
            plain[key] = _native(value)
    return plain, arrays


def _restore(
    table: SiteReading | MaskHabits, prefix: str, plain: dict[str, Any], arrays: dict[str, np.ndarray]
) -> None:
    for name, value in _fields(table):
        key = prefix + name
        if isinstance(value, MaskHabits):
            _restore(value, f"{key}.", plain, arrays)
        elif isinstance(value, array):
            setattr(table, name, array("f", arrays[key].astype(np.float32).tobytes()))
        elif isinstance(value, np.ndarray):
            if arrays[key].shape != value.shape:
                raise ValueError(f"{key} of shape {arrays[key].shape}")
            setattr(table, name, arrays[key].astype(value.dtype))
        else:
            setattr(table, name, Counter(plain[key]) if isinstance(value, Counter) else type(value)(plain[key]))


def _native(value: Any) -> Any:
    """Numbers of Python where there are some of numpy, tables and lists without their classes."""
    if isinstance(value, dict):
        return {_native(key): _native(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_native, value))
    return value.item() if isinstance(value, np.generic) else value


def _fields(table: SiteReading | MaskHabits) -> list[tuple[str, Any]]:
    return [(field.name, getattr(table, field.name)) for field in fields(table) if field.name != _APART]
