"""What a site says of its patients: variances and covariances of mean differences, and nothing else."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.training.evaluation.estimates import FoldLayout, estimate
from shiftscope.training.evaluation.patient_spreads import PatientSpread, over_folds, patient_spread
from shiftscope.training.evaluation.scores import CaseScores, auroc, mean_of

DICE = mean_of("dice")
ROUNDING = 0.01  # of a variance: three significant digits of its root


def people(count: int) -> list[str]:
    return [f"p{i}" for i in range(count)]


def spread_of(gains: Mapping[str, np.ndarray], owners: Sequence[str], folds: Sequence[int] = ()) -> PatientSpread:
    """Of planted gains (seeds, cases) over a baseline of 0."""
    seeds = len(next(iter(gains.values())))
    others = {name: [{"dice": row} for row in values] for name, values in gains.items()}
    base: list[CaseScores | None] = [{"dice": np.zeros(len(owners))}] * seeds
    return patient_spread(base, others, DICE, [owners] * seeds, folds or [0] * seeds)


def test_the_variance_of_a_mean_is_that_of_patients_over_their_number() -> None:
    gain = np.random.default_rng(0).normal(0.02, 0.1, 30)
    found = spread_of({"b": gain[None]}, people(30))
    assert found.freedom == 29
    assert found.of("b").covariance[0, 0] == pytest.approx(gain.var(ddof=1) / 30, rel=ROUNDING)


def test_pairs_stay_together() -> None:
    base = np.random.default_rng(0).uniform(0, 0.8, 30)
    found = patient_spread([{"dice": base}], {"b": [{"dice": base + 0.1}]}, DICE, [people(30)], [0])
    assert found.of("b").covariance[0, 0] == pytest.approx(0, abs=1e-12)


def test_patients_are_the_unit() -> None:
    """Ten cases of one patient are no ten patients."""
    gain = np.repeat(np.random.default_rng(1).normal(0, 0.1, 8), 10)
    found = spread_of({"b": gain[None]}, np.repeat(people(8), 10).tolist())
    assert found.freedom == 7
    assert found.of("b").covariance[0, 0] == pytest.approx(gain[::10].var(ddof=1) / 8, rel=ROUNDING)


def test_any_two_strategies_and_seeds_can_be_compared() -> None:
    chance = np.random.default_rng(2)
    shared = chance.normal(0, 0.1, 40)
    gains = {name: shared + chance.normal(0, 0.05, (3, 40)) for name in "bc"}
    found = spread_of(gains, people(40))
    rows = np.concatenate([gains["b"], gains["c"]])
    expected = np.cov(rows) / 40
    np.testing.assert_allclose(found.covariance.reshape(6, 6), expected, atol=0.03 * expected.diagonal().max())
    apart = gains["b"] - gains["c"]
    minus = found.between("b", "c").covariance
    np.testing.assert_allclose(minus, np.cov(apart) / 40, atol=0.1 * expected.diagonal().max())
    np.testing.assert_array_equal(found.between("b", "first").covariance, found.of("b").covariance)
    np.testing.assert_allclose(found.between("first", "c").covariance, found.of("c").covariance)
    assert found.between("b", "b").covariance == pytest.approx(np.zeros((3, 3)))


def test_a_mean_over_seeds_has_the_variance_of_patients_means() -> None:
    gains = np.random.default_rng(3).normal(0, 0.1, (4, 25))
    found = spread_of({"b": gains}, people(25)).of("b")
    assert found.variance(np.ones(4, bool)) == pytest.approx(gains.mean(axis=0).var(ddof=1) / 25, rel=0.1)
    two = np.array([True, False, True, False])
    assert found.variance(two) == pytest.approx(gains[two].mean(axis=0).var(ddof=1) / 25, rel=0.1)


def test_folds_have_no_patient_in_common() -> None:
    chance = np.random.default_rng(5)
    gains = chance.normal(0, 0.1, (2, 20))
    owners = [[f"{fold}-{name}" for name in people(20)] for fold in (0, 1, 0, 1)]
    base: list[CaseScores | None] = [{"dice": np.zeros(20)}] * 4
    news = [{"dice": gains[fold]} for fold in (0, 1, 0, 1)]
    found = patient_spread(base, {"b": news}, DICE, owners, [0, 1, 0, 1])
    covariance = found.of("b").covariance
    assert found.freedom == 38
    assert covariance[0, 1] == covariance[1, 2] == 0
    assert covariance[0, 2] == pytest.approx(covariance[0, 0]) == pytest.approx(covariance[2, 2])


def test_ranks_are_compared_within_a_fold() -> None:
    """Two folds whose models score on other scales: each ranks perfectly, all cases in one heap would not."""
    truth = np.array([0.0, 1.0] * 10)
    base: list[CaseScores | None] = []
    new: list[CaseScores | None] = []
    for shift in (0.0, 0.5):
        score = shift + 0.4 * truth
        new.append({"probabilities": np.stack([1 - score, score], axis=1), "truth": truth})
        base.append({"probabilities": np.full((20, 2), 0.5), "truth": truth})
    owners = [[f"{fold}-{name}" for name in people(20)] for fold in (0, 1)]
    found = patient_spread(base, {"b": new}, auroc, owners, [0, 1])
    np.testing.assert_allclose(found.covariance, 0, atol=1e-12)


def delong(positive: np.ndarray, negative: np.ndarray) -> float:
    """Variance of one AUROC (DeLong et al. 1988, doi:10.2307/2531595)."""
    wins = np.sign(positive[:, None] - negative[None]) / 2 + 0.5
    return float(wins.mean(axis=1).var(ddof=1) / len(positive) + wins.mean(axis=0).var(ddof=1) / len(negative))


def test_of_an_area_under_the_curve_it_is_delongs() -> None:
    chance = np.random.default_rng(6)
    truth = np.array([1.0] * 30 + [0.0] * 50)
    score = 1 / (1 + np.exp(-chance.normal(1.2 * truth, 1)))
    new: CaseScores = {"probabilities": np.stack([1 - score, score], axis=1), "truth": truth}
    flat: CaseScores = {"probabilities": np.full((80, 2), 0.5), "truth": truth}
    found = patient_spread([flat], {"b": [new]}, auroc, [people(80)], [0]).of("b").covariance[0, 0]
    assert found == pytest.approx(delong(score[truth == 1], score[truth == 0]), rel=0.12)


def test_one_patient_or_the_only_one_of_a_class_tells_nothing() -> None:
    alone = spread_of({"b": np.array([[0.3, 0.2]])}, ["p", "p"])
    assert np.isnan(alone.covariance).all()
    assert np.isnan(alone.of("b").variance(np.array([True])))
    truth = np.array([1.0, 0.0, 0.0, 0.0])
    one: CaseScores = {"probabilities": np.stack([np.linspace(0, 1, 4)] * 2, axis=1), "truth": truth}
    assert np.isnan(patient_spread([one], {"b": [one]}, auroc, [people(4)], [0]).covariance).all()


def test_a_seed_that_was_never_judged_is_unknown_and_the_others_stand() -> None:
    gains = np.random.default_rng(7).normal(0, 0.1, (2, 20))
    base: list[CaseScores | None] = [{"dice": np.zeros(20)}, {"dice": np.zeros(20)}]
    news: list[CaseScores | None] = [{"dice": gains[0]}, None]
    found = patient_spread(base, {"b": news}, DICE, [people(20)] * 2, [0, 0]).of("b")
    assert np.isfinite(found.covariance).tolist() == [[True, False], [False, False]]
    assert found.variance(np.array([True, True])) == pytest.approx(gains[0].var(ddof=1) / 20, rel=ROUNDING)
    assert np.isnan(found.variance(np.array([False, True])))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.integers(4, 20))
def test_other_patients_with_the_same_mean_and_covariance_say_the_same(seed: int, count: int) -> None:
    """Any rotation that keeps the mean: so nobody can be solved for, whatever the number of columns."""
    chance = np.random.default_rng(seed)
    gains = chance.normal(0.02, 0.1, (8, count))
    basis = np.linalg.qr(np.column_stack([np.ones(count), chance.normal(size=(count, count - 1))]))[0]
    turn = np.linalg.qr(chance.normal(size=(count - 1, count - 1)))[0]
    rotation = (
        basis @ np.block([[np.ones((1, 1)), np.zeros((1, count - 1))], [np.zeros((count - 1, 1)), turn]]) @ basis.T
    )
    turned = gains @ rotation
    assert np.abs(turned - gains).max() > 1e-3
    one, other = (spread_of({"b": each}, people(count)).covariance for each in (gains, turned))
    np.testing.assert_allclose(one, other, atol=0.03 * float(one.max()))


def test_what_is_sent_is_rounded() -> None:
    gains = np.random.default_rng(8).normal(0, 0.1, (3, 12))
    covariance = spread_of({"b": gains}, people(12)).of("b").covariance
    spreads = np.sqrt(np.diagonal(covariance))
    assert [float(f"{value:.2e}") for value in spreads] == pytest.approx(spreads.tolist(), rel=1e-9)
    correlation = covariance / np.outer(spreads, spreads)
    np.testing.assert_allclose(correlation, np.round(correlation, 2), atol=1e-9)


FOLDS, RATIO = 5, 0.25


def planted_folds(
    chance: np.random.Generator, gain: float, training: float, strategies: int = 1, patients: int = 20
) -> tuple[PatientSpread, np.ndarray]:
    """Folds of so many patients whose differences vary by .02, and trainings by `training` of a fold's standard error.

    Trainings of two folds are correlated by .2, as those on sets that have three quarters in common (Nadeau & Bengio).
    """
    luck = np.sqrt(0.2) * chance.standard_normal((strategies, 1)) + np.sqrt(0.8) * chance.standard_normal(
        (strategies, FOLDS)
    )
    values = gain + 0.02 * chance.standard_normal((strategies, FOLDS, patients))
    values += training * 0.02 / np.sqrt(patients) * luck[:, :, None]
    base: list[CaseScores | None] = [{"dice": np.zeros(patients)}] * FOLDS
    others = {f"s{number}": [{"dice": row} for row in rows] for number, rows in enumerate(values)}
    owners = [[f"{fold}-{name}" for name in people(patients)] for fold in range(FOLDS)]
    return patient_spread(base, others, DICE, owners, range(FOLDS)), values.mean(axis=2)


def covered(training: float, strategies: int = 1, runs: int = 1000) -> tuple[float, float]:
    """How often the interval of the first strategy holds its gain, and its mean standard error over the true one."""
    chance, hits, errors, means = np.random.default_rng(11), 0, [], []
    for _ in range(runs):
        spread, gains = planted_folds(chance, 0.01, training, strategies)
        found = over_folds(spread, gains, RATIO).of("s0")
        mean = float(gains[0].mean())
        ends = estimate({"a": found}, {"a": [mean]}, chance, FoldLayout((0,))).interval()
        assert ends.low is not None
        assert ends.high is not None
        hits += ends.low <= 0.01 <= ends.high
        errors.append(found.covariance[0, 0])
        means.append(mean)
    return hits / runs, float(np.sqrt(np.mean(errors)) / np.std(means))


@pytest.mark.parametrize("training", [0.0, 0.3, 1.0, 3.0])
def test_intervals_of_a_mean_over_folds_cover(training: float) -> None:
    """Rehearsals have trainings of about .3 of a fold's standard error beside eight strategies or more."""
    share, error = covered(training, strategies=8, runs=1000 if training == 0.3 else 150)
    assert share >= 0.93
    assert 0.9 < error < 1.4


