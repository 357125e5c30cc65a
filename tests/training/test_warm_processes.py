"""A process that computes: what it answers, how it fails, and that it is gone when it should be."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from shiftscope.disclosure.failure_kinds import FailureElsewhere, kind_of_failure
from shiftscope.errors import EngineError, InputError
from shiftscope.training.joined_sites.warm_processes import WarmProcess
from shiftscope.training.process_kin import MARK

LONG = 120.0


class Counter:
    """Remembers how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def count(self, by: int) -> tuple[int, int]:
        self.asked += by
        return self.asked, os.getpid()

    def fail(self, kind: str) -> None:
        raise {"input": InputError, "memory": MemoryError, "other": LookupError}[kind]("p017 at /data/lung")

    def leave(self) -> None:
        sys.exit("p017")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def die(self) -> None:
        os._exit(9)

    def start(self, how: str) -> int:
        """Start a process that sleeps, as a plan's own code could."""
        if how == "a fork":  # no program of its own, and nobody's child
            read, write = os.pipe()
            if not (between := os.fork()):
                if not os.fork():
                    os.setsid()
                    os.write(write, str(os.getpid()).encode())
                    time.sleep(600)
                os._exit(0)
            os.waitpid(between, 0)
            return int(os.read(read, 20))
        command = {
            "a child": ["sleep", "600"],
            "a session": ["setsid", "sleep", "600"],
            "an orphan": ["sh", "-c", "sleep 600 >/dev/null & echo $!"],
            "an orphan with a session": ["sh", "-c", "setsid sleep 600 >/dev/null & echo $!"],
        }[how]
        if "orphan" not in how:
            return subprocess.Popen(command).pid
        return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


@pytest.fixture(scope="module")
def process() -> Iterator[WarmProcess]:
    made = WarmProcess(Counter)
    yield made
    made.close()


def test_it_stays_warm_and_remembers(process: WarmProcess) -> None:
    first, pid = process.ask("count", 2, seconds=LONG)
    assert process.ask("count", 3, seconds=LONG) == (first + 3, pid)
    assert pid != os.getpid()


@pytest.mark.parametrize(("kind", "named"), [("input", "InputError"), ("memory", "MemoryError"), ("other", "Failure")])
def test_an_error_over_there_keeps_its_kind_and_its_text(process: WarmProcess, kind: str, named: str) -> None:
    with pytest.raises(FailureElsewhere, match="p017 at /data/lung") as caught:
        process.ask("fail", kind, seconds=LONG)
    assert kind_of_failure(caught.value) == named


def test_what_would_end_it_is_an_error_too(process: WarmProcess) -> None:
    with pytest.raises(FailureElsewhere, match="p017"):
        process.ask("leave", seconds=LONG)
    assert process.ask("count", 0, seconds=LONG)[0] >= 0


def test_what_takes_too_long_is_ended_and_the_next_question_starts_anew(process: WarmProcess) -> None:
    _, pid = process.ask("count", 1, seconds=LONG)
    since = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer within 0.5 s"):
        process.ask("sleep", 600, seconds=0.5)
    assert time.monotonic() - since < 60
    assert not psutil.pid_exists(pid)
    assert process.ask("count", 1, seconds=LONG)[0] == 1


def test_one_that_cannot_be_ended_now_is_not_waited_for(process: WarmProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that waits for a disk which does not answer ends when that does, whatever it is sent."""
    process.ask("count", 1, seconds=LONG)
    assert process._running is not None
    stubborn = process._running[0]
    monkeypatch.setattr(psutil.Process, "kill", lambda _process: None)
    since = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer within 0.5 s"):
        process.ask("sleep", 600, seconds=0.5)
    assert time.monotonic() - since < 60
    os.kill(stubborn.pid or 0, 9)
    stubborn.join()


def test_a_death_is_reported_and_the_next_question_starts_anew(process: WarmProcess) -> None:
    with pytest.raises(EngineError, match="ended with code 9"):
        process.ask("die", seconds=LONG)
    assert process.ask("count", 1, seconds=LONG)[0] == 1


def lives(pid: int) -> bool:
    """What is defunct no longer does."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def await_end(pid: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while lives(pid):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.05)


WAYS = ["a child", "a session", "an orphan", "an orphan with a session", "a fork"]


@pytest.mark.parametrize("how", WAYS)
def test_what_it_started_ends_with_it_where_it_takes_too_long(process: WarmProcess, how: str) -> None:
    started = process.ask("start", how, seconds=LONG)
    assert lives(started)
    with pytest.raises(TimeoutError, match=r"no answer within 0\.5 s"):
        process.ask("sleep", 600, seconds=0.5)
    await_end(started, 1)


@pytest.mark.parametrize("how", WAYS)
def test_what_it_started_ends_where_it_dies(process: WarmProcess, how: str) -> None:
    started = process.ask("start", how, seconds=LONG)
    with pytest.raises(EngineError, match="ended with code 9"):
        process.ask("die", seconds=LONG)
    await_end(started, 1)


def test_nobody_else_is_ended_with_it(process: WarmProcess) -> None:
    """A child of who started it, and the process of another object."""
    beside, other = subprocess.Popen(["sleep", "600"]), WarmProcess(Counter)
    _, pid = other.ask("count", 1, seconds=LONG)
    process.ask("count", 1, seconds=LONG)
    process.close()
    assert beside.poll() is None
    assert other.ask("count", 1, seconds=LONG) == (2, pid)
    assert MARK not in os.environ
    beside.kill()
    beside.wait()
    other.close()
    await_end(pid, 1)


@pytest.mark.slow
@pytest.mark.parametrize("busy", [True, False])
@pytest.mark.parametrize("how", ["a child", "an orphan with a session"])
def test_it_ends_with_who_started_it_however_that_ends(tmp_path: Path, how: str, busy: bool) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, sys, threading\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_warm_processes import Counter, WarmProcess\n"
        "if __name__ == '__main__':\n"
        "    process = WarmProcess(Counter)\n"
        "    print(process.ask('count', 1, seconds=120)[1], flush=True)\n"
        f"    print(process.ask('start', {how!r}, seconds=120), flush=True)\n"
        f"    if {busy}:\n"
        "        threading.Thread(target=lambda: process.ask('sleep', 600, seconds=600), daemon=True).start()\n"
        "    sys.stdin.read(1)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    parent = subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdin is not None
    assert parent.stdout is not None
    child, started = int(parent.stdout.readline()), int(parent.stdout.readline())
    assert (lives(child), lives(started)) == (True, True)
    parent.communicate("x", timeout=60)
    await_end(child)
    await_end(started)
