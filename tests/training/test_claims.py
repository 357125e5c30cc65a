"""Words, Holm's correction, when to stop, and what is needed."""

import numpy as np
import pytest
from scipy import stats

from shiftscope.plans import Difference, Verdict
from shiftscope.plans.seed_schedule import Analysis, schedule
from shiftscope.training.evaluation import estimates
from shiftscope.training.evaluation.claims import decide, harmed_sites, holm, needed, verdict_on
from shiftscope.training.evaluation.estimates import Estimate, FoldLayout, estimate
from shiftscope.training.evaluation.patient_spreads import SeriesSpread

MARGIN = 0.01


def difference(mean: float, half: float, level: float = 0.95) -> Difference:
    return Difference(mean=mean, low=mean - half, high=mean + half, level=level)


def site(mean: float, error: float) -> Estimate:
    spread = SeriesSpread(np.array([[error**2]]), 1000)
    return estimate({"": spread}, {"": [mean]}, np.random.default_rng(1), FoldLayout((0,)))


@pytest.mark.parametrize(
    ("mean", "half", "verdict"),
    [
        (0.05, 0.04, "helped"),
        (0.009, 0.001, "no_difference"),
        (0.012, 0.011, "helped"),
        (0.009, 0.008, "undecided"),
        (-0.05, 0.04, "harmed"),
        (-0.05, 0.06, "undecided"),
        (0.0, 0.01, "no_difference"),
        (0.0, 0.0101, "undecided"),
    ],
)
def test_words(mean: float, half: float, verdict: Verdict) -> None:
    assert verdict_on(difference(mean, half), MARGIN) == verdict


def test_nothing_to_compare_is_undecided() -> None:
    assert verdict_on(Difference(), MARGIN) == "undecided"
    assert verdict_on(Difference(mean=0.5), MARGIN) == "undecided"


