"""Processes of a run: each is known by a mark or by its ancestors, so none is left behind and no other is touched.

A child inherits the mark in its environment, whoever adopts it; but a program that rewrites its title (Ray's do) writes
over it, so whoever descends from a known process, or shares its session, is known as well.
"""

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from shiftscope.errors import EngineError

__all__ = ["Processes", "adopting", "free_port", "tool"]

MARK = "SHIFTSCOPE_RUN"
PATIENCE_S = 5.0
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def tool(name: str) -> str:
    """A command of the installation this interpreter belongs to, whatever PATH says.

    Raises:
        EngineError: it is not there.
    """
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        raise EngineError(f"{path}: not found; run: pip install 'shiftscope-fl[train]' with {sys.executable}")
    return str(path)


def free_port() -> int:
    """A port of the loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Processes:
    """Start commands in sessions of their own, and end them with everything they started."""

    def __init__(self, env: Mapping[str, str], folder: Path, log: Path) -> None:
        self.mark = secrets.token_hex(16)
        self.env = {**os.environ, **env, MARK: self.mark}
        self.folder = folder
        self.log = log
        self.started: list[subprocess.Popen[bytes]] = []
        self.known: set[psutil.Process] = set()

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Run `command`, its output appended to the log; a Ctrl-C in the terminal does not reach it."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=self.folder,
                start_new_session=True,
            )
        self.started.append(process)
        self.known.add(psutil.Process(process.pid))
        return process

    def stop(self) -> None:
        """End every process of this run: asked first, killed after `PATIENCE_S`."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + PATIENCE_S
            notified: set[psutil.Process] = set()
            while alive := self._alive():
                for process in alive - notified:
                    with suppress(psutil.Error):  # gone meanwhile; a number given to another process is never hit
                        process.send_signal(sent)
                notified |= alive
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)
        for command in self.started:
            command.wait()
        self._reap()

    def alive(self) -> set[int]:
        """Numbers of the living processes of this run, all descendants among them, whoever adopted them meanwhile."""
        return {process.pid for process in self._alive()}

    def _alive(self) -> set[psutil.Process]:
        table = list(_living())
        self.known |= {process for process, _, _ in table if process not in self.known and self._is_marked(process)}
        while True:
            strangers = {process.pid for process, _, _ in table if process not in self.known}  # one may reuse a number
            numbers = {process.pid for process in self.known} - strangers
            kin = {process for process, *above in table if process in self.known or not numbers.isdisjoint(above)}
            if kin <= self.known:
                return kin
            self.known |= kin

    def _is_marked(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error, OSError):  # gone meanwhile, or another user's
            return bool(process.environ().get(MARK) == self.mark)
        return False

    def _reap(self) -> None:
        """Bury the orphans that `adopting` made ours; without it they are the init process's."""
        deadline = time.monotonic() + PATIENCE_S
        ours = {command.pid for command in self.started}
        orphans = {process for process in self.known if process.pid not in ours}
        while orphans and time.monotonic() < deadline:
            orphans = {process for process in orphans if _dying(process)}
            time.sleep(0.02)


def _living() -> Iterator[tuple[psutil.Process, int, int]]:
    """Every living process with its parent's number and its session's; what is defunct is no longer living."""
    for pid in psutil.pids():
        with suppress(psutil.Error, OSError):  # gone meanwhile
            process = psutil.Process(pid)
            with process.oneshot():
                if process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                    yield process, process.ppid(), os.getsid(pid)


def _dying(process: psutil.Process) -> bool:
    """Whether it still stands in the table: not quite ended, or its dying parent not quite through with it."""
    if not process.is_running():
        return False
    with suppress(ChildProcessError):
        return os.waitpid(process.pid, os.WNOHANG)[0] == 0
    return bool(process.is_running())


@contextmanager
def adopting() -> Iterator[None]:
    """Orphans become this process's children (Linux), so that none stays defunct where init does not reap."""
    if sys.platform != "linux":
        yield
        return
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
