"""Intervals: paired, by patient, jointly over seeds, within folds, repeatable."""

from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

from shiftscope.plans import Difference
from shiftscope.training.evaluation.bootstrap import (
    REPLICATES,
    Estimate,
    FoldLayout,
    Means,
    estimate,
    replicates,
    secret,
)
from shiftscope.training.evaluation.scores import CaseScores, auroc, mean_of

DICE = mean_of("dice")
NOBODY = np.empty((0, 5), dtype=np.float32)


def cases(values: np.ndarray) -> dict[str, np.ndarray]:
    return {"dice": values}


def people(count: int) -> list[str]:
    return [f"p{i}" for i in range(count)]


def one_fold(seeds: int) -> FoldLayout:
    return FoldLayout((0,) * seeds)


def drawn(base: np.ndarray, new: np.ndarray, owners: list[str], salt: str = "salt") -> np.ndarray:
    return replicates([cases(base)], [cases(new)], DICE, [owners], [0], salt)


def interval(
    differences: Mapping[str, np.ndarray],
    means: Mapping[str, Means],
    chance: np.random.Generator,
    layout: FoldLayout,
    level: float = 0.95,
) -> Difference:
    return estimate(differences, means, chance, layout).interval(level)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_pairs_stay_together() -> None:
    base = np.random.default_rng(0).uniform(0, 1, 30)
    result = drawn(base, base + 0.1, people(30))
    assert result.shape == (REPLICATES, 1)
    np.testing.assert_allclose(result, 0.1, atol=1e-6)


def test_spread_is_the_standard_error() -> None:
    chance = np.random.default_rng(1)
    base, new = chance.uniform(0, 1, 200), chance.uniform(0, 1, 200)
    assert drawn(base, new, people(200)).std() == pytest.approx((new - base).std(ddof=1) / np.sqrt(200), rel=0.1)


def test_few_patients_spread_as_student_has_it() -> None:
    """The t interval of a mean, and not the narrower one of a plain bootstrap."""
    gain = np.random.default_rng(2).normal(0.1, 0.15, 12)
    result = drawn(np.zeros(12), gain, people(12))[:, 0]
    half = stats.t(11).ppf(0.975) * gain.std(ddof=1) / np.sqrt(12)
    low, high = np.quantile(result, [0.025, 0.975])
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    assert (high - low) / 2 > 1.96 * gain.std(ddof=0) / np.sqrt(12)


def test_patients_are_the_unit() -> None:
    chance = np.random.default_rng(2)
    gain = np.repeat(chance.normal(0, 0.1, 20), 5)
    owner = [f"p{i // 5}" for i in range(100)]
    assert drawn(np.zeros(100), gain, owner).std() > 1.8 * drawn(np.zeros(100), gain, people(100)).std()


def test_one_patient_tells_nothing_of_patients() -> None:
    alone = drawn(np.zeros(3), np.full(3, 0.1), ["p"] * 3)
    assert np.isnan(alone).all()
    found = interval({"a": alone}, {"a": [0.1]}, rng(), one_fold(1))
    assert (found.mean, found.low, found.high) == (pytest.approx(0.1), None, None)


def test_the_only_patient_of_a_class_tells_nothing_of_patients() -> None:
    """However these four fall, the one positive wins or loses: no resampling varies, and that is not certainty."""
    truth = np.array([1.0, 0.0, 0.0, 0.0])
    right, wrong = (np.stack([1 - p, p], axis=1) for p in (0.2 + 0.6 * truth, 0.8 - 0.6 * truth))
    of_fold = [{"probabilities": each, "truth": truth} for each in (wrong, right)]
    alone = replicates(of_fold[:1], of_fold[1:], auroc, [people(4)], [0], "salt")
    assert np.isnan(alone).all()
    twice = [{key: np.concatenate([values, values]) for key, values in each.items()} for each in of_fold]
    both = replicates([of_fold[0], twice[0]], [of_fold[1], twice[1]], auroc, [people(4), people(8)], [0, 1], "salt")
    assert np.isnan(both[:, 0]).all()
    assert np.isfinite(both[:, 1]).any()


