"""What the advice is expected to gain is shown beside what was measured, and the two are compared honestly."""

import pytest
from decided_runs import decided_run
from screens import drawn, require_screen

from shiftscope.diagnosis import AxisVerdict, Diagnosis
from shiftscope.measures.question_names import QUESTIONS
from shiftscope.plans import Difference, PlannedGain
from shiftscope.recommendation import Advice, AdvisedCost, Recommendation, SiteSize
from shiftscope.recommendation.advice_documents import ExpectedGain, PredictedGain
from shiftscope.recommendation.prediction.advice_policy import Network
from shiftscope.reports.prediction_wording import kept_promise
from shiftscope.reports.sheets.advice_sheet import advice_sheet
from shiftscope.reports.sheets.result_sheet import result_sheet
from shiftscope.reports.wording import advised, next_command

EXPECTED = PlannedGain(harmonizer="zscore", personalizer="fedper", mean=0.02, low=0.0, high=0.04)

PREDICTED = (
    PredictedGain(
        action="pool", harmonizer=None, personalizer=None, gain=ExpectedGain(mean=0, low=0, high=0), harm=0, cost=1
    ),
    PredictedGain(
        action="harmonize",
        harmonizer="zscore",
        personalizer=None,
        gain=ExpectedGain(mean=0.021, low=-0.004, high=0.046),
        harm=0.03,
        cost=1,
    ),
    PredictedGain(
        action="own_model",
        harmonizer=None,
        personalizer=None,
        gain=ExpectedGain(mean=-0.08, low=-0.13, high=-0.03),
        harm=0.9,
        cost=1,
    ),
)


def advice_of(*, rehearse: bool = False, network: Network = "pretrained") -> Advice:
    diagnosis = Diagnosis(
        kind="none",
        axes={question: AxisVerdict() for question in QUESTIONS},
        pairs=(),
        by_site={},
        evidence=(),
        removed=(),
        caveats=(),
    )
    recommendation = Recommendation(
        action="rehearse" if rehearse else "harmonize",
        harmonizer=None if rehearse else "zscore",
        personalizer=None,
        because=("the expected gains in a sentence", "zscore removes 90% of the difference"),
        undecided=(),
        alternatives=(),
        cost=AdvisedCost(bytes=0, compute=1.0),
        network=network,
        predicted=PREDICTED,
        certainty=0.999,
    )
    sites = tuple(SiteSize(site=name, patients=40, cases=40) for name in "ab")
    return Advice(sites=sites, diagnosis=diagnosis, recommendation=recommendation)


@pytest.mark.parametrize(
    ("mean", "low", "high", "says"),
    [
        (0.03, 0.01, 0.05, "as predicted"),
        (0.04, 0.035, 0.045, "as predicted"),
        (0.06, 0.041, 0.08, "more than predicted"),
        (-0.05, -0.09, -0.01, "less than predicted"),
        (0.06, 0.03, 0.09, "cannot be told yet"),
        (-0.01, -0.03, 0.01, "cannot be told yet"),
        (0.06, None, None, "cannot be told yet"),
    ],
)
def test_a_measured_gain_is_held_against_the_predicted_one(
    mean: float, low: float | None, high: float | None, says: str
) -> None:
    measured = Difference(mean=mean, low=low, high=high)
    result = decided_run(("take_part",) * 2, "undecided", plan={"predicted": EXPECTED}, difference=measured)
    sentence = kept_promise(result)
    assert sentence.startswith(f"predicted +0.020, 80 % [+0.000, +0.040]; measured {mean:+.3f}")
    assert sentence.endswith(f": {says}")
    for verbose in (False, True):
        text = " ".join(" ".join(drawn(result_sheet(result, verbose=verbose))).split())
        assert sentence in text


def test_a_plan_of_another_strategy_was_promised_nothing() -> None:
    other = EXPECTED.model_copy(update={"personalizer": "fedbn"})
    assert kept_promise(decided_run(("take_part",), plan={"predicted": other})) == ""
    assert kept_promise(decided_run(("take_part",))) == ""
    assert (
        kept_promise(decided_run(("take_part",), "undecided", plan={"predicted": EXPECTED}, difference=Difference()))
        == ""
    )


def test_expected_gains_are_on_the_first_screen() -> None:
    lines = require_screen(advice_sheet(advice_of(), plan="plan.toml"))
    assert "recommendation: harmonize (zscore), certainty 0.99" in lines
    (row,) = [line.split() for line in lines if line.startswith(" harmonize (zscore)")]
    assert row == ["harmonize", "(zscore)", "+0.021", "-0.004", "to", "+0.046", "3%", "x", "1.0"]
    assert any(line.startswith(" each site alone") and "-0.080" in line and "90%" in line for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "the expected gains in a sentence" not in text
    assert "harmonize the images" in text
    assert "zscore removes 90%" in text


def test_before_a_rehearsal_it_is_told_how_likely_a_gain_is() -> None:
    """A small certainty that nothing gains reads as if the rehearsal were uncertain."""
    advice = advice_of(rehearse=True)
    unsure = advice.recommendation.model_copy(update={"certainty": 0.28})
    lines = require_screen(advice_sheet(advice.model_copy(update={"recommendation": unsure}), plan="plan.toml"))
    assert "recommendation: rehearse, chance of a gain 0.72" in lines


def test_verbose_holds_the_baseline_too_and_every_reason() -> None:
    lines = drawn(advice_sheet(advice_of(), verbose=True))
    assert any(line.startswith(" pool ") for line in lines)
    assert any("the expected gains in a sentence" in line for line in lines)


@pytest.mark.parametrize(
    ("network", "option"), [("pretrained", ""), ("random", " --network random"), ("frozen", " --network frozen")]
)
def test_the_next_steps_name_the_network_and_the_rehearsal(network: Network, option: str) -> None:
    rehearsed = advice_of(rehearse=True, network=network).recommendation
    assert advised(rehearsed) == "rehearse first: what gains most cannot be told from profiles"
    assert list(next_command(rehearsed, "a plan.toml")) == [
        "shiftscope rehearse 'a plan.toml' --data SITE=DIR ...",
        "shiftscope recommend ... --rehearsal 'runs/a plan-rehearsal/rehearsal.json' -o 'a plan.toml'",
    ]
    assert next_command(rehearsed, None)[0] == f"shiftscope recommend ...{option} -o plan.toml"
    sure = advice_of(network=network).recommendation
    assert list(next_command(sure, None)) == [
        f"shiftscope recommend ...{option} -o plan.toml",
        "shiftscope train plan.toml --data SITE=DIR ...",
    ]
