"""One budget: whoever takes more, or starts ahead, is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recorded_runs import Recorded, apart, arms_for, go_on, job_for
from torch import nn

from shiftscope.errors import EngineError
from shiftscope.plans import SiteRound
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.algorithms.algorithm import Algorithm, Server
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS
from shiftscope.training.algorithms.local_rounds import Round, plain_round, run_steps
from shiftscope.training.evaluation.fairness import digest_of, off_budget, refuse_unequal

EVERY = [*CONTROLS, *PERSONALIZERS]


def test_all_of_them_are_let_pass_together(portfolio: Recorded) -> None:
    runs = {(name, 0): portfolio.checkpoint(name) for name in EVERY}
    refuse_unequal(portfolio.job, runs)
    starts = {spent.start for run in runs.values() for spent in run.entries[0].sites.values()}
    assert len(starts) == 1
    assert starts != {""}


@pytest.mark.parametrize(("tuning", "rounds", "together"), [(0.2, 10, 8), (0.2, 2, 1), (0.2, 3, 2), (0.0, 10, 10)])
def test_tuning_is_taken_off_the_rounds(tuning: float, rounds: int, together: int) -> None:
    assert Algorithm("", tuning=tuning).federated(rounds) == together


def one_step_more(model: nn.Module, round_: Round) -> float:
    return run_steps(model, round_, window=range(round_.plan.local_steps + 1))


def each_round_twice(model: nn.Module, round_: Round) -> float:
    plain_round(model, round_)
    return plain_round(model, round_)


def tune(model: nn.Module, round_: Round) -> None:
    run_steps(model, round_)


def tune_uncounted(model: nn.Module, round_: Round) -> None:
    run_steps(model, round_, counts=False)


def ahead(shared: Tensors, _server: Server) -> Tensors:
    """As if it had been trained before."""
    return {key: value * 1.01 if np.issubdtype(value.dtype, np.floating) else value for key, value in shared.items()}


def favour(shared: Tensors, server: Server, site: str) -> Tensors:
    return ahead(shared, server) if site == "b" else shared


CHEATS = {
    "one step more in a round": (Algorithm("", local_round=one_step_more), "site a took 6 .*and the budget is 4"),
    "each round twice": (Algorithm("", local_round=each_round_twice), "site a took 8 .*and the budget is 4"),
    "tuning nobody planned": (Algorithm("", finish=tune), "site a took 6 .*and the budget is 4"),
    "tuning that is not counted": (
        Algorithm("", finish=tune_uncounted, tuning=0.5),
        "site a took 2 .*and the budget is 4",
    ),
    "rounds saved for nothing": (Algorithm("", tuning=0.5), "site a took 2 .*and the budget is 4"),
    "another start": (Algorithm("", begin=ahead), "fedavg at site a and cheat at site a started from different"),
}


@pytest.mark.parametrize("how", CHEATS)
def test_a_comparison_that_is_not_fair_is_refused(
    how: str, pair: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    algorithm, says = CHEATS[how]
    monkeypatch.setitem(CONTROLS, "cheat", algorithm)
    plan = apart(pair, rounds=2)
    with pytest.raises(EngineError, match=says):
        go_on(job_for(plan, pair, tmp_path, arms_for(plan, ["fedavg", "cheat"])))
    assert not (tmp_path / "result.json").exists()


def test_one_site_that_sets_out_from_other_weights_is_left_out_of_the_round_and_the_strategy_is_not_compared(
    pair: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONTROLS, "cheat", Algorithm("", model_for_site=favour))
    plan = apart(pair, rounds=2)
    result = go_on(job_for(plan, pair, tmp_path, arms_for(plan, ["fedavg", "cheat"]))).result
    replies = {entry.round: entry.replies for entry in result.rounds if entry.arm == "cheat"}
    assert replies[1]["b"].startswith("failed: set out from other weights than it was sent; have one version of torch")
    assert replies[1]["a"] == replies[2]["b"] == "ok"
    assert result.arms["cheat"].difference.mean is None
    assert any("'cheat' is not compared with 'fedavg': with seed 0 site b missed 1" in note for note in result.notes)


SPENT = SiteRound(steps=4, passes=8, start="a" * 16)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"steps": 5}, "took 5 optimizer steps, and 4 were due"),
        ({"start": "b" * 16}, "set out from other weights than it was sent"),
        ({"passes": 90}, "computed 90 gradients so far, and 40 were declared for the whole run"),
    ],
)
def test_one_site_off_the_budget_is_named_and_a_strategy_whose_sites_all_are_is_left_to_the_comparison(
    change: dict[str, object], says: str
) -> None:
    odd, declared = SPENT.model_copy(update=change), dict.fromkeys("abc", 40)

    def off(spent: dict[str, SiteRound], of: dict[str, int] = declared) -> dict[str, str]:
        return off_budget(spent, 4, "a" * 16, {site: each.passes for site, each in spent.items()}, of)

    assert off(dict.fromkeys("abc", SPENT)) == {}
    assert off(dict.fromkeys("ab", SPENT) | {"c": odd}).keys() == {"c"}
    assert says in off(dict.fromkeys("ab", SPENT) | {"c": odd})["c"]
    assert off(dict.fromkeys("abc", odd)) == {}
    assert off({"a": odd}) == {}
    if "passes" in change:  # where nothing was declared nobody is asked
        assert off(dict.fromkeys("ab", SPENT) | {"c": odd}, {}) == {}


def test_the_error_names_strategy_site_and_both_numbers(portfolio: Recorded) -> None:
    run = portfolio.checkpoint("ditto")
    entry = run.entries[1]
    more = entry.sites["b"].model_copy(update={"steps": entry.sites["b"].steps + 1})
    run.entries[1] = entry.model_copy(update={"sites": {**entry.sites, "b": more}})
    with pytest.raises(EngineError, match=r"^ditto seed 0: site b took 7 optimizer steps, and the budget is 6;"):
        refuse_unequal(portfolio.job, {("ditto", 0): run})


def test_a_site_that_missed_a_round_is_not_compared(portfolio: Recorded) -> None:
    run = portfolio.checkpoint("fedavg")
    run.entries[1] = run.entries[1].model_copy(update={"sites": {"a": run.entries[1].sites["a"]}})
    refuse_unequal(portfolio.job, {("fedavg", 0): run})


def test_a_shorter_strategy_has_the_budget_of_its_own_rounds(portfolio: Recorded) -> None:
    run = portfolio.checkpoint("fedavg")
    shorter = replace(run, entries=run.entries[:2])
    arms = tuple(arm.model_copy(update={"rounds": 2}) if arm.name == "fedavg" else arm for arm in portfolio.job.arms)
    refuse_unequal(portfolio.job.model_copy(update={"arms": arms}), {("fedavg", 0): shorter})
    with pytest.raises(EngineError, match="took 4 optimizer steps, and the budget is 6"):
        refuse_unequal(portfolio.job, {("fedavg", 0): shorter})


def test_a_mark_of_weights_sees_every_bit_and_every_name() -> None:
    tensors = {"a": np.zeros(3, np.float32), "b": np.ones(2)}
    turned = {"a": np.array([0, 0, 1e-45], np.float32), "b": np.ones(2)}
    assert digest_of(tensors) == digest_of(dict(reversed(tensors.items())))
    assert len({digest_of(t) for t in (tensors, turned, {"c": tensors["a"], "b": tensors["b"]})}) == 3