def test_strategies_are_drawn_alike_so_that_any_two_can_be_compared() -> None:
    chance = np.random.default_rng(3)
    base, one, other = (chance.uniform(0, 1, 20) for _ in range(3))
    from_base = [drawn(base, values, people(20)) for values in (one, other)]
    gains = one - other
    together = from_base[0] - from_base[1]
    assert together.std() == pytest.approx(gains.std(ddof=1) / np.sqrt(20) * np.sqrt(19 / 17), rel=0.1)
    same = drawn(base, base + gains, people(20))
    np.testing.assert_allclose(together, same, atol=1e-6)


def test_repeatable_but_not_without_the_scores() -> None:
    chance = np.random.default_rng(3)
    base, new, other = (chance.uniform(0, 1, 20) for _ in range(3))
    np.testing.assert_array_equal(drawn(base, new, people(20)), drawn(base, new, people(20)))
    salts = [secret("salt", [cases(base), cases(values)]) for values in (new, other)]
    once, again = (drawn(base, new, people(20), salt) for salt in salts)
    assert abs(np.corrcoef(once[:, 0], again[:, 0])[0, 1]) < 0.2
    elsewhere = drawn(other, other + new - base, people(20))
    assert abs(np.corrcoef(drawn(base, new, people(20))[:, 0], elsewhere[:, 0])[0, 1]) < 0.2


def test_whoever_knows_all_patients_but_one_cannot_count_how_often_that_one_was_drawn() -> None:
    """With ten seeds and eight patients each replicate of a plain bootstrap is solved for the eight counts of its draw.

    Counts are whole numbers, .39 of them 1, by which all scores are found where none is known. Normal numbers show the
    covariance of the seeds alone.
    """
    gains = np.random.default_rng(13).normal(0, 0.1, (8, 10))
    news = [cases(seed) for seed in gains.T]
    result = replicates([cases(np.zeros(8))] * 10, news, DICE, [people(8)] * 10, [0] * 10, "salt")
    apart = gains - gains.mean(axis=0)
    counts = (result - gains.mean(axis=0)) @ np.linalg.pinv(apart)
    assert (np.abs(counts) < 0.01 * counts.std(axis=0)).mean() < 0.02
    found = np.cov(result.T)
    np.testing.assert_allclose(found, apart.T @ apart / 7 / 8 * 7 / 5, atol=0.3 * float(found.diagonal().mean()))


def test_resamplings_without_a_class_cost_no_other_site_its_draws() -> None:
    """AUROC of eight cases, two positive: a tenth of the draws have none, and twelve such sites leave a mean of all."""
    truth = np.array([1.0, 1.0, *[0.0] * 6])
    sites = {}
    for site in range(12):
        scores = np.random.default_rng(site).uniform(size=(2, 8))
        base, new = ({"probabilities": np.stack([1 - each, each], axis=1), "truth": truth} for each in scores)
        sites[str(site)] = replicates([base], [new], auroc, [people(8)], [0], str(site))
    assert all(np.isfinite(values).all() for values in sites.values())
    found = estimate(sites, {site: [0.0] for site in sites}, rng(), one_fold(1))
    apart = np.sqrt(sum(values.var(dtype=np.float64) for values in sites.values())) / 12
    assert found.patients_se == pytest.approx(apart, rel=0.1)


def test_the_order_of_patients_does_not_matter_to_the_interval() -> None:
    chance = np.random.default_rng(4)
    gain = chance.normal(0.02, 0.1, 60)
    order = chance.permutation(60)
    found = [
        interval({"a": drawn(np.zeros(60), g, o)}, {"a": [float(gain.mean())]}, rng(), one_fold(1))
        for g, o in ((gain, people(60)), (gain[order], [people(60)[i] for i in order]))
    ]
    assert found[0].low == pytest.approx(found[1].low, abs=0.004)
    assert found[0].high == pytest.approx(found[1].high, abs=0.004)


