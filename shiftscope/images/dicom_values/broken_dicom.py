"""What pydicom raises on broken files, as reasons."""

import contextlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from pydicom.errors import BytesLengthException

from shiftscope.errors import Unreadable

__all__ = ["BROKEN", "cause", "refusing"]

BROKEN: tuple[type[Exception], ...] = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError, StopIteration),
    *(TypeError, ValueError, BytesLengthException, struct.error, zlib.error),
)
"""What pydicom and its plugins raise on broken files."""


@contextlib.contextmanager
def refusing(path: Path, what: str) -> Iterator[None]:
    """Turn what pydicom raises into `Unreadable`.

    pydicom converts an element when it is first looked at, so a broken one can raise wherever a tag is read, deep
    inside functional groups too: the whole reading of a file stands inside this context.
    """
    try:
        yield
    except Unreadable:
        raise
    except EOFError:
        raise Unreadable(path, "truncated", f"{what} ends early") from None
    except BROKEN as problem:
        raise Unreadable(path, "undecodable", f"{what} cannot be read: {cause(problem)}") from None


def cause(problem: BaseException) -> str:
    """What a decoder said: pydicom lists one line per plugin under a general first line."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()] or [type(problem).__name__]
    return lines[min(1, len(lines) - 1)]
