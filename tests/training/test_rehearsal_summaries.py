"""From planted scores to the best strategy, those equal to it, harm, answers, and what is expected of each."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from small_plans import planned_sites, small_plan

from shiftscope.plans import Cost, Plan, RehearsalBudget, RehearsalEncoder, RehearsalResult
from shiftscope.training.evaluation.patient_spreads import PatientSpread
from shiftscope.training.rehearsals.rehearsal_costs import RehearsalCosts
from shiftscope.training.rehearsals.rehearsal_summaries import RehearsalAccount
from shiftscope.training.rehearsals.rehearsed_strategies import Rehearsed, strategies_of
from shiftscope.training.rehearsals.table_rehearsals import HeadScores

SITES = ("a", "b", "c", "d")
ERROR = 0.01
PLAN = small_plan(
    task="classification", classes=("x", "y"), model="linear", sites=planned_sites(SITES, 200), harmonizer=None
)
STRATEGIES = strategies_of(("zscore",), PLAN)
NAMES = [each.name for each in STRATEGIES]


def said(gains: Mapping[str, float], error: float = ERROR, base: float = 0.8) -> HeadScores:
    """A site's scores: these gains over FedAvg, which err independently by so much."""
    means = {name: base + gains.get(name, 0.0) for name in NAMES}
    covariance = np.eye(len(NAMES) - 1)[:, None, :, None] * error**2
    return HeadScores(means, PatientSpread(tuple(NAMES[1:]), covariance, 150), means)


def account_of(by_site: Mapping[str, HeadScores], plan: Plan = PLAN, **others: Mapping[str, str]) -> RehearsalAccount:
    patients = {site: {"train": 140, "val": 20, "test": 40} for site in SITES}
    return RehearsalAccount(plan, STRATEGIES, by_site, patients, others.get("withheld", {}))


def result_of(account: RehearsalAccount) -> RehearsalResult:
    """As the coordinator puts it together."""
    rehearsed = account.rehearsed({name: Cost(bytes=1, seconds=1.0) for name in NAMES})
    best = account.best(rehearsed)
    return RehearsalResult(
        plan=account.plan,
        engine="inline",
        metric="auroc",
        encoder=RehearsalEncoder(model="test_resnet", sha256="ab" * 32),
        budget=RehearsalBudget(folds=5, rounds=30, local_steps=10),
        strategies=rehearsed,
        sites=account.sites(best),
        best=best,
        equal=account.equal_to(best),
        cost=Cost(bytes=0, seconds=0.0),
    )


def everywhere(gains: Mapping[str, float], error: float = ERROR) -> RehearsalAccount:
    return account_of({site: said(gains, error) for site in SITES})


def test_a_planted_gain_is_the_best_and_nothing_is_equal_to_it() -> None:
    found = result_of(everywhere({"shrinkage": 0.1, "local": -0.1}))
    assert found.best == "shrinkage"
    assert found.equal == ()
    best = found.strategy("shrinkage")
    assert best.gain.mean == pytest.approx(0.1)
    assert best.score == pytest.approx(0.9)
    assert best.gain.high - best.gain.low == pytest.approx(2 * 1.98 * ERROR / 2, rel=0.05)  # four sites
    assert best.sites["a"].gain.high - best.sites["a"].gain.low == pytest.approx(2 * 1.98 * ERROR, rel=0.05)
    assert (best.harm, best.harmed) == (0.0, ())
    first = found.strategies[0]
    assert (first.gain.mean, first.gain.low, first.gain.high, first.expected, first.harm) == (0, 0, 0, 0, 0)


def test_what_cannot_be_told_from_the_best_is_equal_to_it() -> None:
    found = result_of(everywhere({"shrinkage": 0.1, "lp_ft": 0.098, "local": 0.0}))
    assert found.best == "shrinkage"
    assert found.equal == ("lp_ft",)