def test_seeds_of_a_fold_share_their_patients_and_folds_do_not() -> None:
    chance = np.random.default_rng(5)
    gain = [chance.normal(0, 0.1, 20) for _ in range(2)]
    news = [cases(gain[fold]) for fold in (0, 1, 0, 1)]
    owners = [[f"{fold}-{name}" for name in people(20)] for fold in (0, 1, 0, 1)]
    result = replicates([cases(np.zeros(20))] * 4, news, DICE, owners, [0, 1, 0, 1], "salt")
    np.testing.assert_array_equal(result[:, 0], result[:, 2])
    assert abs(np.corrcoef(result[:, 0], result[:, 1])[0, 1]) < 0.2


def test_ranks_are_compared_within_a_fold() -> None:
    """Two folds whose models score on other scales: each ranks perfectly, all cases in one heap would not."""
    truth = np.array([0.0, 1.0] * 10)
    base: list[CaseScores] = []
    new: list[CaseScores] = []
    for shift in (0.0, 0.5):
        score = shift + 0.4 * truth
        new.append({"probabilities": np.stack([1 - score, score], axis=1), "truth": truth})
        base.append({"probabilities": np.full((20, 2), 0.5), "truth": truth})
    owners = [[f"{fold}-{name}" for name in people(20)] for fold in (0, 1)]
    result = replicates(base, new, auroc, owners, [0, 1], "salt")
    np.testing.assert_allclose(result[np.isfinite(result)], 0.5)


def test_interval_covers_as_often_as_it_says() -> None:
    chance = np.random.default_rng(4)
    covered = 0
    for _ in range(200):
        gains = {site: chance.normal(0.02, 0.1, 40) for site in "abc"}
        found = interval(
            {site: drawn(np.zeros(40), gain, people(40), str(gain[0])) for site, gain in gains.items()},
            {site: [float(gain.mean())] for site, gain in gains.items()},
            rng(),
            one_fold(1),
        )
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.02 <= found.high
    assert 0.89 <= covered / 200 <= 0.99


def test_seeds_widen_the_interval() -> None:
    flat = np.zeros((REPLICATES, 2), dtype=np.float32)
    apart = flat + np.array([-0.1, 0.1], dtype=np.float32)
    narrow = interval({"a": flat}, {"a": [0.0, 0.0]}, rng(), one_fold(2))
    wide = interval({"a": apart, "b": apart}, {"a": [-0.1, 0.1], "b": [-0.1, 0.1]}, rng(), one_fold(2), level=0.8)
    assert (narrow.low, narrow.high) == (0, 0)
    one_degree = stats.t(1).ppf(0.9) * np.std([-0.1, 0.1], ddof=1) / np.sqrt(2)
    assert (wide.low, wide.high) == (pytest.approx(-one_degree, rel=0.05), pytest.approx(one_degree, rel=0.05))


def test_seeds_that_differ_alike_everywhere_do_not_average_out_over_sites() -> None:
    """A lucky initialisation is lucky at every site; sites' own luck is averaged."""
    flat = {site: np.zeros((REPLICATES, 3), dtype=np.float32) for site in "abc"}
    joint = interval(flat, {site: [-0.1, 0.0, 0.1] for site in "abc"}, rng(), one_fold(3))
    own = {"a": [-0.1, 0.0, 0.1], "b": [0.0, 0.1, -0.1], "c": [0.1, -0.1, 0.0]}
    apart = interval(flat, own, rng(), one_fold(3))
    assert joint.high == pytest.approx(stats.t(2).ppf(0.975) * 0.1 / np.sqrt(3), rel=0.05)
    assert (apart.low, apart.high) == pytest.approx((0, 0), abs=1e-12)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_intervals_with_three_noisy_seeds_cover(noise: float) -> None:
    """With patients alone, both, and with nearly the seeds alone; resampled seeds would cover .75 of the last."""
    chance = np.random.default_rng(5)
    covered, runs = 0, 300
    for _ in range(runs):
        luck = chance.normal(0, noise, 3)
        gains = {site: chance.normal(0.02, 0.05, 40)[:, None] + luck + chance.normal(0, 0.01, (40, 3)) for site in "ab"}
        resampled = {
            site: replicates(
                [cases(np.zeros(40))] * 3, [cases(g) for g in gain.T], DICE, [people(40)] * 3, [0] * 3, str(gain[0])
            )
            for site, gain in gains.items()
        }
        means = {site: gain.mean(axis=0).tolist() for site, gain in gains.items()}
        found = interval(resampled, means, chance, one_fold(3))
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.02 <= found.high
    assert 0.92 <= covered / runs <= 1.0 if noise else 0.90 <= covered / runs <= 0.99


