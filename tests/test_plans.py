"""Plans and results on disk: what is written is read back, and what does not fit is reported by its key."""

import json
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.errors import PlanError
from shiftscope.plans import (
    Cost,
    Difference,
    InterimResult,
    Needed,
    OwnCode,
    Plan,
    PlannedGain,
    PlannedSite,
    RoundEntry,
    RunResult,
    SiteDifference,
    SiteScores,
    network_of,
    propose_plan,
    read_plan,
    write_plan,
)
from shiftscope.printable_text import unprintable
from shiftscope.profiles import Profile
from shiftscope.recommendation import AdvisedCost, ExpectedGain, Network, PredictedGain, Recommendation

PLAN = Plan(
    name="breast",
    task="segmentation",
    classes=(),
    model="unet",
    colour=False,
    image_size=96,
    rounds=3,
    local_steps=20,
    batch_size=8,
    learning_rate=0.001,
    seeds=(0, 1),
    harmonizer="quantile_map",
    personalizer=None,
    sites={"a b": PlannedSite(fingerprint="f0", patients=30, cases=60)},
    data={"a b": "/somewhere"},
)

RESULT = RunResult(
    plan=PLAN,
    engine="inline",
    metric="dice",
    seeds=(0, 1),
    verdict="helped",
    margin=0.01,
    difference=Difference(mean=0.0123456789, low=0.004, high=0.02),
    needed=Needed(patients=240),
    worst_site=SiteDifference(site="a b", difference=Difference(mean=0.4, low=0.1, high=0.6)),
    analyses=(InterimResult(seeds=2, difference=Difference(mean=0.02, low=0.004, high=0.02), verdict="helped"),),
    sites={
        "a b": SiteScores(
            cases=30,
            answer="own_model",
            scores={"baseline": (0.71, None), "adapted": (0.73, 0.75), "local": (0.6, 0.61)},
            difference=Difference(mean=0.02, low=0.01, high=0.03),
        )
    },
    rounds=(
        RoundEntry(
            round=1, arm="baseline", seed=0, replies={"a b": "failed: ValueError"}, loss=None, bytes=5, seconds=1.25
        ),
    ),
    cost=Cost(bytes=10, seconds=2.5),
)


def edited(tmp_path: Path, key: str, value: object) -> Path:
    """The plan as a person left it after changing one key."""
    path = tmp_path / "plan.toml"
    write_plan(PLAN, path)
    document = tomlkit.parse(path.read_text())
    document[key] = value
    path.write_text(tomlkit.dumps(document))
    return path


def test_a_plan_round_trips_with_its_reasons_on_top(tmp_path: Path) -> None:
    write_plan(PLAN, tmp_path / "deep" / "plan.toml", because=("appearance differs",))
    text = (tmp_path / "deep" / "plan.toml").read_text()
    assert text.startswith("# appearance differs\n")
    assert 'personalizer = ""' in text
    assert read_plan(tmp_path / "deep" / "plan.toml") == PLAN


def test_the_keys_of_a_run_with_power_and_of_own_models_round_trip(tmp_path: Path) -> None:
    plan = PLAN.model_copy(
        update={
            "seeds": "auto",
            "folds": 5,
            "margin": 0.02,
            "model": "mine.networks:build",
            "encoder": "tf_efficientnet_lite0",
            "weights": "imagenet",
            "weights_sha256": "0123456789abcdef" * 4,
            "head": ("classifier", "conv_head"),
            "stem": ("conv_stem",),
            "loss": "mine.losses:focal",
            "augment": "mine.views:flip",
            "balance": True,
            "code": {"mine": OwnCode(version="1.2", sha256="ab" * 32), "yours": OwnCode(sha256="cd" * 32)},
        }
    )
    write_plan(plan, tmp_path / "plan.toml")
    again = read_plan(tmp_path / "plan.toml")
    assert again == plan
    assert Plan.from_dict(json.loads(plan.to_json()), "x", PlanError) == plan
    assert again.every_seed == tuple(range(10))
    assert {row["key"]: row["value"] for row in again.to_rows()}["seeds"] == "auto"


def test_a_plan_of_before_these_keys_reads_as_it_was_meant(tmp_path: Path) -> None:
    write_plan(PLAN, tmp_path / "plan.toml")
    document = tomlkit.parse((tmp_path / "plan.toml").read_text())
    for key in ("folds", "margin", "balance", "encoder", "weights_sha256", "head", "stem", "loss", "augment"):
        del document[key]
    (tmp_path / "old.toml").write_text(tomlkit.dumps(document))
    assert read_plan(tmp_path / "old.toml") == PLAN


