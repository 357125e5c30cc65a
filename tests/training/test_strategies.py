"""Strategies by name: what exists, what a plan allows, what becomes of the winner."""

import pytest
from fake_runs import SITES, plan_of

from shiftscope.errors import PlanError, UsageError
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.plans import Plan, PlannedSite
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS
from shiftscope.training.arms import arms_of
from shiftscope.training.plan_checks import check_plan
from shiftscope.training.trials.strategies import Strategy, choose_strategies, gradients_of, reference_of
from shiftscope.training.trials.winners import winning_plan


def names(plan: Plan, *wanted: str) -> list[str]:
    return [item.name for item in choose_strategies(plan, wanted)[0]]


def test_the_parts_of_a_name() -> None:
    found, notes = choose_strategies(plan_of(), ["zscore", " fedbn", "ditto+quantile_map", "scaffold", "fedavg"])
    assert found == (
        Strategy("zscore", "zscore", "fedavg"),
        Strategy("fedbn", None, "fedbn"),
        Strategy("quantile_map+ditto", "quantile_map", "ditto"),
        Strategy("scaffold", None, "scaffold"),
    )
    assert not notes


def test_what_is_named_twice_runs_once_and_is_reported() -> None:
    found, notes = choose_strategies(plan_of(), ["zscore", "fedbn", "zscore+fedavg", "fedbn"])
    assert [item.name for item in found] == ["zscore", "fedbn"]
    assert notes == ["zscore: named twice, runs once", "fedbn: named twice, runs once"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("zscor", r"--strategies zscor: no 'zscor'; did you mean zscore\? harmonizers: zscore, .*; algorithms: fedavg"),
        ("zscore+fedbm", r"--strategies zscore\+fedbm: no 'fedbm'; did you mean fedbn\?"),
        ("9", r"no '9'; harmonizers: "),
        ("zscore+quantile_map", "zscore and quantile_map do the same kind of thing"),
        ("zscore+fedbn+ditto", "fedbn and ditto do the same kind of thing"),
        ("pooled", "pooled is a bound that no site can use"),
        ("fedavg", "nothing beside fedavg, the reference"),
    ],
)
def test_names_that_are_no_strategy(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        choose_strategies(plan_of(), [name])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("macenko", "--strategies macenko: .*grey"),
        ("combat+fedbn", "--strategies combat.fedbn: .*features"),
        ("clustered", "--strategies clustered: .*two clusters"),
    ],
)
def test_what_the_plan_does_not_allow(name: str, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        choose_strategies(plan_of(), ["zscore", name])


def test_the_short_list_holds_the_advice_and_its_halves() -> None:
    found = names(plan_of(harmonizer="quantile_map", personalizer="fedala"))
    assert found[:3] == ["quantile_map+fedala", "quantile_map", "fedala"]
    assert {"zscore", "fedbn", "lp_ft", "ditto"} <= set(found)
    assert "fedavg" not in found
    assert len(found) == len(set(found)) <= 10
    assert names(plan_of()) == found[3:]


def test_the_short_list_follows_the_plan() -> None:
    grouped = {site: PlannedSite(fingerprint="", patients=9, cases=9, cluster=at % 2) for at, site in enumerate(SITES)}
    assert "clustered" in names(plan_of(sites=grouped))
    plan = plan_of(task="classification", classes=("x", "y"), model="test_convnext", image_size=64)
    found, notes = choose_strategies(plan)
    assert "fedbn" not in [item.name for item in found]  # no BatchNorm in there
    assert [line for line in notes if line.startswith("left out: fedbn (")]


def test_another_baseline_is_the_reference() -> None:
    plan = plan_of(baseline="fedprox")
    assert reference_of(plan) == Strategy("fedprox", None, "fedprox")
    found, _ = choose_strategies(plan, ["zscore", "zscore+fedavg", "fedprox"])
    assert found == (Strategy("zscore", "zscore", "fedprox"), Strategy("zscore+fedavg", "zscore", "fedavg"))


def test_passes() -> None:
    ditto, fedbn = choose_strategies(plan_of(), ["ditto", "fedbn"])[0]
    assert gradients_of(fedbn, plan_of(), 3) == 3 * 10 * 4 * 2
    assert gradients_of(ditto, plan_of(), 3) == 2 * 3 * 10 * 4 * 2


@pytest.mark.parametrize("name", ["zscore+fedbn", "zscore", "ditto", "scaffold", "zscore+scaffold", "local"])
def test_the_winner_is_what_train_runs_last(name: str) -> None:
    plan = plan_of(harmonizer="nyul", personalizer="fedper")
    winner = choose_strategies(plan, [name])[0][0]
    made = winning_plan(plan, winner)
    arms = [arm for arm in arms_of(made) if arm.name in ("baseline", "adapted")]
    check_plan(made, arms)
    assert (arms[-1].harmonizer, arms[-1].algorithm) == (winner.harmonizer, winner.algorithm)


def test_without_a_winner_the_baseline_is_left_alone() -> None:
    alone, local = arms_of(winning_plan(plan_of(harmonizer="nyul", personalizer="fedper"), None))
    assert (alone.harmonizer, alone.algorithm, local.algorithm) == (None, "fedavg", "local")


def test_no_name_means_two_things() -> None:
    families = [*HARMONIZERS, *PERSONALIZERS, *CONTROLS]
    assert len(families) == len(set(families))
    assert not any("+" in name or "," in name for name in families)
