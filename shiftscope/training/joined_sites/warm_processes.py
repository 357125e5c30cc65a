"""A process that computes, stays warm between questions, and is ended where it takes too long."""

import multiprocessing
import os
import secrets
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from typing import Any

from shiftscope.disclosure.failure_kinds import FailureElsewhere, kind_of_failure
from shiftscope.errors import EngineError
from shiftscope.training.process_kin import MARK, ProcessKin

__all__ = ["WarmProcess"]

_PATIENCE_S, _LOOKED_S = 5.0, 1.0


class WarmProcess:
    """Calls methods of an object that lives in another process.

    The process is started with the first question and again after it died. It ends when this one does, however that
    ends; it never answers later than it is waited for. With it ends all that it has started, a plan's own code too.

    Args:
        make: makes the object, over there; importable by its name.
    """

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._running: tuple[BaseProcess, Connection] | None = None
        self._kin = ProcessKin("")

    @property
    def pid(self) -> int | None:
        """Of the process that was asked last; None where it was ended, and before the first question."""
        return self._running[0].pid if self._running else None

    def ask(self, method: str, *arguments: Any, seconds: float) -> Any:
        """What the method returns.

        Raises:
            FailureElsewhere: it raised; its kind and its text are known.
            TimeoutError: no answer within so many seconds; the process was ended.
            EngineError: the process died.
        """
        process, connection = self._running or self._start()
        try:
            connection.send((method, arguments))
            if not _comes(process, connection, seconds):
                self.close()
                raise TimeoutError(f"{method}: no answer within {seconds:g} s; its process was ended")
            if not connection.poll():
                raise EOFError("it died, and a fork of it holds the connection")
            succeeded, value = connection.recv()
        except (EOFError, OSError) as problem:
            if isinstance(problem, TimeoutError):
                raise
            process.join(_PATIENCE_S)
            code = process.exitcode
            self.close()
            raise EngineError(
                f"{method}: the process that computes ended with code {code}, most often for want of memory"
            ) from None
        if succeeded:
            return value
        raise FailureElsewhere(*value)

    def close(self) -> None:
        """End the process and all that it has started, if there is one."""
        if self._running is None:
            return
        process, connection = self._running
        self._running = None
        connection.close()
        self._kin.kill(_PATIENCE_S)
        process.join(_PATIENCE_S)  # one that waits for a disk that does not answer cannot be ended before that does
        if process.exitcode is not None:
            process.close()

    def _start(self) -> tuple[BaseProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, self._make), daemon=True)
        self._kin = ProcessKin(secrets.token_hex(16))
        ensure_running()  # Python's own process beside all that are spawned here, which is none of one's kin
        with _marking(self._kin.mark):
            process.start()
        self._kin.add(process.pid or 0)
        there.close()
        self._running = (process, here)
        return self._running


def _comes(process: BaseProcess, connection: Connection, seconds: float) -> bool:
    """Whether an answer comes, or the process dies, within so many seconds.

    Both ends of what tells so are inherited by whatever the process has forked, which may outlive it: so its death is
    looked for too.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if wait([connection, process.sentinel], timeout=min(left, _LOOKED_S)) or process.exitcode is not None:
            return True
    return False


def _serve(connection: Connection, make: Callable[[], object]) -> None:
    """The life of the other process: a question, an answer, until nobody asks any more."""
    os.setsid()  # a Ctrl-C in the terminal is for who started this; what is started here is known by the session
    threading.Thread(target=_end_with_parent, daemon=True).start()
    computing: object | None = None
    with suppress(EOFError, OSError):
        while True:
            method, arguments = connection.recv()
            try:
                computing = make() if computing is None else computing
                answer = (True, getattr(computing, method)(*arguments))
            except (Exception, SystemExit) as problem:  # noqa: BLE001 - told to who asked, who knows what may be said
                answer = (False, (kind_of_failure(problem), traceback.format_exc()))
            connection.send(answer)
    _end_with_kin()  # which nobody else does where who started this has died


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
    _end_with_kin()


def _end_with_kin() -> None:
    kin = ProcessKin(os.environ[MARK])
    kin.add(os.getpid())
    kin.kill(_PATIENCE_S, spared=os.getpid())
    os._exit(1)


@contextmanager
def _marking(mark: str) -> Iterator[None]:
    """What is started meanwhile inherits a mark, and so does all that it starts."""
    before = os.environ.get(MARK)
    os.environ[MARK] = mark
    try:
        yield
    finally:
        if before is None:
            del os.environ[MARK]
        else:
            os.environ[MARK] = before