@pytest.mark.parametrize(("folds", "seeds"), [(1, 10), (2, 10), (3, 3), (5, 10), (10, 10)])
def test_seeds_until_decided_train_every_fold_equally_often(folds: int, seeds: int, tmp_path: Path) -> None:
    path = edited(tmp_path, "seeds", "auto")
    path.write_text(path.read_text().replace("folds = 1 ", f"folds = {folds} "))
    assert read_plan(path).every_seed == tuple(range(seeds))


@pytest.mark.parametrize("folds", [4, 6, 20])
def test_seeds_until_decided_need_folds_that_divide_their_number(folds: int, tmp_path: Path) -> None:
    path = edited(tmp_path, "seeds", "auto")
    path.write_text(path.read_text().replace("folds = 1 ", f"folds = {folds} "))
    with pytest.raises(PlanError, match=rf"key 'folds': expected a divisor of 3, 5 or 10 .* \(got {folds}\)"):
        read_plan(path)


@settings(max_examples=50, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 2**31), min_size=1, max_size=4, unique=True),
    rate=st.floats(1e-6, 1, exclude_min=True),
    names=st.lists(
        st.text(min_size=1, max_size=12, alphabet=st.characters(exclude_categories=["C", "Z"])).filter(
            lambda name: unprintable(name) is None
        ),
        min_size=1,
        unique=True,
    ),
)
def test_any_plan_round_trips(
    seeds: list[int], rate: float, names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    sites = {name: PlannedSite(fingerprint="x", patients=1, cases=1) for name in names}
    rate = float(f"{rate:.6g}")
    plan = PLAN.model_copy(
        update={"seeds": tuple(seeds), "learning_rate": rate, "sites": sites, "weights": "w.safetensors"}
    )
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    write_plan(plan, path)
    assert read_plan(path) == plan


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("rounds", 0, "key 'rounds'.*greater than or equal to 1"),
        ("batch_size", 1, "key 'batch_size'"),
        ("image_size", 8, "key 'image_size'"),
        ("task", "detection", "key 'task'.*'segmentation' or 'classification'"),
        ("seeds", [], "key 'seeds'"),
        ("name", "../x", "key 'name'"),
        ("speed", 3, "key 'speed'.*not permitted"),
        ("split", {"train": 0.9, "val": 0.1, "test": 0.2}, "train, val and test must be shares that add up to 1"),
        ("schema", 2, "schema 2 is not the schema 1"),
        ("rounds", 10**10, "key 'rounds'.*less than or equal to 10000"),
        ("learning_rate", float("inf"), "key 'learning_rate': expected a finite number"),
        ("seeds", [0, 0], r"key 'seeds': expected each of them once \(got \[0, 0\]\)"),
        ("seeds", [-1], "key 'seeds.0'.*greater than or equal to 0"),
        ("harmonizer", False, "key 'harmonizer'.*valid string"),
        ("colour", 1, "key 'colour'.*valid boolean"),
        ("sites", {"a\x1b[2J": {"fingerprint": "", "patients": 1, "cases": 1}}, "key 'sites': expected keys without"),
        ("learning_rate", 1e-20, "key 'learning_rate'.*greater than or equal to 0.000000001"),
        ("seeds", [*range(101)], "key 'seeds'.*at most 100 items"),
        ("classes", [f"c{k}" for k in range(101)], "key 'classes': expected 100 classes at the most, not 101"),
        ("split", {"train": 1.0, "val": 0.0, "test": 0.0}, "key 'split.test': expected 0.001 or more"),
        ("split", {"train": 0.0, "val": 0.0, "test": 1.0}, "key 'split.train': expected 0.001 or more"),
        ("batch_size", 65536, "key 'batch_size': expected 14563 at the most, for 9216 pixels a case"),
        ("patch", [1024, 1024, 1024], "key 'batch_size': expected 0 at the most"),
        ("sites", {"a": {"fingerprint": "", "patients": 0, "cases": 0}}, "key 'sites.a.patients'.*greater than"),
        (
            "sites",
            {"a": {"fingerprint": "", "patients": 1, "cases": 1, "classes": [f"c{k}" for k in range(101)]}},
            "key 'sites.a.classes': expected 100 classes at the most, not 101",
        ),
        ("sites", {"a": {"fingerprint": "", "patients": 3, "cases": 2}}, "key 'sites.a.cases': expected 3 or more"),
        ("folds", 3, r"key 'seeds': expected as many as 3 folds, or a multiple of it \(got \[0, 1\]\)"),
        ("folds", 21, "key 'folds'.*less than or equal to 20"),
        ("seeds", "all", "key 'seeds': expected a list of whole numbers, or 'auto' \\(got 'all'\\)"),
        ("margin", 0.0, "key 'margin'.*greater than or equal to"),
        ("margin", 0.6, "key 'margin'.*less than or equal to 0.5"),
        ("weights_sha256", "1234abcd", "key 'weights_sha256': expected 64 hexadecimal digits"),
        ("weights_sha256", "G" * 64, "key 'weights_sha256': expected 64 hexadecimal digits"),
        ("code", {"mine": {"sha256": "x"}}, "key 'code.mine.sha256': expected 64 hexadecimal digits"),
        ("code", {"mine": {"version": "1"}}, "key 'code.mine.sha256' is missing"),
        ("balance", 1, "key 'balance'.*valid boolean"),
        ("head", "fc", "key 'head'.*valid tuple"),
    ],
)
def test_what_does_not_fit_is_told_by_its_key(key: str, value: object, said: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=said):
        read_plan(edited(tmp_path, key, value))


