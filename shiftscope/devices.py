"""Where tensors are computed."""

import logging
import os
from contextlib import suppress
from pathlib import Path

from shiftscope.errors import UsageError

__all__ = ["find_device", "free_memory_bytes", "usable_cores"]

_LOGGER = logging.getLogger(__name__)

_MEMORY, _CONTAINER = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


def find_device(wanted: str) -> str:
    """ "cpu" or "cuda"; the GPU for "auto" where there is one.

    Raises:
        UsageError: "cuda" is asked for and there is none, or another name is given.
    """
    import torch

    if wanted not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device {wanted}: expected auto, cpu or cuda")
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UsageError("--device cuda: no GPU that torch can use; try --device cpu")
    if wanted == "auto" and not available:
        _LOGGER.info("no GPU found: computing on the CPU")
    return "cuda" if available and wanted != "cpu" else "cpu"


def usable_cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_memory_bytes() -> int | None:
    """Memory that can be had without taking it from others, within what a container or a scheduler allows; None where
    the system does not say."""
    found = []
    with suppress(OSError, ValueError):  # another system
        found.append(1024 * _figure(_MEMORY, "MemAvailable:"))
    with suppress(OSError, ValueError):  # no container, or "max"
        limit, used = (
            int((_CONTAINER / name).read_text(encoding="ascii")) for name in ("memory.max", "memory.current")
        )
        kept = _figure(_CONTAINER / "memory.stat", "inactive_file")  # of files that were read, given back when asked
        found.append(limit - used + kept)
    return min(found, default=None)


def _figure(file: Path, name: str) -> int:
    for line in file.read_text(encoding="ascii").splitlines():
        found, *figures = line.split()
        if found == name:
            return int(figures[0])
    raise ValueError(f"{file}: no {name}")
