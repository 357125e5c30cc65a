"""Comparisons, sorted rows and medians against numpy's plain ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.measures.order_statistics import at_least, lower_median, sorted_rows

ROWS = torch.tensor([[3.0, 1.0, 2.0, 2.0], [0.5, 0.5, 0.5, 0.5], [4.0, -1.0, 0.0, 9.0]])
devices = pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU torch can use")),
    ],
)


@devices
def test_rows_by_hand(device: str) -> None:
    rows = ROWS.to(device)
    assert sorted_rows(rows).tolist() == [[1, 2, 2, 3], [0.5] * 4, [-1, 0, 4, 9]]
    assert lower_median(rows).tolist() == [2, 0.5, 0]
    keep = torch.tensor([[True, True, False, False], [False] * 4, [True, True, False, True]], device=device)
    found = lower_median(rows, keep).tolist()
    assert found[0] == 1
    assert np.isnan(found[1])
    assert found[2] == 4
    assert at_least(rows, 0.5).tolist() == [[True] * 4, [True] * 4, [True, False, False, True]]
    assert at_least(rows, rows.flip(1)).tolist() == [[True, False, True, False], [True] * 4, [False, False, True, True]]


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 300), levels=st.integers(1, 500), seed=st.integers(0, 999), double=st.booleans())
def test_medians_are_those_of_sorted_rows(count: int, levels: int, seed: int, double: bool) -> None:
    """With many equal values and few, rows of odd and even length, and any share of them kept."""
    rng = np.random.default_rng(seed)
    rows = (rng.integers(levels, size=(5, count)) / levels).astype(np.float64 if double else np.float32)
    keep = rng.random(rows.shape) < rng.random((5, 1))
    expected = [np.sort(row)[(count - 1) // 2] for row in rows]
    np.testing.assert_array_equal(lower_median(torch.from_numpy(rows)), expected)
    kept = [np.sort(row[some]) for row, some in zip(rows, keep, strict=True)]
    expected = [row[(len(row) - 1) // 2] if len(row) else np.nan for row in kept]
    found = lower_median(torch.from_numpy(rows), torch.from_numpy(keep))
    np.testing.assert_array_equal(found, np.array(expected, rows.dtype))
    assert found.dtype == torch.from_numpy(rows).dtype


def test_a_limit_is_rounded_to_the_values_it_is_compared_with() -> None:
    """A tenth as float32 is a little more than a tenth: it has to count as one."""
    tenth = torch.tensor([0.1])
    assert at_least(tenth, 0.1).tolist() == [True]
    assert at_least(torch.nextafter(tenth, torch.zeros(1)), 0.1).tolist() == [False]
