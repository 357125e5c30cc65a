"""No patient in two parts, and always the same split."""

from pathlib import Path

import pytest

from shiftscope.errors import InputError
from shiftscope.plans import Split
from shiftscope.sites import Case
from shiftscope.training.data.splits import divide


def cases(count: int, per_patient: int = 1, split: str | None = None) -> list[Case]:
    return [
        Case(name=f"c{p}_{i}", images=(Path("x.png"),), patient=f"p{p}", split=split)
        for p in range(count)
        for i in range(per_patient)
    ]


def names(parts: dict[str, list[Case]]) -> dict[str, set[str]]:
    return {part: {case.patient for case in members} for part, members in parts.items()}


def test_patients_are_never_torn_apart() -> None:
    parts = names(divide(cases(60, per_patient=3), Split(), "a"))
    assert not parts["train"] & parts["test"]
    assert not parts["train"] & parts["val"]
    assert sum(map(len, parts.values())) == 60


def test_shares_are_about_those_of_the_plan() -> None:
    parts = names(divide(cases(2000), Split(train=0.6, val=0.1, test=0.3), "a"))
    assert [round(len(parts[part]) / 2000, 1) for part in ("train", "val", "test")] == [0.6, 0.1, 0.3]


def test_a_patient_keeps_its_part_when_the_site_grows() -> None:
    before, after = (names(divide(cases(count), Split(), "a")) for count in (50, 90))
    assert all(before[part] <= after[part] for part in before)


def test_another_salt_is_another_split() -> None:
    assert names(divide(cases(50), Split(), "a")) != names(divide(cases(50), Split(salt="other"), "a"))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_smallest_sites_train_and_test(count: int) -> None:
    for salt in "abcdefgh":
        parts = divide(cases(count), Split(salt=salt), "a")
        assert parts["train"]
        assert parts["test"]


def test_one_patient_cannot_be_split() -> None:
    with pytest.raises(InputError, match="site a: 1 usable patients and none in"):
        divide(cases(1), Split(), "a")


def test_a_split_the_data_bring_wins() -> None:
    given = [*cases(3, split="test"), Case("z", (Path("z.png"),), patient="pz", split="train")]
    assert names(divide(given, Split(), "a")) == {"train": {"pz"}, "val": set(), "test": {"p0", "p1", "p2"}}


def test_a_patient_on_both_sides_is_refused() -> None:
    torn = [Case(name, (Path("x.png"),), patient="p", split=split) for name, split in (("x", "train"), ("y", "test"))]
    with pytest.raises(InputError, match="patient 'p' is in 'train' and in 'test'"):
        divide(torn, Split(), "a")


def test_a_half_given_split_is_refused() -> None:
    with pytest.raises(InputError, match="case c0_0 has split None"):
        divide([*cases(2), Case("z", (Path("z.png"),), patient="pz", split="train")], Split(), "a")
