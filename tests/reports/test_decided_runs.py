"""What the sheet of a run says of its verdict, of each site's own model, of seeds and folds, and what follows."""

import pytest
from decided_runs import DIFFERENCES, decided_run
from screens import drawn, require_screen

from shiftscope.plans import Answer, Difference, Needed, OwnCode, RunResult, Verdict
from shiftscope.reports.formats.markdown import to_markdown
from shiftscope.reports.run_recommendations import recommended
from shiftscope.reports.run_wording import gain_of_sharing, participation_words, seeds_words
from shiftscope.reports.sheet import Grid
from shiftscope.reports.sheets.result_sheet import result_sheet

FOUR: tuple[Answer, ...] = ("take_part", "own_model", "alone", "undecided")


def text(result: RunResult, *, verbose: bool = False) -> str:
    """The sheet on one line, blanks as one."""
    return " ".join(" ".join(drawn(result_sheet(result, verbose=verbose), 200)).split())


def grid(result: RunResult, start: str, *, verbose: bool = False) -> Grid:
    return next(
        block
        for block in result_sheet(result, verbose=verbose)
        if isinstance(block, Grid) and block.title.startswith(start)
    )


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ("helped", "helped: the advice paid"),
        ("harmed", "harmed: the advice did harm"),
        ("no_difference", "no_difference: the advice makes no difference of more than 0.01, which is shown"),
        ("undecided", "undecided: whether the advice pays is not decided"),
    ],
)
def test_the_first_line_is_the_verdict_in_words(verdict: Verdict, says: str) -> None:
    result = decided_run(FOUR, verdict)
    lines = require_screen(result_sheet(result))
    assert lines[0] == says
    low, high, level = (getattr(DIFFERENCES[verdict], end) for end in ("low", "high", "level"))
    assert f"{100 * level:g} % [{low:+.3f}, {high:+.3f}]" in text(result)


def test_the_margin_that_is_shown_is_the_plans() -> None:
    assert "more than 0.02," in text(decided_run(FOUR, "no_difference", margin=0.02))


@pytest.mark.parametrize(
    ("needed", "says"),
    [
        (Needed(seeds=5), "about 5 seeds would decide it"),
        (Needed(patients=240), "about 240 patients at all sites would decide it; more seeds alone cannot"),
        (Needed(seeds=8, patients=240), "about 8 seeds and 240 patients at all sites would decide it, both together"),
    ],
)
def test_what_is_not_decided_says_what_would_decide_it(needed: Needed, says: str) -> None:
    assert says in text(decided_run(FOUR, "undecided", needed=needed))
    assert "would decide it" not in text(decided_run(FOUR, "undecided"))


def test_each_site_has_its_own_model_and_its_answer_beside_the_others() -> None:
    table = grid(decided_run(FOUR), "test cases")
    assert table.columns == ("site", "n#", "local#", "base#", "advice#", "gain#", "99 %", "answer")
    assert table.rows[0] == ("a", "12", "0.550", "0.600", "0.700", "+0.110", "+0.050 to +0.170", "take part")
    assert [row[-1] for row in table.rows] == ["take part", "own model", "alone", "undecided"]
    whole = grid(decided_run(FOUR), "dice on test cases; gain", verbose=True)
    assert whole.rows[1] == (
        "b",
        "0.550",
        "0.600",
        "0.700",
        "+0.050",
        "+0.000 to +0.100",
        "take part with an own model",
    )


def test_intervals_of_several_levels_claim_none() -> None:
    result = decided_run(FOUR)
    sites = {**result.sites, "a": result.sites["a"].model_copy(update={"difference": DIFFERENCES["undecided"]})}
    assert "interval" in grid(result.model_copy(update={"sites": sites}), "test cases").columns


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (FOUR, "2 of 4 sites gain by it (1 with an own model), 1 does better alone, 1 undecided"),
        (("take_part", "alone", "alone"), "1 of 3 sites gains by it, 2 do better alone"),
        (("take_part", "take_part"), "2 of 2 sites gain by it"),
        (("alone", "undecided"), "none of 2 sites gains by it, 1 does better alone, 1 undecided"),
        (("undecided", "undecided"), "not decided at any of 2 sites"),
        (("alone",), "no, the site does better alone"),
        (("own_model",), "yes, the site gains by it, with an own model"),
        (("undecided",), "not decided"),
    ],
)
def test_whether_taking_part_pays(answers: tuple[Answer, ...], says: str) -> None:
    assert participation_words(decided_run(answers)) == says
    assert says in text(decided_run(answers))
    assert says in text(decided_run(answers), verbose=True)