def test_of_one_strategy_alone_five_folds_tell_little() -> None:
    """.957 of 20,000 runs with a training of .3, .897 with one of 1: nothing but more folds would help."""
    assert covered(0.3, runs=400)[0] >= 0.93
    assert covered(1.0, runs=200)[0] >= 0.84


def test_strategies_beside_do_not_widen_an_interval() -> None:
    """Five folds have four directions: a covariance of forty strategies made of them would hold all of the chance."""
    _, many = covered(0.0, 40, runs=100)
    assert 0.9 < many < 1.3


def test_over_folds_trainings_count_and_equal_folds_do_not() -> None:
    spread, gains = planted_folds(np.random.default_rng(0), 0.0, 0.0, 2)
    within = np.mean([spread.covariance[:, fold, :, fold] for fold in range(FOLDS)], axis=0)
    calm = over_folds(spread, np.tile(gains[:, :1], FOLDS), RATIO)
    np.testing.assert_allclose(np.diagonal(calm.covariance[:, 0, :, 0]), np.diagonal(within) / FOLDS, rtol=0.02)
    assert calm.freedom == spread.freedom
    wild = gains + np.array([[0.0], [1.0]]) * np.array([-0.2, -0.1, 0.0, 0.1, 0.2])
    loud = over_folds(spread, wild, RATIO)
    ratios = wild.var(axis=1, ddof=1) / np.diagonal(within)
    training = within[1, 1] * ((ratios[1] - 1) + (ratios.mean() - 1)) / 2
    expected = within[1, 1] / FOLDS + (1 / FOLDS + RATIO) * training
    assert loud.covariance[1, 0, 1, 0] == pytest.approx(expected, rel=0.02)
    assert loud.freedom == FOLDS - 1


