"""Months as one profile: means, spreads and cells are those of all patients."""

import numpy as np
import pytest
from months_made import known_profile

from shiftscope.measures import MEASURES
from shiftscope.profiles.export import summary
from shiftscope.profiles.profile_document import Summary
from shiftscope.profiles.sums.moment_sums import Histogram
from shiftscope.series.together import together
from shiftscope.shifts.label_counts import LabelCounts


def summary_of(values: np.ndarray) -> Summary:
    histogram = Histogram(*MEASURES["brightness"].range)
    for value in values.tolist():
        histogram.add(value)
    found = summary("brightness", histogram)
    assert found is not None
    return found


def test_measures_are_those_of_all_patients() -> None:
    rng = np.random.default_rng(0)
    values = [rng.normal(120, 30, n) for n in (60, 45, 33)]
    base = known_profile()
    profiles = [base.model_copy(update={"measures": {"brightness": summary_of(x)}}) for x in values]
    one = together("all", profiles, LabelCounts({}, {}, 0)).measures["brightness"]
    every = np.concatenate(values)
    assert (one.n, one.mean, one.sd) == pytest.approx((len(every), every.mean(), every.std(ddof=1)))
    assert sum(one.counts) == len(every)
    for low, high, count in zip(one.edges, one.edges[1:], one.counts, strict=False):
        last = high == one.edges[-1]
        assert count == np.sum((every >= low) & ((every <= high) if last else (every < high)))


def test_counts_add_up_and_hidden_ones_stay_hidden() -> None:
    base = known_profile()
    profiles = [
        base.model_copy(update={"patients": 30, "acquisition": {"scanner": counts, "month": {"2026-01": 30}}})
        for counts in ({"a": 30}, {"a": "hidden", "b": "<10"})
    ]
    labels = LabelCounts({"sick": 3, "well": 12}, {"sick": 11, "well": 12}, 23)
    one = together("all", profiles, labels)
    assert one.patients == 60
    assert one.acquisition == {"scanner": {"a": "hidden", "b": "hidden"}}
    assert one.labels == {"sick": "3 to 11", "well": 12}