def test_without_local_models_nothing_is_said_of_taking_part() -> None:
    result = decided_run(("undecided",))
    sites = {site: scores.model_copy(update={"scores": {"baseline": (0.6,)}}) for site, scores in result.sites.items()}
    assert participation_words(result.model_copy(update={"sites": sites})) == ""


def test_the_gain_of_sharing_is_turned_about_with_its_interval() -> None:
    turned = gain_of_sharing(Difference(mean=-0.05, low=-0.1, high=0.0, level=0.99))
    assert turned.model_dump() == {"mean": 0.05, "low": 0.0, "high": 0.1, "level": 0.99}
    assert gain_of_sharing(Difference()) == Difference()


def test_the_worst_site_and_who_is_harmed() -> None:
    assert "no site is shown to be harmed" in text(decided_run(FOUR))
    assert "worst site 'a': +0.110, 99 % [+0.050, +0.170] with the advice; lowest" in text(decided_run(FOUR))
    harmed = decided_run(FOUR, harmed=("b", "c"))
    assert "harmed 2 of 4 sites: 'b', 'c'" in text(harmed)
    assert "no site is shown to be harmed" not in text(harmed)


@pytest.mark.parametrize(
    ("folds", "seeds", "analyses", "verdict", "says"),
    [
        (1, (0, 1, 2), 0, "helped", "seeds 0, 1, 2"),
        (1, tuple(range(30)), 0, "helped", "30 seeds"),
        (5, tuple(range(5)), 0, "helped", "seeds 0, 1, 2, 3, 4; 5 folds: every patient is tested once"),
        (1, "auto", 1, "helped", "3 of at most 10 seeds: decided at the first analysis"),
        (1, "auto", 3, "no_difference", "10 of at most 10 seeds: decided at the third analysis"),
        (1, "auto", 2, "undecided", "5 of at most 10 seeds: stopped undecided at the second analysis"),
        (1, "auto", 3, "undecided", "10 of at most 10 seeds: not decided at the third analysis, the last one"),
        (5, "auto", 2, "helped", "10 of at most 10 seeds: decided at the second analysis; 5 folds: every patient is"),
    ],
)
def test_how_many_seeds_and_why_and_the_folds(
    folds: int, seeds: tuple[int, ...] | str, analyses: int, verdict: Verdict, says: str
) -> None:
    trained = tuple(range(int(says.split(" of ")[0]))) if seeds == "auto" else seeds
    result = decided_run(FOUR, verdict, analyses=analyses, seeds=trained, plan={"seeds": seeds, "folds": folds})
    assert seeds_words(result).startswith(says)
    assert says in text(result)


def test_of_two_passes_over_the_folds_every_patient_is_tested_twice() -> None:
    result = decided_run(FOUR, plan={"seeds": tuple(range(10)), "folds": 5})
    assert "every patient is tested 2 times" in text(result)


@pytest.mark.parametrize(
    ("answers", "verdict", "advised", "says"),
    [
        (("take_part", "take_part"), "helped", True, "take the model of the advice"),
        (("take_part", "undecided"), "no_difference", True, "take fedavg, which is cheaper and as good"),
        (("take_part", "undecided"), "harmed", True, "take fedavg"),
        (("undecided", "undecided"), "undecided", True, "take fedavg, which is cheaper, until more is known"),
        (FOUR, "helped", True, "take the model of the advice; let 'c' stay alone"),
        (FOUR, "harmed", True, "take fedavg; an own model (fedper) for 'b'; let 'c' stay alone"),
        (("alone", "alone"), "helped", True, "let each site train its own model: none gains by taking part"),
        (("alone",) * 4 + ("take_part",), "helped", True, "take the model of the advice; let 4 sites stay alone"),
        (("take_part", "take_part"), "helped", False, "take fedavg"),
        (("take_part", "alone", "alone"), "helped", False, "take fedavg; let 'b' and 'c' stay alone"),
        (
            ("undecided", "undecided"),
            "helped",
            False,
            "nothing is shown yet: more patients, seeds or folds may tell whether taking part pays",
        ),
    ],
)
def test_what_to_do_follows_the_verdict_and_the_answers(
    answers: tuple[Answer, ...], verdict: Verdict, advised: bool, says: str
) -> None:
    result = decided_run(answers, verdict, advised=advised)
    assert recommended(result) == says
    assert f" so {says} --verbose" in text(result)
    assert text(result, verbose=True).endswith(f"so {says}")


