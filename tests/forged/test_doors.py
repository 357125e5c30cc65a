"""Whatever is given in a document's place, every command answers: no pipe is waited for, no name is a bug."""

import os
from pathlib import Path

import pytest
from honest_documents import PROFILES
from mutations import as_json

COMMANDS = {
    "recommend": "recommend {odd} {profile}",
    "report": "report {profile} {odd} -o {out}/x.html",
    "result": "report {profile} --result {odd} -o {out}/x.html",
    "plan": "report {profile} --plan {odd} -o {out}/x.html",
    "check": "check {odd} --against {profile}",
    "policy": "check {profile} --against {profile} --policy {odd}",
    "watch": "watch {profile} {odd}",
    "merge": "merge {odd} -o {out}/x.json",
    "train": "train {odd} --engine inline -o {out}/run",
    "harmonize": "harmonize {site} --plan {odd} -o {out}/copies",
    "profile": "profile {odd} -o {out}/x.json",
    "site file": "profile {site} --site-file {odd} -o {out}/x.json",
    "key": "profile {site} --part {out}/x.part.json --key {odd}",
    "fit": "profile {site} --part {out}/x.part.json --fit {odd}",
}


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "a.profile.json"
    path.write_bytes(as_json(PROFILES["classes-a"]))
    return path


@pytest.mark.timeout(60)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_pipe_is_waited_for_and_no_path_is_a_bug(
    run, fixtures: Path, tmp_path: Path, profile: Path, command: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    known = {"profile": str(profile), "out": str(tmp_path), "site": str(fixtures / "twins" / "east")}
    for odd in (tmp_path / "pipe", tmp_path / "loop", tmp_path / ("x" * 300), profile / "x", Path("/dev/zero")):
        done = run(*(word.format(odd=odd, **known) for word in COMMANDS[command].split()))
        assert done.code == 2 or (done.code == 0 and command == "key" and odd.name == "loop"), (odd, done.err)


@pytest.mark.parametrize(
    "command", ["recommend {a} {b} -o {odd}", "report {a} -o {odd}", "check {a} --against {a} -o {odd}"]
)
def test_an_answer_that_cannot_be_written_is_told(run, tmp_path: Path, profile: Path, command: str) -> None:
    other = tmp_path / "b.profile.json"
    other.write_bytes(as_json(PROFILES["classes-b"]))
    (tmp_path / "folder.md").mkdir()
    for odd in (tmp_path / "folder.md", profile / "x.md", tmp_path / ("x" * 300 + ".md"), Path("/proc/x/y.md")):
        done = run(*(word.format(odd=odd, a=profile, b=other) for word in command.split()))
        assert done.code == 2, (odd, done.err)


def test_a_name_on_the_command_line_makes_no_line_of_its_own(run, tmp_path: Path) -> None:
    odd = tmp_path / "a\nerror: all is well\x1b[2J\u202e"
    for words in (("recommend", odd), ("explain", odd), ("profile", odd), ("profile", tmp_path, f"--x\n{odd}")):
        done = run(*words)
        assert done.code == 2
        assert "\nerror: all is well" not in done.err
        assert "\x1b[2J" not in done.err