def test_no_plan_at_all(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        read_plan(tmp_path / "absent.toml")
    (tmp_path / "broken.toml").write_text("rounds = = 3")
    with pytest.raises(PlanError, match="expected a plan in TOML"):
        read_plan(tmp_path / "broken.toml")
    (tmp_path / "picture.toml").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(PlanError, match="expected a plan in TOML"):
        read_plan(tmp_path / "picture.toml")


def test_a_result_has_the_agreed_keys_and_reads_back(tmp_path: Path) -> None:
    RESULT.write(tmp_path / "result.json")
    written = json.loads((tmp_path / "result.json").read_text())
    assert list(written)[:8] == ["schema", "plan", "engine", "metric", "seeds", "verdict", "margin", "difference"]
    assert written["schema"] == 2
    assert written["margin"] == 0.01
    assert written["difference"] == {"mean": 0.0123457, "low": 0.004, "high": 0.02, "level": 0.95}
    assert written["needed"] == {"seeds": None, "patients": 240}
    assert written["worst_site"] == {
        "site": "a b",
        "difference": {"mean": 0.4, "low": 0.1, "high": 0.6, "level": 0.95},
    }
    assert written["analyses"][0]["seeds"] == 2
    assert written["sites"]["a b"]["answer"] == "own_model"
    scores = {"baseline": [0.71, None], "adapted": [0.73, 0.75], "local": [0.6, 0.61]}
    assert written["sites"]["a b"]["scores"] == scores
    assert written["sites"]["a b"]["cases"] == 30
    assert written["rounds"][0]["replies"] == {"a b": "failed: ValueError"}
    assert written["rounds"][0]["loss"] is None
    assert written["cost"] == {"bytes": 10, "seconds": 2.5}
    assert RunResult.read(tmp_path / "result.json").to_json() == RESULT.to_json()


def test_a_headline_says_how_sure_the_interval_is_and_where_there_is_none() -> None:
    assert RESULT.headline() == "helped: dice +0.012 from the baseline, 95 % [+0.004, +0.020]"
    early = RESULT.model_copy(update={"difference": Difference(mean=0.02, low=0.01, high=0.03, level=0.98125)})
    assert early.headline().endswith("98.1 % [+0.010, +0.030]")
    nothing = RESULT.model_copy(update={"difference": Difference(), "verdict": "undecided"})
    assert nothing.headline() == "undecided: no difference to judge, dice"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"difference": {"mean": 0.009, "low": 0.004, "high": 0.02}}, "expected a mean above the margin"),
        ({"difference": {"mean": None, "low": 0.004, "high": 0.02}}, "expected a mean above the margin"),
        (
            {"verdict": "harmed", "difference": {"mean": -0.009, "low": -0.02, "high": -0.004}},
            "expected a mean below the margin",
        ),
        (
            {"margin": 5, "verdict": "no_difference", "difference": {"mean": 0.2, "low": 0.1, "high": 0.9}},
            "margin",
        ),
        ({"margin": 0.0}, "margin"),
        ({"seeds": [0, 0]}, "each of them once"),
        (
            {"analyses": [{"seeds": 2, "difference": {"mean": 0.0, "low": -0.1, "high": 0.1}, "verdict": "helped"}]},
            "analyses.0.verdict",
        ),
    ],
)
def test_a_result_says_no_more_than_its_numbers(changes: dict[str, object], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        RunResult.from_dict({**RESULT.to_dict(), **changes}, "result.json", PlanError)


def test_what_was_predicted_is_kept_and_is_of_the_planned_strategy_alone(tmp_path: Path) -> None:
    predicted = PlannedGain(harmonizer="quantile_map", mean=0.02, low=-0.01, high=0.05)
    write_plan(PLAN.model_copy(update={"predicted": predicted}), tmp_path / "plan.toml")
    again = read_plan(tmp_path / "plan.toml")
    assert again.predicted == again.expected == predicted
    edited = again.model_copy(update={"harmonizer": "zscore"})
    assert edited.predicted == predicted
    assert edited.expected is None
    assert PLAN.expected is None
    with pytest.raises(ValueError, match="a value from low to high"):
        PlannedGain(mean=0.5, low=0.0, high=0.1)


def test_what_was_predicted_is_of_the_planned_baseline_network_and_sites_alone() -> None:
    """A gain over FedAvg is none over FedProx; one of four hospitals none of three."""
    promised = PlannedGain(
        harmonizer="quantile_map", network="random", sites=len(PLAN.sites), mean=0.02, low=-0.01, high=0.05
    )
    plan = PLAN.model_copy(update={"predicted": promised})
    assert plan.expected == promised
    more = {**plan.sites, "another": next(iter(plan.sites.values()))}
    for edited in ({"baseline": "fedprox"}, {"weights": "imagenet"}, {"sites": more}):
        assert plan.model_copy(update=edited).expected is None
    unsaid = promised.model_copy(update={"network": None, "sites": None})  # as plans were written before
    assert PLAN.model_copy(update={"predicted": unsaid, "weights": "imagenet"}).expected == unsaid


@pytest.mark.parametrize("mean", ["nan", "1e400", '"0.02"', "true", "2", "-0.5"])
def test_a_forged_prediction_is_refused(tmp_path: Path, mean: str) -> None:
    promised = PlannedGain(harmonizer="quantile_map", mean=0.02, low=-0.01, high=0.05)
    write_plan(PLAN.model_copy(update={"predicted": promised}), tmp_path / "plan.toml")
    text = (tmp_path / "plan.toml").read_text(encoding="utf-8")
    assert text.count("mean = 0.02") == 1
    (tmp_path / "plan.toml").write_text(text.replace("mean = 0.02", f"mean = {mean}"), encoding="utf-8")
    with pytest.raises(PlanError, match=r"plan\.toml: .*predicted\.mean"):
        read_plan(tmp_path / "plan.toml")


@pytest.mark.parametrize(
    ("network", "masks", "model", "weights"),
    [
        ("pretrained", False, "tf_efficientnet_lite0", "imagenet"),
        ("pretrained", True, "smp.Unet", "imagenet"),
        ("random", False, "tf_efficientnet_lite0", None),
        ("random", True, "unet", None),
        ("frozen", False, "linear", "imagenet"),
        ("frozen", True, "", None),
    ],
)
def test_a_plan_trains_the_network_that_the_advice_is_for(
    network: Network, masks: bool, model: str, weights: str | None
) -> None:
    profiles = [
        Profile.model_construct(
            site=site,
            patients=60,
            cases=60,
            colour=False,
            masks=masks,
            labels={"a": 30, "b": 30},
            fingerprint=site * 8,
            privacy=None,
            patient_source="table",
        )
        for site in "ab"
    ]
    gain = ExpectedGain(mean=0.04, low=0.01, high=0.07)
    advice = Recommendation(
        action="harmonize",
        harmonizer="zscore",
        personalizer=None,
        because=(),
        undecided=(),
        alternatives=(),
        cost=AdvisedCost(bytes=0, compute=1.0),
        network=network,
        predicted=(
            PredictedGain(action="harmonize", harmonizer="zscore", personalizer=None, gain=gain, harm=0.1, cost=1.0),
        ),
    )
    if not model:
        with pytest.raises(PlanError, match="a linear head for classes only"):
            propose_plan(profiles, advice, "x")
        return
    found = propose_plan(profiles, advice, "x")
    assert (found.model, found.weights) == (model, weights)
    assert network_of(found) == network
    promised = PlannedGain(harmonizer="zscore", network=network, sites=2, mean=0.04, low=0.01, high=0.07)
    assert found.expected == promised
    unsure = advice.model_copy(update={"action": "rehearse", "harmonizer": None})
    assert propose_plan(profiles, unsure, "x").predicted is None
