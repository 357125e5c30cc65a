"""The weighted mean, by hand."""

import itertools

import numpy as np

from shiftscope.training.algorithms.aggregation import Update, weighted_mean


def update(site: str, cases: int, weight: float, batches: int) -> Update:
    tensors = {"w": np.array([weight, 2 * weight], dtype=np.float32), "batches": np.array(batches, dtype=np.int64)}
    return Update(site, tensors, cases, 0.0)


UPDATES = [update("a", 10, 1.0, 3), update("b", 30, 2.0, 4), update("c", 60, 4.0, 4)]


def test_weighted_by_cases_and_kinds_kept() -> None:
    mean = weighted_mean(UPDATES)
    np.testing.assert_allclose(mean["w"], [3.1, 6.2], rtol=1e-6)
    assert mean["w"].dtype == np.float32
    assert mean["batches"] == 4
    assert mean["batches"].dtype == np.int64
    assert mean["batches"].shape == ()


def test_the_order_of_replies_does_not_matter_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    updates = [
        Update(site, {"w": rng.normal(size=50).astype(np.float32)}, cases, 0.0)
        for site, cases in (("a", 7), ("b", 11), ("c", 13))
    ]
    results = [weighted_mean(order)["w"] for order in itertools.permutations(updates)]
    assert all((result == results[0]).all() for result in results)


def test_one_site_keeps_its_own_tensors_bit_for_bit() -> None:
    tensors = {"w": np.random.default_rng(1).normal(size=100).astype(np.float32)}
    np.testing.assert_array_equal(weighted_mean([Update("a", tensors, 17, 0.0)])["w"], tensors["w"])
