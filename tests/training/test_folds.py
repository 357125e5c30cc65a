"""Every patient is tested once; what is fitted is fitted in each fold; seeds until the verdict is decided."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_hospitals import classified, plan_for, segmented
from small_plans import planned_sites, small_plan

from shiftscope.errors import InputError
from shiftscope.plans import RunResult
from shiftscope.sites import Case
from shiftscope.training.data.splits import PARTS, divide_planned
from shiftscope.training.federation.participants import Participant
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.array_files import load_arrays
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.kept_references import kept_reference, read_reference


def cases(labels: str, per_patient: int = 1) -> list[Case]:
    return [
        Case(f"c{p}_{i}", (Path("x.png"),), label=label, patient=f"p{p}")
        for p, label in enumerate(labels)
        for i in range(per_patient)
    ]


@settings(deadline=None, max_examples=60)
@given(st.text("ab", min_size=5, max_size=60), st.sampled_from([2, 3, 5]), st.integers(1, 3))
def test_every_patient_is_tested_once_and_classes_are_spread_evenly(labels: str, folds: int, per_patient: int) -> None:
    plan = small_plan(folds=folds, seeds=tuple(range(folds)), sites=planned_sites("s", 9))
    every = cases(labels, per_patient)
    tested: list[str] = []
    for fold in range(folds):
        parts = divide_planned(every, plan, "s", fold)
        people = {part: {case.patient for case in parts[part]} for part in PARTS}
        assert sum(map(len, people.values())) == len(labels) == len(set.union(*people.values()))
        assert people["train"]
        assert abs(len(people["test"]) - len(labels) / folds) < 1
        for label in "ab":
            of_class = [case.label for case in parts["test"] if case.label == label]
            assert abs(len(of_class) / per_patient - labels.count(label) / folds) < 1
        assert abs(len(people["val"]) - (len(labels) - len(people["test"])) / 8) <= 1
        tested += sorted(people["test"])
    assert sorted(tested) == sorted({case.patient for case in every})


def test_the_order_of_cases_says_nothing() -> None:
    plan, every = small_plan(folds=3, seeds=(0, 1, 2), sites=planned_sites("s", 9)), cases("aabbabab")
    parts = divide_planned(every, plan, "s", 1)
    again = divide_planned(every[::-1], plan, "s", 1)
    assert {part: {c.name for c in parts[part]} for part in PARTS} == {
        part: {c.name for c in again[part]} for part in PARTS
    }


def test_too_few_patients_and_a_split_of_ones_own_are_refused() -> None:
    plan = small_plan(folds=5, seeds=tuple(range(5)), sites=planned_sites("s", 9))
    with pytest.raises(
        InputError, match="site s: 4 usable patients, and the plan cuts every site into 5 folds; .*--folds 1"
    ):
        divide_planned(cases("aabb"), plan, "s", 0)
    brought = [Case(f"c{i}", (Path("x.png"),), patient=f"p{i}", split="train") for i in range(9)]
    with pytest.raises(InputError, match="bring a split of their own, and the plan cuts every site into 5 folds"):
        divide_planned(brought, plan, "s", 0)


@pytest.fixture(scope="module")
def folded(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult, Path]:
    root = tmp_path_factory.mktemp("folded")
    data = segmented(root / "data", {"a": 1.0, "b": 2.0}, cases=24, size=16)
    plan = plan_for(data, image_size=16, folds=3, seeds=(4, 5, 6), harmonizer="quantile_map", personalizer="fedper")
    return train(plan, data, RunOptions(engine="inline", out=root / "run")), root / "run"


def test_a_run_of_folds_tests_every_patient(folded: tuple[RunResult, Path]) -> None:
    result, out = folded
    for site in result.sites.values():
        assert site.cases == 24
        assert site.patients["test"] == 8
        assert all(len(series) == 3 for series in site.scores.values())
        assert site.differences["adapted"].low is not None
    assert [entry.seed for entry in result.rounds if entry.arm == "local"] == [4, 4, 5, 5, 6, 6]
    job = Job.read(out / "job.json")
    tested = [load_arrays(job.home("a") / f"baseline-seed{seed}.test.safetensors")["dice"] for seed in (4, 5, 6)]
    assert [len(dice) for dice in tested] == [8, 8, 8]


def test_harmonizers_are_fitted_in_each_fold(folded: tuple[RunResult, Path]) -> None:
    _, out = folded
    references = [load_arrays(out / "references" / f"quantile_map-fold{k}.safetensors")["quantiles"] for k in (1, 2, 3)]
    assert all((a != b).any() for a, b in pairwise(references))
    own = Participant(Job.read(out / "job.json"), "a").site_data
    trained = [{s.patient for s in own.in_fold(k).plain.train} for k in range(3)]
    tested = [{s.patient for s in own.in_fold(k).plain.test} for k in range(3)]
    assert len(set.union(*tested)) == 24
    assert all(not a & b for a, b in zip(trained, tested, strict=True))


def test_copies_are_told_of_the_references_of_folds(folded: tuple[RunResult, Path]) -> None:
    _, out = folded
    with pytest.raises(InputError, match=r"for each of 3 folds, .*--reference .*quantile_map-fold1\.safetensors"):
        read_reference(kept_reference(out, "quantile_map"), "quantile_map")


def test_a_case_is_decoded_once_for_all_folds(folded: tuple[RunResult, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from shiftscope.training.data import model_inputs

    decoded, load = [], model_inputs.load
    monkeypatch.setattr(model_inputs, "load", lambda case: decoded.append(case.name) or load(case))  # type: ignore[func-returns-value]
    own = Participant(Job.read(folded[1] / "job.json"), "a").site_data
    assert [len(own.in_fold(k).plain.test) for k in range(3)] == [8, 8, 8]
    assert len(decoded) == len(set(decoded)) == 24


def test_rank_metrics_are_those_of_a_fold(tmp_path: Path) -> None:
    data = classified(tmp_path / "data", {"a": 1.0, "b": 1.2}, cases=10, size=16)
    plan = plan_for(
        data,
        task="classification",
        classes=("large", "small"),
        model="test_resnet",
        image_size=16,
        folds=2,
        seeds=(0, 1),
    )
    result = train(plan, data, RunOptions(engine="inline", out=tmp_path / "run"))
    job = Job.read(tmp_path / "run" / "job.json")
    for seed, score in zip((0, 1), result.sites["a"].scores["baseline"], strict=True):
        kept = load_arrays(job.home("a") / f"baseline-seed{seed}.test.safetensors")
        positive = kept["probabilities"][kept["truth"] == 1, 1]
        negative = kept["probabilities"][kept["truth"] == 0, 1]
        pairs = np.sign(positive[:, None] - negative[None]) / 2 + 0.5
        assert len(positive) == len(negative) == 5
        assert score == pytest.approx(pairs.mean(), abs=1e-6)
