"""The export rules: what a published number may give away."""

import itertools
from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.measures import AXES, MEASURES
from shiftscope.profiles.export import class_sketches, sketch, summary, suppressed
from shiftscope.profiles.profile_document import Sketch
from shiftscope.profiles.sums.moment_sums import Histogram, MomentSums
from shiftscope.stats import Moments

COUNTS = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 60), max_size=6)


def sums(rows: np.ndarray) -> MomentSums:
    out = MomentSums()
    for row in rows:
        out.add(row)
    return out


@settings(deadline=None, max_examples=200)
@given(COUNTS)
def test_no_small_count_can_be_read_or_inferred(counts: dict[str, int]) -> None:
    """A reader who knows the total and what the marks mean can still think of nine values for every small count."""
    published = suppressed(counts)
    total = sum(counts.values())
    for key, count in published.items():
        assert count == counts[key] if isinstance(count, int) else counts[key] > 0
        assert isinstance(count, str) or count >= 10, key
    hidden = {key: mark for key, mark in published.items() if isinstance(mark, str)}
    rest = total - sum(count for count in published.values() if isinstance(count, int))
    ranges = {key: range(1, 10) if mark == "<10" else range(10, rest + 1) for key, mark in hidden.items()}
    if set(hidden.values()) == {"hidden"}:  # no claim of size at all
        ranges = {key: range(1, rest + 1) for key in hidden}
    for key in (key for key, mark in hidden.items() if mark == "<10"):
        others = [ranges[other] for other in hidden if other != key]
        least, most = sum(r.start for r in others), sum(r.stop - 1 for r in others)
        possible = [value for value in ranges[key] if least <= rest - value <= most]
        assert len(possible) == 9, (counts, published)


def test_suppression_by_example() -> None:
    assert suppressed({"GE": 30, "Philips": 22, "Siemens": 4}) == {"GE": 30, "Philips": "hidden", "Siemens": "<10"}
    assert suppressed({"GE": 30, "Philips": 12}) == {"GE": 30, "Philips": 12}
    assert suppressed({"benign": 34, "malignant": 6}) == {"benign": "hidden", "malignant": "<10"}
    assert suppressed({"a": 50, "b": 10, "c": 1}) == {
        "a": "hidden",
        "b": "hidden",
        "c": "<10",
    }  # 61 - 50 would reveal it
    assert suppressed({"a": 50, "b": 9, "c": 9}) == {"a": "hidden", "b": "<10", "c": "<10"}  # 18 would reveal it
    assert suppressed({"b": 9, "c": 9}) == {"b": "hidden", "c": "hidden"}


def test_a_small_count_stays_open_to_who_knows_the_rule() -> None:
    """All counts that give one answer, enumerated: a hidden count is known to be the next smallest."""
    for classes, most in ((2, 45), (3, 40)):
        answers: dict[tuple[object, int], list[tuple[int, ...]]] = defaultdict(list)
        for counts in itertools.product(range(1, most), repeat=classes):
            if (total := sum(counts)) < most + classes:
                answers[tuple(suppressed(dict(zip("abc", counts, strict=False))).items()), total].append(counts)
        for (published, total), possible in answers.items():
            for place, (_, mark) in enumerate(published):  # type: ignore[misc,arg-type]
                if mark == "<10":
                    assert len({counts[place] for counts in possible}) >= 8, (published, total)


def test_width_grows_with_patients() -> None:
    rng = np.random.default_rng(0)
    widths = {}
    for n in (19, 20, 79, 80, 159, 160, 400):
        made = sketch("features_deep", sums(rng.normal(size=(n, 16))))
        widths[n] = None if made is None else len(made.mean)
    assert widths == {19: None, 20: 4, 79: 4, 80: 8, 159: 8, 160: 16, 400: 16}


def test_a_sketch_is_its_moments() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 5))
    packed = Sketch.of(Moments.of(rows[:, :4]))
    again = Sketch.model_validate_json(packed.model_dump_json())
    np.testing.assert_allclose(again.moments.cov, np.cov(rows[:, :4].T), rtol=1e-4, atol=1e-6)
    joint = Sketch.of(Moments.of(rows), covariates=1)
    found = joint.moments_with_area(4)
    assert found is not None
    np.testing.assert_allclose(found.cov, np.cov(rows.T), atol=1e-12)


def test_classes_give_no_rest_of_few_patients_away() -> None:
    """34 benign and 6 malignant: the whole less the benign would be the six. The same on one axis alone."""
    rng = np.random.default_rng(0)

    def published(**sizes: int) -> dict[str, int]:
        rows = {label: rng.normal(size=(n, 8)) for label, n in sizes.items()}
        by_class = {label: {"intensity": sums(part)} for label, part in rows.items()}
        made = class_sketches(by_class, {"intensity": sums(np.concatenate(list(rows.values())))}, list(sizes))
        return {label: len(axes["intensity"].mean) for label, axes in made.items()}

    assert published(a=34, b=6) == {}
    assert published(a=90, b=12) == {"a": 8, "b": 4}
    assert published(a=90, b=6, c=5) == {"a": 4}  # the rest of 11 allows four coordinates, so no more of a either
    assert published(a=90, b=12, c=6) == {"a": 4}
    assert published(a=20, b=19) == {}  # 39 patients are too few to be published in halves


def test_many_classes_take_less_room() -> None:
    """Features have four coordinates within few classes and none within many, all other axes eight and four."""
    rng = np.random.default_rng(0)
    for count, widths in ((2, {"texture": 8, "features_deep": 4, "zscore_deep": 4}), (5, {"texture": 4})):
        labels = [f"class{index}" for index in range(count)]
        rows = {
            axis: rng.standard_normal((count, 100, AXES[axis].width))
            for axis in ("texture", "features_deep", "zscore_deep")
        }
        by_class = {label: {axis: sums(rows[axis][index]) for axis in rows} for index, label in enumerate(labels)}
        whole = {axis: sums(np.concatenate(list(parts))) for axis, parts in rows.items()}
        for axes in class_sketches(by_class, whole, labels).values():
            assert {axis: len(found.mean) for axis, found in axes.items()} == widths


def test_one_stray_mask_in_a_class_is_not_given_away() -> None:
    rng = np.random.default_rng(0)
    benign, stray = rng.normal(size=(30, 8)), rng.normal(size=(1, 8))
    by_class = {"benign": {"morphology": sums(benign)}, "normal": {"morphology": sums(stray)}}
    whole = {"morphology": sums(np.concatenate([benign, stray]))}
    assert class_sketches(by_class, whole, ["benign", "normal"]) == {}


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
