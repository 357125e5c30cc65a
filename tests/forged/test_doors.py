"""Whatever is given in a document's place, every command answers: no pipe is waited for, no name is a bug."""

import os
import shlex
from pathlib import Path

import pytest
from honest_documents import PROFILES, part_of, trial_setup_of
from mutations import as_json

from shiftscope.plans import PlannedSite, write_plan
from shiftscope.profiles import Part

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


def part_at(site: str) -> Part:
    """A part of the site."""
    part = part_of()
    return part.model_copy(update={"origin": part.origin.model_copy(update={"site": site})})


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
        done = run(*(argument.format(odd=odd, **known) for argument in COMMANDS[command].split()))
        assert done.code == 2 or (done.code == 0 and command == "key" and odd.name == "loop"), (odd, done.err)


@pytest.mark.parametrize(
    "command", ["recommend {a} {b} -o {odd}", "report {a} -o {odd}", "check {a} --against {a} -o {odd}"]
)
def test_an_answer_that_cannot_be_written_is_reported(run, tmp_path: Path, profile: Path, command: str) -> None:
    other = tmp_path / "b.profile.json"
    other.write_bytes(as_json(PROFILES["classes-b"]))
    (tmp_path / "folder.md").mkdir()
    for odd in (tmp_path / "folder.md", profile / "x.md", tmp_path / ("x" * 300 + ".md"), Path("/proc/x/y.md")):
        done = run(*(argument.format(odd=odd, a=profile, b=other) for argument in command.split()))
        assert done.code == 2, (odd, done.err)


def test_a_name_on_the_command_line_makes_no_line_of_its_own(run, tmp_path: Path) -> None:
    odd = tmp_path / "a\nerror: all is well\x1b[2J\u202e"
    for words in (("recommend", odd), ("explain", odd), ("profile", odd), ("profile", tmp_path, f"--x\n{odd}")):
        done = run(*words)
        assert done.code == 2
        assert "\nerror: all is well" not in done.err
        assert "\x1b[2J" not in done.err


@pytest.mark.parametrize("site", ["../../elsewhere", "/elsewhere", "a/b", "a\\b", "..", ".hidden", "c:x"])
def test_no_name_of_a_site_leads_elsewhere(
    run, fixtures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: str
) -> None:
    part = tmp_path / "here" / "x.part.json"
    part.parent.mkdir()
    part_at(site).write(part)
    monkeypatch.chdir(part.parent)
    for words in (("merge", part), ("profile", fixtures / "twins" / "east", "--site", site, "--one-file-per-patient")):
        done = run(*words)
        assert done.code == 2
        assert "no name for a file: say with -o" in done.err
    assert [path.name for path in tmp_path.rglob("*")] == ["here", "x.part.json"]
    assert run("merge", part, "-o", tmp_path / "said.json").code == 0


def test_commands_that_are_proposed_can_be_typed(run, tmp_path: Path) -> None:
    site = "it's $(touch x)"
    planned = PlannedSite(fingerprint="", patients=1, cases=1)
    write_plan(trial_setup_of().plan.model_copy(update={"sites": {site: planned}}), tmp_path / "plan.toml")
    done = run("train", tmp_path / "plan.toml", "--engine", "inline", "-o", tmp_path / "run")
    assert done.code == 2
    assert f"--data {shlex.quote(site + '=DIR')}" in done.err
    part_at(site).write(tmp_path / "a.part.json")
    part_at("other").write(tmp_path / "b.part.json")
    done = run("merge", tmp_path / "a.part.json", tmp_path / "b.part.json")
    assert f"--site {shlex.quote(site)}" in done.err
