"""The documents say what the program does: commands run, names exist, nothing is left out."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from rehearsed_runs import rehearsal

import shiftscope
from shiftscope.cli import EXIT_CODES, app
from shiftscope.errors import REASONS, EngineError
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.measures import AXES
from shiftscope.phantoms import ANATOMIES, PLANTS, demo_hospitals, write_site
from shiftscope.plans import (
    Difference,
    HeadMethod,
    RehearsalBudget,
    RehearsalEncoder,
    RehearsalResult,
    RehearsalSite,
    RehearsedScore,
    RehearsedStrategy,
    RunResult,
)
from shiftscope.profiles import Profile
from shiftscope.profiles.profile_document import Privacy, Sketch
from shiftscope.reports.formats.table import drawn_lines
from shiftscope.reports.run_wording import ANSWERS
from shiftscope.reports.sheets.rehearsal_sheet import rehearsal_sheet
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")

MOST_LINES = 120  # of the README
HISTORY = ("docs/decisions.md", "docs/design.md")
REHEARSAL = (
    *(RehearsalResult, RehearsalEncoder, RehearsalBudget, RehearsedStrategy, RehearsedScore, RehearsalSite, Difference),
)


def blocks(text: str, language: str = "") -> list[str]:
    """The fenced blocks of a language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.M | re.S)
    return [body for name, body in found if name == language]


def screens(text: str) -> list[tuple[str, str]]:
    """The commands of fenced blocks, each with what it is said to answer: whatever follows it after an empty line."""
    found = []
    for block in blocks(text):
        typed, _, answer = block.replace("\\\n", "").partition("\n\n")
        commands = [line for line in typed.splitlines() if line.startswith("shiftscope ")]
        found += [(command, "") for command in commands[:-1]]
        found += [(command, answer) for command in commands[-1:]]
    return found


def shown(text: str) -> list[str]:
    """The commands alone."""
    return [command for command, _ in screens(text)]


def without_numbers(screen: str) -> str:
    """The words of a screen: numbers may differ in the last digit on another machine, and with them where lines end."""
    return " ".join(re.sub(r"\d[\d.]*\d|\d", "0", screen).split())


def test_the_readme_is_one_page() -> None:
    assert len(README.splitlines()) <= MOST_LINES
    for target in ("docs/figures/report-light.png", "docs/notebooks/four-hospitals.ipynb", "docs/commands.md"):
        assert target in README
    for name in ("CONTRIBUTING.md", "SECURITY.md", "CITATION.cff", "docs/glossary.md", "docs/method.md"):
        assert f"]({name})" in README, name


def test_every_command_exit_code_and_method_is_documented() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"| `shiftscope {command.callback.__name__}`" in COMMANDS
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in COMMANDS
    for name in (*HARMONIZERS, *PERSONALIZERS, *CONTROLS):
        assert f"`{name}`" in COMMANDS


def test_every_field_and_axis_of_a_profile_is_documented() -> None:
    text = (ROOT / "docs" / "profile.md").read_text(encoding="utf-8")
    for name in (*Profile.model_fields, *Sketch.model_fields, *Privacy.model_fields, *AXES):
        assert f"`{name}`" in text, name


def test_every_reason_is_documented() -> None:
    text = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
    for reason in REASONS:
        assert f"`{reason}`" in text, reason


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_no_page_has_words_of_our_own(page: str) -> None:
    """Decisions are history, and say what was decided in the words of their day."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if page not in HISTORY:
        assert not re.findall(r"\b(?:yardsticks?|parcels?|beliefs?)\b", text, flags=re.I)
    if page in ("docs/method.md", "docs/diagnosis.md", "docs/check.md", "docs/report.md", "docs/commands.md"):
        for kind in ("acquisition", "population (and|or) manifestation", "prevalence", "annotation"):
            assert re.search(rf"\b{kind} shift", " ".join(text.split())), kind


def test_links_between_documents_hold() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_committed_results_still_fit_their_schema() -> None:
    values = [json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "docs").rglob("*.json")]
    runs = [value for value in values if "plan" in value]
    assert runs
    for value in runs:
        document = RehearsalResult if "encoder" in value else RunResult
        assert document.from_dict(value, "a result", EngineError)


@pytest.mark.slow
def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    """As shown, in order, on the demo's hospitals, with the screens shown; training has a budget of seconds."""
    names = [name for name in demo_hospitals(tmp_path / "hospitals", seed=0) if name != "ashford"]
    for name in names:
        execute(f"shiftscope profile hospitals/{name} -o {name}.profile.json", tmp_path)
    said = screens(README)
    assert [command.split()[1] for command, _ in said] == [
        *("profile", "recommend", "rehearse", "recommend", "train", "check"),
    ]
    for command, answer in said:
        got = execute(command, tmp_path)
        if command.split()[1] != "train" and "--rehearsal" not in command:  # whose budget is cut
            assert without_numbers(answer) in without_numbers(got), f"{command}\n{got}"
    assert json.loads((tmp_path / "runs" / "plan" / "result.json").read_text())["engine"] == "flower"


