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
    Plan,
    PlannedSite,
    RoundEntry,
    RunResult,
    SiteScores,
    read_plan,
    write_plan,
)
from shiftscope.printable_text import unprintable

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
    verdict="helped",
    difference=Difference(mean=0.0123456789, low=0.004, high=0.02),
    sites={
        "a b": SiteScores(
            cases=30,
            scores={"baseline": (0.71, None), "adapted": (0.73, 0.75)},
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
    assert list(written)[:6] == ["schema", "plan", "engine", "metric", "verdict", "difference"]
    assert written["schema"] == 1
    assert written["difference"] == {"mean": 0.0123457, "low": 0.004, "high": 0.02}
    assert written["sites"]["a b"]["scores"] == {"baseline": [0.71, None], "adapted": [0.73, 0.75]}
    assert written["sites"]["a b"]["cases"] == 30
    assert written["rounds"][0]["replies"] == {"a b": "failed: ValueError"}
    assert written["rounds"][0]["loss"] is None
    assert written["cost"] == {"bytes": 10, "seconds": 2.5}
    assert RunResult.read(tmp_path / "result.json").to_json() == RESULT.to_json()
