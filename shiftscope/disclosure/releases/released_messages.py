"""What leaves, as it is: a message's content, and the one text of bytes that the log keeps of it."""

import io
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shiftscope.disclosure.situations import Arrays, Carried
from shiftscope.errors import FederationError

__all__ = ["MOST_BYTES", "Release", "Withheld", "bytes_of_message", "message_of_bytes", "sizes_of", "tell_quietly"]

MOST_BYTES = 2**31
"""Of one message that leaves, and so of each of its fields."""

_LARGEST_HEAD = 10_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Release:
    """What leaves the site.

    Attributes:
        tensors, statistics, facts: as `Carried` has them; what the policy suppresses is marked among the facts.
    """

    tensors: Arrays = field(default_factory=dict)
    statistics: Arrays = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Withheld:
    """Nothing leaves but this.

    Attributes:
        reason: "withheld: " and the name of a rule, or the kind of an error from a fixed list. Nothing else.
    """

    reason: str


def tell_quietly(tell: Callable[[Any], None], what: object) -> None:
    """Tell the site's own people; where even that fails, a full disk for one, it says nothing to anybody else."""
    with suppress(Exception):
        tell(what)


def bytes_of_message(content: Carried) -> bytes:
    """A line of JSON that says what follows, then the facts as JSON, then each array in NumPy's own format.

    The facts and the arrays are, byte for byte, what the message carries.
    """
    facts = json.dumps(dict(content.facts)).encode("ascii")
    parts = [(group, name, _array_bytes(array)) for group, name, array in _arrays(content)]
    head = {"facts": len(facts), "arrays": [[group, name, len(data)] for group, name, data in parts]}
    return b"".join((json.dumps(head).encode("ascii"), b"\n", facts, *(data for *_, data in parts)))


def message_of_bytes(data: bytes) -> Release:
    """The inverse.

    Raises:
        FederationError: these bytes are no message.
    """
    try:
        line, _, rest = data.partition(b"\n")
        head = json.loads(line[:_LARGEST_HEAD])
        place = int(head["facts"])
        facts = json.loads(rest[:place])
        arrays: dict[str, dict[str, np.ndarray]] = {"tensors": {}, "statistics": {}}
        for group, name, size in head["arrays"]:
            arrays[group][name] = np.load(io.BytesIO(rest[place : place + size]), allow_pickle=False)
            place += size
        if place != len(rest):
            raise ValueError("bytes are left over")
    except (ValueError, KeyError, TypeError, EOFError) as problem:
        raise FederationError(f"these {len(data)} bytes are no message that left ({type(problem).__name__})") from None
    return Release(arrays["tensors"], arrays["statistics"], facts)


def sizes_of(content: Carried) -> dict[str, int]:
    """Field -> bytes of it."""
    facts = {f"facts/{name}": len(json.dumps(value)) for name, value in content.facts.items()}
    return facts | {f"{group}/{name}": len(_array_bytes(array)) for group, name, array in _arrays(content)}


def _arrays(content: Carried) -> list[tuple[str, str, np.ndarray]]:
    groups = {"tensors": content.tensors, "statistics": content.statistics}
    return [(group, name, array) for group, arrays in groups.items() for name, array in arrays.items()]


def _array_bytes(array: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.save(data, np.asarray(array, order="C"), allow_pickle=False)
    return data.getvalue()
