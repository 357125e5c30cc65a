"""Intervals: paired, by patient, jointly over seeds, repeatable."""

import numpy as np
import pytest

from shiftscope.train.bootstrap import REPLICATES, interval, replicates
from shiftscope.train.scores import mean_of

DICE = mean_of("dice")


def cases(values: np.ndarray) -> dict[str, np.ndarray]:
    return {"dice": values}


def people(count: int) -> list[str]:
    return [f"p{i}" for i in range(count)]


def test_pairs_stay_together() -> None:
    base = np.random.default_rng(0).uniform(0, 1, 30)
    result = replicates([cases(base)], [cases(base + 0.1)], DICE, people(30), "salt")
    assert result.shape == (REPLICATES, 1)
    np.testing.assert_allclose(result, 0.1, atol=1e-6)


def test_spread_is_the_standard_error() -> None:
    rng = np.random.default_rng(1)
    base, new = rng.uniform(0, 1, 200), rng.uniform(0, 1, 200)
    result = replicates([cases(base)], [cases(new)], DICE, people(200), "salt")
    assert result.std() == pytest.approx((new - base).std() / np.sqrt(200), rel=0.1)


def test_patients_are_the_unit() -> None:
    rng = np.random.default_rng(2)
    gain = np.repeat(rng.normal(0, 0.1, 20), 5)
    owner = [f"p{i // 5}" for i in range(100)]
    by_patient = replicates([cases(np.zeros(100))], [cases(gain)], DICE, owner, "salt")
    by_case = replicates([cases(np.zeros(100))], [cases(gain)], DICE, people(100), "salt")
    assert by_patient.std() > 1.8 * by_case.std()


def test_repeatable_but_not_without_the_scores() -> None:
    rng = np.random.default_rng(3)
    base, new, other = (rng.uniform(0, 1, 20) for _ in range(3))
    once, again, different = (
        replicates([cases(base)], [cases(values)], DICE, people(20), "salt") for values in (new, new, other)
    )
    np.testing.assert_array_equal(once, again)
    known = replicates([cases(base)], [cases(base + 1 + np.arange(20))], DICE, people(20), "salt")
    assert abs(np.corrcoef(once[:, 0], different[:, 0])[0, 1]) < 0.2
    assert abs(np.corrcoef(once[:, 0], known[:, 0])[0, 1]) < 0.2


def test_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(200):
        gains = {site: rng.normal(0.02, 0.1, 40) for site in "abc"}
        drawn = {s: replicates([cases(np.zeros(40))], [cases(g)], DICE, people(40), "salt") for s, g in gains.items()}
        word = interval(drawn, {site: [float(gain.mean())] for site, gain in gains.items()}, np.random.default_rng(0))
        assert word.low is not None
        assert word.high is not None
        covered += word.low <= 0.02 <= word.high
    assert 0.89 <= covered / 200 <= 0.99


def test_seeds_widen_the_interval() -> None:
    flat = np.zeros((REPLICATES, 2), dtype=np.float32)
    apart = flat + np.array([-0.1, 0.1], dtype=np.float32)
    narrow = interval({"a": flat}, {"a": [0.0, 0.0]}, np.random.default_rng(0))
    wide = interval({"a": apart, "b": apart}, {"a": [-0.1, 0.1], "b": [-0.1, 0.1]}, np.random.default_rng(0))
    assert (narrow.low, narrow.high) == (0, 0)
    assert (wide.low, wide.high) == pytest.approx((-0.1, 0.1))


def test_undefined_is_null() -> None:
    nothing = interval({}, {}, np.random.default_rng(0))
    assert (nothing.mean, nothing.low, nothing.high) == (None, None, None)
    undefined = np.full((REPLICATES, 1), np.nan, dtype=np.float32)
    assert interval({"a": undefined}, {"a": [None]}, np.random.default_rng(0)).mean is None
