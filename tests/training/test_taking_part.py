"""Who should take part: the truth table, Holm among the comparisons, and what cannot be known."""

from collections.abc import Iterable, Mapping

import numpy as np
import pytest

from shiftscope.training.evaluation.estimates import FoldLayout
from shiftscope.training.evaluation.participation import Choices, participation
from shiftscope.training.evaluation.patient_spreads import PatientSpread

MARGIN, SEEDS = 0.01, 3


def spread_of(names: Iterable[str], covariance: np.ndarray, seeds: int, freedom: int = 1000) -> PatientSpread:
    """All seeds err alike; `covariance` is that of the strategies."""
    return PatientSpread(tuple(names), np.einsum("ab,st->asbt", covariance, np.ones((seeds, seeds))), freedom)


def answered(scores: Mapping[str, float], error: float = 0.01, choices: Choices | None = None) -> str:
    """The answer where every strategy has a mean gain over the baseline, with so much of patients' chance in each."""
    found = participation(
        choices or Choices("local", ("baseline",), ("adapted",)),
        spread_of(scores, np.eye(len(scores)) * error**2 / 2, SEEDS),
        {name: [mean] * SEEDS for name, mean in scores.items()},
        lambda: np.random.default_rng(1),
        FoldLayout((0,) * SEEDS),
        MARGIN,
    )
    return found.answer


@pytest.mark.parametrize(
    ("local", "adapted", "answer"),
    [
        (0.1, 0.0, "alone"),
        (-0.1, 0.0, "take_part"),
        (-0.1, 0.1, "own_model"),
        (-0.1, 0.005, "take_part"),  # an own model no better than the shared one
        (0.0, 0.1, "own_model"),  # the shared one is no better than the local one
        (0.1, 0.1, "undecided"),
        (0.0, 0.0, "undecided"),
        (0.1, -0.1, "alone"),
        (-0.1, -0.2, "take_part"),
    ],
)
def test_answers(local: float, adapted: float, answer: str) -> None:
    assert answered({"local": local, "adapted": adapted}) == answer


def test_chance_decides_nothing() -> None:
    assert answered({"local": -0.1, "adapted": 0.1}, error=0.2) == "undecided"


def test_a_difference_within_the_margin_is_no_reason() -> None:
    assert answered({"local": -0.009, "adapted": -0.009}, error=0.0005) == "undecided"


def test_a_shared_cure_is_no_own_model() -> None:
    choices = Choices("local", ("baseline", "adapted"))
    assert answered({"local": 0.1, "adapted": 0.2}, choices=choices) == "take_part"
    assert answered({"local": 0.1, "adapted": 0.1}, choices=choices) == "undecided"
    assert answered({"local": 0.3, "adapted": 0.2}, choices=choices) == "alone"


def test_without_a_local_model_nothing_is_said() -> None:
    assert answered({"adapted": 0.5}, choices=Choices(None, ("baseline",), ("adapted",))) == "undecided"
    assert answered({"local": 0.5}, choices=Choices("local", ())) == "undecided"


def test_what_is_missing_is_not_taken_for_the_baseline() -> None:
    with pytest.raises(ValueError, match="baseline"):
        answered({"adapted": 0.5})


def test_more_comparisons_ask_for_more() -> None:
    """The baseline beats the local model with p about .02: enough for one comparison, too little beside two others."""
    alone = Choices("local", ("baseline",))
    assert answered({"local": -0.024}, error=0.0145, choices=alone) == "take_part"
    among = Choices("local", ("baseline", "b", "c"))
    assert answered({"local": -0.024, "b": -0.024, "c": -0.024}, error=0.0145, choices=among) == "undecided"


def test_seeds_alone_can_answer() -> None:
    """Published scores have no patients."""

    def answer(local: list[float | None]) -> str:
        found = participation(
            Choices("local", ("FedAvg",)),
            None,
            {"local": local},
            lambda: np.random.default_rng(1),
            FoldLayout((0,) * 5),
            MARGIN,
        )
        return found.answer

    assert answer([-0.1, -0.12, -0.11, -0.09, -0.1]) == "take_part"
    assert answer([0.1, 0.12, 0.11, 0.09, None]) == "alone"
    assert answer([0.1, -0.12, 0.11, 0.2, 0.1]) == "undecided"
    assert answer([0.1, None, None, None, None]) == "undecided"
    assert answer([None] * 5) == "undecided"


def test_an_answer_comes_with_what_it_rests_on() -> None:
    found = participation(
        Choices("local", ("baseline",), ("adapted",)),
        spread_of(("local", "adapted"), np.zeros((2, 2)), 1),
        {"local": [0.1], "adapted": [0.3]},
        lambda: np.random.default_rng(1),
        FoldLayout((0,)),
        MARGIN,
    )
    pairs = {(each.better, each.other): each.estimate.mean for each in found.comparisons}
    assert pairs == pytest.approx(
        {("baseline", "local"): -0.1, ("adapted", "local"): 0.2, ("adapted", "baseline"): 0.3}
    )


def test_a_site_where_nothing_differs_is_rarely_told_anything() -> None:
    """Twenty patients, an own model and a shared one: false answers stay below .05 and chance."""
    chance = np.random.default_rng(2)
    said = 0
    for _ in range(200):
        cases = {name: chance.normal(0, 0.05, 20) for name in ("baseline", "adapted", "local")}
        gains = {name: cases[name] - cases["baseline"] for name in ("adapted", "local")}
        found = participation(
            Choices("local", ("baseline",), ("adapted",)),
            spread_of(gains, np.cov(list(gains.values())) / 20, 1, 19),
            {name: [float(gain.mean())] for name, gain in gains.items()},
            lambda: np.random.default_rng(1),
            FoldLayout((0,)),
            MARGIN,
        )
        said += found.answer != "undecided"
    assert said / 200 <= 0.09
