"""A process and all that it started, and what these started, so that none of them is left behind.

A child inherits the mark in its environment, whoever adopts it; but a program that rewrites its title (Ray's do) writes
over it, so whoever descends from a known process, or shares its session, is known as well.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil

__all__ = ["MARK", "ProcessKin"]

MARK = "SHIFTSCOPE_RUN"
"""The variable in which the mark stands."""


class ProcessKin:
    """All that was started with one mark.

    Attributes:
        mark: in their environment.
        known: those seen so far, and those added.
    """

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.known: set[psutil.Process] = set()

    def add(self, pid: int) -> None:
        """One more whose kin it is; nothing where it has ended."""
        with suppress(psutil.NoSuchProcess):
            self.known.add(psutil.Process(pid))

    def living(self) -> set[psutil.Process]:
        """Those that live, all descendants among them, whoever adopted them meanwhile."""
        table = list(_living())
        self.known |= {process for process, _, _ in table if process not in self.known and self._is_marked(process)}
        while True:
            strangers = {process.pid for process, _, _ in table if process not in self.known}  # one may reuse a number
            numbers = {process.pid for process in self.known} - strangers
            kin = {process for process, *above in table if process in self.known or not numbers.isdisjoint(above)}
            if kin <= self.known:
                return kin
            self.known |= kin

    def kill(self, patience_s: float, spared: int = 0) -> None:
        """End them at once, and whatever they still start meanwhile; one that waits for a disk ends when that answers.

        Args:
            patience_s: seconds after which those that live on are left.
            spared: the number of one that is not ended.
        """
        deadline = time.monotonic() + patience_s
        while alive := {process for process in self.living() if process.pid != spared}:
            for process in alive:
                with suppress(psutil.Error):  # gone meanwhile; a number given to another process is never hit
                    process.kill()
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)

    def _is_marked(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error, OSError):  # gone meanwhile, or another user's
            return bool(process.environ().get(MARK) == self.mark)
        return False


def _living() -> Iterator[tuple[psutil.Process, int, int]]:
    """Every living process with its parent's number and its session's; what is defunct is no longer living."""
    for pid in psutil.pids():
        with suppress(psutil.Error, OSError):  # gone meanwhile
            process = psutil.Process(pid)
            with process.oneshot():
                if process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                    yield process, process.ppid(), os.getsid(pid)