@pytest.mark.slow
def test_the_commands_of_the_page_of_commands_run(hospitals: Path) -> None:
    """As shown, in order, on two small hospitals; the plan's budget is cut, and everything runs in one process."""
    commands = shown(COMMANDS)
    assert [command.split()[1] for command in commands] == [
        *("profile", "profile", "profile", "recommend", "explain", "train", "trial", "report", "check"),
    ]
    for command in commands:
        execute(command + " --engine inline" * (command.split()[1] in ("train", "trial")), hospitals)


@pytest.mark.slow
def test_the_python_of_the_page_of_the_api_runs(hospitals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block, in order, on the same hospitals, as one program would."""
    monkeypatch.chdir(hospitals)
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    first, *others = blocks(text, "python")
    assert len(first.splitlines()) <= 10
    names: dict[str, object] = {}
    for block in (first, *others):
        exec(compile(block, "docs/api.md", "exec"), names)
    assert (hospitals / "report.html").exists()


def test_every_public_name_is_on_the_page_of_the_api() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in shiftscope.__all__:
        assert f"`{name}`" in text or f"`{name}(" in text, name


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    demo_hospitals(tmp_path / "hospitals", seed=0)
    (block,) = blocks(README, "python")
    exec(compile(block, "README.md", "exec"), {})
    assert (tmp_path / "plan.toml").exists()


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs" / "tutorials").glob("*.md")))
def test_the_commands_of_a_tutorial_run(page: str, hospitals: Path) -> None:
    """As the README's; trained in one process, since the README's run shows the engine."""
    for site in "ab":
        execute(f"shiftscope profile hospital_{site} --site {site} --patient-regex '(p\\d+)'", hospitals)
    commands = shown((ROOT / "docs" / "tutorials" / page).read_text(encoding="utf-8"))
    assert commands
    for command in commands:
        inline = command.split()[1] in ("train", "trial")
        execute(command + " --engine inline" * inline, hospitals)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["drift.md", "report.md"])
def test_the_commands_of_a_page_run(page: str, hospitals: Path) -> None:
    """On the same hospitals, under the names of the page."""
    names = {"drift.md": ("ashford", "ashford-2026-01", "ashford-2026-02"), "report.md": ("a", "b")}[page]
    for name, site in zip(names, "abb", strict=False):
        execute(f"shiftscope profile hospital_{site} --site {site} -o {name}.profile.json", hospitals)
    (hospitals / "runs" / "plan").mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "golden" / "result-1.json", hospitals / "runs" / "plan" / "result.json")
    commands = shown((ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert commands
    for command in commands:
        execute(command, hospitals)


@pytest.fixture
def hospitals(tmp_path: Path) -> Path:
    """A folder with `hospital_a` and `hospital_b`, the second one darker."""
    rng = np.random.default_rng(0)
    drawn = [ANATOMIES["ultrasound"](rng, size=48) for _ in range(80)]
    darker = [PLANTS["brightness"](phantom, -1.0, rng) for phantom in drawn[40:]]
    write_site(drawn[:40], tmp_path / "hospital_a", layout="images+masks", format="png")
    write_site(darker, tmp_path / "hospital_b", layout="images+masks", format="png")
    return tmp_path


def execute(command: str, folder: Path) -> str:
    """What a command answers, run as shown in `folder`; a plan that is there is cut to a budget of seconds."""
    plan = folder / "plan.toml"
    if plan.exists():
        text = plan.read_text()
        for key, value in {"rounds": 2, "local_steps": 2, "image_size": 32, "seeds": [0]}.items():
            text = re.sub(rf"^{key} = [^#\n]*", f"{key} = {value} ", text, flags=re.M)
        plan.write_text(text)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def test_every_key_of_a_rehearsal_is_documented_and_its_screen_is_the_one_shown() -> None:
    text = (ROOT / "docs" / "rehearsal.md").read_text(encoding="utf-8")
    for record in REHEARSAL:
        for name in record.model_fields:
            assert f"`{name}`" in text, name
    for method in (*get_args(HeadMethod), *ANSWERS):
        assert f"`{method}`" in text, method
    (screen,) = blocks(text, "text")
    gains = {"shrinkage": 0.031, "lp_ft": 0.027, "quantile_map+shrinkage": 0.024, "zscore+lp_ft": 0.02}
    gains |= {"zscore+shrinkage": 0.015, "local": 0.012, "zscore": 0.004, "quantile_map": 0.002, "fedprox": 0.001}
    gains |= {"fedavg": 0.0, "balanced": -0.002, "zscore+local": -0.01}
    planted = rehearsal(gains, equal=("lp_ft", "quantile_map+shrinkage", "zscore+lp_ft"))
    alike = {"local": ("fedper", "fedrep")}
    strategies = [item.model_copy(update={"stands_for": alike.get(item.name, ())}) for item in planted.strategies]
    left = dict.fromkeys(("fedbn", "silobn", "n4"), "the body is frozen")
    shown = planted.model_copy(update={"strategies": tuple(strategies), "left_out": left})
    assert screen.splitlines() == [line.plain.rstrip() for line in drawn_lines(rehearsal_sheet(shown))]
