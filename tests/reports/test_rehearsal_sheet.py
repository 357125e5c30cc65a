"""What the sheet of a rehearsal says: what to take, what each site should do, how sure that is, and what is next."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rehearsed_runs import METHODS, rehearsal, rehearsed
from screens import drawn, require_screen, require_whole
from small_plans import planned_sites

from shiftscope.plans import Answer, Difference, RehearsalResult, RehearsalSite
from shiftscope.reports.formats.markdown import to_markdown
from shiftscope.reports.rehearsal_steps import next_step
from shiftscope.reports.rehearsal_wording import headline_words, ranked
from shiftscope.reports.run_wording import ANSWERS
from shiftscope.reports.sheet import Grid
from shiftscope.reports.sheets.rehearsal_sheet import rehearsal_sheet

GAINS = {
    **{"shrinkage": 0.031, "lp_ft": 0.027, "zscore+lp_ft": 0.02, "local": 0.012, "zscore": 0.004},
    **{"fedprox": 0.001, "balanced": -0.002, "zscore+local": -0.01},
}
HARMONIZERS = ("zscore", "quantile_spectrum", "percentile", "quantile_map", "resample")
NAMES = ("fedavg", *METHODS[1:], *HARMONIZERS, *(f"{one}+{two}" for one in HARMONIZERS for two in METHODS[3:]))


def text(result: RehearsalResult, *, verbose: bool = False) -> str:
    """The sheet on one line, blanks as one."""
    return " ".join(" ".join(drawn(rehearsal_sheet(result, verbose=verbose), 200)).split())


def grid(result: RehearsalResult, start: str, *, verbose: bool = False) -> Grid:
    return next(
        block
        for block in rehearsal_sheet(result, verbose=verbose)
        if isinstance(block, Grid) and block.title.startswith(start)
    )


@st.composite
def rehearsals(draw: st.DrawFn) -> tuple[RehearsalResult, tuple[str, ...]]:
    """Anything that `rehearse` could find, and the names of its sites."""
    sites = tuple(draw(st.lists(st.text("ZQ", min_size=1, max_size=60), min_size=1, max_size=24, unique=True)))
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    silent = {site for site in sites if draw(st.integers(0, 3)) == 0}
    heard = [site for site in sites if site not in silent]

    def gain() -> Difference:
        low, mean, high = sorted(draw(st.lists(st.floats(-1, 1), min_size=3, max_size=3)))
        return Difference(mean=mean, low=low, high=high, level=draw(st.sampled_from((0.95, 0.9875))))

    strategies = [
        rehearsed(
            name,
            draw(st.floats(-0.1, 0.1)),
            heard,
            **({} if name == "fedavg" else {"gain": gain(), "harmed": heard[: draw(st.integers(0, 2))]}),
            harm=draw(st.sampled_from([None, 0.0, 0.123, 1.0])),
            stands_for=draw(st.sampled_from([(), ("fedper", "fedrep", "fedbabu_head")])),
        )
        for name in names
    ]
    best = draw(st.sampled_from(names))
    answers = [draw(st.sampled_from([*ANSWERS])) for _ in sites]
    reason = "it changes the body of the network, and that is frozen while a rehearsal lasts"
    result = rehearsal(
        {},
        answers,
        plan={"sites": planned_sites(sites, 200)},
        strategies=strategies,
        sites={
            site: RehearsalSite(
                answer="undecided" if site in silent else answer,
                patients={"train": draw(st.integers(1, 99999)), "test": 12},
                withheld="12 test patients in its smallest fold, and 20 are needed" if site in silent else "",
            )
            for site, answer in zip(sites, answers, strict=True)
        },
        best=best,
        metric=draw(st.sampled_from(["dice", "balanced_accuracy"])),
        equal=[name for name in names if name != best][: draw(st.integers(0, 12))],
        left_out=dict.fromkeys(("fedbn", "silobn", "ditto", "n4", "combat")[: draw(st.integers(0, 5))], reason),
        notes=("a site has no case of a class in a fold, and what it has to say takes more than a line",)
        * draw(st.integers(0, 3)),
    )
    return result, sites


@settings(max_examples=40, deadline=None)
@given(rehearsals())
def test_any_rehearsal_is_one_screen(made: tuple[RehearsalResult, tuple[str, ...]]) -> None:
    result, sites = made
    lines = require_screen(rehearsal_sheet(result), sites)
    assert " ".join(lines[:2]).startswith(headline_words(result))
    assert any("not a promise" in line for line in lines)
    assert any(line.startswith(" next ") for line in lines)
    assert "--verbose" in lines[-1]
    require_whole(drawn(rehearsal_sheet(result, verbose=True)), sites)


@settings(max_examples=10, deadline=None)
@given(rehearsals(), st.sampled_from([20, 40, 60]))
def test_a_narrow_terminal_cuts_no_line(made: tuple[RehearsalResult, tuple[str, ...]], width: int) -> None:
    for verbose in (False, True):
        assert max(map(len, drawn(rehearsal_sheet(made[0], verbose=verbose), width))) <= width


@pytest.mark.parametrize(
    ("gains", "equal", "says"),
    [
        (GAINS, ("lp_ft",), "take shrinkage: auroc +0.031, 95 % [+0.016, +0.046] over FedAvg"),
        (GAINS, ("fedavg", "lp_ft"), "try shrinkage: auroc +0.031, 95 % [+0.016, +0.046] over FedAvg"),
        ({"local": 0.004}, ("local",), "take fedavg: nothing is expected to gain more than 0.01 over it"),
    ],
)
def test_the_first_line_says_what_to_take_and_what_it_gains(
    gains: dict[str, float], equal: tuple[str, ...], says: str
) -> None:
    assert drawn(rehearsal_sheet(rehearsal(gains, equal=equal)))[0] == says


@pytest.mark.parametrize(
    ("equal", "says"),
    [
        (("lp_ft", "fedavg"), "2 of 8 others cannot be told from it: fedavg, lp_ft"),
        ((), "all others can be told from it"),
    ],
)
def test_the_second_line_says_what_cannot_be_told_apart(equal: tuple[str, ...], says: str) -> None:
    assert drawn(rehearsal_sheet(rehearsal(GAINS, equal=equal)))[1].strip() == says


def test_fedavg_alone_is_told_from_nothing() -> None:
    assert "told from" not in text(rehearsal({}))
    assert "take fedavg" in text(rehearsal({}))


def test_strategies_stand_in_the_order_of_what_is_expected_of_them() -> None:
    result = rehearsal(GAINS)
    rows = grid(result, "strategies", verbose=True).rows
    assert [row[0] for row in rows] == [item.name for item in ranked(result)]
    assert [row[0] for row in rows[-4:]] == ["fedprox", "fedavg", "balanced", "zscore+local"]
    assert rows[0] == ("shrinkage", "0.831", "+0.031", "+0.016 to +0.046", "4 %", "0.24")
    assert rows[-3] == ("fedavg", "0.800", "", "", "", "0.24")


def test_the_best_stands_first_whatever_is_expected_of_others() -> None:
    """FedAvg is the best where nothing else is expected to gain more than the margin."""
    rows = grid(rehearsal({"local": 0.004, "zscore": 0.002}), "strategies").rows
    assert [row[0] for row in rows] == ["fedavg", "local", "zscore"]


def test_of_many_strategies_fedavg_is_shown_and_what_the_others_gain_is_said() -> None:
    result = rehearsal({**GAINS, **{f"quantile_map{k}": -0.02 - k / 1000 for k in range(20)}})
    shown = [row[0] for row in grid(result, "strategies, ").rows]
    assert shown[0] == "shrinkage"
    assert shown[-1] == "fedavg"
    assert f"strategies, {len(shown)} of 29: auroc" in text(result)
    assert f"others {ranked(result)[len(shown) - 1].name} +0.0" in text(result)
    assert len(grid(result, "strategies", verbose=True).rows) == 29


def test_each_site_has_its_answer_with_its_scores() -> None:
    answers: tuple[Answer, ...] = ("take_part", "own_model", "alone", "undecided")
    table = grid(rehearsal(GAINS, answers), "sites")
    assert table.columns == ("site", "patients#", "FedAvg#", "own#", "best#", "what to do")
    assert [tuple(cell.replace("\u00a0", " ") for cell in row) for row in table.rows] == [
        ("a", "200", "0.800", "0.812", "0.831", "take part"),
        ("b", "200", "0.800", "0.812", "0.831", "take part with an own model"),
        ("c", "200", "0.800", "0.812", "0.831", "stay alone"),
        ("d", "200", "0.800", "0.812", "0.831", "undecided"),
    ]
    assert "2 of 4 sites gain by it (1 with an own model), 1 does better alone, 1 undecided" in text(
        rehearsal(GAINS, answers), verbose=True
    )


@pytest.mark.parametrize(
    ("gains", "columns"),
    [
        ({"local": 0.004, "zscore": 0.002}, ("FedAvg#", "own#")),  # FedAvg is the best
        ({"local": 0.04, "zscore": 0.002}, ("FedAvg#", "own#")),  # the own model is
        ({"zscore": 0.04}, ("FedAvg#", "best#")),  # no own model was rehearsed
    ],
)
def test_no_column_stands_twice(gains: dict[str, float], columns: tuple[str, ...]) -> None:
    assert grid(rehearsal(gains), "sites").columns == ("site", "patients#", *columns, "what to do")


def test_a_site_that_withholds_its_scores_is_shown_with_the_reason() -> None:
    whole = rehearsal(GAINS)
    reason = "12 test patients in its smallest fold, and 20 are needed"
    result = rehearsal(
        {},
        strategies=[rehearsed(item.name, item.gain.mean or 0.0, "ab") for item in whole.strategies],
        sites={**whole.sites, "c": RehearsalSite(patients={"train": 60, "test": 12}, withheld=reason)},
        best="shrinkage",
    )
    assert grid(result, "sites").rows[-1] == ("c", "72", "-", "-", "-", "withheld")
    assert "mean over 2 of 3 sites" in text(result)
    for verbose in (False, True):
        assert f"'c': {reason}" in text(result, verbose=verbose)


def test_of_many_sites_those_where_most_is_at_stake_are_shown_and_all_are_counted() -> None:
    names = [f"hospital {k}" for k in range(20)]
    answers: tuple[Answer, ...] = ("alone", *("take_part",) * 19)
    whole = rehearsal(GAINS, answers, plan={"sites": planned_sites(names, 200)})
    worse = Difference(mean=-0.2, low=-0.3, high=-0.1)

    def harmed(site: str, scored: Any) -> Any:
        return scored.model_copy(update={"gain": worse}) if site == "hospital 13" else scored

    strategies = [
        item.model_copy(update={"sites": {site: harmed(site, scored) for site, scored in item.sites.items()}})
        for item in whole.strategies
    ]
    result = whole.model_copy(update={"strategies": tuple(strategies)})
    shown = [row[0].replace("\u00a0", " ") for row in grid(result, "sites, ").rows]
    assert "hospital 13" in shown
    assert shown == [name for name in names if name in shown]
    assert "mean over 20 sites" in text(result)
    assert "taking part 19 of 20 sites gain by it, 1 does better alone" in text(result)
    assert len(grid(result, "sites", verbose=True).rows) == 20


def test_names_lose_their_middle_on_the_first_screen_alone() -> None:
    names = [f"the radiology of hospital number {k}" for k in range(2)]
    result = rehearsal(GAINS, ("own_model", "alone"), plan={"sites": planned_sites(names, 200)})
    assert " the rad...umber 0       200   0.800" in "\n".join(drawn(rehearsal_sheet(result)))
    assert [row[0] for row in grid(result, "sites", verbose=True).rows] == names


def test_whom_the_best_harms_is_said_first_and_whom_others_harm_with_verbose() -> None:
    strategies = [rehearsed("fedavg", 0.0, "abc"), rehearsed("lp_ft", 0.03, "abc", harmed=("b",))]
    result = rehearsal({}, strategies=[*strategies, rehearsed("zscore", 0.01, "abc", harmed=("a",))], best="lp_ft")
    assert "harmed 'b' by lp_ft" in text(result)
    assert "'a' by zscore" not in text(result)
    assert "sites that are shown to be harmed 'b' by lp_ft 'a' by zscore" in text(result, verbose=True)
    assert "harmed" not in text(rehearsal(GAINS))


def test_it_is_called_a_prediction_and_why() -> None:
    for verbose in (False, True):
        assert "a prediction, not a promise: tf_efficientnet_lite0 stayed frozen" in text(
            rehearsal({}), verbose=verbose
        )


def test_what_was_left_out_what_stands_for_what_and_what_it_took() -> None:
    strategies = [
        rehearsed("fedavg", 0.0, "abc", stands_for=("fedala",)),
        rehearsed("local", 0.03, "abc", stands_for=("fedper", "fedrep")),
    ]
    why = {"fedbn": "the body is frozen", "n4": "slow", "silobn": "the body is frozen"}
    result = rehearsal({}, strategies=strategies, best="local", left_out=why, notes=("a note", "another"))
    assert "left out fedbn, n4, silobn; fedala is as fedavg; fedper, fedrep are as local" in text(result)
    assert "took 5 folds, 30 rounds of 20 steps each; 2.9 MB, 95 s, engine inline" in text(result)
    assert "note a note" in text(result)
    assert "and 1 note more" in text(result)
    whole = text(result, verbose=True)
    for says in (
        "not rehearsed fedbn, silobn: the body is frozen n4: slow",
        "local +0.024 0.24 3.2 fedper, fedrep",
        "harm: the chance that a site loses more than 0.01",
        "notes a note another",
        "weights of SHA-256 abababababab...",
    ):
        assert says in whole


def test_verbose_tells_each_site_what_scores_highest_there() -> None:
    table = grid(rehearsal(GAINS), "at each site: gain of shrinkage over FedAvg", verbose=True)
    assert table.rows[0] == ("a", "+0.031", "+0.016 to +0.046", "shrinkage", "0.831")
    table = grid(rehearsal({"local": 0.004}), "at each site: gain of local over FedAvg", verbose=True)
    assert table.rows[0] == ("a", "+0.004", "-0.011 to +0.019", "local", "0.804")
    assert not any(block.title.startswith("at each site") for block in rehearsal_sheet(rehearsal({}), verbose=True))


TRAIN = "shiftscope train plan.toml --data SITE=DIR ..."


@pytest.mark.parametrize(
    ("gains", "changes", "says"),
    [
        ({"local": 0.004}, {}, TRAIN),
        ({}, {"plan": {"harmonizer": "nyul"}}, f'with harmonizer = "" in the plan, {TRAIN}'),
        ({"zscore": 0.03}, {"plan": {"harmonizer": "zscore"}}, TRAIN),
        (
            {"zscore+lp_ft": 0.03},
            {"plan": {"personalizer": "fedper"}},
            f'with harmonizer = "zscore" and personalizer = "lp_ft" in the plan, {TRAIN}',
        ),
        ({"balanced": 0.03}, {"equal": ("fedavg",)}, f"with balance = true in the plan, {TRAIN}"),
        (
            {"zscore": 0.03, "local": 0.01},
            {"equal": ("fedavg",)},
            "shiftscope trial plan.toml --strategies zscore,local --data SITE=DIR ...",
        ),
        (
            {"zscore+shrinkage": 0.03, "lp_ft": 0.02, "local": -0.01},
            {},
            "training has no shrinkage yet: shiftscope trial plan.toml --strategies lp_ft --data SITE=DIR ...",
        ),
        ({"shrinkage": 0.03, "local": -0.01}, {}, f"training has no shrinkage yet: {TRAIN}"),
        (
            {"quantile_spectrum+local": 0.03, "quantile_map+local": 0.02, "zscore": 0.015},
            {"equal": ("fedavg",)},
            "shiftscope trial plan.toml --strategies quantile_spectrum+local --data SITE=DIR ...",
        ),
        ({"fedprox": 0.03}, {}, "shiftscope trial plan.toml --strategies fedprox --data SITE=DIR ..."),
        (
            {"local": 0.03},
            {"answers": ("alone", "alone")},
            "let each site train its own model: none gains by taking part",
        ),
    ],
)
def test_what_comes_next(gains: dict[str, float], changes: dict[str, Any], says: str) -> None:
    result = rehearsal(gains, **changes)
    assert next_step(result) == says
    assert f"next {says}" in text(result)
    assert text(result, verbose=True).endswith(f"next {says}")


def test_what_stands_for_methods_of_train_is_tried_as_them() -> None:
    strategies = [
        rehearsed("fedavg", 0.0, "abc"),
        rehearsed("zscore+local", 0.03, "abc", stands_for=("fedper", "fedrep")),
    ]
    result = rehearsal({}, strategies=strategies, best="zscore+local")
    assert "--strategies zscore+local,zscore+fedper,zscore+fedrep --data" in next_step(result)


def test_a_command_is_whole_whatever_files_and_strategies_are_called() -> None:
    strategies = [rehearsed("fedavg", 0.0, "abc"), rehearsed("x; rm y", 0.03, "abc")]
    result = rehearsal({}, strategies=strategies, best="x; rm y", equal=("fedavg",))
    assert next_step(result, "my plan.toml") == (
        "shiftscope trial 'my plan.toml' --strategies 'x; rm y' --data SITE=DIR ..."
    )


def test_it_is_written_as_markdown() -> None:
    made = to_markdown(rehearsal_sheet(rehearsal(GAINS), verbose=True))
    assert "| b | 200 | 0.800 | 0.812 | 0.831 | take part with an own model |" in made
    assert made.startswith("### take shrinkage: auroc +0.031, 95 % [+0.016, +0.046] over FedAvg")
