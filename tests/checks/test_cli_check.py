"""`shiftscope check` on the command line: exit codes, forms, folders, the action's steps."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from shiftscope.checks import CheckResult
from shiftscope.cli.check_formats import CheckFormat, form_of
from shiftscope.errors import ShiftscopeError
from shiftscope.profiles import Profile

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def files(planted: Callable[[str], Profile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with profiles: noisy and few (12 patients) go with base, west with east and third."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    clear, noisy = planted("noisier/clear"), planted("noisier/noisy")
    clear.write(tmp_path / "base.profile.json")
    noisy.model_copy(update={"site": "clear"}).write(tmp_path / "noisy.profile.json")
    counts = {"patients": 12, "cases": 12, "masks": 0, "labelled": 0}
    few = {"sketches": dict.fromkeys(clear.sketches), "labels": {}, "by_class": {}, "acquisition": {}, "measures": {}}
    clear.model_copy(update=counts | few).write(tmp_path / "few.profile.json")
    planted("twins/east").write(tmp_path / "east.profile.json")
    planted("twins/west").write(tmp_path / "west.profile.json")
    planted("twins/east").model_copy(update={"site": "third", "fingerprint": "3" * 64}).write(
        tmp_path / "third.profile.json"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["west.profile.json", "--against", "east.profile.json"], 0),
        (["noisy.profile.json", "--against", "base.profile.json"], 1),
        (["noisy.profile.json", "--against", "base.profile.json", "--fail-on", "appearance,files"], 1),
        (["noisy.profile.json", "--against", "base.profile.json", "--fail-on", "structure"], 0),
        (["noisy.profile.json", "--against", "base.profile.json", "--warn-only"], 0),
        (["noisy.profile.json", "--against", "base.profile.json", "--exit-zero"], 0),
        (["few.profile.json", "--against", "base.profile.json"], 3),
        (["few.profile.json", "--against", "base.profile.json", "--exit-zero"], 3),
        (["few.profile.json", "--against", "base.profile.json", "--warn-only"], 3),
        (["west.profile.json", "--against", "east.profile.json", "third.profile.json"], 0),
    ],
)
@pytest.mark.parametrize("form", [*CheckFormat])
@pytest.mark.usefixtures("files")
def test_exit_codes_do_not_depend_on_the_form(run, arguments: list[str], code: int, form: str) -> None:
    done = run("check", *arguments, "--format", form)
    assert done.code == code, done.out + done.err
    assert done.err.splitlines()[-1].split(",")[0].split(":")[0] in ("passed", "failed", "inconclusive")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["absent.json", "--against", "base.profile.json"], "absent.json: cannot be read"),
        (["base.profile.json", "--against", "absent.json"], "absent.json: cannot be read"),
        (["base.profile.json"], "Missing option '--against'"),
        (["base.profile.json", "--against", "base.profile.json", "--fail-on", "lable"], "did you mean 'label'?"),
        (["base.profile.json", "--against", "base.profile.json", "--policy", "no.toml"], "no.toml: cannot be read"),
        (["base.profile.json", "--against", "base.profile.json", "-o", "base.profile.json/x"], "cannot be written"),
        (["empty", "--against", "base.profile.json"], "no images found"),
        (["{broken}", "--against", "base.profile.json", "--max-failures", "0"], "--max-failures allows"),
    ],
)
def test_bad_use_is_exit_2_and_no_answer(run, files: Path, fixtures: Path, arguments: list[str], says: str) -> None:
    (files / "empty").mkdir()
    done = run("check", *(argument.format(broken=fixtures / "broken" / "wreck") for argument in arguments))
    assert done.code == 2
    assert says in " ".join(done.err.split())
    assert not done.out


def test_not_comparable_is_exit_2_and_names_both(run, files: Path) -> None:
    value = json.loads((files / "west.profile.json").read_text())
    value["recipe"]["extractor"] = "resnet18"
    (files / "other.profile.json").write_text(json.dumps(value))
    done = run("check", "other.profile.json", "--against", "east.profile.json")
    assert done.code == 2
    assert "'west'" in done.err
    assert "'east'" in done.err


@pytest.mark.usefixtures("files")
def test_a_bug_is_exit_70(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftscope.checks.refer", lambda *_: 1 / 0)
    assert run("check", "west.profile.json", "--against", "east.profile.json").code == 70


def test_files_hold_what_their_names_say(run, files: Path) -> None:
    outputs = ["r/a.xml", "r/a.sarif", "r/a.json", "r/a.md", "r/a.txt"]
    options = [part for path in outputs for part in ("-o", path)]
    done = run("check", "noisy.profile.json", "--against", "base.profile.json", *options)
    starts = {path: (files / path).read_text()[:20] for path in outputs}
    assert starts["r/a.xml"].startswith("<?xml")
    assert json.loads((files / "r/a.sarif").read_text())["version"] == "2.1.0"
    read = CheckResult.read(files / "r/a.json", ShiftscopeError)
    assert read.outcome == "failed"
    assert starts["r/a.md"].startswith("### failed")
    whole = run("check", "noisy.profile.json", "--against", "base.profile.json", "--verbose")
    assert (files / "r/a.txt").read_text().strip() == whole.out.strip() != done.out.strip()
    assert form_of(Path("x.json"), CheckFormat.SARIF) is CheckFormat.SARIF
    assert form_of(Path("x.out"), CheckFormat.JUNIT) is CheckFormat.JUNIT


@pytest.mark.usefixtures("files")
def test_the_table_fits_80_columns(run) -> None:
    for new, base in (("noisy", "base"), ("few", "base"), ("west", "east")):
        done = run("check", f"{new}.profile.json", "--against", f"{base}.profile.json")
        assert all(len(line) <= 80 for line in done.out.splitlines())
        assert "\x1b" not in done.out


def test_the_step_summary_is_written_where_github_asks(run, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = files / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = run("check", "noisy.profile.json", "--against", "base.profile.json", "--format", "github")
    assert done.out.startswith("::error file=noisy.profile.json,title=shiftscope%3A appearance failed::")
    assert summary.read_text().startswith("before\n### failed: appearance")
    size = summary.stat().st_size
    run("check", "noisy.profile.json", "--against", "base.profile.json", "--format", "json")
    assert summary.stat().st_size == size


def test_a_folder_is_profiled_first_and_its_bad_files_are_named(run, files: Path, fixtures: Path) -> None:
    """The same images as the baseline's, and two files that are none."""
    shutil.copytree(fixtures / "noisier" / "clear", files / "delivery")
    first = sorted((files / "delivery" / "images").iterdir())[0]
    for name in ("cut", "void"):
        shutil.copy(first, first.with_name(f"zz{name}.png"))
    first.with_name("zzcut.png").write_bytes(first.read_bytes()[:40])
    first.with_name("zzvoid.png").write_bytes(b"")
    asked = ("check", "delivery", "--against", "base.profile.json")
    nameless = run(*asked, "-o", "d.sarif", "--format", "json")
    assert "2 files left out (1 x empty, 1 x truncated); --name-files names them" in nameless.err
    assert "zzcut" not in nameless.out + nameless.err + (files / "d.sarif").read_text()
    assert json.loads(nameless.out)["source"] == "delivery"
    done = run(*asked, "-o", "d.sarif", "--format", "json", "--name-files")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert (result["site"], result["against"]) == ("clear (new)", ["clear (baseline)"])
    assert "zzcut.png" in done.err
    assert {Path(item["path"]).name for item in result["files"]} == {"zzcut.png", "zzvoid.png"}
    (sarif,) = json.loads((files / "d.sarif").read_text())["runs"]
    places = {item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for item in sarif["results"]}
    assert places == {"delivery/images/zzcut.png", "delivery/images/zzvoid.png"}
    policy = files / "strict.toml"
    policy.write_text("max_unreadable = 1\n")
    strict = run(*asked, "--policy", policy, "--format", "github", "--name-files")
    assert strict.code == 1
    assert "::error file=delivery/images/zzcut.png,title=shiftscope%3A " in strict.out