def test_holm_by_hand() -> None:
    """Four: .005 x 4; .01 x 3; .03 x 2; .04 x 1, not less than the one before."""
    adjusted = holm({"d": 0.04, "a": 0.005, "c": 0.03, "b": 0.01})
    assert adjusted == pytest.approx({"a": 0.02, "b": 0.03, "c": 0.06, "d": 0.06})
    assert list(adjusted) == ["d", "a", "c", "b"]
    assert holm({"a": 0.7, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({"a": 0.03}) == {"a": 0.03}
    assert holm({}) == {}


def test_fifty_sites_can_be_told_to_be_harmed() -> None:
    """The smallest p value times fifty has to come below .05."""
    sites = {f"site{i:02d}": site(0.0, 0.02) for i in range(49)} | {"hurt": site(-0.1, 0.02)}
    assert harmed_sites(sites, MARGIN) == ("hurt",)


def test_harm_is_more_than_the_margin_and_more_than_chance_among_all_sites() -> None:
    assert harmed_sites({"a": site(-0.009, 0.001)}, MARGIN) == ()
    assert harmed_sites({"a": site(0.1, 0.01)}, MARGIN) == ()
    barely = site(-0.045, 0.02)  # p about .024
    assert harmed_sites({"a": barely}, MARGIN) == ("a",)
    assert harmed_sites({"a": barely, "b": site(0, 0.02), "c": site(0, 0.02)}, MARGIN) == ()
    assert harmed_sites({"a": Estimate(-0.5), "b": Estimate()}, MARGIN) == ()


def parts(mean: float, patients: float, training: float) -> Estimate:
    return Estimate(mean, patients_se=patients, training_se=training)


@pytest.mark.parametrize(
    ("mean", "half", "patients", "training", "step"),
    [
        (0.05, 0.04, 0.01, 0.01, "stop"),  # helped
        (0.0, 0.009, 0.003, 0.001, "stop"),  # no difference
        (0.05, 0.1, 0.01, 0.02, "go on"),  # wide for want of seeds
        (0.05, 0.1, 0.04, 0.001, "stop"),  # wide for want of patients
        (0.05, 0.15, 0.04, 0.05, "go on"),  # too few patients for .05, and it may come to be more
        (0.0, 0.1, 0.003, 0.02, "go on"),  # may come to be within the margin
        (0.0, 0.1, 0.02, 0.005, "stop"),
    ],
)
def test_seeds_until_decided(mean: float, half: float, patients: float, training: float, step: str) -> None:
    first, *later = schedule(1)
    found = difference(mean, half, first.level)
    assert decide(found, parts(mean, patients, training), MARGIN, later) == step
    assert decide(found, parts(mean, patients, training), MARGIN, []) == "stop"


def test_nothing_to_compare_needs_no_more_seeds() -> None:
    assert decide(Difference(), Estimate(), MARGIN, [Analysis(10, 0.975)]) == "stop"
    assert needed(Difference(), None, None, 3, 40, MARGIN).model_dump() == {"seeds": None, "patients": None}


def test_decided_needs_nothing() -> None:
    assert needed(difference(0.05, 0.01), 0.005, 0.001, 3, 40, MARGIN).seeds is None
    assert needed(difference(0.05, 0.01), 0.005, 0.001, 3, 40, MARGIN).patients is None


def test_patients_are_what_is_missing() -> None:
    """(z se)² n / n' < mean²: of .05 and an error of .04, 2.46 times as many."""
    found = needed(difference(0.05, 0.0784), 0.04, 0.0, 3, 100, MARGIN)
    assert (found.seeds, found.patients) == (None, int(np.ceil(100 * (stats.norm.ppf(0.975) * 0.04 / 0.05) ** 2)))


def test_an_interval_wider_than_its_parts_needs_more_patients() -> None:
    """Over folds: 1.8 times as wide takes 1.8² as many."""
    half = float(stats.norm.ppf(0.975)) * 0.04
    plain, wide = (needed(difference(0.05, half * times), 0.04, 0.0, 5, 100, MARGIN) for times in (1, 1.8))
    assert plain.patients is not None
    assert wide.patients == pytest.approx(1.8**2 * plain.patients, abs=4)


def test_seeds_that_are_needed_are_seeds_that_a_plan_of_folds_can_have() -> None:
    plain, folded = (needed(difference(0.05, 0.09), 0.001, 0.02, 5, 100, MARGIN, folds).seeds for folds in (1, 5))
    assert plain is not None
    assert folded == 5 * -(-plain // 5)


def test_seeds_are_what_is_missing() -> None:
    found = needed(difference(0.05, 0.09), 0.001, 0.02, 3, 100, MARGIN)
    enough = [
        count
        for count in range(3, 20)
        if np.hypot(1.96 * 0.001, 0.02 * np.sqrt(3 / count) * stats.t(count - 1).ppf(0.975)) < 0.05
    ]
    assert found.seeds == enough[0]
    assert found.patients is None  # the seeds there are leave .086 open, whatever the number of patients


def test_seeds_are_named_alone_where_they_would_do() -> None:
    found = needed(difference(0.05, 0.07), 0.02, 0.01, 3, 100, MARGIN)
    assert found.seeds is not None
    assert found.patients is None


def test_both_may_be_missing() -> None:
    found = needed(difference(0.05, 0.2), 0.04, 0.03, 3, 100, MARGIN)
    assert found.seeds is not None
    assert found.patients is not None
    half = np.hypot(
        stats.norm.ppf(0.975) * 0.04 * np.sqrt(100 / found.patients),
        0.03 * np.sqrt(3 / found.seeds) * stats.t(found.seeds - 1).ppf(0.975),
    )
    assert half <= 0.05 + 1e-9


@pytest.mark.parametrize("mean", [0.01, 0.0099999])
def test_a_mean_on_the_margin_is_never_decided(mean: float) -> None:
    assert needed(difference(mean, 0.05), 0.02, 0.001, 3, 100, MARGIN).model_dump() == {"seeds": None, "patients": None}


def test_a_higher_level_needs_more() -> None:
    usual, high = (needed(difference(0.02, 0.05, level), 0.03, 0.0, 3, 100, MARGIN).patients for level in (0.95, 0.99))
    assert usual is not None
    assert high is not None
    assert high > usual


def test_looking_again_and_giving_up_err_no_more_than_one_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    """No true difference, trainings that spread as patients do: at most .05 of runs say there is one, and chance."""
    monkeypatch.setattr(estimates, "DRAWS", 2000)
    chance = np.random.default_rng(20261129)
    false, naive, runs = 0, 0, 400
    for _ in range(runs):
        means = 0.02 * chance.standard_normal() + 0.02 * chance.standard_normal(10)
        words, plain = [], []
        analyses = schedule(1)
        for number, analysis in enumerate(analyses):
            part = means[: analysis.seeds]
            spread = SeriesSpread(np.full((len(part), len(part)), 0.02**2), 1000)
            found = estimate({"": spread}, {"": part.tolist()}, chance, FoldLayout((0,) * len(part)))
            plain.append(verdict_on(found.interval(), MARGIN))
            if "stop" not in words:
                claim = found.interval(analysis.level)
                last = verdict_on(claim, MARGIN)
                words.append(decide(claim, found, MARGIN, analyses[number + 1 :]))
        false += last in ("helped", "harmed")
        naive += any(each in ("helped", "harmed") for each in plain)
    assert false / runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)
    assert naive > false
