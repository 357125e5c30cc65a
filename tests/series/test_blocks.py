"""A series cut in two: cuts, and blocks that are what their patients would be together."""

from dataclasses import replace

import numpy as np
import pytest
from months_made import normal_series, statistics_of_rows

from shiftscope.series.blocks import cuts, growing
from shiftscope.shifts import SiteStatistics
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.stats import Moments


@pytest.mark.parametrize(
    ("months", "starts"), [(1, [0]), (2, [1, 0]), (3, [2, 1, 0]), (8, [7, 6, 4, 0]), (24, [23, 22, 20, 16, 8, 0])]
)
def test_cuts_are_the_last_months_by_powers_of_two_and_all(months: int, starts: list[int]) -> None:
    assert cuts(months) == starts


def test_blocks_are_the_patients_together() -> None:
    rng = np.random.default_rng(0)
    rows = [rng.standard_normal((n, 4)) for n in (50, 20, 35, 28)]
    sites = [statistics_of_rows(f"m{k}", {"texture": x}) for k, x in enumerate(rows)]
    last = [*growing(sites[0], sites[1:])][-1]
    for start in range(3):
        for block, parts in ((last.before[start], rows[: 1 + start]), (last.since(start), rows[1 + start :])):
            whole = Moments.of(np.concatenate(parts))
            found = block.plain["texture"]
            assert (block.n, found.n) == (whole.n, whole.n)
            np.testing.assert_allclose(found.mean, whole.mean, atol=1e-12)
            np.testing.assert_allclose(found.cov, whole.cov, atol=1e-12)


def test_later_months_change_no_earlier_block() -> None:
    sites = normal_series(np.random.default_rng(1), [40, 20, 20, 20])
    short, long = ([*growing(sites[0], sites[1:end])] for end in (3, 4))
    for one, other in zip(short, long, strict=False):
        for a, b in zip(one.before, other.before, strict=True):
            np.testing.assert_array_equal(a.plain["texture"].mean, b.plain["texture"].mean)


def test_an_area_is_pooled_only_where_all_know_it_and_stays_last() -> None:
    rng = np.random.default_rng(2)
    rows = [rng.standard_normal((n, d + 1)) for n, d in ((30, 8), (40, 4))]
    parts = [
        replace(
            statistics_of_rows(f"m{k}", {"texture": x[:, :-1]}), joint={"texture": Moments.of(x)}, area="morphology"
        )
        for k, x in enumerate(rows)
    ]
    whole = SiteStatistics.pooled("both", parts)
    together = np.concatenate([np.column_stack([x[:, :4], x[:, -1]]) for x in rows])
    np.testing.assert_allclose(whole.joint["texture"].cov, Moments.of(together).cov, atol=1e-12)
    assert whole.area == "morphology"
    assert not SiteStatistics.pooled("both", [parts[0], replace(parts[1], joint={})]).joint
    assert SiteStatistics.pooled("both", [parts[0], replace(parts[1], area=None)]).area is None


def test_hidden_counts_add_up_as_ranges() -> None:
    known = LabelCounts.of({"benign": 30, "malignant": 20}, 50)
    hidden = LabelCounts.of({"benign": "hidden", "malignant": "<10"}, 30)
    whole = LabelCounts.pooled([known, hidden, LabelCounts({}, {}, 0)])
    assert (whole.low["malignant"], whole.high["malignant"], whole.total) == (21, 29, 80)


def test_both_sides_of_a_cut_vary_as_patients_within_months_do() -> None:
    """The distance is Hotelling's with the spread within months: neither block's own, nor that between months."""
    rng = np.random.default_rng(4)
    rows = [rng.standard_normal((n, 1)) * (1 + k) + k for k, n in enumerate((60, 30, 40))]
    sites = [statistics_of_rows(f"m{k}", {"texture": x}) for k, x in enumerate(rows)]
    (shift,) = [*growing(sites[0], sites[1:])][-1].shifts([1])
    effect = shift.on("texture")
    assert effect is not None
    within = sum((len(x) - 1) * x.var(ddof=1) for x in rows) / (sum(map(len, rows)) - 3)
    before, since = np.concatenate(rows[:2]), rows[2]
    assert effect.distribution.distance == pytest.approx((before.mean() - since.mean()) ** 2 / within)
    assert effect.distribution.noise == pytest.approx(1 / len(before) + 1 / len(since))
