"""The weight of a site's own head: what its validation patients say, and how far other sites are believed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.training.rehearsals.mixing_weights import OwnWeight, shrunken, weight_of

SITES = ("a", "b", "c", "d")


def by_hand(shared: np.ndarray, own: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Bayes over 21 weights, patient by patient."""
    grid = [step / 20 for step in range(21)]
    chances = []
    for weight in grid:
        likelihood = 1.0
        for patient, label in enumerate(truth):
            logits = [(1 - weight) * s + weight * o for s, o in zip(shared[patient], own[patient], strict=True)]
            odds = [np.exp(value) for value in logits]
            likelihood *= odds[label] / sum(odds)
        chances.append(likelihood)
    total = sum(chances)
    mean = sum(chance * weight for chance, weight in zip(chances, grid, strict=True)) / total
    variance = sum(chance * (weight - mean) ** 2 for chance, weight in zip(chances, grid, strict=True)) / total
    return float(mean), float(variance)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_bayes_over_the_grid(seed: int) -> None:
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 3, 15)
    shared, own = draw.normal(0, 2, (2, 15, 3))
    own[np.arange(15), truth] += 0.5 * seed
    found = weight_of(shared, own, truth)
    mean, variance = by_hand(shared, own, truth)
    assert found.mean == pytest.approx(mean, abs=0.00501)
    assert found.variance == pytest.approx(max(1e-4, variance), abs=0.0000501)


def test_equal_heads_say_nothing_and_certain_ones_say_all() -> None:
    draw = np.random.default_rng(0)
    logits, truth = draw.normal(size=(30, 2)), draw.integers(0, 2, 30)
    flat = weight_of(logits, logits, truth)
    assert flat.mean == 0.5
    assert flat.variance == pytest.approx(np.linspace(0, 1, 21).var(), abs=1e-4)
    right = 2000.0 * np.eye(2)[truth]  # without a sum of logarithms this would overflow
    sure = weight_of(-right, right, truth)
    assert sure.mean > 0.7
    assert weight_of(right, -right, truth).mean == pytest.approx(1 - sure.mean, abs=0.011)


def test_it_leaves_with_two_decimals() -> None:
    draw = np.random.default_rng(1)
    found = weight_of(*draw.normal(size=(2, 20, 2)), draw.integers(0, 2, 20))
    assert found.mean == round(found.mean, 2)
    assert found.variance == round(found.variance, 4) > 0


weights = st.builds(OwnWeight, st.floats(0, 1), st.floats(1e-4, 1 / 12))


@settings(deadline=None, max_examples=100)
@given(st.lists(weights, min_size=1, max_size=8))
def test_weights_stay_between_what_sites_say(said: list[OwnWeight]) -> None:
    found = {f"s{number}": each for number, each in enumerate(said)}
    given = shrunken(found, [*found, "silent"])
    low, high = min(each.mean for each in said), max(each.mean for each in said)
    assert all(low - 1e-9 <= weight <= high + 1e-9 for weight in given.values())
    assert given.keys() == {*found, "silent"}
    own = {name: abs(given[name] - each.mean) for name, each in found.items()}
    assert all(own[name] <= abs(given["silent"] - each.mean) + 1e-9 for name, each in found.items())


def test_who_says_nothing_gets_the_mean_of_all_by_precision() -> None:
    found = {"a": OwnWeight(0.2, 0.01), "b": OwnWeight(0.3, 0.03), "c": OwnWeight(0.25, 0.02)}
    given = shrunken(found, SITES)
    precise = np.array([100.0, 100 / 3, 50])
    centre = float(precise @ [0.2, 0.3, 0.25] / precise.sum())
    assert given["d"] == pytest.approx(centre)
    assert [given[site] for site in "abc"] == pytest.approx([centre] * 3)  # what they differ by is less than chance


def test_sites_that_differ_far_beyond_chance_keep_their_own() -> None:
    found = {"a": OwnWeight(0.0, 1e-4), "b": OwnWeight(1.0, 1e-4), "c": OwnWeight(0.5, 1e-4)}
    given = shrunken(found, SITES)
    assert [given[site] for site in "abc"] == pytest.approx([0, 1, 0.5], abs=1e-3)
    assert given["d"] == pytest.approx(0.5, abs=1e-3)


def test_less_certain_sites_are_drawn_further() -> None:
    found = {"a": OwnWeight(0.0, 1e-4), "b": OwnWeight(1.0, 1e-4), "c": OwnWeight(1.0, 0.05), "d": OwnWeight(0.0, 0.05)}
    given = shrunken(found, SITES)
    assert 1 - given["c"] > 5 * (1 - given["b"])
    assert given["d"] > 5 * given["a"]


def test_one_site_keeps_what_it_says_and_none_is_halfway() -> None:
    assert shrunken({"a": OwnWeight(0.9, 0.01)}, "ab") == pytest.approx({"a": 0.9, "b": 0.9})
    assert shrunken({}, "ab") == {"a": 0.5, "b": 0.5}


def errors_of(truth: np.ndarray, seed: int, runs: int = 40, patients: int = 30) -> tuple[float, float]:
    """Mean squared error of sites' own weights, and of the shrunken ones, where labels follow a known mixture."""
    draw, own, drawn = np.random.default_rng(seed), [], []
    for _ in range(runs):
        found = {}
        for site, weight in enumerate(truth):
            shared = draw.normal(0, 1, (patients, 2))
            mine = shared + draw.normal(0, 1.5, (patients, 2))
            odds = (1 - weight) * shared + weight * mine
            labels = (draw.uniform(size=patients) < 1 / (1 + np.exp(odds[:, 0] - odds[:, 1]))).astype(int)
            found[str(site)] = weight_of(shared, mine, labels)
        given = shrunken(found, [*found])
        own += [(found[site].mean - truth[int(site)]) ** 2 for site in found]
        drawn += [(given[site] - truth[int(site)]) ** 2 for site in found]
    return float(np.mean(own)), float(np.mean(drawn))


def test_sites_that_are_alike_gain_by_one_another() -> None:
    for weight in (0.0, 0.2, 0.5):
        own, drawn = errors_of(np.full(10, weight), 1)
        assert drawn < 0.6 * own
    own, drawn = errors_of(np.random.default_rng(2).beta(2, 5, 10), 3)
    assert drawn < own


def test_sites_that_are_not_lose_little() -> None:
    """Own means are Bayes' already, drawn towards a half; drawn twice, one site unlike nine others errs by more."""
    for truth in (np.r_[np.full(9, 0.1), 0.9], np.linspace(0, 1, 10)):
        own, drawn = errors_of(truth, 4)
        assert drawn < 1.7 * own
