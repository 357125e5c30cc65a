"""What a site's reply may be, and that anything else is refused in words."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from small_plans import planned_sites, small_plan

from shiftscope.errors import EngineError
from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.rehearsals.rehearsed_strategies import Rehearsed
from shiftscope.training.rehearsals.reply_checks import (
    SiteFeatures,
    checked_facts,
    checked_features,
    checked_heads,
    checked_scores,
    checked_seconds,
    checked_shares,
    checked_weights,
    usual,
)

PLAN = small_plan(
    task="classification", classes=("x", "y"), sites=planned_sites("ab", 40), folds=5, seeds=tuple(range(5))
)
ODD: tuple[Any, ...] = (None, True, "x", [], {}, -1, 2**70, 1e300, float("nan"), float("inf"), float("-inf"))
KEYS = [("plain", None, (0, 1)), ("map-0", "quantile_map", (0,))]
STRATEGIES = [Rehearsed(None, "fedavg"), Rehearsed(None, "local"), Rehearsed(None, "lp_ft")]


def facts(**changes: Any) -> dict[str, Any]:
    patients = {"train": 28, "val": 4, "test": 8}
    return {"patients": patients, "withheld": "", "cases": [28] * 5, "even": True, **changes}


def test_facts_as_they_are() -> None:
    found = checked_facts("a", facts(), PLAN)
    assert (found.cases, found.even, found.withheld) == ((28,) * 5, True, "")
    few = checked_facts("a", facts(withheld="fewer than 20 test patients", cases=None, even=None), PLAN)
    assert (few.cases, few.even, few.withheld) == ((), False, "fewer than 20 test patients")


@pytest.mark.parametrize("value", ODD)
def test_no_odd_fact_is_believed(value: Any) -> None:
    for change in (
        {"cases": value},
        {"cases": [value] * 5},
        {"patients": value},
        {"patients": {"train": value, "val": 1, "test": 1}},
    ):
        with pytest.raises(EngineError, match="it sent"):
            checked_facts("a", facts(**change), PLAN)
    assert checked_facts("a", facts(even=value), PLAN).even is (value is True)


def test_no_site_has_far_more_than_the_plan_knows_of() -> None:
    for change in ({"cases": [81] * 5}, {"cases": [28] * 4}, {"cases": [0] * 5}):
        with pytest.raises(EngineError, match="expected training cases of 5 folds, 1 to 80"):
            checked_facts("a", facts(**change), PLAN)
    with pytest.raises(EngineError, match="it is no site of the plan: a, b"):
        checked_facts("c", facts(), PLAN)


def test_a_reason_is_one_short_line() -> None:
    hostile = checked_facts("a", facts(withheld="\x1b[31m\n" + "x" * 5000), PLAN).withheld
    assert hostile.isprintable()
    assert len(hostile) < 300
    assert checked_facts("a", {"patients": {"train": 1, "val": 1, "test": 1}}, PLAN).withheld


@pytest.mark.parametrize("value", ODD)
def test_odd_seconds_are_none(value: Any) -> None:
    assert checked_seconds({"seconds": value}) == 0
    assert checked_seconds({"seconds": 1.5}) == 1.5


@pytest.mark.parametrize("value", ODD)
def test_no_odd_feature_is_believed(value: Any) -> None:
    honest = {"squares": [0.7, 0.2], "features": 96, "same_as": ["plain"]}
    assert checked_features(honest) == SiteFeatures((0.7, 0.2), 96, frozenset({"plain"}))
    for key in honest:
        if key == "same_as" and value == []:
            continue
        with pytest.raises(EngineError, match="it sent"):
            checked_features({**honest, key: value})
    if value != "x":
        with pytest.raises(EngineError, match="it sent"):
            checked_features({**honest, "same_as": [value]})
    with pytest.raises(EngineError, match="it sent"):
        checked_features({**honest, "squares": [0.7, value]})


def squares(*values: float, features: int = 96) -> dict[str, SiteFeatures]:
    return {f"s{number}": SiteFeatures((0.1, value), features, frozenset()) for number, value in enumerate(values)}


def test_an_absurd_square_or_count_is_told_from_the_others() -> None:
    assert usual(squares(0.5, 0.7, 2.0)).keys() == {"s0", "s1", "s2"}
    for absurd in (0.0, 1e-9, 1e9):
        assert usual(squares(0.5, 0.7, absurd)).keys() == {"s0", "s1"}
    assert usual(squares(0.5, 1e9)) == {}
    assert usual(squares(0.5)).keys() == {"s0"}
    assert usual({}) == {}
    other = {"odd": SiteFeatures((0.1, 0.5), 99_999, frozenset())}
    assert usual(squares(0.5, 0.7) | other).keys() == {"s0", "s1"}
    assert usual(squares(0.5) | other) == {}
    levels = {"odd": SiteFeatures((0.1, 0.5, 0.5), 96, frozenset())}
    assert usual(squares(0.5, 0.7) | levels).keys() == {"s0", "s1"}


def test_statistics_are_finite() -> None:
    share = {"quantile_map/0": {"quantiles": np.zeros((1, 5))}}
    assert checked_shares(share) == share
    for bad in (np.full((1, 5), np.nan), np.array([[np.inf]]), np.array([["x"]])):
        with pytest.raises(EngineError, match="expected finite numbers"):
            checked_shares({"quantile_map/0": {"quantiles": bad}})


def sent() -> dict[str, torch.Tensor]:
    return {"plain": torch.zeros(6, 4, 2), "map-0": torch.ones(1, 4, 2)}


@pytest.mark.parametrize(
    "forge",
    [
        lambda heads: heads[:, :3],
        lambda heads: heads[0],
        lambda heads: heads.astype(np.float64),
        lambda heads: heads * np.float32(np.nan),
        lambda heads: heads + np.float32(np.inf),
        lambda heads: heads + np.float32(0.2),
        lambda heads: heads - np.float32(1e30),
        lambda heads: heads.astype(str),
    ],
)
def test_no_heads_that_steps_cannot_make_are_averaged(forge: Callable[[np.ndarray], np.ndarray]) -> None:
    honest = {name: heads.numpy() + np.float32(0.9 * 3.2 * BUDGET.rate) for name, heads in sent().items()}
    assert checked_heads(honest, sent()).keys() == sent().keys()
    with pytest.raises(EngineError, match="for plain"):
        checked_heads({**honest, "plain": forge(honest["plain"])}, sent())
    with pytest.raises(EngineError, match="no heads .1, 4, 2. for map-0"):
        checked_heads({"plain": honest["plain"]}, sent())
    assert checked_heads({**honest, "more": np.zeros(1)}, sent()).keys() == sent().keys()


@pytest.mark.parametrize(
    "rows",
    [
        [[0.5, 0.01]],
        [[0.5, 0.01], [1.01, 0.01]],
        [[0.5, 0.01], [-0.01, 0.01]],
        [[0.5, 0.01], [0.5, 0.0]],
        [[0.5, 0.01], [0.5, -1]],
        [[0.5, 0.01], [0.5, 1e-9]],
        [[0.5, 0.01], [0.5, 1.0]],
        [[0.5, 0.01], [0.5, np.nan]],
        [[0.5, 0.01], [np.nan, 0.01]],
        [[0.5, 0.01], [np.inf, 0.01]],
        [["a", "b"], ["c", "d"]],
    ],
)
def test_no_weight_outside_what_weights_can_be(rows: list[list[Any]]) -> None:
    honest = {"plain": np.array([[0.5, 0.01], [np.nan, np.nan]]), "map-0": np.array([[1.0, 1e-4]])}
    found = checked_weights({}, honest, KEYS)
    assert [each is None for each in found["plain"]] == [False, True]
    with pytest.raises(EngineError, match="weights"):
        checked_weights({}, {**honest, "plain": np.array(rows)}, KEYS)
    with pytest.raises(EngineError, match="no weights .1, 2. for map-0"):
        checked_weights({}, {"plain": honest["plain"]}, KEYS)


def test_weights_that_a_site_keeps_are_unknown() -> None:
    kept = {"suppressed": {"tensors/map-0": "min_scored"}}
    found = checked_weights(kept, {"plain": np.array([[0.5, 0.01], [np.nan, np.nan]])}, KEYS)
    assert [each is None for each in found["plain"]] == [False, True]
    assert found["map-0"] == [None]


def test_scores_that_a_site_keeps_are_unknown_or_leave_it_out() -> None:
    marker = {"suppressed": "min_scored"}
    found = checked_scores(scores(validation=dict.fromkeys(scores()["means"], marker)), covariance(HONEST), STRATEGIES)
    assert found.means["fedavg"] == 0.8
    assert all(np.isnan(value) for value in found.validation.values())
    for key, settles in (("min_scored", "more patients of the class"), ("metrics", "at the site$")):
        said = scores(means={name: {"suppressed": key} for name in scores()["means"]})
        with pytest.raises(EngineError, match=settles):
            checked_scores({**said, "suppressed": {"tensors/covariance": key}}, {}, STRATEGIES)


def scores(**changes: Any) -> dict[str, Any]:
    means = {"fedavg": 0.8, "local": 0.7, "lp_ft": None}
    return {"means": means, "validation": means, "strategies": ["local", "lp_ft"], "freedom": 30, **changes}


def covariance(matrix: Any) -> dict[str, np.ndarray]:
    return {"covariance": np.array(matrix, dtype=np.float64)[:, None, :, None]}


HONEST = [[4e-4, 1e-4], [1e-4, 1e-4]]


def test_scores_as_they_are() -> None:
    found = checked_scores(scores(), covariance(HONEST), STRATEGIES)
    assert found.means["local"] == 0.7
    assert np.isnan(found.means["lp_ft"])
    assert found.spread.of("local").covariance[0, 0] == 4e-4
    unknown = covariance([[4e-4, np.nan], [np.nan, np.nan]])
    assert np.isnan(checked_scores(scores(), unknown, STRATEGIES).spread.of("lp_ft").covariance)
    nothing = covariance(np.full((2, 2), np.nan))
    assert checked_scores(scores(freedom=0), nothing, STRATEGIES).spread.freedom == 0
    assert checked_scores(scores(), covariance(np.zeros((2, 2))), STRATEGIES).spread.freedom == 30


@pytest.mark.parametrize(
    "change",
    [
        *({"means": {"fedavg": value, "local": 0.7, "lp_ft": 0.7}} for value in ODD if value is not None),
        *({"means": {"fedavg": value, "local": 0.7, "lp_ft": 0.7}} for value in (1.01, -0.01)),
        *({"means": value} for value in ODD),
        {"means": {"fedavg": 0.8, "local": 0.7}},
        {"means": {"fedavg": 0.8, "local": 0.7, "lp_ft": 0.7, "ditto": 0.9}},
        *({"strategies": value} for value in ODD),
        *({"strategies": value} for value in (["local"], ["local", "local"], ["fedavg", "local"], ["local", 3])),
        *({"freedom": value} for value in ODD),
        {"freedom": 0},
        {"validation": {"fedavg": 0.8}},
        {"validation": {"fedavg": 0.8, "local": 1.5, "lp_ft": 0.7}},
        {"validation": None},
    ],
)
def test_no_odd_score_is_believed(change: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match="it sent"):
        checked_scores(scores(**change), covariance(HONEST), STRATEGIES)


@pytest.mark.parametrize(
    "matrix",
    [
        [[4e-4]],
        [[-4e-4, 0], [0, 1e-4]],
        [[4e-4, 1e-4], [2e-4, 1e-4]],
        [[4e-4, 3e-4], [3e-4, 1e-4]],
        [[0.0, 1e-4], [1e-4, 1e-4]],
        [[2.0, 0], [0, 1e-4]],
        [[np.inf, 0], [0, 1e-4]],
        [[np.nan, 0], [0, 1e-4]],
        [[4e-4, np.nan], [np.nan, 1e-4]],
    ],
)
def test_no_matrix_that_is_no_covariance(matrix: Any) -> None:
    with pytest.raises(EngineError, match="it sent"):
        checked_scores(scores(), covariance(matrix), STRATEGIES)
    with pytest.raises(EngineError, match="no covariance of 2 strategies"):
        checked_scores(scores(), {}, STRATEGIES)


def test_three_correlations_may_contradict_each_other() -> None:
    """Each of them can be; together they would give a difference less than no variance."""
    three = [*STRATEGIES, Rehearsed(None, "shrinkage")]
    means = {each.name: 0.8 for each in three}
    said = scores(means=means, validation=means, strategies=["local", "lp_ft", "shrinkage"])
    matrix = 1e-4 * np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    with pytest.raises(EngineError, match="less than no variance"):
        checked_scores(said, covariance(matrix), three)
