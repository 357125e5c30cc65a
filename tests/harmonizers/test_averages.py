"""A patient counts once, a site counts once, and what says nothing does not count."""

import numpy as np

from shiftscope.harmonizers.averages import over_patients, over_sites

BRIGHT, DIM, BLACK = (np.full((1, 1, 2, 2), value) for value in (0.8, 0.2, 0.0))


def level(case: np.ndarray) -> np.ndarray:
    return np.array([case.mean()])


def test_a_patient_with_many_cases_counts_once() -> None:
    patients = [[BRIGHT] * 9 + [BLACK], [DIM], [BLACK]]
    np.testing.assert_allclose(over_patients(patients, level), [0.5])


def test_a_median_takes_the_patient_in_the_middle() -> None:
    patients = [[DIM], [DIM, BRIGHT, BRIGHT], [BRIGHT * 0.5]]
    np.testing.assert_allclose(over_patients(patients, level, np.median), [0.4])


def test_cases_that_cannot_be_described_are_passed_over() -> None:
    assert over_patients([[BRIGHT], [DIM]], lambda _case: None) is None
    assert over_patients([[BLACK]], level) is None
    found = over_patients([[BRIGHT, DIM], [DIM]], lambda case: level(case) if case is not DIM else None)
    np.testing.assert_allclose(found, [0.8])


def test_a_site_counts_once_for_what_it_shares() -> None:
    shares = [{"a": np.array([1.0, 2.0])}, {"a": np.array([3.0, 4.0]), "b": np.array([7.0])}]
    mean = over_sites(shares, ("a", "b"))
    np.testing.assert_array_equal(mean["a"], [2, 3])
    np.testing.assert_array_equal(mean["b"], [7])
    assert over_sites(shares, ("b",)).keys() == {"b"}
