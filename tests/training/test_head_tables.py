"""Who learns and who is judged in which fold, and what each case counts."""

import numpy as np
import pytest
import torch
from small_plans import planned_sites, small_plan

from shiftscope.training.data.model_inputs import Sample, Samples
from shiftscope.training.rehearsals.head_tables import HeadTable, places_in, shares_of, table_of
from shiftscope.training.rehearsals.rehearsed_strategies import (
    HeadPlace,
    Rehearsed,
    equivalents,
    harmonizers_of,
    left_out,
    strategies_of,
)

PATIENTS = {"p0": 2, "p1": 1, "p2": 3, "p3": 1, "p4": 1, "p5": 2, "p6": 1, "p7": 1, "p8": 1}
"""Name -> cases."""


def cases() -> dict[str, list[Sample]]:
    """Patient -> cases, each with features of its own; a patient's cases have one label."""
    draw = np.random.default_rng(0)
    return {
        name: [
            Sample(name, draw.normal(size=(1, 4, 1, 1)).astype(np.float16), int(number % 3 == 0)) for _ in range(count)
        ]
        for number, (name, count) in enumerate(PATIENTS.items())
    }


def folds(every: dict[str, list[Sample]]) -> dict[int, Samples]:
    """Three folds by patient: patients 0, 1, 2 are tested in fold 0, and so on; one of the others validates."""
    names = [*every]
    found = {}
    for fold in range(3):
        test = names[3 * fold : 3 * fold + 3]
        others = [name for name in names if name not in test]
        parts = {"train": others[1:], "val": others[:1], "test": test}
        found[fold] = Samples(
            **{part: [s for n in chosen for s in every[n]] for part, chosen in parts.items()}, left_out={}
        )
    return found


@pytest.fixture
def table() -> HeadTable:
    return table_of(None, folds(cases()))


def test_every_case_is_one_row_and_stays_whose_it_is(table: HeadTable) -> None:
    every = [sample for samples in cases().values() for sample in samples]
    assert len(table.rows.features) == len(every) == 13
    known = {tuple(sample.pixels.ravel().tolist()): sample for sample in every}
    for features, target, patient in zip(table.rows.features, table.rows.targets, table.patients, strict=True):
        sample = known.pop(tuple(features.numpy().astype(np.float16).tolist()))
        assert (sample.target, sample.patient) == (int(target), patient)
    assert table.rows.features.dtype == torch.float32
    assert table.rows.targets.dtype == torch.int64


def test_parts_are_those_of_the_folds(table: HeadTable) -> None:
    divided = folds(cases())
    for part in ("train", "val", "test"):
        for row, fold in enumerate(table.folds):
            chosen = getattr(table, part)[row]
            assert sorted(table.patients[chosen]) == sorted(sample.patient for sample in getattr(divided[fold], part))
    together = table.train.astype(int) + table.val + table.test
    assert (together == 1).all()
    assert (table.test.sum(axis=0) == 1).all()


def test_a_patients_cases_are_never_apart(table: HeadTable) -> None:
    for patient in PATIENTS:
        rows = table.patients == patient
        for part in (table.train, table.val, table.test):
            assert (part[:, rows].all(axis=1) | ~part[:, rows].any(axis=1)).all()


def test_rows_lie_alike_whichever_folds_a_table_is_of() -> None:
    """What is compared case by case has to stand in one order: a table of one fold beside that of all."""
    divided = folds(cases())
    whole = table_of(None, divided)
    for fold in divided:
        alone = table_of("zscore", {fold: divided[fold]})
        np.testing.assert_array_equal(alone.patients, whole.patients)
        assert torch.equal(alone.rows.features, whole.rows.features)
        np.testing.assert_array_equal(alone.test[0], whole.test[fold])


def test_shares_add_up_to_one_and_are_of_training_cases(table: HeadTable) -> None:
    shares = shares_of(table, table.places)
    assert [place.method for place in table.places] == ["fedavg"] * 3 + ["fedprox"] * 3 + ["balanced"] * 3
    np.testing.assert_allclose(shares.sum(dim=1), 1, rtol=1e-6)
    truth = table.rows.targets.numpy()
    for place, share in zip(table.places, shares.numpy(), strict=True):
        train = table.train[place.fold]
        assert not share[~train].any()
        if place.method == "balanced":
            assert share[truth == 1].sum() == pytest.approx(share[truth == 0].sum()) == pytest.approx(0.5)
            assert len({round(float(value), 6) for value in share[train & (truth == 1)]}) == 1
        else:
            np.testing.assert_allclose(share[train], 1 / train.sum(), rtol=1e-6)


def test_a_class_that_nobody_trains_on_takes_nothing_from_the_others() -> None:
    every = {name: [Sample(name, np.ones((1, 2, 1, 1), np.float16), int(name == "p2"))] for name in ("p0", "p1", "p2")}
    samples = Samples(train=every["p0"] + every["p1"], val=[], test=every["p2"], left_out={})
    shares = shares_of(table_of(None, {0: samples}), [HeadPlace("balanced", 0)])
    assert sorted(shares[0].tolist()) == [0, 0.5, 0.5]


def test_behind_a_harmonizer_there_is_fedavg_alone() -> None:
    assert places_in("zscore", (3,)) == (HeadPlace("fedavg", 3),)
    assert len(places_in(None, range(5))) == 15


PLAN = small_plan(task="classification", classes=("x", "y"), model="linear", sites=planned_sites("ab", 40))


def test_what_is_rehearsed_has_one_name_and_what_is_not_a_reason() -> None:
    found = harmonizers_of(PLAN)
    assert {"zscore", "quantile_map", "combat"} <= {*found}
    strategies = strategies_of(found, PLAN)
    names = [each.name for each in strategies]
    assert names[0] == "fedavg"
    assert len(set(names)) == len(names) == 6 + 4 * len(found)
    reasons = left_out(PLAN)
    assert not {*names} & {*reasons}
    assert {"n4", "macenko", "mixstyle", "resample"} <= reasons.keys()
    assert "macenko" in harmonizers_of(PLAN.model_copy(update={"colour": True}))


def test_what_comes_to_the_same_is_named_for_every_method() -> None:
    found = equivalents({"polarity": "quantile_map", "clahe": "plain"}, even=True)
    assert found["fedavg"] == ("balanced", "clahe")
    assert found["quantile_map"] == ("polarity",)
    assert found["shrinkage"] == (Rehearsed("clahe", "shrinkage").name,)
    assert found["quantile_map+local"] == ("polarity+local",)
    assert equivalents({}, even=False) == {}
