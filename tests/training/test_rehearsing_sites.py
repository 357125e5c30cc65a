"""A whole rehearsal on small hospitals: what it finds, and every message that leaves a site."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import Message
from small_rehearsals import Clinic, Rehearsed, clinics_of, plan_of, rehearsed_on, weights_at

from shiftscope.errors import EngineError, InputError, PlanError, UsageError
from shiftscope.plans import RehearsalResult
from shiftscope.sites import read_site
from shiftscope.training.data.splits import divide_planned
from shiftscope.training.federation import rehearsing_sites, site_data
from shiftscope.training.federation.flower import client
from shiftscope.training.federation.flower.inline import InlineGrid, task_identity
from shiftscope.training.federation.flower.messages import pack
from shiftscope.training.federation.participants import Participant
from shiftscope.training.federation.payloads import Payload, apart
from shiftscope.training.federation.rehearsing_sites import RehearsingSite
from shiftscope.training.federation.site_answers import ANSWERS
from shiftscope.training.federation.site_data import SiteData
from shiftscope.training.rehearsal_launch import rehearse
from shiftscope.training.rehearsals import table_rehearsals
from shiftscope.training.rehearsals.linear_heads import FeatureRows
from shiftscope.training.rehearsals.mixing_weights import OwnWeight
from shiftscope.training.rehearsals.rehearsals_in_memory import rehearse_in_memory
from shiftscope.training.rehearsals.rehearsed_strategies import strategies_of
from shiftscope.training.run_options import RunOptions

METHODS = ["fedavg", "fedprox", "balanced", "local", "lp_ft", "shrinkage"]
FOLDS = 5
FEATURES = 96


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return weights_at(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two sites that may take part, one of 19 patients, and one with 9 of a class."""
    clinics = {"a": Clinic(), "b": Clinic(12, 10, gamma=1.6), "few": Clinic(10, 9), "rare": Clinic(20, 9)}
    return clinics_of(tmp_path_factory.mktemp("small"), clinics)


