"""What each action is expected to gain, drawn, and what a run measured beside it."""

from shiftscope.plans import PlannedGain
from shiftscope.recommendation import Recommendation
from shiftscope.reports.html.figures.figure import Figure
from shiftscope.reports.html.figures.intervals import IntervalRow, draw_intervals
from shiftscope.reports.html.material import Material
from shiftscope.reports.prediction_wording import (
    certainty_words,
    expected_words,
    is_advised,
    kept_promise,
    predicted_action,
    predictions,
)
from shiftscope.reports.run_wording import advice_of
from shiftscope.reports.score_texts import change, gain_interval, level
from shiftscope.reports.sheet import Grid

__all__ = ["predicted_gains"]


def predicted_gains(material: Material) -> Figure | None:
    """Every action's expected gain over plain FedAvg; None where nothing could be compared.

    Where a run trained what its plan predicted, the measured gain stands below.
    """
    advice, result = material.advice, material.result
    if advice is None or not advice.recommendation.predicted:
        return None
    recommendation, title = advice.recommendation, "What each action is expected to gain"
    table = predictions(title, recommendation)
    rows = [
        IntervalRow(
            predicted_action(item),
            item.gain.mean,
            item.gain.low,
            item.gain.high,
            expected_words(item.gain),
            strong=is_advised(item, recommendation),
        )
        for item in recommendation.predicted
        if item.action != "pool"  # what all are compared with: 0
    ]
    promise = "" if result is None else kept_promise(result)
    another = "" if result is None else _another(result.plan.expected, recommendation)
    if result is not None and promise:
        found = result.difference
        mean, low, high = found.mean or 0.0, found.low, found.high
        if low is not None and high is not None:
            rows.append(IntervalRow("measured", mean, low, high, change(found), strong=False))
        measured = (
            f"measured: {advice_of(result.plan)}",
            f"{mean:+.3f}",
            f"{gain_interval(found)} ({level(found)})",
            "",
            "",
        )
        table = Grid(table.title, table.columns, [*table.rows, measured])
    says = (
        "Over plain FedAvg, mean over sites: the mark is what is expected, its line where 80 of 100 runs would end."
        " Left of 0 it would do harm."
        f"{' A diamond is what is advised.' if any(row.strong for row in rows) else ''}"
        f"{_how_sure(recommendation)}"
        f"{f' In training: {promise}.{another}' if promise else ''}"
    )
    svg = draw_intervals(rows, "predicted", title, says, "gain over plain FedAvg (Dice or AUROC)")
    return Figure("predicted", title, says, svg, table)


def _how_sure(recommendation: Recommendation) -> str:
    sure = certainty_words(recommendation)
    if recommendation.action == "rehearse":
        return f" The {sure}: that something gains clearly more than plain FedAvg, which a rehearsal measures."
    return f" It is said with {sure}: the chance that nothing else gains clearly more." if sure else ""


def _another(expected: PlannedGain | None, recommendation: Recommendation) -> str:
    """That a plan predicted something else than is drawn of its strategy; "" where it did not."""
    if expected is None:
        return ""
    asked = expected.harmonizer, expected.personalizer
    drawn = [
        expected_words(item.gain)
        for item in recommendation.predicted
        if item.action != "own_model" and (item.harmonizer, item.personalizer) == asked
    ]
    if expected_words(expected) in drawn:
        return ""
    return " The plan was made with a rehearsal or by another version: what it predicted is not what is drawn here."
