"""The terminal: help with examples, suggestions, colour that nothing depends on."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shiftscope.cli import app

COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback is not None]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOURS = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7]|38|4[0-7])[0-9;]*m")


def on_a_terminal(*arguments: object, **environment: str) -> str:
    """What a person sees who types the command at a terminal of 80 columns: answer and talk, escapes included."""
    return drawn_by([sys.executable, "-m", "shiftscope", *map(str, arguments)], **environment)


def drawn_by(command: list[str], **environment: str) -> str:
    """What a process draws at a terminal of 80 columns, escapes included."""
    above, below = pty.openpty()
    plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "CI", "FORCE_COLOR")}
    env = {**plain, "TERM": "xterm-256color", "COLUMNS": "80", **environment}
    with subprocess.Popen(command, stdin=below, stdout=below, stderr=below, env=env) as process:
        os.close(below)
        said = b""
        while True:
            try:
                part = os.read(above, 4096)
            except OSError:  # Linux says so when the other end is closed
                break
            if not part:
                break
            said += part
        process.wait(timeout=60)
    os.close(above)
    return said.decode()


@pytest.fixture(scope="module")
def broken(fixtures: Path) -> Path:
    """A site whose dry run warns of files that cannot be read."""
    return fixtures / "broken" / "wreck"


def test_a_misspelt_command_or_option_is_suggested_once(run) -> None:
    done = run("recomend", "x")
    assert done.code == 2
    assert done.err.count("'recommend'") == 1
    assert "--dry-run" in run("profile", "x", "--dry-rum").err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_shows_an_example(run, name: str) -> None:
    done = run(name, "--help")
    assert done.code == 0
    assert f"Example: shiftscope {name}" in " ".join(done.out.split())
    assert all(len(line) <= 80 for line in done.out.splitlines())


def test_completion_can_be_had(run) -> None:
    done = run("--help")
    assert "--install-completion" in done.out


def test_colour_is_no_part_of_the_answer(broken: Path, tmp_path: Path) -> None:
    """The same words with colour, without, and in a pipe; nothing moves when nobody watches."""
    command = ("profile", broken, "-o", tmp_path / "p.profile.json")
    coloured, plain = on_a_terminal(*command), on_a_terminal(*command, NO_COLOR="1")
    assert COLOURS.search(coloured)
    assert not COLOURS.search(plain)
    piped = subprocess.run(
        [sys.executable, "-m", "shiftscope", *map(str, command)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert "\x1b" not in piped.stdout + piped.stderr
    words = {line.rstrip() for line in piped.stdout.splitlines()}
    for output in (coloured, plain):
        drawn = {line.rstrip() for line in ESCAPES.sub("", output).replace("\r", "\n").splitlines()}
        assert words <= drawn


STEPS = """
import sys, time
from shiftscope.cli.console import progress_bar, say
from shiftscope.progress import Progress
with progress_bar() as report:
    for done in range(1, 5):
        report(Progress("fedavg, seed 0", done, 4, "rounds", f"round {done} of 4: loss 0.1"))
        time.sleep(0.15)
    say("between")
"""


def test_a_run_draws_one_bar_in_a_terminal_and_no_lines() -> None:
    text = ESCAPES.sub("", drawn_by([sys.executable, "-c", STEPS]))
    assert "fedavg, seed 0" in text
    assert "/4" in text
    assert "rounds" in text
    assert "loss" not in text
    assert "between" in text
    assert all(len(line.rstrip()) <= 80 for frame in text.split("\r") for line in frame.split("\n"))


def test_a_run_writes_lines_in_a_pipe_and_no_bar() -> None:
    done = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [f"round {k} of 4: loss 0.1" for k in range(1, 5)] + ["between"]
    assert not done.stdout
