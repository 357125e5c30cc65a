"""Whatever is done to a document from elsewhere: it is used, or refused in one line; nothing else, and no hang."""

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from honest_documents import POLICY, PROFILES, SEED, Values, part_of, plain, rehearsal_of, trial_of, trial_setup_of
from hypothesis import HealthCheck, given, seed, settings
from mutations import Mutation, as_json, as_toml, mutated, mutations
from rich.console import Console

import shiftscope.cli as cli
from shiftscope.diagnosis.calibration import Calibration, load_calibration, shift_probabilities
from shiftscope.errors import EngineError, ShiftscopeError
from shiftscope.plans import RehearsalResult, RunResult, TrialResult, TrialSetup, read_plan
from shiftscope.profiles import Profile
from shiftscope.reports.formats.markdown import to_markdown
from shiftscope.reports.formats.table import print_table
from shiftscope.reports.sheets.rehearsal_sheet import rehearsal_sheet
from shiftscope.reports.sheets.result_sheet import result_sheet
from shiftscope.reports.sheets.trial_sheet import trial_sheet

EVIDENCE = "SHIFTSCOPE_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("SHIFTSCOPE_EXAMPLES", "100"))
SECONDS = 60
"""What no command takes for a small document, on the slowest machine."""

Note = Callable[[str, str, int], None]
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not EVIDENCE,
    database=None,
    print_blob=False,
    suppress_health_check=[*HealthCheck],
)


