"""Random numbers that depend on nothing but what is named, and sums that come in one order."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["generator", "seeded", "single_threaded"]


def generator(*parts: object) -> np.random.Generator:
    """A generator that depends on nothing but `parts`."""
    return np.random.default_rng(_entropy(*parts))


@contextmanager
def seeded(*parts: object) -> Iterator[None]:
    """Torch's random state set from `parts` inside, as it was outside; a GPU's too where this process uses one."""
    on_gpu = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=None if on_gpu else ()):
        torch.manual_seed(_entropy(*parts) % 2**63)
        yield


@contextmanager
def single_threaded() -> Iterator[None]:
    """One torch thread: sums come in one order on every engine and machine load.

    On a GPU convolutions keep single precision and one order as well; other operations may still sum in any order.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_num_threads(before)


def _entropy(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:16], "big")
