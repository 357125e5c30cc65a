"""What travels between coordinator and sites, whatever carries it: named arrays, statistics and plain facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shiftscope.harmonizers import Statistics
from shiftscope.training.algorithms.aggregation import Tensors

__all__ = ["Payload", "apart", "prefixed"]


@dataclass(frozen=True, slots=True)
class Payload:
    """The content of a message.

    Attributes:
        tensors: model tensors that are shared.
        statistics: harmonizer statistics, own or reference.
        facts: JSON values.
        patients: fact, or "tensors/NAME" -> patients that a score rests on, in the smallest group that it is made of.
            For the gate at the site; it is no part of a message.
    """

    tensors: Tensors = field(default_factory=dict)
    statistics: Statistics = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    patients: Mapping[str, int] = field(default_factory=dict)


def prefixed(groups: Mapping[str, Statistics]) -> dict[str, np.ndarray]:
    """Groups of arrays in one record: "group/name"."""
    return {f"{group}/{name}": array for group, found in groups.items() for name, array in found.items()}


def apart(statistics: Statistics) -> dict[str, dict[str, np.ndarray]]:
    """The inverse of `prefixed`; a group without arrays is not there."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    for key, array in statistics.items():
        group, _, name = key.rpartition("/")
        groups.setdefault(group, {})[name] = array
    return groups