def test_without_patients_folds_give_nadeau_and_bengios_t() -> None:
    gains = [0.02, 0.05, -0.01, 0.04, 0.03]
    found = interval({"a": NOBODY}, {"a": gains}, rng(), FoldLayout(tuple(range(5)), 0.25))
    half = stats.t(4).ppf(0.975) * np.sqrt((1 / 5 + 1 / 4) * np.var(gains, ddof=1))
    assert found.high == pytest.approx(np.mean(gains) + half, rel=0.04)
    assert found.low == pytest.approx(np.mean(gains) - half, abs=0.04 * half)


def test_folds_that_differ_as_patients_do_leave_training_nothing() -> None:
    """The spread of folds' means is what patients explain: little is added to their part, nothing to its estimate."""
    chance = np.random.default_rng(6)
    part = chance.normal(0, 0.05, (REPLICATES, 5))
    means = [0.04, -0.04, 0.0, 0.04, -0.04]  # variance .0016 of .0025
    layout = FoldLayout(tuple(range(5)), 0.25)
    found = estimate({"a": part}, {"a": means}, rng(), layout)
    assert found.training_se == 0
    assert found.patients_se == pytest.approx(0.05 / np.sqrt(5), rel=0.1)
    usual = found.interval()
    assert usual.low is not None
    assert usual.high is not None
    plain = stats.norm.ppf(0.975) * 0.05 / np.sqrt(5)
    assert plain <= (usual.high - usual.low) / 2 < 1.8 * plain
    bengio = stats.t(4).ppf(0.975) * np.sqrt(0.45) * 0.05
    assert (usual.high - usual.low) / 2 < bengio


@pytest.mark.parametrize("training", [0.0, 0.05, 0.2])
def test_intervals_over_five_folds_cover(training: float) -> None:
    """Normal folds, patients of .05 a fold, trainings correlated by .2; docs/results/coverage.md has the whole."""
    chance = np.random.default_rng(7)
    layout = FoldLayout(tuple(range(5)), 0.25)
    covered, runs = 0, 300
    patients = chance.standard_normal((REPLICATES, 5)) * 0.05
    for _ in range(runs):
        luck = np.sqrt(0.2) * chance.standard_normal() + np.sqrt(0.8) * chance.standard_normal(5)
        means = 0.02 + 0.05 * chance.standard_normal(5) + training * luck
        found = interval({"a": means + patients}, {"a": means.tolist()}, chance, layout)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.02 <= found.high
    assert covered / runs >= 0.92


def test_a_second_cycle_of_folds_is_averaged_before_folds_are_compared() -> None:
    """Seeds 5 to 9 test on folds 0 to 4 again: five folds, not ten."""
    fives = [0.02, 0.05, -0.01, 0.04, 0.03]
    twice = [value + change for change in (-0.01, 0.01) for value in fives]
    one = interval({"a": NOBODY}, {"a": fives}, rng(), FoldLayout(tuple(range(5)), 0.25))
    two = interval({"a": np.empty((0, 10))}, {"a": twice}, rng(), FoldLayout((*range(5), *range(5)), 0.25))
    assert (one.mean, one.low, one.high) == pytest.approx((two.mean, two.low, two.high))


