"""The sheet of a run: verdict first, then sites, strategies, who keeps what, and what it cost."""

import io
from typing import Any

import pytest
from rich.console import Console
from small_plans import planned_sites, small_plan

from shiftscope.plans import (
    ArmResult,
    Cost,
    Difference,
    Forecast,
    Ledger,
    RunResult,
    SiteScore,
    SiteScores,
    Spending,
)
from shiftscope.reports.formats.markdown import to_markdown
from shiftscope.reports.formats.table import print_table
from shiftscope.reports.sheet import Grid, Lines
from shiftscope.reports.sheets.result_sheet import result_sheet

SITES = ("st_josephs_infirmary", "kvasir-center-2")
ROUNDS = {"baseline": 10, "adapted": 10, "equal_compute": 5}
GAIN = Difference(mean=0.1, low=0.05, high=0.15)


@pytest.fixture
def result() -> RunResult:
    """Ditto on quantile maps helps one site and not the other, which keeps the baseline in two of three seeds."""
    return made()


def made(**changes: Any) -> RunResult:
    plan = small_plan(harmonizer="quantile_spectrum", personalizer="perfedavg", sites=planned_sites(SITES, 40))
    scores = {"baseline": (0.6, 0.6, 0.6), "adapted": (0.7, 0.7, 0.7), "equal_compute": (0.65, 0.65, 0.65)}
    sites = {
        site: SiteScores(
            cases=12,
            scores=scores,
            difference=GAIN,
            ungated={**scores, "adapted": (0.55, 0.55, 0.55)},
            kept_baseline={"adapted": (index == 0, False, index == 0), "equal_compute": (False, False, False)},
        )
        for index, site in enumerate(SITES)
    }
    arms = {
        name: ArmResult(
            algorithm="fedavg" if name == "baseline" else "perfedavg",
            harmonizer=None if name == "baseline" else "quantile_spectrum",
            rounds=rounds,
            mean=scores[name][0],
            difference=Difference() if name == "baseline" else GAIN,
            harmed=SITES[1:] if name == "adapted" else (),
        )
        for name, rounds in ROUNDS.items()
    }
    took = Spending(bytes_up=2_000_000, bytes_down=3_000_000, passes=200, seconds=150.0, peak_bytes=900_000_000)
    hoped = Spending(bytes_up=2_000_000, bytes_down=3_000_000, passes=200, seconds=100.0, peak_bytes=None)
    values: dict[str, Any] = {
        "plan": plan,
        "engine": "inline",
        "metric": "dice",
        "seeds": plan.every_seed,
        "verdict": "helped",
        "margin": 0.01,
        "difference": GAIN,
        "sites": sites,
        "worst": {name: SiteScore(site=SITES[0], score=0.5) for name in arms},
        "arms": arms,
        "rounds": (),
        "notes": ("restarts of the engine after a process of it died: 1",),
        "cost": Cost(bytes=5_000_000, seconds=200.0),
        "ledger": {name: Ledger(predicted=Forecast(total=hoped), measured=took) for name in arms},
    }
    return RunResult(**{**values, **changes})


def grid(result: RunResult, start: str) -> Grid:
    return next(
        block
        for block in result_sheet(result, verbose=True)
        if isinstance(block, Grid) and block.title.startswith(start)
    )


def test_the_verdict_comes_first_and_the_cost_after_the_strategies(result: RunResult) -> None:
    assert [block.title.split(",")[0].split(":")[0] for block in result_sheet(result, verbose=True)] == [
        "helped",
        "test cases",
        "strategies at equal steps",
        "at equal compute",
        "whom the mean hides",
        "models the sites keep",
        "the model",
        "cost over all sites",
        "notes",
        "so",
    ]


def test_a_strategy_in_a_row(result: RunResult) -> None:
    first, second = grid(result, "strategies").rows
    assert first == ("fedavg", "0.600", "", "", "0.500", "")
    assert second == ("quantile_spectrum + perfedavg", "0.700", "+0.100", "+0.050 to +0.150", "0.500", "1")
    equal = grid(result, "at equal compute")
    assert equal.title.endswith("10 and 5 rounds")
    assert [row[1] for row in equal.rows] == ["0.600", "0.650"]


def test_whom_the_mean_hides(result: RunResult) -> None:
    (block,) = [
        b for b in result_sheet(result, verbose=True) if isinstance(b, Lines) and b.title == "whom the mean hides"
    ]
    assert block.lines == [
        f"fedavg: worst at {SITES[0]}",
        f"quantile_spectrum + perfedavg: worst at {SITES[0]}, harms {SITES[1]}",
        f"quantile_spectrum + perfedavg at equal compute: worst at {SITES[0]}",
    ]


def test_who_keeps_the_baseline_is_told_in_words(result: RunResult) -> None:
    (block,) = [
        b for b in result_sheet(result, verbose=True) if isinstance(b, Lines) and b.title == "models the sites keep"
    ]
    assert block.lines == [
        "site st_josephs_infirmary keeps fedavg's model for 2 of 3 seeds: those of quantile_spectrum + perfedavg are"
        " worse on its validation cases (on test cases 0.550, with what is kept 0.700)"
    ]


def test_predicted_beside_measured(result: RunResult) -> None:
    rows = grid(result, "cost").rows
    assert len(rows) == 4 * len(ROUNDS)
    assert rows[0] == ("fedavg", "MB to the sites", "3.0", "3.0", "1.0")
    assert rows[2] == ("", "seconds of computing", "100", "150", "1.5")
    assert rows[3] == ("", "MB of memory, peak", "-", "900", "-")


def test_80_columns_hold_it_and_no_number_is_broken(result: RunResult) -> None:
    drawn = io.StringIO()
    print_table(result_sheet(result, verbose=True), Console(file=drawn, width=80, highlight=False))
    assert max(map(len, drawn.getvalue().splitlines())) <= 80
    for text in ("+0.050 to +0.150", "0.650", "900", "1.5", "ratio", "harmed"):
        assert text in drawn.getvalue()


def test_markdown_holds_every_row(result: RunResult) -> None:
    text = to_markdown(result_sheet(result, verbose=True))
    assert "| quantile_spectrum + perfedavg | 0.700 | +0.100 | +0.050 to +0.150 |" in text
    assert "| fedavg | MB to the sites | 3.0 | 3.0 | 1.0 |" in text


def test_a_baseline_alone_has_no_table_of_strategies(result: RunResult) -> None:
    plan = result.plan.model_copy(update={"harmonizer": None, "personalizer": None})
    worst = {"baseline": SiteScore(site=SITES[0], score=0.5)}
    alone = made(plan=plan, arms={"baseline": result.arms["baseline"]}, worst=worst, ledger={})
    titles = [block.title for block in result_sheet(alone, verbose=True)]
    assert not any(title.startswith(("strategies", "at equal", "cost")) for title in titles)
    (worst,) = [block for block in result_sheet(alone, verbose=True) if block.title == "worst site"]
    assert isinstance(worst, Lines)
    assert worst.lines == [f"fedavg 0.500 at '{SITES[0]}'"]


def test_a_result_without_a_ledger_still_reads(result: RunResult) -> None:
    old = {key: value for key, value in result.to_dict().items() if key not in ("ledger", "arms")}
    sheet = result_sheet(RunResult.from_dict(old, "old", ValueError))  # type: ignore[arg-type]
    assert not any(block.title.startswith(("cost", "strategies")) for block in sheet)
