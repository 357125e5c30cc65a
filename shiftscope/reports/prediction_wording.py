"""What advice is expected to gain, and how a measured gain compares with it, in the words that sheets and report
share."""

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.plans import Difference, PlannedGain, RunResult
from shiftscope.recommendation import ExpectedGain, PredictedGain, Recommendation
from shiftscope.reports.score_texts import change
from shiftscope.reports.sheet import Grid
from shiftscope.reports.wording import method

__all__ = ["certainty_words", "expected_words", "is_advised", "kept_promise", "predicted_action", "predictions"]

_SUREST = 0.99
"""No certainty is said to be higher."""


def expected_words(gain: ExpectedGain | PlannedGain) -> str:
    """+0.021, 80 % [-0.004, +0.046]."""
    return f"{gain.mean:+.3f}, 80 % [{gain.low:+.3f}, {gain.high:+.3f}]"


def certainty_words(recommendation: Recommendation) -> str:
    """How sure it is that nothing else gains more, or how likely it is that something does where that is rehearsed; ""
    where nothing could be compared."""
    sure = recommendation.certainty
    if sure is None:
        return ""
    if recommendation.action == "rehearse":
        return f"chance of a gain {number(min(1 - sure, _SUREST))}"
    return f"certainty {number(min(sure, _SUREST))}"


def predicted_action(item: PredictedGain) -> str:
    """What to do, and with which methods."""
    return "each site alone" if item.action == "own_model" else method(item)


def is_advised(item: PredictedGain, recommendation: Recommendation) -> bool:
    """Whether it is what is advised."""
    return (item.action, item.harmonizer, item.personalizer) == (
        recommendation.action,
        recommendation.harmonizer,
        recommendation.personalizer,
    )


def predictions(title: str, recommendation: Recommendation, most: int | None = None) -> Grid:
    """What each action is expected to gain, the cheapest first; without rows where nothing could be compared.

    Args:
        title: of the table.
        recommendation: of an advice.
        most: rows, what is advised and the largest gains; plain FedAvg, against which all are measured, is left out.
            None for every action.
    """
    shown = list(recommendation.predicted)
    if most is not None:
        others = [item for item in shown if item.action != "pool"]
        others.sort(key=lambda item: (not is_advised(item, recommendation), -item.gain.mean))
        shown = [item for item in shown if item in others[:most]]
    rows = [
        (
            predicted_action(item),
            f"{item.gain.mean:+.3f}",
            f"{item.gain.low:+.3f} to {item.gain.high:+.3f}",
            f"{item.harm:.0%}",
            f"x {number(item.cost)}",
        )
        for item in shown
    ]
    return Grid(title, ("expected over FedAvg", "gain#", "80 % of runs", "harms a site#", "computing#"), rows)


def kept_promise(result: RunResult) -> str:
    """The gain the plan's strategy was expected to have, the one measured, and whether they agree; "" without both."""
    expected, measured = result.plan.expected, result.difference
    if expected is None or measured.mean is None:
        return ""
    return f"predicted {expected_words(expected)}; measured {change(measured)}: {_agreement(expected, measured)}"


def _agreement(expected: PlannedGain, measured: Difference) -> str:
    """The mean decides that it came as predicted, its interval that it did not."""
    mean, low, high = measured.mean, measured.low, measured.high
    if mean is not None and expected.low <= mean <= expected.high:
        return "as predicted"
    if low is not None and low > expected.high:
        return "more than predicted"
    if high is not None and high < expected.low:
        return "less than predicted"
    return "cannot be told yet"
