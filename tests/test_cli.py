"""The command line: answers on stdout, talk on stderr, one line for an error, the right exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shiftscope.plans import read_plan
from shiftscope.profiles import Profile


@pytest.fixture(scope="module")
def profiles(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two written profiles with a clear shift between them."""
    folder = tmp_path_factory.mktemp("profiles")
    for site in ("early", "late"):
        command = [
            sys.executable,
            "-m",
            "shiftscope",
            "profile",
            fixtures / "both" / site,
            "-o",
            folder / f"{site}.json",
        ]
        subprocess.run(command, check=True, capture_output=True)
    return sorted(folder.iterdir())


def test_profile_writes_what_it_shows(run, fixtures: Path, tmp_path: Path) -> None:
    target = tmp_path / "east.profile.json"
    done = run("profile", fixtures / "twins" / "east", "--site", "st-elsewhere", "-o", target, "--show")
    assert done.code == 0
    assert done.out == target.read_text()
    assert Profile.read(target).site == "st-elsewhere"
    assert "each file counts as a patient" in done.err


def test_dry_run_writes_nothing(run, fixtures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("profile", fixtures / "rarer_labels" / "screening", "--dry-run", "--format", "json")
    found = json.loads(done.out)
    assert (found["layout"], found["cases"], found["labels"]) == ("manifest", 68, {"benign": 58, "malignant": 10})
    assert len(found["first"]) == 8
    assert not list(tmp_path.iterdir())


def test_failures_are_listed_here_and_in_a_file(run, fixtures: Path, tmp_path: Path) -> None:
    listed = tmp_path / "failures.txt"
    done = run("profile", fixtures / "broken" / "wreck", "-o", tmp_path / "p.json", "--failures", listed)
    assert done.code == 0
    bad = json.loads((fixtures / "truth.json").read_text())["broken/wreck"]["bad"]
    assert len(listed.read_text().splitlines()) == len(bad)
    assert "report.dcm: beside_images" in done.err
    assert "report.dcm" not in done.out + (tmp_path / "p.json").read_text()


@pytest.mark.parametrize("limit", ["3", "5%"])
def test_too_many_failures_exit_2_and_write_nothing(run, fixtures: Path, tmp_path: Path, limit: str) -> None:
    target = tmp_path / "p.json"
    done = run("profile", fixtures / "broken" / "wreck", "-o", target, "--max-failures", limit)
    assert done.code == 2
    assert "--max-failures allows" in done.err
    assert not target.exists()


def test_recommend_answers_in_the_agreed_json(run, profiles: list[Path], tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    done = run("recommend", *profiles, "-o", plan, "--format", "json")
    assert done.code == 0
    answer = json.loads(done.out)
    assert list(answer) == ["schema", "sites", "diagnosis", "recommendation"]
    assert answer["sites"] == [{"site": name, "patients": 40, "cases": 40} for name in ("early", "late")]
    diagnosis = answer["diagnosis"]
    assert diagnosis["kind"] == "mixed"
    for axes in (diagnosis["axes"], diagnosis["pairs"][0]["axes"], diagnosis["by_site"]["early"]["axes"]):
        assert list(axes) == ["appearance", "structure", "label", "annotation", "concept"]
        assert {"probability", "effect", "low", "high", "p"} <= set(axes["appearance"])
    assert {"a", "b", "kind", "axes"} <= set(diagnosis["pairs"][0])
    assert {"measure", "sites", "effect", "low", "high", "n", "says"} <= set(diagnosis["evidence"][0])
    recommendation = answer["recommendation"]
    assert {"action", "harmonizer", "personalizer", "because", "alternatives", "cost"} <= set(recommendation)
    assert set(recommendation["cost"]) == {"bytes", "compute"}
    written = read_plan(plan)
    assert (written.name, written.task, sorted(written.sites)) == ("plan", "segmentation", ["early", "late"])
    assert (written.harmonizer, written.personalizer) == (recommendation["harmonizer"], recommendation["personalizer"])
    assert plan.read_text().startswith("# ")


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_people_read_the_verdict_first(run, profiles: list[Path], form: str) -> None:
    done = run("recommend", *profiles, "--format", form)
    assert "mixed: the sites differ in appearance and in structure" in done.out.splitlines()[0]
    assert all(len(line) <= 80 for line in done.out.splitlines()) or form == "markdown"
    assert "\x1b" not in done.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["profile", "absent"], "absent: no such folder or manifest"),
        (["profile", "{fixtures}/twins/east", "--max-failures", "many"], "--max-failures many: expected a count"),
        (["profile", "{fixtures}/twins/east", "--features", "resnet999"], "--features resnet999: not a timm model"),
        (
            ["profile", "{fixtures}/twins/east", "--features", "test_resnet", "--weights", "{fixtures}/truth.json"],
            "no usable weights in",
        ),
        (["profile", "{fixtures}/twins/east", "--patient-regex", "("], "is not a regular expression"),
        (["recommend", "absent.json"], "absent.json: cannot be read: No such file"),
        (["recommend", "{fixtures}/truth.json"], "truth.json: key"),
        (["train", "absent.toml"], "absent.toml: cannot be read"),
        (["train", "{plan}", "--data", "early"], "--data early: expected SITE=DIR"),
        (["train", "{plan}", "--data", "early=a", "--data", "early=b"], "site 'early' is given twice"),
        (["recommend", "{early}", "{late}", "-o", "my plan.toml"], "'my plan': a plan is called as its file"),
        (["profile", "{fixtures}/twins/east", "--seed", "-1"], "is not in the range x>=0"),
        (["profile"], "SITE_DIR: expected a folder of images, or a manifest"),
        (["profile", "--federation", "lung", "--site", "a"], "--site: each site of a federation knows its own images"),
        (["train", "{plan}", "--federation", "lung"], "--federation lung: belongs to --engine deploy"),
        (["recommend"], "Missing argument"),
        (["nonsense"], "No such command"),
    ],
)
def test_bad_use_is_exit_2_and_one_line(
    run, fixtures: Path, profiles: list[Path], tmp_path: Path, arguments: list[str], says: str
) -> None:
    plan = tmp_path / "plan.toml"
    run("recommend", *profiles, "-o", plan)
    done = run(
        *(argument.format(fixtures=fixtures, plan=plan, early=profiles[0], late=profiles[1]) for argument in arguments)
    )
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err
    assert not done.out


def test_a_bug_is_exit_70_and_says_how_to_see_it(run, monkeypatch: pytest.MonkeyPatch, profiles: list[Path]) -> None:
    monkeypatch.setattr("shiftscope.api.advising.advise", lambda *_: 1 / 0)
    done = run("recommend", *profiles)
    assert done.code == 70
    assert "bug: ZeroDivisionError" in done.err
    assert "Traceback" not in done.err


def test_interruption_is_exit_130(run, monkeypatch: pytest.MonkeyPatch, fixtures: Path, tmp_path: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shiftscope.profiles.site_profiling.measure_blocks", interrupted)
    done = run("profile", fixtures / "twins" / "east", "-o", tmp_path / "p.json")
    assert done.code == 130
    assert done.err.splitlines()[-1] == "interrupted"
    assert not (tmp_path / "p.json").exists()


def test_every_command_has_help_with_an_example(run) -> None:
    for command in ("demo", "profile", "merge", "recommend", "rehearse", "train", "trial", "check"):
        done = run(command, "--help")
        assert done.code == 0
        assert f"Example: shiftscope {command}" in " ".join(done.out.split())


def test_version(run) -> None:
    assert run("--version").out.strip().count(".") == 2