def test_one_fold_is_itself() -> None:
    gain = np.random.default_rng(1).normal(0, 0.1, (1, 30))
    one = spread_of({"b": gain}, people(30))
    again = over_folds(one, gain.mean(axis=1, keepdims=True), 0.3)
    assert again.covariance == pytest.approx(one.covariance, rel=ROUNDING)
    assert again.freedom == one.freedom


def test_over_folds_the_unknown_stays_unknown() -> None:
    spread, gains = planted_folds(np.random.default_rng(2), 0.0, 0.3, 3)
    covariance = spread.covariance.copy()
    covariance[1, 2] = covariance[:, :, 1, 2] = np.nan
    gains[2, 4] = np.nan
    found = over_folds(PatientSpread(spread.strategies, covariance, spread.freedom), gains, RATIO)
    assert np.isfinite(found.covariance[:, 0, :, 0]).tolist() == [[True, False, False]] + [[False] * 3] * 2
    alone = over_folds(PatientSpread(("s0",), spread.covariance[:1, :, :1], spread.freedom), gains[:1], RATIO)
    assert found.of("s0").covariance == pytest.approx(alone.of("s0").covariance)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(2, 30), st.floats(0, 5))
def test_over_folds_it_is_a_covariance(seed: int, strategies: int, training: float) -> None:
    """But for its rounding to two decimals of a correlation."""
    found = over_folds(*planted_folds(np.random.default_rng(seed), 0.0, training, strategies, 6), RATIO)
    matrix = found.covariance[:, 0, :, 0]
    spreads = np.sqrt(np.diagonal(matrix))
    assert np.linalg.eigvalsh(matrix / np.outer(spreads, spreads)).min() > -0.005 * strategies
    np.testing.assert_allclose(matrix, matrix.T)
    assert found.covariance.shape == (strategies, 1, strategies, 1)


def test_over_folds_the_order_of_folds_is_gone() -> None:
    """A site that sends this says nothing of a single fold: any order of them gives the same."""
    spread, gains = planted_folds(np.random.default_rng(3), 0.0, 1.0, 3)
    order = np.array([3, 0, 4, 2, 1])
    turned = PatientSpread(spread.strategies, spread.covariance[:, order][:, :, :, order], spread.freedom)
    one, other = over_folds(spread, gains, RATIO), over_folds(turned, gains[:, order], RATIO)
    np.testing.assert_allclose(one.covariance, other.covariance)
    assert one.freedom == other.freedom
