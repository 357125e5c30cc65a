"""Several processes that do pieces of work. What comes of it is given in the order asked, so it never depends on how
many they are. They end with whoever started them, however that ends."""

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

from shiftscope.errors import InputError, ShiftscopeError

__all__ = ["Work", "Workers", "here", "in_processes"]

Work = Callable[[Any, Any], Any]
"""A piece of work: with what a worker holds, and an item. A function of a module, so that other processes find it."""

Workers = Callable[[Work, Iterable[Any]], Iterator[Any]]
"""Do a piece of work with each item, and give the results in the order of the items."""

_PATIENCE_S = 5.0
_AHEAD = 4  # results of a worker that wait for one before them


def here(held: object) -> Workers:
    """Work in this process."""

    def work(do: Work, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            yield do(held, item)

    return work


@contextmanager
def in_processes(count: int, hold: Callable[[], object]) -> Iterator[Workers]:
    """Work in `count` processes, each of which holds what `hold` makes there.

    Raises:
        InputError: a process ended before its work did, most often for want of memory.
    """
    context = _context()
    started = [_start(context, hold) for _ in range(count)]

    def work(do: Work, items: Iterable[Any]) -> Iterator[Any]:
        yield from _in_order(dict(started), do, enumerate(items))

    try:
        yield work
    finally:
        for connection, process in started:
            connection.close()
            process.kill()
        for _, process in started:
            process.join(_PATIENCE_S)


def _context() -> Any:
    """Processes forked from one that has imported what they need and run nothing, where the system can."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "shiftscope.profiles"])
    return context


def _start(context: Any, hold: Callable[[], object]) -> tuple[Connection, BaseProcess]:
    mine, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, hold), daemon=True)
    with _without_main():
        process.start()
    theirs.close()
    return mine, process


@contextmanager
def _without_main() -> Iterator[None]:
    """A new process imports the script that started it, which would run again where it has no guard; what runs there
    needs nothing of it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _in_order(workers: dict[Connection, BaseProcess], do: Work, items: Iterator[tuple[int, Any]]) -> Iterator[Any]:
    """Each worker has one item; results wait for those before them, and not too many."""
    idle, busy, done, following = [*workers], dict[Connection, int](), dict[int, Any](), 0
    while True:
        while following in done:
            yield done.pop(following)
            following += 1
        while idle and len(done) < _AHEAD * len(workers) and (item := next(items, None)) is not None:
            connection = idle.pop()
            busy[connection] = item[0]
            _ask(connection, workers[connection], (do, item[1]))
        if not busy:
            return
        ready = wait([*busy])
        for connection in [each for each in busy if each in ready]:
            done[busy.pop(connection)] = _answer(connection, workers[connection])
            idle.append(connection)


def _ask(connection: Connection, process: BaseProcess, work: tuple[Work, Any]) -> None:
    try:
        connection.send(work)
    except OSError:  # it was killed while it had nothing to do
        raise _ended(process) from None


def _answer(connection: Connection, process: BaseProcess) -> Any:
    try:
        succeeded, value = connection.recv()
    except (EOFError, OSError):
        raise _ended(process) from None
    if succeeded:
        return value
    if isinstance(value, ShiftscopeError):
        raise value
    raise RuntimeError(f"in a process that measures:\n{value}")


def _ended(process: BaseProcess) -> InputError:
    process.join(_PATIENCE_S)
    return InputError(
        f"a process that measures ended with code {process.exitcode}, most often for want of memory; give fewer --jobs"
    )


def _serve(connection: Connection, hold: Callable[[], object]) -> None:
    """The life of a worker: an item, a result, until nobody asks any more."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is for who started this
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    held: object | None = None
    with suppress(EOFError, OSError):
        while True:
            do, item = connection.recv()
            try:
                held = hold() if held is None else held
                answer = (True, do(held, item))
            except ShiftscopeError as problem:
                answer = (False, problem)
            except (MemoryError, torch.cuda.OutOfMemoryError):
                answer = (False, InputError("a process that measures found too little memory; give fewer --jobs"))
            except Exception:  # noqa: BLE001 - told to who asked, whose bug it is
                answer = (False, traceback.format_exc())
            connection.send(answer)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
    os._exit(1)
