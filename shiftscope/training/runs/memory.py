"""The most memory a process held over a stretch of work."""

from pathlib import Path

import torch

__all__ = ["measure_from_here", "peak_bytes", "resident_bytes"]

_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
_RESET_PEAK = "5"  # proc(5): resets the peak resident set size to the present one


def measure_from_here(device: str) -> bool:
    """Forget earlier peaks; False where the system cannot."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return True
    try:
        _CLEAR.write_text(_RESET_PEAK, encoding="ascii")
    except OSError:
        return False
    return True


def peak_bytes(device: str) -> int | None:
    """The most since `measure_from_here`: resident memory of the process, or of tensors on the GPU; None if unknown.

    The process is the whole of it: libraries, and the images of every site it serves. In one process for all sites
    ("inline") a site's figure holds the others' images too; only what a round adds is its own.
    """
    return int(torch.cuda.max_memory_allocated()) if device == "cuda" else _status_bytes("VmHWM:")


def resident_bytes(device: str) -> int | None:
    """What the process holds now, in the terms of `peak_bytes`."""
    return int(torch.cuda.memory_allocated()) if device == "cuda" else _status_bytes("VmRSS:")


def _status_bytes(key: str) -> int | None:
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith(key)]
    return int(found[0][1]) * 1024 if found else None