def called(*arguments: object) -> tuple[int, str]:
    """Exit code of a command in this process, and what it said."""
    out, errors = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["shiftscope", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            return cli._run(), out.getvalue() + errors.getvalue()
    finally:
        sys.argv = before


def used(read: Callable[[], object]) -> tuple[int, str]:
    """0 where a function uses the document, 2 where it refuses it."""
    try:
        read()
    except ShiftscopeError as problem:
        return 2, str(problem)
    return 0, ""


def judge(note: Note, document: str, command: str, done: Callable[[], tuple[int, str]], *, check: bool = False) -> int:
    start = time.monotonic()
    code, said = done()
    note(document, command, code)
    assert code in ((0, 1, 2, 3) if check else (0, 2)), said
    assert time.monotonic() - start < SECONDS
    assert "\x1b" not in said
    assert "\u202e" not in said
    if code == 2 and command not in ("check_plan",):
        assert len(said.strip().splitlines()) == 1, said
        assert len(said) < 3000
    return code


PARTNERS = {"masks-a": "masks-b", "classes-a": "classes-b", "small": "masks-b", "private-a": "private-b"}
_BASES, _FORMS = cycle(PARTNERS), cycle(("table", "json", "markdown"))


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the honest profiles."""
    folder = tmp_path_factory.mktemp("forged")
    for name, values in PROFILES.items():
        (folder / f"{name}.profile.json").write_bytes(as_json(values))
    return folder


@pytest.mark.parametrize("command", ["recommend", "check", "watch", "report"])
def test_profiles(command: str, room: Path, account: Note) -> None:
    every = {"recommend": 1, "check": 1, "watch": 1, "report": 20}[command]  # a page takes seconds

    @seed(SEED)
    @settings(fuzzed, max_examples=max(EXAMPLES // every, 5))
    @given(changes=mutations())
    def holds(changes: list[Mutation]) -> None:
        base, form = next(_BASES), next(_FORMS)
        forged, other = room / "forged.profile.json", room / f"{PARTNERS[base]}.profile.json"
        forged.write_bytes(as_json(mutated(PROFILES[base], changes)))
        arguments = {
            "recommend": [forged, other, "--format", form, "-o", room / "plan.toml"],
            "check": [forged, "--against", other, "--format", form],
            "watch": [other, forged, "--format", form],
            "report": [forged, other, "-o", room / "page.html"],
        }[command]
        code = judge(account, "profile", command, lambda: called(command, *arguments), check=command == "check")
        if command == "recommend" and code == 0:
            read_plan(room / "plan.toml")

    holds()


def test_plans(room: Path, account: Note) -> None:
    from shiftscope.training.arms import arms_of
    from shiftscope.training.plan_checks import check_plan

    plan = plain(trial_of().plan)

    @seed(SEED)
    @fuzzed
    @given(changes=mutations())
    def holds(changes: list[Mutation]) -> None:
        path = room / "forged.toml"
        path.write_bytes(as_toml(mutated(plan, changes)))
        if judge(account, "plan", "read", lambda: used(lambda: read_plan(path))) == 0:
            read = read_plan(path)
            judge(account, "plan", "check_plan", lambda: used(lambda: check_plan(read, arms_of(read))))

    (room / "honest.toml").write_bytes(as_toml(plan))
    check_plan(read_plan(room / "honest.toml"), arms_of(read_plan(room / "honest.toml")))
    holds()


def _shown(note: Note, document: str, sheet: Callable[[], Any]) -> None:
    """Drawn both ways."""
    judge(note, document, "markdown", lambda: used(lambda: to_markdown(sheet())))
    judge(note, document, "table", lambda: used(lambda: print_table(sheet(), Console(file=io.StringIO(), width=80))))


@pytest.fixture(scope="module")
def results() -> dict[str, Values]:
    root = Path(__file__).resolve().parents[2]
    paths = (
        root / "tests" / "golden" / "result-1.json",
        root / "tests" / "golden" / "result-2.json",
        *sorted((root / "docs" / "results" / "portfolio").glob("*.json")),
    )
    found = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    return {name: value for name, value in found.items() if "verdict" in value and "rounds" in value}


def test_results(results: dict[str, Values], room: Path, account: Note) -> None:
    bases, pages = cycle(results), cycle(range(20))

    @seed(SEED)
    @fuzzed
    @given(changes=mutations())
    def holds(changes: list[Mutation]) -> None:
        path = room / "result.json"
        path.write_bytes(as_json(mutated(results[next(bases)], changes)))
        if judge(account, "result", "read", lambda: used(lambda: RunResult.read(path, EngineError))):
            return
        result = RunResult.read(path, EngineError)
        _shown(account, "result", lambda: result_sheet(result))
        if next(pages) == 0:
            arguments = (room / "masks-a.profile.json", "--result", path, "-o", room / "page.html")
            judge(account, "result", "report", lambda: called("report", *arguments))

    holds()


def test_trials(room: Path, account: Note) -> None:
    honest, asked = plain(trial_of()), plain(trial_setup_of())

    @seed(SEED)
    @fuzzed
    @given(changes=mutations())
    def holds(changes: list[Mutation]) -> None:
        path = room / "trial.json"
        path.write_bytes(as_json(mutated(asked, changes)))
        judge(account, "trial setup", "read", lambda: used(lambda: TrialSetup.read(path, EngineError)))
        path.write_bytes(as_json(mutated(honest, changes)))
        if judge(account, "trial", "read", lambda: used(lambda: TrialResult.read(path, EngineError))) == 0:
            _shown(account, "trial", lambda: trial_sheet(TrialResult.read(path, EngineError)))

    holds()


def test_rehearsals(room: Path, account: Note) -> None:
    honest = plain(rehearsal_of())

    @seed(SEED)
    @fuzzed
    @given(changes=mutations())
    def holds(changes: list[Mutation]) -> None:
        path = room / "rehearsal.json"
        path.write_bytes(as_json(mutated(honest, changes)))
        if judge(account, "rehearsal", "read", lambda: used(lambda: RehearsalResult.read(path, EngineError))) == 0:
            result = RehearsalResult.read(path, EngineError)
            _shown(account, "rehearsal", lambda: rehearsal_sheet(result))
            _shown(account, "rehearsal", lambda: rehearsal_sheet(result, verbose=True))

    holds()


def test_policies(room: Path, account: Note) -> None:
    @seed(SEED)
    @fuzzed
    @given(changes=mutations())
    def holds(changes: list[Mutation]) -> None:
        path, form = room / "policy.toml", next(_FORMS)
        path.write_bytes(as_toml(mutated(POLICY, changes)))
        profiles = (room / "masks-a.profile.json", "--against", room / "masks-b.profile.json")
        arguments = ("check", *profiles, "--policy", path, "--format", form)
        judge(account, "policy", "check", lambda: called(*arguments), check=True)

    holds()


def test_parts(room: Path, account: Note) -> None:
    honest = plain(part_of())

    @seed(SEED)
    @fuzzed
    @given(changes=mutations())
    def holds(changes: list[Mutation]) -> None:
        path, form = room / "forged.part.json", next(_FORMS)
        path.write_bytes(as_json(mutated(honest, changes)))
        arguments = ("merge", path, "-o", room / "merged.profile.json", "--format", form)
        if judge(account, "part", "merge", lambda: called(*arguments)) == 0:
            Profile.read(room / "merged.profile.json")

    holds()


def test_calibrations(room: Path, account: Note) -> None:
    honest = plain(load_calibration())
    found = dict.fromkeys(("look", "size", "layout", "noise", "texture", "labels", "boundary"), (0.5, 0.1, 0.2))

    @seed(SEED)
    @fuzzed
    @given(changes=mutations())
    def holds(changes: list[Mutation]) -> None:
        path = room / "calibration.json"
        path.write_bytes(as_json(mutated(honest, changes)))
        if judge(account, "calibration", "read", lambda: used(lambda: Calibration.read(path))) == 0:
            for shift in shift_probabilities(found, Calibration.read(path)).values():
                assert 0 <= shift.probability <= 1

    holds()
