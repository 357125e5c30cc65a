"""Sums are the same to the last bit in any order, and right to the last digit."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.profiles.sums.exact_sums import cut, joined
from shiftscope.profiles.sums.moment_sums import Histogram, MomentSums

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@settings(deadline=None, max_examples=200)
@given(NUMBERS, st.randoms())
def test_order_and_grouping_leave_every_bit(values: list[float], random: Any) -> None:
    terms = cut(np.array(values))
    whole = terms.sum(axis=1)
    places = list(range(len(values)))
    random.shuffle(places)
    cuts = sorted(random.sample(range(len(values) + 1), min(3, len(values) + 1)))
    parts = [terms[:, places[a:b]].sum(axis=1) for a, b in zip([0, *cuts], [*cuts, len(values)], strict=True)]
    random.shuffle(parts)
    np.testing.assert_array_equal(sum(parts), whole)
    assert abs(float(joined(whole)) - math.fsum(values)) <= len(values) * 2**-44 + 1e-15 * abs(math.fsum(values))


def test_a_million_small_terms_lose_nothing_beside_large_ones() -> None:
    values = np.concatenate([np.full(10**6, 1e-9), [1e9], [-1e9]])
    one, other = (joined(cut(order).sum(axis=1)) for order in (values, values[::-1]))
    assert one == other == pytest.approx(1e-3, rel=1e-4)


def test_moments_and_histograms_of_blocks_are_those_of_all() -> None:
    rows = np.random.default_rng(0).normal(3, 2, (101, 5)).astype(np.float32).astype(float)
    rows[7, 2] = np.nan
    whole, counted = MomentSums(), Histogram(0, 10)
    whole.add(rows)
    counted.add(rows[:, 2])
    again, recounted = MomentSums(), Histogram(0, 10)
    for block in (rows[60:], rows[:1], rows[1:60]):
        one, histogram = MomentSums(), Histogram(0, 10)
        for row in block:
            one.add(row)
            histogram.add(row[2])
        again.merge(one)
        recounted.merge(histogram)
    assert again.n == whole.n == counted.n == recounted.n == 100
    np.testing.assert_array_equal(again.outer, whole.outer)
    np.testing.assert_array_equal(again.total, whole.total)
    np.testing.assert_array_equal(counted.sums, recounted.sums)
    assert counted.counts == recounted.counts
    known = np.delete(rows, 7, axis=0)
    moments = whole.moments(5)
    assert moments is not None
    np.testing.assert_allclose(moments.cov, np.cov(known.T), atol=1e-11)
    assert counted.sd == pytest.approx(known[:, 2].std(ddof=1), abs=1e-11)
