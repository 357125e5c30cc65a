"""Files on disk: read where they are files, written whole or not at all, by one process at a time."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shiftscope.errors import ShiftscopeError

__all__ = ["FileState", "bytes_in", "locked", "open_file", "state_of", "whole_folder", "write_bytes", "write_text"]

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


def bytes_in(path: Path) -> int:
    """Of a file, or of all files in a folder and in the folders within it; links are not followed. What goes meanwhile
    counts as nothing."""
    total, waiting = 0, [path]
    while waiting:
        current = waiting.pop()
        try:
            found = current.lstat()
            if stat.S_ISDIR(found.st_mode):
                waiting += current.iterdir()
            elif stat.S_ISREG(found.st_mode):
                total += found.st_size
        except FileNotFoundError:
            continue
    return total


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


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder for its owner alone (mode 0700) that is filled under another name, and takes its own when all is in it.

    Whoever is interrupted leaves nothing under that name, so a folder that is there was finished.

    Raises:
        ShiftscopeError: there is one already, or it cannot be made there.
    """
    filled = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        filled = Path(tempfile.mkdtemp(prefix=f".{path.name[:_SHOWN]}.", suffix=".part", dir=path.parent))
        yield filled
        filled.rename(path)
        _sync_folder(path.parent)
    except OSError as problem:
        raise ShiftscopeError(
            f"{path}: cannot be made: {problem.strerror}; give another place, or move away what is there"
        ) from None
    finally:
        if filled is not None:
            shutil.rmtree(filled, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class FileState:
    """By which it is seen that somebody has written to a file or put another in its place.

    Attributes:
        inode, size: of the file.
        written, changed: when, in nanoseconds.
    """

    inode: int
    size: int
    written: int
    changed: int


def state_of(path: Path) -> FileState | None:
    """Of a file as it is now; None where there is none.

    Raises:
        OSError: it cannot be looked at.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return FileState(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def locked(path: Path, *, shared: bool = False, wait: bool = True) -> BinaryIO:
    """A lock, once nobody else holds it; closing the file gives it back, and the kernel takes it from whoever dies.

    A process that asks for a lock that it holds already waits for itself.

    Args:
        path: of the lock: an empty file that stays, made with its folder (mode 0700) where there is none.
        shared: beside others who share it, of a file that is there; else alone.
        wait: for whoever holds it.

    Raises:
        BlockingIOError: somebody holds it, and is not waited for.
        OSError: the file cannot be opened, or the file system knows no locks.
    """
    import fcntl  # where there is none, everything but this works

    if not shared:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = path.open("rb" if shared else "ab")
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BaseException:
        file.close()
        raise
    return file


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