NAMELESS = {
    "site.toml": ("site.toml", 'Garcia = "x"\n'),
    "a template of it": ("site.toml", 'layout = "{klass}/Garcia_{case}.png"\n'),
    "templates without a field in common": ("site.toml", 'layout = "images/{case}.png"\nmask = "Garcia/{date}.png"\n'),
    "a pattern that misses a file": ("site.toml", "patient_regex = 'Garcia'\n"),
    "a channel that is not there": ("site.toml", 'channel = "Garcia"\n'),
    "a table": ("manifest.csv", "image,label\nGarcia.png,a,b\n"),
}


@pytest.mark.parametrize(("name", "text"), NAMELESS.values(), ids=NAMELESS)
def test_a_folder_that_cannot_be_read_is_refused_without_a_name(
    run, files: Path, fixtures: Path, name: str, text: str
) -> None:
    """Others read the log of a job; at the site --name-files says all."""
    delivery = files / "Smith"
    shutil.copytree(fixtures / "noisier" / "clear", delivery)
    first = sorted((delivery / "images").iterdir())[0]
    first.rename(first.with_name(f"Garcia{first.name}"))
    (delivery / name).write_text(text)
    done = run("check", "Smith", "--against", "base.profile.json")
    assert done.code == 2
    assert "Garcia" not in done.out + done.err
    assert "Smith" not in done.out + done.err
    assert "shiftscope profile" in done.err
    named = run("check", "Smith", "--against", "base.profile.json", "--name-files").err
    assert "Garcia" in named or "Smith" in named


