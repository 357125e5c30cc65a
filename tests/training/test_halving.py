"""Rungs: their budgets, who goes on, and what has no say in it."""

from itertools import pairwise

import numpy as np
import pytest
from fake_runs import faked, plan_of
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.errors import PlanError
from shiftscope.training.runs.jobs import Arm
from shiftscope.training.trials.halving import MIN_ROUNDS, Cut, budgets, cut, expected_left

NAMES = ("zscore", "fedbn", "fedper", "ditto", "lp_ft")
FLAT = dict.fromkeys((*NAMES, "fedavg"), 0.5)


def rung(validation: dict[str, float], test: dict[str, float] = FLAT, *, keep: float = 0.5, **how: object) -> Cut:
    return cut(faked(validation, test, **how)(plan_of(), arms(*validation), 1), keep)  # type: ignore[arg-type]


def arms(*names: str) -> list[Arm]:
    return [Arm(name=name, algorithm="fedavg", harmonizer=None, rounds=16) for name in names]


@pytest.mark.parametrize(
    ("rounds", "strategies", "keep", "rungs", "expected"),
    [
        (16, 8, 0.5, 3, (4, 8, 16)),
        (16, 8, 0.5, 9, (2, 4, 8, 16)),  # three cuts leave one
        (9, 9, 1 / 3, 3, (2, 3, 9)),  # 1 is raised to 2
        (4, 8, 0.5, 3, (2, 4)),  # two rungs of the same budget would be the same run
        (16, 2, 0.5, 3, (8, 16)),
        (16, 1, 0.5, 3, (16,)),  # nobody to drop
        (16, 8, 0.5, 1, (16,)),
        (16, 2, 0.9, 3, (16,)),  # nine tenths of two are two
    ],
)
def test_budgets(rounds: int, strategies: int, keep: float, rungs: int, expected: tuple[int, ...]) -> None:
    assert budgets(rounds, strategies, keep, rungs) == expected


@given(st.integers(2, 200), st.integers(1, 30), st.sampled_from((1 / 4, 1 / 3, 1 / 2, 2 / 3)), st.integers(1, 6))
def test_budgets_grow_to_the_last_and_the_field_shrinks(rounds: int, strategies: int, keep: float, rungs: int) -> None:
    found = budgets(rounds, strategies, keep, rungs)
    assert found[-1] == rounds
    assert len(found) <= rungs
    assert found[0] >= MIN_ROUNDS
    assert all(small < large for small, large in pairwise(found))
    left = expected_left(strategies, keep, len(found))
    assert left[0] == strategies
    assert all(more >= fewer >= more * keep for more, fewer in pairwise(left))


def test_one_round_is_no_trial() -> None:
    with pytest.raises(PlanError, match="rounds: 1 for a trial; expected 2 or more"):
        budgets(1, 4, 0.5, 2)


def test_the_best_by_validation_go_on() -> None:
    found = rung({"fedavg": 0.9, "zscore": 0.6, "fedbn": 0.8, "fedper": 0.5, "ditto": 0.7})
    assert found.kept == ("fedbn", "ditto")
    assert found.dropped == ("zscore", "fedper")
    assert not found.tied
    assert list(found.validation) == ["fedavg", "fedbn", "ditto", "zscore", "fedper"]
    assert found.validation["ditto"] == pytest.approx(0.7)


def test_odd_numbers_are_rounded_up() -> None:
    found = rung({"fedavg": 0.1, "zscore": 0.6, "fedbn": 0.8, "fedper": 0.5, "ditto": 0.7, "lp_ft": 0.4})
    assert found.kept == ("fedbn", "ditto", "zscore")


def test_equals_go_on_together() -> None:
    found = rung({"fedavg": 0.1, "zscore": 0.6, "fedbn": 0.8, "fedper": 0.6, "ditto": 0.6})
    assert (found.kept, found.tied, found.dropped) == (("fedbn", "zscore"), ("fedper", "ditto"), ())


def test_within_noise_goes_on_and_clearly_worse_does_not() -> None:
    validation = {"fedavg": 0.5, "zscore": 0.7, "fedbn": 0.699, "fedper": 0.3}
    found = rung(validation, keep=0.3, spread=0.05)
    assert len(found.kept) == 1
    assert {*found.kept, *found.tied} == {"zscore", "fedbn"}
    assert found.dropped == ("fedper",)
    assert len(rung(validation, keep=0.3).kept + rung(validation, keep=0.3).tied) == 1


def test_noise_is_one_standard_error_of_the_paired_difference() -> None:
    plan = plan_of(seeds=(0,))
    result = faked(FLAT, FLAT)(plan, arms("fedavg", "zscore", "fedbn"), 1)
    behind = np.array([0.04, 0.02, -0.02, 0.0])  # mean .01, standard error .0129
    for shift, tied in ((0.0, True), (0.002, True), (0.004, False)):
        sites = {
            site: scores.model_copy(
                update={"validation": {"fedavg": (0.1,), "zscore": (0.5 + 0.1 * at,), "fedbn": (0.5 + 0.1 * at - gap,)}}
            )
            for at, ((site, scores), gap) in enumerate(zip(result.sites.items(), behind + shift, strict=True))
        }
        found = cut(result.model_copy(update={"sites": sites}), 0.5)
        assert (found.tied == ("fedbn",)) is tied
        assert (found.dropped == ("fedbn",)) is not tied


@settings(max_examples=24)
@given(st.permutations([0.1, 0.4, 0.6, 0.9]))
def test_test_cases_have_no_say(scores: list[float]) -> None:
    validation = {"fedavg": 0.5, "zscore": 0.6, "fedbn": 0.8, "fedper": 0.55, "ditto": 0.7}
    other = rung(validation, {"fedavg": 0.5, **dict(zip(NAMES, scores, strict=False))}, spread=0.02)
    assert other == rung(validation, spread=0.02)


def test_sites_without_validation_scores_have_no_say() -> None:
    validation = {"fedavg": 0.5, "zscore": 0.6, "fedbn": 0.8}
    assert rung(validation, silent=("b", "c")).judged == ("a", "d")
    with pytest.raises(PlanError, match=r"split.val: dice .* undefined at 3 of 4 sites \(a, b, c\).*enlarge split.val"):
        rung(validation, silent=("a", "b", "c"))


def test_scores_that_policies_keep_are_told_from_undefined_ones() -> None:
    result = faked(FLAT, FLAT, silent=("a", "b", "c"))(plan_of(), arms(*FLAT), 1)
    kept = {site: scores.model_copy(update={"kept": ("dice",)}) for site, scores in result.sites.items() if site != "d"}
    with pytest.raises(
        PlanError, match=r"dice on validation cases is kept by their policies at 3 of 4 sites \(a, b, c"
    ):
        cut(result.model_copy(update={"sites": result.sites | kept}), 0.5)