def test_a_run_without_advice_says_so_and_answers_whether_taking_part_pays() -> None:
    result = decided_run(FOUR, advised=False, plan={"seeds": tuple(range(5)), "folds": 5})
    lines = require_screen(result_sheet(result))
    assert lines[0] == "trained: fedavg, without advice"
    assert "does taking part pay: 2 of 4 sites gain by it" in text(result)
    assert "harmed" not in text(result)
    table = grid(result, "test cases")
    assert table.columns == ("site", "n#", "local#", "base#", "gain#", "95 %", "answer")
    assert table.rows[0] == ("a", "12", "0.550", "0.600", "+0.050", "+0.000 to +0.100", "take part")
    whole = grid(result, "dice on test cases", verbose=True)
    assert whole.rows[2] == ("c", "12", "0.550", "0.600", "+0.050", "+0.000 to +0.100", "stay alone")


def test_advice_that_could_not_be_compared_claims_nothing() -> None:
    """A strategy that missed a site's reply is another one: its scores are shown, a difference is not."""
    result = decided_run(FOUR, "undecided", difference=Difference())
    sites = {site: scores.model_copy(update={"difference": Difference()}) for site, scores in result.sites.items()}
    missed = result.model_copy(update={"sites": sites})
    assert "mean over 4 sites: undefined" in text(missed)
    assert "shown to be harmed" not in text(missed)
    assert grid(missed, "test cases").rows[0] == ("a", "12", "0.550", "0.600", "0.700", "", "", "take part")


def test_one_seed_does_not_say_what_more_of_them_could() -> None:
    one = decided_run(FOUR, "undecided", plan={"seeds": (0,)}, needed=Needed(patients=240))
    assert "about 240 patients at all sites would decide it, as far as one seed can tell" in text(one)
    assert "more seeds alone cannot" not in text(one)


def test_a_site_without_a_difference_is_not_counted_in_the_mean() -> None:
    result = decided_run(FOUR)
    sites = {**result.sites, "b": result.sites["b"].model_copy(update={"difference": Difference()})}
    assert "mean over 3 of 4 sites: +" in text(result.model_copy(update={"sites": sites}))


def test_verbose_tells_every_class_the_analyses_the_weights_and_own_code() -> None:
    plan = {
        "seeds": "auto",
        "model": "mine.networks:build",
        "weights": "imagenet",
        "weights_sha256": "1234abcd" * 8,
        "loss": "mine.losses:focal",
        "balance": True,
        "code": {"mine": OwnCode(version="1.2", sha256="ab" * 32)},
    }
    result = decided_run(FOUR, analyses=1, plan=plan, seeds=(0, 1, 2))
    also = {"dice of tumour": {"baseline": (0.5, None), "adapted": (0.6, 0.8), "local": (None, None)}, "surface_px": {}}
    sites = {**result.sites, "a": result.sites["a"].model_copy(update={"also": also})}
    whole = result.model_copy(update={"sites": sites})
    table = grid(whole, "dice of tumour", verbose=True)
    assert table.columns == ("site", "local#", "baseline#", "adapted#")
    assert table.rows[:2] == [("a", "-", "0.500", "0.700"), ("b", "-", "-", "-")]
    analyses = grid(whole, "analyses", verbose=True)
    assert analyses.rows == [("3", "+0.110", "+0.050 to +0.170", "99 %", "helped")]
    whole_text = text(whole, verbose=True)
    for says in (
        "mine.networks:build, starts from imagenet weights, SHA-256 1234abcd1234...",
        "loss: mine.losses:focal",
        "batches hold the classes equally often",
        "own code of mine 1.2, SHA-256 abababababab...",
    ):
        assert says in whole_text
    assert "| a | - | 0.500 | 0.700 |" in to_markdown(result_sheet(whole, verbose=True))


def test_the_local_model_is_no_strategy_that_harms() -> None:
    result = decided_run(FOUR)
    (row,) = [row for row in grid(result, "strategies", verbose=True).rows if row[0] == "local"]
    assert row[-1] == ""
    assert not any(block.title.startswith("strategies") for block in result_sheet(result))


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_narrow_terminals_hold_every_line(width: int) -> None:
    for verbose in (False, True):
        lines = drawn(result_sheet(decided_run(FOUR, "undecided", analyses=1), verbose=verbose), width)
        assert max(map(len, lines)) <= width


def test_a_narrow_terminal_stacks_a_row_and_breaks_no_interval() -> None:
    sheet = result_sheet(decided_run(FOUR))
    wide, narrow = ([line.strip() for line in drawn(sheet, width)] for width in (80, 50))
    assert "a     12  0.550  0.600   0.700  +0.110  +0.050 to +0.170  take part" in wide
    at = narrow.index("a")
    assert narrow[at + 1 : at + 3] == [
        "n 12, local 0.550, base 0.600, advice 0.700,",
        "gain +0.110, 99 % +0.050 to +0.170,",
    ]
