"""Files on disk: read where they are files, written whole or not at all."""

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO

from shiftscope.errors import ShiftscopeError

__all__ = ["open_file", "write_bytes", "write_text"]

_SHOWN = 40  # characters of a name in that of its half-written file; four bytes each are still a name


def open_file(path: Path) -> BinaryIO:
    """Open a file of the disk for reading, without waiting for anybody to write it.

    Raises:
        OSError: it cannot be opened, or is a pipe, a device or a folder, which may never end.
        ValueError: the name holds a null byte.
    """
    return open(path, "rb", opener=_open_regular)


def _open_regular(name: str, flags: int) -> int:
    descriptor = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", name)
    raise OSError(errno.EINVAL, "it is a pipe or a device; write what it gives to a file and give that", name)


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write `text` as UTF-8, as `write_bytes` does."""
    write_bytes(path, text.encode(), private=private)


def write_bytes(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write `data` in one step that survives a crash: a reader finds the old file or the new one.

    The bytes are on the disk before the file takes its name, so a lost power supply leaves no half document either.

    Args:
        path: its folder is made where there is none.
        private: readable by its owner alone (mode 0600); else as the user's files are.

    Raises:
        ShiftscopeError: it cannot be written there.
    """
    try:
        _write(path, data, private)
    except (OSError, ValueError) as problem:  # a name with a null byte is a plain ValueError
        why = getattr(problem, "strerror", None) or problem
        raise ShiftscopeError(f"{path}: cannot be written: {why}; give another place, or make room there") from None


def _write(path: Path, data: bytes, private: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:_SHOWN]}.", suffix=".part", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(data)
            file.flush()
            if not private:
                os.fchmod(descriptor, 0o666 & ~_umask())
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _umask() -> int:
    """What the user takes off the rights of new files; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """The new name is on the disk too. Not every system opens a folder, and there the file system sees to it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