def test_where_nothing_differs_fedavg_is_the_best_and_all_are_equal() -> None:
    for gains in ({}, {"local": 0.002, "zscore": -0.001, "lp_ft": 0.004}):
        found = result_of(everywhere(gains))
        assert found.best == "fedavg"
        assert {*found.equal} == {*NAMES} - {"fedavg"}
        assert {site.answer for site in found.sites.values()} == {"undecided"}


def test_the_largest_of_many_gains_by_chance_is_not_believed() -> None:
    """Among 9 strategies that are all FedAvg, one always comes out above the margin; expected is that it does not."""
    chance, chosen, naive = np.random.default_rng(0), 0, 0
    for _ in range(60):
        gains = dict(zip(NAMES[1:], chance.normal(0, 0.02, len(NAMES) - 1), strict=True))
        rehearsed = account_of({"a": said(gains, 0.02)}).rehearsed({name: Cost(bytes=0, seconds=0) for name in NAMES})
        chosen += account_of({}).best(rehearsed) != "fedavg"
        naive += max(each.gain.mean or 0.0 for each in rehearsed) > PLAN.margin
    assert naive >= 55
    assert chosen <= 20


def test_expected_gains_are_shrunken_by_what_strategies_really_differ_by() -> None:
    """James and Stein, by hand: with equal errors each gain times 1 - e^2 / mean(gain^2)."""
    gains = dict(zip(NAMES[1:], np.linspace(-0.03, 0.06, len(NAMES) - 1), strict=True))
    rehearsed = everywhere(gains, 0.04).rehearsed({name: Cost(bytes=0, seconds=0) for name in NAMES})
    error = 0.04**2 / len(SITES)
    keep = 1 - error / np.mean(np.square([*gains.values()]))
    assert 0.3 < keep < 0.9
    for each in rehearsed[1:]:
        assert each.expected == pytest.approx(keep * gains[each.name], abs=1e-9)


def test_unequal_errors_shrink_unequally() -> None:
    errors = np.full(len(NAMES) - 1, 0.01)
    errors[NAMES.index("local") - 1] = 0.05
    site = said({"local": 0.04, "lp_ft": 0.04, "shrinkage": -0.05})
    site = replace(site, spread=PatientSpread(tuple(NAMES[1:]), np.diag(errors**2)[:, None, :, None], 150))
    rehearsed = {each.name: each for each in account_of({"a": site}).rehearsed(dict.fromkeys(NAMES, COST))}
    real = np.mean([0.04**2 + 0.04**2 + 0.05**2 + 0] * 1) / len(errors) - np.mean(errors**2)
    assert real > 0
    for name, gain, error in (("local", 0.04, 0.05), ("lp_ft", 0.04, 0.01)):
        assert rehearsed[name].expected == pytest.approx(gain * real / (real + error**2), abs=1e-9)


COST = Cost(bytes=0, seconds=0.0)


def test_a_site_that_loses_is_harmed_and_counts_by_its_chance() -> None:
    gains = {"shrinkage": 0.1}
    by_site = {site: said(gains) for site in "abc"} | {"d": said({"shrinkage": -0.1})}
    best = result_of(account_of(by_site)).strategy("shrinkage")
    assert best.harmed == ("d",)
    assert best.harm == pytest.approx(0.25, abs=1e-3)
    assert best.gain.mean == pytest.approx(0.05)
    half = result_of(account_of({"a": said({"shrinkage": -PLAN.margin})})).strategy("shrinkage")
    assert half.harm == pytest.approx(0.5, abs=0.02)
    assert half.harmed == ()


@pytest.mark.parametrize(
    ("gains", "answer"),
    [
        ({"local": -0.1, "shrinkage": -0.1, "lp_ft": -0.1}, "take_part"),
        ({"local": -0.1, "shrinkage": 0.1}, "own_model"),
        ({"local": 0.2}, "alone"),
        ({"local": 0.0}, "undecided"),
        ({"local": -0.1, "shrinkage": 0.002, "lp_ft": 0.001}, "take_part"),
    ],
)
def test_what_each_hospital_should_do(gains: dict[str, float], answer: str) -> None:
    found = result_of(account_of({"a": said(gains), "b": said({})}))
    assert found.sites["a"].answer == answer
    assert found.sites["b"].answer == "undecided"


