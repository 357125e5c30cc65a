"""ComBat from sums against ComBat with all features on one table."""

import numpy as np
import pytest

from shiftscope.harmonizers import HARMONIZERS, fit
from shiftscope.harmonizers.batch_effects import batch_moments, pooled_moments, without_batch

COMBAT = HARMONIZERS["combat"]


def sites(seed: int = 0, features: int = 30) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    base, spread = rng.normal(5, 3, features), rng.uniform(0.5, 2, features)
    return {
        name: base
        + rng.normal(0, 1, features)
        + rng.normal(0, 1, (count, features)) * spread * rng.uniform(0.6, 1.8, features)
        for name, count in {"a": 25, "b": 40, "c": 90}.items()
    }


def by_patient(features: np.ndarray) -> list[list[np.ndarray]]:
    return [[row] for row in features]


def classical(tables: list[np.ndarray], steps: int = 5000) -> list[np.ndarray]:
    """Johnson et al. 2007, section 3.2, parametric, batches only, on the pooled table."""
    pooled = np.concatenate(tables).T
    batch = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    design = np.eye(len(tables))[batch]
    coefficients = np.linalg.solve(design.T @ design, design.T @ pooled.T)
    alpha = design.mean(axis=0) @ coefficients
    sigma = np.sqrt(((pooled.T - design @ coefficients) ** 2).mean(axis=0))
    standard = (pooled.T - alpha) / sigma
    adjusted = []
    for i in range(len(tables)):
        z = standard[batch == i]
        n, gamma_hat, delta_hat = len(z), z.mean(axis=0), z.var(axis=0, ddof=1)
        gamma_bar, tau2 = gamma_hat.mean(), gamma_hat.var(ddof=1)
        v, s2 = delta_hat.mean(), delta_hat.var(ddof=1)
        lam, theta = (v**2 + 2 * s2) / s2, (v**3 + v * s2) / s2
        delta = delta_hat.copy()
        for _ in range(steps):
            gamma = (n * tau2 * gamma_hat + delta * gamma_bar) / (n * tau2 + delta)
            delta = (theta + 0.5 * ((z - gamma) ** 2).sum(axis=0)) / (n / 2 + lam - 1)
        adjusted.append(sigma / np.sqrt(delta) * (z - gamma) + alpha)
    return adjusted


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_classical_combat(seed: int) -> None:
    tables = sites(seed)
    owns, reference = fit(COMBAT, {name: by_patient(table) for name, table in tables.items()})
    for name, expected in zip(tables, classical(list(tables.values())), strict=True):
        got = np.array([without_batch(row, owns[name], reference) for row in tables[name]])
        np.testing.assert_allclose(got, expected, atol=1e-8, rtol=0)
        assert np.abs(got - tables[name]).max() > 0.5


def test_squares_around_the_mean_lose_nothing_where_raw_sums_would() -> None:
    far = {name: table + 1e6 for name, table in sites().items()}
    reference = fit(COMBAT, {name: by_patient(table) for name, table in far.items()})[1]
    near = fit(COMBAT, {name: by_patient(table) for name, table in sites().items()})[1]
    np.testing.assert_allclose(reference["variance"], near["variance"], rtol=1e-7)


def test_a_patient_has_weight_one_shared_among_its_cases() -> None:
    table = sites()["b"]
    once, thrice = by_patient(table), [[row, row, row] if number % 2 else [row] for number, row in enumerate(table)]
    for name, array in batch_moments(once).items():
        np.testing.assert_allclose(batch_moments(thrice)[name], array)


def test_a_small_site_does_not_count_but_is_mapped() -> None:
    tables = sites()
    tables["small"] = tables["a"][:24] + 50
    owns, reference = fit(COMBAT, {name: by_patient(table) for name, table in tables.items()})
    without = fit(COMBAT, {name: by_patient(table) for name, table in tables.items() if name != "small"})[1]
    np.testing.assert_array_equal(reference["mean"], without["mean"])
    mapped = np.array([without_batch(row, owns["small"], reference) for row in tables["small"]])
    assert np.abs(mapped.mean(axis=0) - reference["mean"]).max() < 0.05 * 50


def test_a_site_that_joins_later_is_mapped_by_the_finished_reference() -> None:
    tables = sites()
    reference = fit(COMBAT, {name: by_patient(table) for name, table in tables.items()})[1]
    late = sites(9)["c"] * 1.5 - 4
    own = batch_moments(by_patient(late))
    mapped = np.array([without_batch(row, own, reference) for row in late])
    before, after = (np.abs(values.mean(axis=0) - reference["mean"]).mean() for values in (late, mapped))
    assert after < 0.1 * before


def test_features_that_do_not_vary_and_sites_that_know_nothing_stay() -> None:
    tables = {name: np.column_stack([table, np.full(len(table), 3.0)]) for name, table in sites().items()}
    owns, reference = fit(COMBAT, {name: by_patient(table) for name, table in tables.items()})
    mapped = without_batch(tables["a"][0], owns["a"], reference)
    assert mapped[-1] == 3.0
    assert np.isfinite(mapped).all()
    case = tables["a"][0]
    np.testing.assert_array_equal(without_batch(case, {}, reference), case)
    np.testing.assert_array_equal(without_batch(case, batch_moments([[case]]), reference), case)
    assert batch_moments([]) == {}


def test_one_feature_alone_is_centred_and_scaled_unshrunk() -> None:
    tables = {name: table[:, :1] for name, table in sites().items()}
    owns, reference = fit(COMBAT, {name: by_patient(table) for name, table in tables.items()})
    mapped = np.array([without_batch(row, owns["a"], reference) for row in tables["a"]])
    assert mapped.mean() == pytest.approx(reference["mean"][0])
    assert mapped.var(ddof=1) == pytest.approx(reference["variance"][0])


def test_classes_that_differ_by_site_leak_as_the_docstring_says() -> None:
    """The same class difference at two sites; where the balance differs, ComBat takes part of it away."""
    rng = np.random.default_rng(4)

    def gap(shares: tuple[float, float]) -> float:
        labels = [np.arange(200) < 200 * share for share in shares]
        tables = [rng.normal(0, 1, (200, 20)) + 2.0 * label[:, None] for label in labels]
        owns, reference = fit(COMBAT, {f"s{i}": by_patient(table) for i, table in enumerate(tables)})
        mapped = np.concatenate(
            [[without_batch(row, owns[f"s{i}"], reference) for row in table] for i, table in enumerate(tables)]
        )
        label = np.concatenate(labels)
        return float(mapped[label].mean() - mapped[~label].mean())

    assert gap((0.5, 0.5)) == pytest.approx(2.0, abs=0.15)
    assert gap((0.9, 0.1)) < 1.2


def test_pooled_moments_are_those_of_the_pooled_table() -> None:
    tables = sites()
    reference = pooled_moments([batch_moments(by_patient(table)) for table in tables.values()])
    np.testing.assert_allclose(reference["mean"], np.concatenate(list(tables.values())).mean(axis=0))
    within = np.concatenate([table - table.mean(axis=0) for table in tables.values()])
    np.testing.assert_allclose(reference["variance"], (within**2).mean(axis=0))
