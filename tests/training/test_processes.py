"""Whatever a run starts, and whatever that starts, ends with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from shiftscope.errors import EngineError
from shiftscope.training.federation.flower.processes import Processes, adopting, free_port, tool

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="descendants are followed through /proc")

RUNAWAY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
if sys.argv[2] == "stay":
    time.sleep(600)
"""


def there(pid: int) -> bool:
    return Path("/proc", str(pid)).exists()


def start(processes: Processes, folder: Path, how: str) -> list[int]:
    processes.start(sys.executable, "-c", RUNAWAY, str(folder / "pids"), how)
    deadline = time.monotonic() + 20
    while not (folder / "pids").exists() or not (folder / "pids").read_text():
        assert time.monotonic() < deadline
        processes.alive()
        time.sleep(0.02)
    return [int(pid) for pid in (folder / "pids").read_text().split()]


@LINUX
@pytest.mark.parametrize("how", ["stay", "leave"])
def test_children_in_other_sessions_and_orphans_end_too(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shiftscope.training.federation.flower.processes.PATIENCE_S", 0.5)
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        with adopting():
            processes = Processes({}, tmp_path, tmp_path / "log")
            pids = start(processes, tmp_path, how)
            assert processes.alive() <= set(pids)
            assert pids[1] in processes.alive()
            processes.stop()
        assert not any(there(pid) for pid in pids)
        assert processes.alive() == set()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_output_goes_to_the_log_and_the_environment_is_ours(tmp_path: Path) -> None:
    processes = Processes({"SHIFTSCOPE_TEST": "yes"}, tmp_path, tmp_path / "log")
    code = "import os; print(os.environ['SHIFTSCOPE_TEST'], os.getcwd(), os.getsid(0) == os.getpid())"
    processes.start(sys.executable, "-c", code).wait()
    assert (tmp_path / "log").read_text().split() == ["yes", str(tmp_path), "True"]
    processes.stop()
    assert "SHIFTSCOPE_TEST" not in os.environ


def test_tools_come_from_this_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert Path(tool("flwr")).parent == Path(sys.executable).parent
    with pytest.raises(EngineError, match="not-a-tool: not found; run: pip install"):
        tool("not-a-tool")
    assert 1024 <= free_port() < 65536


@LINUX
def test_who_got_the_number_of_one_that_ended_is_a_stranger(tmp_path: Path) -> None:
    processes = Processes({}, tmp_path, tmp_path / "log")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True) as stranger:
        ended = psutil.Process(stranger.pid)
        ended._ident = (stranger.pid, 0.0)  # of the same number, begun at another time
        processes.kin.known.add(ended)
        try:
            assert processes.alive() == set()
            processes.stop()
            assert stranger.poll() is None
        finally:
            stranger.kill()


@LINUX
def test_who_is_killed_without_a_word_leaves_no_command_behind(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, sys\n"
        "from shiftscope.training.federation.flower.processes import Processes\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "child = Processes({}, folder, folder / 'log').start('sleep', '600')\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, timeout=300, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    child, deadline = int(killed.stdout), time.monotonic() + 30
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "it outlived who started it"
        time.sleep(0.1)