@pytest.mark.parametrize("options", [(), ("--max-failures", "0")], ids=["none", "more than allowed"])
def test_a_folder_of_broken_files_is_refused_without_a_name(run, files: Path, options: tuple[str, ...]) -> None:
    (files / "Smith").mkdir()
    (files / "Smith" / "Garcia.png").write_bytes(b"xx")
    done = run("check", "Smith", "--against", "base.profile.json", *options)
    assert done.code == 2
    assert "Garcia" not in done.out + done.err
    assert "Smith" not in done.out + done.err


def test_a_folder_that_cannot_be_measured_alike_is_refused_before_it_is_read(run, files: Path, fixtures: Path) -> None:
    value = json.loads((files / "base.profile.json").read_text())
    value["recipe"]["canvas"] = 64
    (files / "old.profile.json").write_text(json.dumps(value))
    done = run("check", fixtures / "noisier" / "clear", "--against", "old.profile.json")
    assert done.code == 2
    assert "canvas is 128 against 64" in done.err


def steps() -> list[dict[str, object]]:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert action["runs"]["using"] == "composite"
    found: list[dict[str, object]] = action["runs"]["steps"]
    return found


@pytest.mark.parametrize(
    ("inputs", "code", "outcome"),
    [
        ({"new": "west.profile.json", "against": "east.profile.json\nthird.profile.json\n"}, 0, "passed"),
        ({"new": "noisy.profile.json", "against": "bas*.json"}, 1, "failed"),
        ({"new": "noisy.profile.json", "against": "base.profile.json", "fail-on": "files"}, 0, "passed"),
        ({"new": "few.profile.json", "against": "base.profile.json", "policy": "p.toml"}, 3, "inconclusive"),
        ({"new": "$(touch pwned)", "against": "none*.json", "reports": "re ports"}, 2, "error"),
    ],
)
def test_the_steps_of_the_action_run_as_plain_shell(
    files: Path, inputs: dict[str, str], code: int, outcome: str
) -> None:
    """Every `run` but the installation, as GitHub's runner starts it."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    values = {name: str(item.get("default", "")) for name, item in action["inputs"].items()} | inputs
    (files / "p.toml").write_text('fail_on = ["appearance"]\n')
    shells = [step for step in steps() if "run" in step]
    assert [step["name"] for step in shells] == ["Install shiftscope", "Check"]
    environment = {
        name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: values[found[1]], text)
        for name, text in shells[1]["env"].items()  # type: ignore[attr-defined]
    }
    assert not any("${{" in str(step["run"]) for step in shells)
    (files / "bin").mkdir()
    launcher = files / "bin" / "shiftscope"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m shiftscope "$@"\n')
    launcher.chmod(0o755)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", str(shells[1]["run"])],
        cwd=files,
        env={
            **os.environ,
            **environment,
            "PATH": f"{files / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_OUTPUT": str(files / "output"),
            "GITHUB_STEP_SUMMARY": str(files / "summary"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert (files / "output").read_text().split() == [f"outcome={outcome}", f"exit-code={code}"]
    assert not (files / "pwned").exists()
    if code != 2:
        reports = files / values["reports"]
        assert sorted(path.name for path in reports.iterdir()) == [
            *("shiftscope.json", "shiftscope.sarif", "shiftscope.xml"),
        ]
        assert done.stdout.startswith("::")
        assert (files / "summary").read_text().startswith(f"### {outcome}")


def test_the_hook_calls_a_command_that_exists() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["entry"] == "shiftscope check"
    assert re.search(hook["files"], "sites/ashford.profile.json")
    assert not hook["pass_filenames"]


def test_two_profiles_are_checked_without_torch(files: Path) -> None:
    """The whole process."""
    command = [sys.executable, "-X", "importtime", "-m", "shiftscope", "check", "west.profile.json"]
    command += ["--against", "east.profile.json"]
    done = subprocess.run(command, cwd=files, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not {"torch", "timm", "sklearn"} & imported
