"""`shiftscope watch` as people see it: 80 columns, no colour needed, the verdict first; exit 0 whatever it finds."""

import json
from pathlib import Path

import pytest

from shiftscope.profiles import Profile
from shiftscope.reports.sheets.watch_sheet import watch_sheet
from shiftscope.series import Change, Month, Reading, Watch
from shiftscope.series.actions import ACTIONS

GOLDEN = Path(__file__).parent / "golden"


def reading(p: float, effect: float = 0.5, **about: object) -> Reading:
    known = {"axis": "texture", "question": "appearance", "since": "m0", "low": 0.1, "high": 0.9, "n": (60, 30)}
    return Reading(p=p, effect=effect, limit=1e-4, outside=p <= 1e-4, **{**known, **about})


def watched(*months: Month) -> Watch:
    return Watch(baseline="base", patients=60, alpha=0.05, spent=0.01, months=months, changes=(), caveats=())


def test_a_line_says_how_far_each_month_is_from_the_limit() -> None:
    months = [
        Month(label=f"m{k}", patients=30, dated=None, watched=True, readings=(reading(p, effect),))
        for k, (p, effect) in enumerate([(1.0, 0.0), (1e-2, 0.3), (1e-4, 0.5), (1e-6, 0.9)])
    ]
    few = Month(label="few", patients=9, dated=None, watched=False)
    grid = next(block for block in watch_sheet(watched(*months, few)) if block.title.startswith("every month"))
    assert grid.rows == [("sharpness and texture", "05!!-", "0.90", "0.10 to 0.90")]  # type: ignore[union-attr]


def test_months_without_enough_patients_are_no_all_clear() -> None:
    few = Month(label="few", patients=9, dated=None, watched=False)
    assert watch_sheet(watched(few))[0].title == "nothing watched: no month has enough patients"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A baseline and forty months of it, the last with other texture."""
    base = Profile.read(GOLDEN / "profile-1.json")
    texture = base.sketches["texture"]
    assert texture is not None
    other = base.model_copy(
        update={"sketches": {**base.sketches, "texture": texture.model_copy(update={"mean": texture.mean + 3.0})}}
    )
    paths = [tmp_path / f"{name}.profile.json" for name in ("baseline", *(f"month-{k:02d}" for k in range(40)))]
    for path in paths:
        (other if path.name.startswith("month-3") else base).write(path)
    return paths


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_people_read_the_verdict_first(run, files: list[Path], form: str) -> None:
    done = run("watch", *files, "--format", form)
    assert done.code == 0
    lines = done.out.splitlines()
    assert "alarm: appearance changed" in lines[0]
    assert "refit this site's harmonizer only" in " ".join(done.out.split())
    assert "since 'month-30' (95 %: this month)" in " ".join(done.out.split())
    assert form == "markdown" or all(len(line) <= 80 for line in lines)
    assert "\x1b" not in done.out


def test_programs_read_json(run, files: list[Path]) -> None:
    done = run("watch", *files[:4], "--format", "json", "--alpha", "0.01")
    found = json.loads(done.out)
    assert done.code == 0
    assert list(found) == ["schema", "baseline", "patients", "alpha", "spent", "months", "changes", "caveats"]
    assert (found["baseline"], found["alpha"], found["changes"]) == ("baseline", 0.01, [])


def test_no_month_is_bad_usage(run, files: list[Path]) -> None:
    done = run("watch", files[0])
    assert done.code == 2
    assert "Missing argument" in done.err


def test_help_has_an_example(run) -> None:
    done = run("watch", "--help")
    assert done.code == 0
    assert "Example: shiftscope watch" in " ".join(done.out.split())


def test_every_field_and_action_is_documented() -> None:
    text = (Path(__file__).parents[1] / "docs" / "drift.md").read_text(encoding="utf-8")
    fields = [name for record in (Watch, Month, Reading, Change) for name in record.model_fields]
    for name in (*fields, *(action for action, _ in ACTIONS.values())):
        assert f"`{name}`" in text, name
