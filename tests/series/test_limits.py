"""What interim analyses may spend adds up to what is promised, however many there are."""

import pytest

from shiftscope.series.limits import HORIZON, share, spent


def test_shares_add_up_to_what_is_spent_and_never_to_more_than_alpha() -> None:
    total = 0.0
    for analysis in range(1, 2000):
        total += share(0.05, analysis)
        assert total == pytest.approx(spent(0.05, analysis))
    assert total < 0.05
    assert total > 0.049


def test_half_is_spent_at_the_horizon_and_nothing_before_the_first_look() -> None:
    assert spent(0.05, HORIZON) == pytest.approx(0.025)
    assert spent(0.05, 0) == 0


def test_shares_fall_slowly() -> None:
    shares = [share(0.05, analysis) for analysis in range(1, 25)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] / shares[-1] < 10
