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

from shiftscope.errors import EngineError

__all__ = ["Processes", "adopting", "free_port", "interruptible", "process_table", "tool", "undisturbed"]

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
        self.seen: set[int] = set()

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
        self.seen.add(process.pid)
        return process

    def stop(self) -> None:
        """End every process of this run: asked first, killed after `PATIENCE_S`."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + PATIENCE_S
            told: set[int] = set()
            while pids := self.alive():
                for pid in pids - told:
                    _send(pid, sent)
                told |= pids
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)
        for process in self.started:
            process.wait()
        self._reap()

    def alive(self) -> set[int]:
        """Living processes of this run: on Linux with all descendants, whoever adopted them meanwhile."""
        if sys.platform != "linux":
            return {process.pid for process in self.started if process.poll() is None}
        table = list(process_table())
        self.seen |= {pid for pid, _, _ in table if pid not in self.seen and _carries(pid, self.mark)}
        while True:
            kin = {pid for pid, parent, session in table if {pid, parent, session} & self.seen}
            if kin <= self.seen:
                return kin
            self.seen |= kin

    def _reap(self) -> None:
        """Bury the orphans that `adopting` made ours; without it they are the init process's."""
        deadline = time.monotonic() + PATIENCE_S
        orphans = self.seen - {process.pid for process in self.started}
        while orphans and time.monotonic() < deadline:
            orphans = {pid for pid in orphans if _dying(pid)}
            time.sleep(0.02)


def _dying(pid: int) -> bool:
    """Whether `pid` still stands in the table: not quite ended, or its dying parent not quite through with it."""
    with suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    return Path("/proc", str(pid)).exists()


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
    """A second Ctrl-C does not break off the clean-up of the first."""
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _send(pid: int, number: int) -> None:
    """To one process; on other systems than Linux to its session, where its children are."""
    try:
        if sys.platform == "linux":
            os.kill(pid, number)
        else:
            os.killpg(pid, number)
    except ProcessLookupError:
        return


def _carries(pid: int, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in Path("/proc", str(pid), "environ").read_bytes()
    except OSError:  # gone meanwhile, or another user's
        return False


def process_table() -> Iterator[tuple[int, int, int]]:
    """Every living process as (pid, parent, session), from /proc; what is defunct is no longer living."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # gone meanwhile
                state, parent, _group, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
                if state not in "ZX":
                    yield int(folder.name), int(parent), int(session)
