"""Payloads in Flower's records, and back."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from io import BytesIO

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, RecordDict
from numpy.lib.format import read_array_header_1_0, read_magic

from shiftscope.errors import EngineError
from shiftscope.printable_text import on_one_line, shown
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.runs.payload import bytes_of

__all__ = ["OFFLINE", "failure_of", "pack", "refuse", "size_of", "unpack", "weight_of"]

RAISED = 2  # the code Flower itself uses where a client app raises
OFFLINE = 5  # its code for a node that is not heard of any more


def pack(payload: Payload) -> RecordDict:
    """As Flower carries it: all arrays one after the other in NumPy's own format, as a single object.

    Flower sends every array of a record by requests of its own, hundreds for one model.
    """
    parts = [
        (group, name, _bytes_of(array))
        for group, arrays in (("tensors", payload.tensors), ("statistics", payload.statistics))
        for name, array in arrays.items()
    ]
    data = b"".join(part for _, _, part in parts)
    whole = Array(dtype="uint8", shape=(len(data),), stype="shiftscope", data=data)
    index = json.dumps([[group, name, len(part)] for group, name, part in parts])
    return RecordDict(
        {
            "arrays": ArrayRecord({"all": whole} if parts else {}),
            "facts": ConfigRecord({"json": json.dumps(dict(payload.facts)), "arrays": index}),
        }
    )


def unpack(content: RecordDict) -> Payload:
    """The inverse of `pack`; arrays are fresh copies.

    Raises:
        EngineError: this was not packed.
    """
    try:
        facts, index = (json.loads(content["facts"][key]) for key in ("json", "arrays"))
        whole = content["arrays"]
        groups = _arrays_of(whole["all"].data if whole else b"", index)
        payload = Payload(groups["tensors"], groups["statistics"], facts)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as problem:
        raise EngineError(f"a message that cannot be read ({type(problem).__name__})") from None
    if not isinstance(facts, dict):
        raise EngineError(f"a message of {shown(facts)}, expected facts by name")
    return payload


def _bytes_of(array: np.ndarray) -> bytes:
    data = BytesIO()
    np.save(data, np.asarray(array, order="C"), allow_pickle=False)
    return data.getvalue()


def _arrays_of(data: bytes, index: Iterable[tuple[str, str, int]]) -> dict[str, Tensors]:
    """Group -> name -> array.

    Raises:
        ValueError: the bytes are not those that the index tells of.
    """
    groups: dict[str, Tensors] = {"tensors": {}, "statistics": {}}
    place = 0
    for group, name, size in index:
        if size <= 0 or name in groups[group]:
            raise ValueError(f"an array of {size} bytes, or twice the same")
        groups[group][str(name)] = _array_of(data[place : place + size])
        place += size
    if place != len(data):
        raise ValueError("bytes are left over")
    return groups


def _array_of(data: bytes) -> np.ndarray:
    """The array; nothing larger is made of a header that claims more than the bytes hold.

    Raises:
        ValueError: they are none.
    """
    file = BytesIO(data)
    if read_magic(file) != (1, 0):
        raise ValueError("not in version 1.0 of NumPy's format")
    shape, fortran, dtype = read_array_header_1_0(file)
    rest = len(data) - file.tell()
    if fortran or dtype.hasobject or math.prod(shape) * dtype.itemsize != rest:
        raise ValueError(f"{rest} bytes for {shape} of {dtype}")
    return np.frombuffer(data, dtype, offset=file.tell()).reshape(shape).copy()


def to_record(arrays: Mapping[str, np.ndarray]) -> ArrayRecord:
    """Bit for bit, as Flower's own strategies have it."""
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


def failure_of(problem: Error) -> str:
    """Why a site failed, in a few words: what our client says, or the exception Flower or Ray wrapped.

    A site can say anything: what cannot be shown as it is would make the run's result a file that nobody can read.
    """
    if problem.code == OFFLINE:
        return "its SuperNode went offline"
    reason = (problem.reason or "").strip()
    wrapped = re.search(r"<class '(?:[\w.]*\.)?(\w+)'>", reason)
    said = wrapped.group(1) if wrapped else (reason.splitlines() or [f"error {problem.code}"])[0]
    return on_one_line(said[:200])


def refuse(message: Message, reason: str) -> Message:
    """The reply of a site that cannot do what was asked."""
    return Message(Error(code=RAISED, reason=reason), reply_to=message)
