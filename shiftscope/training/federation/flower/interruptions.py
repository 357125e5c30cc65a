"""How a run ends when somebody asks it to: Ctrl-C and a polite kill alike, and no second one disturbs the clean-up."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["interruptible", "undisturbed"]


@contextmanager
def interruptible() -> Iterator[None]:
    """A polite kill (SIGTERM, as schedulers send) ends the block like Ctrl-C does, so that clean-up runs."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def undisturbed() -> Iterator[None]:
    """A second Ctrl-C does not break off the clean-up of the first; it only ever reaches the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