def test_the_best_strategy_is_a_choice_whatever_its_kind() -> None:
    """Shared behind a harmonizer: taking part; own behind a harmonizer: an own model."""
    shared = account_of({"a": said({"zscore": 0.1, "local": 0.0})})
    assert shared.best(shared.rehearsed(dict.fromkeys(NAMES, COST))) == "zscore"
    assert shared.sites("zscore")["a"].answer == "take_part"
    own = account_of({"a": said({"zscore+shrinkage": 0.1, "local": 0.0})})
    assert own.sites("zscore+shrinkage")["a"].answer == "own_model"
    assert own.sites("fedavg")["a"].answer == "undecided"
    alone = account_of({"a": said({"zscore+local": 0.1, "local": 0.0})})
    assert alone.sites("zscore+local")["a"].answer in ("undecided", "own_model")


def test_sites_that_withhold_or_do_not_answer_have_no_score() -> None:
    account = account_of({"a": said({"local": 0.05})}, withheld={"b": "fewer than 20 test patients"})
    found = result_of(account)
    assert found.sites["b"].withheld == "fewer than 20 test patients"
    assert found.sites["c"].withheld == found.sites["d"].withheld == "it did not answer"
    for strategy in found.strategies:
        assert strategy.sites.keys() == {"a"}
    assert RehearsalResult.from_dict(found.to_dict(), "again", ValueError) == found  # type: ignore[arg-type]


def test_what_nobody_knows_is_null_and_decides_nothing() -> None:
    """A site whose spread is unknown, and one whose FedAvg has no score."""
    site = said({"shrinkage": 0.2})
    blind = replace(site, spread=PatientSpread(tuple(NAMES[1:]), np.full_like(site.spread.covariance, np.nan), 0))
    found = result_of(account_of({"a": blind}))
    assert found.strategy("shrinkage").gain.mean == pytest.approx(0.2)
    assert found.strategy("shrinkage").gain.low is None
    assert found.strategy("shrinkage").harm is None
    assert found.best == "fedavg"
    assert {*found.equal} == {*NAMES[1:]}
    assert found.sites["a"].answer == "undecided"
    nothing = dict.fromkeys(NAMES, float("nan"))
    undefined = HeadScores(nothing, blind.spread, nothing)
    both = result_of(account_of({"a": undefined, "b": said({"shrinkage": 0.2})}))
    assert both.strategy("shrinkage").sites["a"].score is None
    assert both.strategy("shrinkage").gain.mean == pytest.approx(0.2)
    assert both.best == "shrinkage"
    none = result_of(account_of({"a": undefined}))
    assert none.best == "fedavg"
    assert none.strategies[0].score is None


def test_costs_are_each_strategys_share() -> None:
    keys = [("plain", None, (0, 1)), ("m1", "quantile_map", (0,)), ("m2", "quantile_map", (1,))]
    costs = RehearsalCosts()
    costs.add_features(None, [1.0, 2.0])
    costs.add_features("quantile_map", [5.0])
    for _ in range(2):
        costs.add_round(800, [4.0])
    costs.add_own([12.0])
    found = {name: costs.of(Rehearsed(mapped, name), keys) for mapped, name in ((None, "fedavg"), (None, "local"))}
    assert found["fedavg"] == Cost(bytes=400, seconds=3 + 2.0)  # two of eight heads
    assert found["local"].bytes == 0
    assert found["local"].seconds == pytest.approx(3 + 12 / 1.2 / 2)
    every = [costs.of(Rehearsed(None, name), keys).bytes for name in ("fedavg", "fedprox", "balanced")]
    assert sum(every) + costs.of(Rehearsed("quantile_map", "fedavg"), keys).bytes == 1600
