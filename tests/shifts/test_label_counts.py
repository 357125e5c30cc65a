"""Counts that are hidden: what they can be, and which of them count."""

import numpy as np

from shiftscope.shifts.label_counts import LabelCounts, LabelTable, label_distributions


def test_hidden_counts_are_read_in_favour_of_no_shift() -> None:
    known = LabelCounts.of({"x": 11, "y": 29}, 40)
    hidden = LabelCounts.of({"x": "<10", "y": "hidden"}, 40)
    far = LabelCounts.of({"x": 25, "y": 15}, 40)
    rows, differences = LabelTable.of([known, hidden, far]).differences(np.array([0, 1]), np.array([1, 2]))
    assert rows.tolist() == [0, 1]
    np.testing.assert_allclose(differences.delta, [[2 / 40, -2 / 40], [9 / 40 - 25 / 40, 31 / 40 - 15 / 40]], atol=1e-9)
    p = label_distributions(differences).p
    assert p[0] > 0.05
    assert p[1] < 0.01


def test_possible_counts_are_possible_and_reach_the_extremes() -> None:
    counts = LabelCounts.of({"a": "<10", "b": "<10", "c": "hidden", "d": 30}, 60)
    names = ["a", "b", "c", "d"]
    low, high = counts.ends(names)
    found = counts.possible(names, np.array([20.0, 5.0, 5.0, 30.0]))
    np.testing.assert_allclose(found.sum(axis=1), 60)
    assert np.all(found >= low - 1e-9)
    assert np.all(found <= high + 1e-9)
    np.testing.assert_allclose(found[:, :2].min(axis=0), 1)
    np.testing.assert_allclose(found[:, :2].max(axis=0), 9)
    np.testing.assert_allclose(
        found[0], [9, 9, 12, 30], atol=1e-9
    )  # the nearest: a and b at their most, c takes the rest