def test_swapping_flips_the_sign_and_the_order_of_sites_does_not_matter() -> None:
    chance = np.random.default_rng(8)
    resampled = {site: chance.normal(0.03, 0.02, (REPLICATES, 5)) for site in "ab"}
    means = {site: chance.normal(0.03, 0.01, 5).tolist() for site in "ab"}
    for layout in (one_fold(5), FoldLayout(tuple(range(5)), 0.25)):
        once = estimate(resampled, means, rng(), layout)
        swapped = {site: [-value for value in values] for site, values in means.items()}
        other = estimate({site: -values for site, values in resampled.items()}, swapped, rng(), layout).interval()
        usual = once.interval()
        assert usual.low is not None
        assert usual.high is not None
        assert (other.low, other.high) == (pytest.approx(-usual.high, abs=1e-3), pytest.approx(-usual.low, abs=1e-3))
        backwards = [{site: values[site] for site in "ba"} for values in (resampled, means)]
        assert estimate(*backwards, rng(), layout).interval() == usual  # type: ignore[arg-type]


def test_a_higher_level_is_wider_and_stands_in_the_interval() -> None:
    found = estimate({"a": np.random.default_rng(9).normal(0, 0.05, (REPLICATES, 1))}, {"a": [0.0]}, rng(), one_fold(1))
    usual, high = found.interval(), found.interval(0.99)
    assert usual.low is not None
    assert high.low is not None
    assert high.low < usual.low
    assert (usual.level, high.level) == (0.95, 0.99)
    assert high.low == pytest.approx(-stats.norm.ppf(0.995) * 0.05, rel=0.1)


@pytest.mark.parametrize("mean", [0.0, 0.04, 0.1, -0.15, 0.22])
def test_p_says_what_intervals_say(mean: float) -> None:
    """It is 1 minus the level at which the interval just reaches 0, far beyond what a thousand replicates show."""
    around = np.random.default_rng(10).normal(mean, 0.05, (REPLICATES, 1))
    found = estimate({"a": around}, {"a": [mean]}, rng(), one_fold(1))
    p = found.p_value
    assert p is not None
    assert p == pytest.approx(2 * stats.norm.sf(abs(mean) / 0.05), rel=0.4, abs=2e-4)
    assert p > 0
    for level in (0.9, 0.95, 0.999):
        ends = found.interval(level)
        assert ends.low is not None
        assert ends.high is not None
        assert (p < 1 - level) == (ends.low > 0 or ends.high < 0)


def test_resamplings_without_a_class_are_left_out() -> None:
    values = np.random.default_rng(11).normal(0.1, 0.02, (REPLICATES, 2)).astype(np.float32)
    holes = values.copy()
    holes[::3] = np.nan
    full, partly = (interval({"a": each}, {"a": [0.1, 0.1]}, rng(), one_fold(2)) for each in (values, holes))
    assert partly.low == pytest.approx(full.low, abs=0.005)


def test_missing_seeds_and_folds() -> None:
    means: list[float | None] = [0.1, None, 0.12, 0.08, None]
    values = np.random.default_rng(12).normal(0.1, 0.01, (REPLICATES, 5))
    values[:, [1, 4]] = np.nan
    for layout in (one_fold(5), FoldLayout(tuple(range(5)), 0.25)):
        found = interval({"a": values}, {"a": means}, rng(), layout)
        assert found.mean == pytest.approx(0.1)
        assert found.low is not None
        assert found.low < 0.1


def test_the_only_seed_of_several_is_not_taken_for_all() -> None:
    values = np.random.default_rng(13).normal(0.1, 0.01, (REPLICATES, 3))
    values[:, 1:] = np.nan
    found = interval({"a": values}, {"a": [0.1, None, None]}, rng(), one_fold(3))
    assert (found.mean, found.low) == (pytest.approx(0.1), None)


def test_undefined_is_null() -> None:
    nothing = interval({}, {}, rng(), one_fold(1))
    assert (nothing.mean, nothing.low, nothing.high) == (None, None, None)
    assert Estimate().p_value is None
    undefined = np.full((REPLICATES, 1), np.nan, dtype=np.float32)
    assert interval({"a": undefined}, {"a": [None]}, rng(), one_fold(1)).mean is None


def test_one_seed_without_patients_tells_nothing() -> None:
    found = estimate({"a": np.empty((0, 1))}, {"a": [0.3]}, rng(), one_fold(1))
    assert (found.mean, found.p_value, found.interval().low) == (0.3, None, None)
