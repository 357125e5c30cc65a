"""The export rules: what a published number may give away."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.measures import MEASURES
from shiftscope.profiles.export import class_sketches, sketch, summary, suppressed
from shiftscope.profiles.profile import Sketch
from shiftscope.profiles.sums import Histogram, Sums
from shiftscope.stats import Moments

COUNTS = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 60), max_size=6)


def sums(rows: np.ndarray) -> Sums:
    out = Sums()
    for row in rows:
        out.add(row)
    return out


@settings(deadline=None)
@given(COUNTS)
def test_no_small_count_can_be_read_or_inferred(counts: dict[str, int]) -> None:
    """Given the total, every hidden count could be at least two values, and the hidden patients are 10 or more,
    unless there is nothing else left to hide."""
    published = suppressed(counts)
    total = sum(counts.values())
    for key, count in published.items():
        assert isinstance(count, str) or count >= 10, key
        assert not isinstance(count, int) or count == counts[key]
    hidden = [key for key in published if not isinstance(published[key], int)]
    known = sum(count for count in published.values() if isinstance(count, int))
    assert total - known == sum(counts[key] for key in hidden)
    if hidden and len(hidden) < len(published):
        assert len(hidden) >= 2
        assert total - known >= 10


def test_suppression_by_example() -> None:
    assert suppressed({"GE": 30, "Philips": 12, "Siemens": 4}) == {"GE": 30, "Philips": "hidden", "Siemens": "<10"}
    assert suppressed({"GE": 30, "Philips": 12}) == {"GE": 30, "Philips": 12}
    assert suppressed({"benign": 34, "malignant": 6}) == {"benign": "hidden", "malignant": "<10"}


def test_width_grows_with_patients() -> None:
    rng = np.random.default_rng(0)
    widths = {}
    for n in (9, 10, 19, 20, 39, 40, 200):
        made = sketch("features_deep", sums(rng.normal(size=(n, 16))))
        widths[n] = None if made is None else len(made.mean)
    assert widths == {9: None, 10: 4, 19: 4, 20: 8, 39: 8, 40: 16, 200: 16}


def test_a_sketch_is_its_moments() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 5))
    packed = Sketch.of(Moments.of(rows[:, :4]))
    again = Sketch.model_validate_json(packed.model_dump_json())
    np.testing.assert_allclose(again.moments.cov, np.cov(rows[:, :4].T), rtol=1e-4, atol=1e-6)
    joint = Sketch.of(Moments.of(rows), covariates=1)
    found = joint.moments_with_area(4)
    assert found is not None
    np.testing.assert_allclose(found.cov, np.cov(rows.T), atol=1e-12)


def test_the_area_is_left_out_where_some_patients_have_no_mask() -> None:
    rng = np.random.default_rng(0)
    plain, joint = sums(rng.normal(size=(60, 8))), sums(rng.normal(size=(50, 9)))
    made = sketch("intensity", plain, joint)
    assert made is not None
    assert made.area is None


def test_classes_give_no_rest_of_few_patients_away() -> None:
    """34 benign and 6 malignant: the whole less the benign would be the six."""
    rng = np.random.default_rng(0)

    def classes(*sizes: int) -> dict[str, dict[str, Sums]]:
        return {f"c{i}": {"intensity": sums(rng.normal(size=(n, 8)))} for i, n in enumerate(sizes)}

    assert class_sketches(classes(34, 6), 40) == {}
    assert set(class_sketches(classes(34, 12), 46)) == {"c0", "c1"}
    assert set(class_sketches(classes(34, 6, 5), 45)) == {"c0"}
    assert set(class_sketches(classes(40, 12, 6), 58)) == {"c0"}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-50, 400), min_size=10, max_size=200))
def test_cells_hold_ten_patients_and_all_of_them(values: list[float]) -> None:
    histogram = Histogram(*MEASURES["brightness"].range)
    for value in values:
        histogram.add(value)
    made = summary("brightness", histogram)
    assert made is not None
    assert sum(made.counts) == made.n == len(values)
    assert min(made.counts) >= 10
    assert len(made.edges) == len(made.counts) + 1
    assert (made.edges[0], made.edges[-1]) == MEASURES["brightness"].range
    assert made.mean == np.float64(np.mean(values)) or abs(made.mean - np.mean(values)) < 1e-6


def test_nothing_is_summarized_below_ten() -> None:
    histogram = Histogram(0, 1)
    for _ in range(9):
        histogram.add(0.5)
    assert summary("brightness", histogram) is None


def test_sums_are_moments_and_leave_rows_with_gaps_out() -> None:
    rows = np.random.default_rng(0).normal(3, 2, size=(40, 5))
    made = sums(rows)
    made.add(np.array([1.0, np.nan, 1.0, 1.0, 1.0]))
    found = made.moments(3)
    assert found is not None
    assert found.n == 40
    np.testing.assert_allclose(found.mean, rows[:, :3].mean(axis=0))
    np.testing.assert_allclose(found.cov, np.cov(rows[:, :3].T), rtol=1e-9)
