"""What a harmonizer takes of the classes or the lesions is reported, what it leaves is not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from small_plans import planned_sites, small_plan

from shiftscope.plans import Kept
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.evaluation.leaks import kept_signal, leak_notes

RNG = np.random.default_rng(3)


def classified(count: int = 40) -> list[Sample]:
    """The second class is brighter by two deviations."""
    return [
        Sample(
            f"p{i}", np.clip(RNG.normal(0.4 + 0.2 * (i % 2), 0.1, (1, 1, 32, 32)), 0.01, 1).astype(np.float16), i % 2
        )
        for i in range(count)
    ]


def segmented(count: int = 30) -> list[Sample]:
    mask = np.zeros((1, 32, 32), int)
    mask[:, 8:20, 8:20] = 1
    return [
        Sample(f"p{i}", np.clip(RNG.normal(0.3, 0.05, (1, 1, 32, 32)) + 0.3 * mask, 0.01, 1).astype(np.float16), mask)
        for i in range(count)
    ]


def changed(samples: list[Sample], how: Callable[[np.ndarray], np.ndarray]) -> list[Sample]:
    return [replace(s, pixels=how(s.pixels.astype(np.float64)).astype(np.float16)) for s in samples]


@pytest.mark.parametrize("samples", [classified(), segmented()], ids=["classes", "lesions"])
def test_a_gentle_curve_loses_nothing_and_noise_loses_all(samples: list[Sample]) -> None:
    gentle = kept_signal(samples, changed(samples, lambda pixels: pixels**0.9))
    assert gentle is not None
    assert not gentle.lost
    noise = kept_signal(samples, changed(samples, lambda pixels: RNG.uniform(0.1, 0.9, pixels.shape)))
    assert noise is not None
    assert noise.lost
    assert noise.after < noise.before


def test_too_few_cases_say_nothing() -> None:
    few = classified(10)
    assert kept_signal(few, few) is None


def test_features_are_judged_as_they_are() -> None:
    samples = [replace(s, pixels=np.array([s.target, 0.5], np.float16).reshape(1, 2, 1, 1)) for s in classified()]
    kept = kept_signal(samples, changed(samples, lambda pixels: pixels * 0))
    assert kept is not None
    assert kept.lost


def test_only_what_is_lost_is_reported_once_for_all_folds() -> None:
    figures = {"cases": 40, "before": 2.0, "after": 1.0, "drop": 0.5, "low": 0.4, "high": 0.6}
    little = {"a": Kept(**{**figures, "drop": 0.2}, lost=True)}
    folds = [little, {"a": Kept(**figures, lost=True), "b": Kept(**figures, lost=False)}, little]
    notes = leak_notes(small_plan(sites=planned_sites("ab", 40)), "clahe", folds)
    assert len(notes) == 1
    assert notes[0].startswith("site a: clahe lowers the contrast of lesions from 2.00 to 1.00 on 40 training cases")
