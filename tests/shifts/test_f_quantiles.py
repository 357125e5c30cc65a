"""Quantiles of F distributions off the table, against scipy's."""

import numpy as np
import pytest
from scipy import special

from shiftscope.shifts.quantiles.f_quantiles import f_quantiles


@pytest.mark.parametrize("probability", [0.025, 0.1, 0.2, 0.9, 0.95, 0.975])
def test_a_quantile_has_a_score_of_nought(probability: float) -> None:
    rng = np.random.default_rng(0)
    numerator = 1 / np.maximum(rng.uniform(0, 1, 4000) ** 3, 1e-5)
    denominator = 1 / np.maximum(0.45 * rng.uniform(0, 1, 4000) ** 3, 1e-5)
    exact = special.fdtri(numerator, denominator, probability)
    assert np.abs(f_quantiles(probability).scores(numerator, denominator, exact)).max() < 2e-6


@pytest.mark.parametrize("probability", [0.025, 0.95])
def test_without_end_of_denominators_freedom_it_is_the_chi_squares(probability: float) -> None:
    numerator = np.array([1.0, 1.5, 4.0, 30.0, 1000.0])
    exact = special.chdtri(numerator, 1 - probability) / numerator
    assert np.abs(f_quantiles(probability).scores(numerator, np.full(5, 1e12), exact)).max() < 2e-6


def test_scores_rise_with_the_value_and_are_nearly_normal() -> None:
    one = np.full(3, 40.0)
    scores = f_quantiles(0.5).scores(one, one, special.fdtri(one, one, special.ndtr([-1.0, 0.0, 1.0])))
    np.testing.assert_allclose(scores, [-1, 0, 1], atol=0.02)
    assert f_quantiles(0.5).scores(one[:1], one[:1], np.zeros(1))[0] == -np.inf