@pytest.fixture(scope="module")
def rehearsed(small: dict[str, Path], weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """With one harmonizer that is fitted, one that adds nothing to it here, and one that shares nothing."""
    names = ("zscore", "quantile_map", "polarity")
    return rehearsed_on(plan_of(small, weights), small, tmp_path_factory.mktemp("runs") / "run", names)


def test_every_strategy_has_a_score_at_every_site_that_may_tell_it(rehearsed: Rehearsed) -> None:
    result = rehearsed.result
    assert [strategy.name for strategy in result.strategies] == [
        *METHODS,
        *("zscore", "zscore+local", "zscore+lp_ft", "zscore+shrinkage"),
        *("quantile_map", "quantile_map+local", "quantile_map+lp_ft", "quantile_map+shrinkage"),
    ]
    for strategy in result.strategies:
        assert [*strategy.sites] == ["a", "b"]
        assert strategy.score == pytest.approx(np.mean([found.score for found in strategy.sites.values()]))
        assert strategy.cost.seconds > 0
        assert (strategy.cost.bytes > 0) is (strategy.method != "local")
    assert result.metric == "auroc"
    assert result.strategies[0].score > 0.8
    assert result.budget.folds == FOLDS
    assert result.notes == ()
    assert RehearsalResult.from_dict(result.to_dict(), "again", EngineError).best == result.best


def test_nobody_is_turned_so_polarity_is_quantile_map(rehearsed: Rehearsed) -> None:
    assert rehearsed.result.strategy("quantile_map").stands_for == ("polarity",)
    assert rehearsed.result.strategy("quantile_map+local").stands_for == ("polarity+local",)
    assert "fedbn" in rehearsed.result.strategy("fedavg").stands_for


def test_small_sites_keep_their_scores_and_say_why(rehearsed: Rehearsed) -> None:
    sites = rehearsed.result.sites
    assert sites["few"].withheld == "fewer than 20 test patients"
    assert sites["rare"].withheld == "fewer than 10 test patients of class small"
    assert {sites[site].answer for site in ("few", "rare")} == {"undecided"}
    assert sites["a"].withheld == sites["b"].withheld == ""


def test_nothing_leaves_a_site_that_is_too_small(rehearsed: Rehearsed) -> None:
    for site in ("few", "rare"):
        ((question, answer),) = rehearsed.sent(site)
        assert question == "query.describe"
        assert answer.tensors == answer.statistics == {}
        assert answer.facts.keys() == {"site", "patients", "left_out", "split", "withheld"}


def test_whatever_is_asked_of_it(rehearsed: Rehearsed) -> None:
    site = Participant(rehearsed.job, "few")
    question = Payload({"plain": np.zeros((15, 5, 2), np.float32)}, {}, {"scale": 1.0, "round": 1, "harmonizer": None})
    shares = Payload(facts={"exchange": 0, "asked": [("quantile_map", 0)]})
    for handler, asked in (
        (ANSWERS["query.shares"], shares),
        (ANSWERS["query.features"], question),
        (ANSWERS["train.heads"], question),
        (ANSWERS["query.weights"], question),
        (ANSWERS["evaluate.heads"], question),
    ):
        with pytest.raises(EngineError, match="fewer than 20 test patients, so it takes no part"):
            handler(site, asked)


def test_heads_statistics_weights_and_means_leave_a_site_and_nothing_else(rehearsed: Rehearsed) -> None:
    """No array has a number for each patient or case, and no score is of one fold."""
    tables = {"plain": 3 * FOLDS, "zscore": FOLDS} | {f"quantile_map-fold{fold + 1}": 1 for fold in range(FOLDS)}
    count = 13
    allowed: dict[str, tuple[set[str], Callable[[Payload], bool]]] = {
        "query.describe": (
            {"site", "patients", "left_out", "split", "withheld", "cases", "even"},
            lambda sent: not sent.tensors and not sent.statistics,
        ),
        "query.shares": (set(), lambda sent: not sent.tensors),
        "query.features": (
            {"squares", "features", "seconds", "same_as"},
            lambda sent: not sent.tensors and not sent.statistics,
        ),
        "train.heads": (
            {"seconds"},
            lambda sent: (
                {name: array.shape for name, array in sent.tensors.items()}
                == {name: (heads, FEATURES + 1, 2) for name, heads in tables.items()}
                and not sent.statistics
            ),
        ),
        "query.weights": (
            {"seconds"},
            lambda sent: (
                {name: array.shape for name, array in sent.tensors.items()}
                == {name: (FOLDS if name in ("plain", "zscore") else 1, 2) for name in tables}
                and not sent.statistics
            ),
        ),
        "evaluate.heads": (
            {"means", "validation", "strategies", "freedom"},
            lambda sent: (
                {name: array.shape for name, array in sent.tensors.items()} == {"covariance": (count, 1, count, 1)}
                and all(isinstance(value, float) for value in sent.facts["means"].values())
                and not sent.statistics
            ),
        ),
    }
    asked = set()
    for site in ("a", "b"):
        for question, answer in rehearsed.sent(site):
            facts, fits = allowed[question]
            assert answer.facts.keys() == facts, question
            assert fits(answer), question
            asked.add(question)
            for key, array in answer.statistics.items():
                assert key.split("/")[0] in ("quantile_map", "polarity")
                assert key.split("/")[2] in ("quantiles", "picture", "correlation", "turned")
                assert array.size <= 1024
    assert asked == allowed.keys()
    last = dict(rehearsed.sent("b"))
    assert np.isnan(last["query.weights"].tensors["plain"]).all()  # two validation patients in each fold say nothing
    assert {*last["evaluate.heads"].facts["validation"].values()} == {None}


def test_what_a_run_asks_for_is_refused_in_a_rehearsal(rehearsed: Rehearsed) -> None:
    """A run's evaluation is of one fold."""
    job = rehearsed.job
    with task_identity():
        grid = InlineGrid(job)
        for kind in ("evaluate", "train", "query.compare", "query.share", "query.harmonize"):
            question = Message(pack(Payload()), dst_node_id=100, message_type=kind)
            (reply,) = grid.send_and_receive([question])
            assert reply.error.reason.startswith("EngineError, see sites"), kind
    assert "nothing that is asked in a rehearsal" in (job.home("a") / "errors.log").read_text()
    client.participant.cache_clear()


def test_features_are_kept_and_the_same_when_they_are_wanted_again(
    rehearsed: Rehearsed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = rehearsed.job
    elsewhere = SiteData(job.model_copy(update={"out": tmp_path}), "a")
    fresh = elsewhere.plain

    def never(*_: Any) -> Any:
        raise AssertionError("features were kept")

    monkeypatch.setattr(site_data, "feature_function", never)
    again = SiteData(job, "a")
    for part in ("train", "val", "test"):
        for one, other in zip(getattr(fresh, part), getattr(again.plain, part), strict=True):
            np.testing.assert_array_equal(one.pixels, other.pixels)
            assert (one.patient, one.target) == (other.patient, other.target)
    harmonized = again.in_fold(3).harmonized("zscore", {})
    assert harmonized.test[0].pixels.shape == (1, FEATURES, 1, 1)
    other = job.model_copy(update={"plan": job.plan.model_copy(update={"weights_sha256": "0" * 64})})
    with pytest.raises(AssertionError, match="features were kept"):
        _ = SiteData(other, "a").plain


def test_where_labels_mean_something_else_the_site_is_better_off_with_a_head_of_its_own(
    weights: Path, tmp_path: Path
) -> None:
    clinics = {name: Clinic(15, 15) for name in "abc"} | {"odd": Clinic(30, 30, swapped=True)}
    data = clinics_of(tmp_path / "data", clinics)
    found = rehearsed_on(plan_of(data, weights), data, tmp_path / "run").result
    odd = {name: found.strategy(name).sites["odd"] for name in METHODS}
    assert odd["fedavg"].score < 0.5
    for name in ("local", "shrinkage"):
        assert odd[name].score > 0.9
        assert odd[name].gain.low > 0.2
    assert found.best in ("local", "shrinkage", "lp_ft")
    assert "fedavg" not in found.equal


def test_equal_classes_need_no_balance_and_unequal_ones_do(weights: Path, tmp_path: Path) -> None:
    """Forty of each class are equally many in the training cases of every fold."""
    for name, clinics in (
        ("even", {"a": Clinic(40, 40), "b": Clinic(40, 40)}),
        ("odd", {"a": Clinic(40, 40), "b": Clinic(20, 40)}),
    ):
        data = clinics_of(tmp_path / name, clinics)
        found = rehearsed_on(plan_of(data, weights), data, tmp_path / f"{name}-run")
        names = [strategy.name for strategy in found.result.strategies]
        assert ("balanced" in names) is (name == "odd")
        assert ("balanced" in found.result.strategies[0].stands_for) is (name == "even")


def test_validation_is_told_from_as_many_patients_as_tests(weights: Path, tmp_path: Path) -> None:
    """Twelve validation patients in each of five folds at one site, three at the other."""
    data = clinics_of(tmp_path / "data", {"a": Clinic(60, 60), "b": Clinic(13, 13)})
    found = rehearsed_on(plan_of(data, weights), data, tmp_path / "run")
    for strategy in found.result.strategies:
        assert strategy.sites["a"].validation is not None
        assert strategy.sites["b"].validation is None
        assert strategy.sites["b"].score is not None
    last = dict(found.sent("a"))
    assert np.isfinite(last["query.weights"].tensors["plain"]).all()


def test_a_site_that_is_turned_keeps_polarity_apart(weights: Path, tmp_path: Path) -> None:
    data = clinics_of(tmp_path / "data", {"a": Clinic(10, 10), "b": Clinic(10, 10), "c": Clinic(10, 10, inverted=True)})
    found = rehearsed_on(plan_of(data, weights), data, tmp_path / "run", ("quantile_map", "polarity")).result
    assert found.strategy("quantile_map").stands_for == ()
    assert found.strategy("polarity").score is not None


def test_a_split_that_the_data_bring_is_one_fold(weights: Path, tmp_path: Path) -> None:
    data = clinics_of(tmp_path / "data", {"a": Clinic(40, 40), "b": Clinic(40, 40)})
    for folder in data.values():
        with (folder / "manifest.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("image", "label", "patient", "split"))
            for label in ("large", "small"):
                for number, path in enumerate(sorted((folder / label).iterdir())):
                    part = "test" if number < 15 else "val" if number < 21 else "train"
                    writer.writerow((path.relative_to(folder).as_posix(), label, path.stem, part))
    found = rehearsed_on(plan_of(data, weights), data, tmp_path / "run", ("quantile_map",)).result
    assert found.budget.folds == 1
    assert found.sites["a"].patients == {"train": 38, "val": 12, "test": 30}
    local = found.strategy("local").sites["a"]
    assert local.gain.low is not None
    assert local.score == pytest.approx(round(local.score * 225 * 2) / 450)  # pairs of 15 and 15


def test_colour_is_rehearsed_though_nothing_is_stained(weights: Path, tmp_path: Path) -> None:
    data = clinics_of(tmp_path / "data", {"a": Clinic(), "b": Clinic()})
    names = ("macenko", "reinhard", "combat")
    found = rehearsed_on(plan_of(data, weights, colour=True), data, tmp_path / "run", names).result
    assert "reinhard" in [strategy.name for strategy in found.strategies]
    assert found.left_out["macenko"] == "no site has 10 training patients with anything to share for it"
    assert found.left_out["combat"] == "no site has 25 training patients with anything to share for it"


def test_what_cannot_be_rehearsed(small: dict[str, Path], weights: Path, tmp_path: Path) -> None:
    plan = plan_of(small, weights)
    tiny = clinics_of(tmp_path / "tiny", {"a": Clinic(2, 2)})
    with pytest.raises(InputError, match="site a: 4 usable patients, and a rehearsal tests on each in one of 5 folds"):
        rehearsed_on(plan_of(tiny, weights), tiny, tmp_path / "run1")
    alone = {"few": small["few"]}
    with pytest.raises(EngineError, match=r"no site has enough patients .*\(few: fewer than 20 test patients\)"):
        rehearsed_on(plan_of(alone, weights), alone, tmp_path / "run2")
    with pytest.raises(UsageError, match="holds job.json already"):
        rehearse(plan, small, RunOptions(engine="inline", out=tmp_path / "run2"))
    with pytest.raises(PlanError, match="weights: "):
        rehearse(plan_of(small, tmp_path / "none"), small, RunOptions(engine="inline", out=tmp_path / "run3"))
    with pytest.raises(UsageError, match="--engine"):
        rehearse(plan, small, RunOptions(engine="ray", out=tmp_path / "run4"))
    with pytest.raises(UsageError, match="--folds 0: expected 1 to 20"):
        rehearse(plan, small, RunOptions(engine="inline", out=tmp_path / "run5"), folds=0)


@pytest.mark.parametrize("folds", [1, 2])
def test_in_as_many_folds_as_are_asked_for(folds: int, weights: Path, tmp_path: Path) -> None:
    """With one fold the plan's own split stands; with two, half of the patients are tested in each."""
    data = clinics_of(tmp_path / "data", {"a": Clinic(60, 60), "b": Clinic(60, 60, gamma=1.6)})
    plan = plan_of(data, weights)
    found = rehearsed_on(plan, data, tmp_path / "run", folds=folds).result
    tested = divide_planned(read_site(data["a"], name="a").cases, plan, "a", 0)["test"]
    assert found.budget.folds == folds
    assert found.sites["a"].patients["test"] == (len(tested) if folds == 1 else 60)


def test_a_site_says_the_same_again(rehearsed: Rehearsed) -> None:
    """Another process, with nothing in memory, judges from what is kept in the site's folder."""
    job = rehearsed.job
    ((asked, said),) = [
        (ask, answer) for site, kind, ask, answer in rehearsed.log if (site, kind) == ("a", "evaluate.heads")
    ]
    again = RehearsingSite(job, "a", SiteData(job, "a"))
    found = again.judge(asked.tensors, asked.statistics, asked.facts["scale"])
    assert found.means == said.facts["means"]
    np.testing.assert_array_equal(found.spread.covariance, said.tensors["covariance"])


@pytest.mark.parametrize("first", ["plain", "quantile_map-fold1", "none prepared anew"])
def test_what_was_asked_before_at_the_same_scale_changes_no_answer(
    rehearsed: Rehearsed, tmp_path: Path, first: str
) -> None:
    """Neither heads of other harmonizers or folds, nor features that are prepared anew behind another reference."""
    asked = next(ask for site, kind, ask, _ in rehearsed.log if (site, kind) == ("a", "train.heads"))
    prepared = next(
        ask
        for site, kind, ask, _ in rehearsed.log
        if (site, kind) == ("a", "query.features") and ask.facts["harmonizer"] == "quantile_map"
    )
    shutil.copytree(rehearsed.job.out, tmp_path / "run")
    job = rehearsed.job.model_copy(update={"out": tmp_path / "run"})
    site, scale = RehearsingSite(job, "a", SiteData(job, "a")), asked.facts["scale"]
    if first in asked.tensors:
        site.train(1, {first: asked.tensors[first]}, scale)
    else:
        before = site.train(1, asked.tensors, scale)
        references = {
            int(fold): {name: array**2 if name == "quantiles" else array for name, array in found.items()}
            for fold, found in apart(prepared.statistics).items()
        }
        site.prepare("quantile_map", references)
    found = site.train(1, asked.tensors, scale)
    fresh = RehearsingSite(job, "a", SiteData(job, "a")).train(1, asked.tensors, scale)
    assert found.keys() == fresh.keys() == asked.tensors.keys()
    for name in fresh:
        np.testing.assert_array_equal(found[name], fresh[name])
    if first not in asked.tensors:
        changed = {name for name in fresh if not np.array_equal(fresh[name], before[name])}
        assert changed == {f"quantile_map-fold{fold + 1}" for fold in range(FOLDS)}


def test_who_is_asked_of_own_heads_is_who_is_counted(rehearsed: Rehearsed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate holds the smallest of these numbers against the site's policy; here even a few are asked."""
    job, weigh = rehearsed.job, FeatureRows.weigh
    asked_of: list[int] = []

    def spied(rows: FeatureRows, by_patient: np.ndarray) -> OwnWeight:
        asked_of.append(len(by_patient))
        return weigh(rows, by_patient)

    monkeypatch.setattr(FeatureRows, "weigh", spied)
    for module in (rehearsing_sites, table_rehearsals):
        monkeypatch.setattr(module, "FEWEST", 1)
    ((asked, _),) = [
        (ask, answer) for site, kind, ask, answer in rehearsed.log if (site, kind) == ("a", "query.weights")
    ]
    site = RehearsingSite(job, "a", SiteData(job, "a"))
    site.finish(asked.tensors, asked.facts["scale"])
    assert asked_of
    assert min(asked_of) == min(site.weighing().values())


def test_in_memory_it_is_the_same(rehearsed: Rehearsed) -> None:
    """Benchmarks ask no engine."""
    job, sites = rehearsed.job, {}
    asked = next(ask for _, kind, ask, _ in rehearsed.log if kind == "evaluate.heads")
    for name in ("a", "b"):
        site = RehearsingSite(job, name, SiteData(job, name))
        sites[name] = site._tables(asked.facts["scale"], asked.tensors)
    strategies = strategies_of(("zscore", "quantile_map"), job.plan)
    found = rehearse_in_memory(sites, strategies, 2)
    for strategy in rehearsed.result.strategies:
        for name in ("a", "b"):
            assert found[name].means[strategy.name] == pytest.approx(strategy.sites[name].score, abs=1e-5)


@pytest.mark.slow
def test_flowers_simulation_gives_the_same_strategies_bit_for_bit(
    small: dict[str, Path], weights: Path, tmp_path: Path
) -> None:
    """Processes know all harmonizers that the plan allows; so does the rehearsal in this process beside it."""
    data = {site: small[site] for site in ("a", "b", "few")}
    plan = plan_of(data, weights)
    results = {
        engine: rehearse(plan, data, RunOptions(engine=engine, out=tmp_path / engine))
        for engine in ("inline", "flower")
    }
    one, other = (
        [strategy.model_copy(update={"cost": strategy.cost.model_copy(update={"seconds": 0.0})}) for strategy in each]
        for each in (results["inline"].strategies, results["flower"].strategies)
    )
    assert one == other
    assert results["inline"].sites == results["flower"].sites
    assert results["inline"].cost.bytes == results["flower"].cost.bytes
    assert (results["flower"].best, results["flower"].equal) == (results["inline"].best, results["inline"].equal)
