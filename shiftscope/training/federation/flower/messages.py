"""What travels: named arrays, statistics and plain facts, in Flower's records."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, RecordDict

from shiftscope.errors import EngineError
from shiftscope.harmonizers import Statistics
from shiftscope.printable_text import shown
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.runs.payload import bytes_of

__all__ = ["Payload", "apart", "failure_of", "pack", "prefixed", "size_of", "unpack", "weight_of"]

RAISED = 2  # the code Flower itself uses where a client app raises


@dataclass(frozen=True, slots=True)
class Payload:
    """The content of a message.

    Attributes:
        tensors: model tensors that are shared.
        statistics: harmonizer statistics, own or reference.
        facts: JSON values.
    """

    tensors: Tensors = field(default_factory=dict)
    statistics: Statistics = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def pack(payload: Payload) -> RecordDict:
    """As Flower carries it."""
    return RecordDict(
        {
            "arrays": to_record(payload.tensors),
            "statistics": to_record(payload.statistics),
            "facts": ConfigRecord({"json": json.dumps(dict(payload.facts))}),
        }
    )


def unpack(content: RecordDict) -> Payload:
    """The inverse of `pack`; arrays are fresh copies.

    Raises:
        EngineError: this was not packed.
    """
    try:
        facts = json.loads(content["facts"]["json"])
        payload = Payload(from_record(content["arrays"]), from_record(content["statistics"]), facts)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise EngineError(f"a message that cannot be read ({type(problem).__name__})") from None
    if not isinstance(facts, dict):
        raise EngineError(f"a message of {shown(facts)}, expected facts by name")
    return payload


def to_record(arrays: Mapping[str, np.ndarray]) -> ArrayRecord:
    """Bit for bit."""
    return ArrayRecord({name: Array.from_numpy_ndarray(np.asarray(array, order="C")) for name, array in arrays.items()})


def from_record(record: ArrayRecord) -> Tensors:
    """Bit for bit."""
    return {name: array.numpy() for name, array in record.items()}


def size_of(content: RecordDict) -> int:
    """Payload in bytes: the serialized arrays, without the facts beside them and the engine's envelope.

    A reply's facts hold measured seconds, whose digits change from run to run: a few hundred bytes beside megabytes.
    """
    return sum(len(array.data) for record in content.array_records.values() for array in record.values())


def weight_of(payload: Payload) -> int:
    """What `size_of` says of the packed payload, without packing it."""
    return bytes_of(payload.tensors) + bytes_of(payload.statistics)


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


def failure_of(problem: Error) -> str:
    """Why a site failed, in a few words: what our client says, or the exception Flower or Ray wrapped."""
    reason = str(problem.reason or f"error {problem.code}")
    wrapped = re.search(r"<class '(?:[\w.]*\.)?(\w+)'>", reason)
    return wrapped.group(1) if wrapped else reason.splitlines()[0][:200]


def refuse(message: Message, reason: str) -> Message:
    """The reply of a site that cannot do what was asked."""
    return Message(Error(code=RAISED, reason=reason), reply_to=message)
