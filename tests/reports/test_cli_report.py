"""`shiftscope report`: where it wrote, how large, and which images must not leave the hospital."""

import subprocess
import sys
from pathlib import Path

import pytest


def test_it_says_where_it_wrote_and_how_large(run, profile_files: list[Path], run_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.html"
    done = run("report", *profile_files, "--result", run_file, "-o", target)
    assert done.code == 0
    assert done.out == ""
    assert f"report written to {target}, {target.stat().st_size / 1024:.0f} KB" in " ".join(done.err.split())
    assert "<img" not in target.read_text(encoding="utf-8")


def test_a_plan_of_its_own_is_reported(run, profile_files: list[Path], tmp_path: Path) -> None:
    plan, target = tmp_path / "plan.toml", tmp_path / "report.html"
    assert run("recommend", *profile_files, "-o", plan).code == 0
    assert run("report", *profile_files, "--plan", plan, "-o", target).code == 0
    page = target.read_text(encoding="utf-8")
    assert "The job: plan" in page
    assert "Not trained yet" in page
    assert "is not in the plan" not in page


def test_local_images_are_shown_with_a_warning(run, profile_files: list[Path], fixtures: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    done = run("report", profile_files[1], "--local-images", fixtures / "brighter" / "east", "-o", target)
    assert done.code == 0
    assert "must not leave the hospital" in " ".join(done.err.split())
    assert "it shows 1 " in done.err
    page = target.read_text(encoding="utf-8")
    assert page.count("<img ") == 8
    assert "must not leave the hospital" in page
    named = done.err.split("it shows 1 ")[1].split(",")[0].strip()
    assert named not in page


@pytest.mark.parametrize(("broken", "says"), [("{}", "schema"), ("no json", "expected a profile")])
def test_what_is_no_profile_is_one_line(run, tmp_path: Path, broken: str, says: str) -> None:
    path = tmp_path / "x.profile.json"
    path.write_text(broken)
    done = run("report", path, "-o", tmp_path / "report.html")
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert str(path) in done.err
    assert says in done.err
    assert not (tmp_path / "report.html").exists()


def test_a_missing_profile_is_named(run, tmp_path: Path) -> None:
    done = run("report", tmp_path / "gone.json", "-o", tmp_path / "report.html")
    assert done.code == 2
    assert "cannot be read" in done.err


def test_the_help_has_an_example(run) -> None:
    assert "Example: shiftscope report *.profile.json" in " ".join(run("report", "--help").out.split())


def test_a_report_without_images_needs_no_torch(profile_files: list[Path], tmp_path: Path) -> None:
    heavy = {"torch", "timm", "flwr", "pydicom", "nibabel"}
    code = (
        "import sys, shiftscope.cli as cli; sys.argv = ['shiftscope', 'report', *sys.argv[1:]]\n"
        "try: cli.main()\n"
        f"finally: sys.exit(','.join({heavy} & {{*sys.modules}}) or 0)"
    )
    command = [sys.executable, "-c", code, *profile_files[:1], "-o", tmp_path / "report.html"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
