"""Why a picture cannot be decoded: without area, cut off, or broken."""

import struct
import zlib
from pathlib import Path
from typing import Literal

from shiftscope.errors import Unreadable

__all__ = ["BROKEN", "refusal"]

BROKEN: tuple[type[Exception], ...] = (
    *(ArithmeticError, EOFError, LookupError, MemoryError, OSError, RuntimeError, SyntaxError, TypeError, ValueError),
    *(struct.error, zlib.error),
)
"""What Pillow and tifffile raise on broken files; a broken header can ask for any amount of memory."""

_SIZE_FIELDS: dict[str, tuple[int, int, Literal["little", "big"]]] = {
    "png": (16, 4, "big"),
    "gif": (6, 2, "little"),
    "bmp": (18, 4, "little"),
}
"""Where a format's header holds the two sides: offset, bytes of each, byte order."""
_CUT_SHORT = (
    "truncated",
    "not enough image data",
    "unexpected end",
    "end of file",
    "eof",
    "buffer is not large enough",
)


def refusal(path: Path, kind: str, problem: Exception) -> Unreadable:
    """Distinguish a file without area and one that was cut off (copy it again) from one that is broken."""
    if kind in _SIZE_FIELDS:
        start, width, order = _SIZE_FIELDS[kind]
        with path.open("rb") as file:
            size = file.read(start + 2 * width)[start:]
        if len(size) == 2 * width and 0 in (int.from_bytes(length, order) for length in (size[:width], size[width:])):
            return Unreadable(path, "zero_size", f"{kind}: a side of the picture is zero")
    message = f"{type(problem).__name__}: {problem}".lower()
    cut = isinstance(problem, EOFError | struct.error) or any(sign in message for sign in _CUT_SHORT)
    if kind == "png" and not cut:
        cut = not _has_end(path)
    return Unreadable(path, "truncated" if cut else "undecodable", f"{kind}: {problem}")


def _has_end(path: Path) -> bool:
    return b"IEND" in path.read_bytes()[-64:]
