"""Patterns that owners write: checked before they are used, and given some seconds, for some never end."""

import re
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import AfterValidator

from shiftscope.errors import InputError
from shiftscope.printable_text import shown

__all__ = ["Pattern", "compiled", "within_seconds"]

_LONGEST = 500  # characters of a pattern

SECONDS = 10.0
"""For all names of a site together: a million of them take two."""


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, ready to be searched for.

    Raises:
        ValueError: it is not a regular expression, or too long or too deep for one.
    """
    if len(pattern) > _LONGEST:
        raise ValueError(f"expected a regular expression of {_LONGEST} characters at the most, not {len(pattern)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what other versions of Python may read otherwise
            return re.compile(pattern)
    except (re.error, RecursionError, OverflowError, MemoryError) as problem:
        raise ValueError(f"is not a regular expression: {problem}") from None


def _usable(pattern: str) -> str:
    compiled(pattern)
    return pattern


Pattern = Annotated[str, AfterValidator(_usable)]
"""A regular expression."""


@contextmanager
def within_seconds(pattern: str) -> Iterator[None]:
    """Stop a search that takes too long: a pattern such as (a+)+$ tries every way to divide a name.

    It takes a timer that interrupts the main thread; elsewhere, and on systems without one, nothing is stopped.

    Args:
        pattern: what is searched for, for the message.

    Raises:
        InputError: it took longer than `SECONDS`.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: object) -> None:
        raise InputError(
            f"the pattern for patients, {shown(pattern)}, takes more than {SECONDS:g} s on these names; write one that"
            " does not repeat what repeats, such as (a+)+, or use a manifest with a patient column"
        )

    before = signal.signal(signal.SIGALRM, stop)
    left, again = signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, again)
        signal.signal(signal.SIGALRM, before)
