"""Processes of a run: they and all that they start are known, so none is left behind and no other is touched."""

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from shiftscope.errors import EngineError
from shiftscope.training.process_kin import MARK, ProcessKin

__all__ = ["Processes", "adopting", "free_port", "tool"]

PATIENCE_S = 5.0
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


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
        self.kin = ProcessKin(secrets.token_hex(16))
        self.env = {**os.environ, **env, MARK: self.kin.mark}
        self.folder = folder
        self.log = log
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Run `command`, its output appended to the log; a Ctrl-C in the terminal does not reach it.

        It is asked to end when this process dies without having stopped it, as by `kill -9` (Linux).
        """
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=_ending_with_parent(),
            )
        self.started.append(process)
        self.kin.add(process.pid)
        return process

    def stop(self) -> None:
        """End every process of this run: asked first, killed after `PATIENCE_S`."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + PATIENCE_S
            notified: set[psutil.Process] = set()
            while alive := self.kin.living():
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
        return {process.pid for process in self.kin.living()}

    def _reap(self) -> None:
        """Bury the orphans that `adopting` made ours; without it they are the init process's."""
        deadline = time.monotonic() + PATIENCE_S
        ours = {command.pid for command in self.started}
        orphans = {process for process in self.kin.known if process.pid not in ours}
        while orphans and time.monotonic() < deadline:
            orphans = {process for process in orphans if _dying(process)}
            time.sleep(0.02)


def _ending_with_parent() -> Callable[[], object] | None:
    """What a child does first; Linux tells it when the thread that started it is gone."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


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
